// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the paravirtual disk: what is refused of the host's word, and what
 * requests look like to it.
 */
#include <kunit/test.h>
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/slab.h>
#include <linux/virtio_byteorder.h>

#include "../pvblk.h"

/* Model */

struct model_case {
	const char	*name;
	void		(*spoil)(struct pvblk_model *m);
	const char	*why;
};

static void spoil_nothing(struct pvblk_model *m) { }
static void spoil_version(struct pvblk_model *m) { m->version = cpu_to_le32(2); }
static void spoil_none(struct pvblk_model *m) { m->nr_devices = 0; }
static void spoil_many(struct pvblk_model *m) { m->nr_devices = cpu_to_le32(9); }
static void spoil_ones(struct pvblk_model *m) { m->nr_devices = cpu_to_le32(U32_MAX); }
static void spoil_no_name(struct pvblk_model *m) { m->devices[1].name[0] = 0; }
static void spoil_digit(struct pvblk_model *m) { m->devices[1].name[0] = '1'; }
static void spoil_upper(struct pvblk_model *m) { m->devices[0].name[1] = 'I'; }
static void spoil_line(struct pvblk_model *m) { m->devices[0].name[4] = '\n'; }
static void spoil_dot(struct pvblk_model *m) { m->devices[0].name[4] = '.'; }
static void spoil_twice(struct pvblk_model *m) { m->devices[1] = m->devices[0]; }

static void spoil_end(struct pvblk_model *m)
{
	memset(m->devices[0].name, 'x', PVBLK_NAME_LEN);
}

static void spoil_longest(struct pvblk_model *m)
{
	memset(m->devices[0].name, 'x', PVBLK_NAME_LEN - 1);
}

static void spoil_request(struct pvblk_model *m)
{
	m->devices[0].max_request_pj = cpu_to_le64(PVBLK_MAX_REQUEST_PJ + 1);
}

static void spoil_byte(struct pvblk_model *m)
{
	m->devices[1].max_byte_pj = cpu_to_le64(U64_MAX);
}

static void spoil_reserved(struct pvblk_model *m)
{
	m->reserved[6] = cpu_to_le64(U64_MAX);
	m->devices[0].flags = cpu_to_le64(U64_MAX);
	m->devices[0].reserved = cpu_to_le64(U64_MAX);
}

static void spoil_unused(struct pvblk_model *m)
{
	memset(&m->devices[2], 0xff, sizeof(m->devices[2]));
}

static const struct model_case model_cases[] = {
	{ "good", spoil_nothing },
	{ "longest name", spoil_longest },
	{ "later use of reserved fields", spoil_reserved },
	{ "garbage beyond the devices", spoil_unused },
	{ "version", spoil_version, "unknown version" },
	{ "no devices", spoil_none, "number of devices out of range" },
	{ "too many devices", spoil_many, "number of devices out of range" },
	{ "all ones", spoil_ones, "number of devices out of range" },
	{ "no name", spoil_no_name, "bad device name" },
	{ "name begins with digit", spoil_digit, "bad device name" },
	{ "name with capital", spoil_upper, "bad device name" },
	{ "name of two lines", spoil_line, "bad device name" },
	{ "name with dot", spoil_dot, "bad device name" },
	{ "name without end", spoil_end, "bad device name" },
	{ "name twice", spoil_twice, "device named twice" },
	{ "bound of a request", spoil_request, "bound of the costs out of range" },
	{ "bound of a byte", spoil_byte, "bound of the costs out of range" },
};

KUNIT_ARRAY_PARAM_DESC(model, model_cases, name);

static void test_model(struct kunit *test)
{
	const struct model_case *c = test->param_value;
	struct pvblk_model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, m);
	m->version = cpu_to_le32(PVBLK_VERSION);
	m->nr_devices = cpu_to_le32(2);
	m->devices[0] = (struct pvblk_device){
		.name		= "disk-0_a",
		.max_request_pj	= cpu_to_le64(PVBLK_MAX_REQUEST_PJ),
	};
	m->devices[1] = (struct pvblk_device){
		.name		= "n",
		.max_byte_pj	= cpu_to_le64(PVBLK_MAX_BYTE_PJ),
	};
	c->spoil(m);
	KUNIT_EXPECT_STREQ(test, pvblk_check_model(m) ?: "good", c->why ?: "good");
}

/* Costs */

static const struct pvblk_costs two_devices = {
	.nr		= 2,
	.device		= { 3, 1 },
	.bound		= { { 1000, 2 }, { 50, 0 } },
};

static void test_costs_within_bounds(struct kunit *test)
{
	u64 cost_pj[PVBLK_MAX_DEVICES];
	struct pvblk_reply reply = {
		.access_pj = { cpu_to_le64(1000 + 2 * 512), cpu_to_le64(50) },
	};

	KUNIT_EXPECT_EQ(test, 0, pvblk_take_costs(&two_devices, &reply, 512, cost_pj));
	KUNIT_EXPECT_EQ(test, cost_pj[0], 2024);
	KUNIT_EXPECT_EQ(test, cost_pj[1], 50);
}

/* One device's impossible cost says nothing about the other's. */
static void test_costs_refused(struct kunit *test)
{
	u64 cost_pj[PVBLK_MAX_DEVICES];
	struct pvblk_reply reply = {
		.access_pj = { cpu_to_le64(1000 + 2 * 512 + 1), cpu_to_le64(7) },
	};

	KUNIT_EXPECT_EQ(test, BIT(0),
			pvblk_take_costs(&two_devices, &reply, 512, cost_pj));
	KUNIT_EXPECT_EQ(test, cost_pj[0], 0);
	KUNIT_EXPECT_EQ(test, cost_pj[1], 7);

	/* A flush has no bytes. */
	reply.access_pj[0] = cpu_to_le64(1001);
	reply.access_pj[1] = cpu_to_le64(U64_MAX);
	KUNIT_EXPECT_EQ(test, BIT(0) | BIT(1),
			pvblk_take_costs(&two_devices, &reply, 0, cost_pj));
	KUNIT_EXPECT_EQ(test, cost_pj[0], 0);
	KUNIT_EXPECT_EQ(test, cost_pj[1], 0);
}

static void test_costs_nobody_named(struct kunit *test)
{
	u64 cost_pj[PVBLK_MAX_DEVICES] = {};
	static const struct pvblk_costs none;
	struct pvblk_reply reply = {
		.access_pj = { 0, cpu_to_le64(1), cpu_to_le64(1), cpu_to_le64(U64_MAX) },
	};

	KUNIT_EXPECT_EQ(test, 0, pvblk_take_costs(&two_devices, &reply, 0, cost_pj));
	KUNIT_EXPECT_EQ(test, cost_pj[0], 0);
	KUNIT_EXPECT_EQ(test, cost_pj[1], 1);
	KUNIT_EXPECT_EQ(test, cost_pj[2], 0);
	KUNIT_EXPECT_EQ(test, 0, pvblk_take_costs(&none, &reply, 0, cost_pj));
}

static void test_costs_largest(struct kunit *test)
{
	const u64 bound = PVBLK_MAX_REQUEST_PJ + UINT_MAX * PVBLK_MAX_BYTE_PJ;
	u64 cost_pj[PVBLK_MAX_DEVICES];
	struct pvblk_reply reply = {};
	struct pvblk_costs c = { .nr = PVBLK_MAX_DEVICES };
	unsigned int i;

	for (i = 0; i < PVBLK_MAX_DEVICES; i++) {
		c.bound[i].max_request_pj = PVBLK_MAX_REQUEST_PJ;
		c.bound[i].max_byte_pj = PVBLK_MAX_BYTE_PJ;
		reply.access_pj[i] = cpu_to_le64(bound);
	}
	KUNIT_EXPECT_EQ(test, 0, pvblk_take_costs(&c, &reply, UINT_MAX, cost_pj));
	KUNIT_EXPECT_EQ(test, cost_pj[7], bound);
	reply.access_pj[7] = cpu_to_le64(bound + 1);
	KUNIT_EXPECT_EQ(test, BIT(7), pvblk_take_costs(&c, &reply, UINT_MAX, cost_pj));
}

/* Requests */

struct header_case {
	const char	*name;
	enum req_op	op;
	u32		type;
	bool		has_sector;
};

static const struct header_case header_cases[] = {
	{ "read", REQ_OP_READ, VIRTIO_BLK_T_IN, true },
	{ "write", REQ_OP_WRITE, VIRTIO_BLK_T_OUT, true },
	{ "flush", REQ_OP_FLUSH, VIRTIO_BLK_T_FLUSH, false },
	{ "discard", REQ_OP_DISCARD, VIRTIO_BLK_T_DISCARD, false },
	{ "write zeroes", REQ_OP_WRITE_ZEROES, VIRTIO_BLK_T_WRITE_ZEROES, false },
	{ "model", REQ_OP_DRV_IN, PVBLK_T_MODEL, false },
};

KUNIT_ARRAY_PARAM_DESC(header, header_cases, name);

static int errno_of(const struct pvblk_reply *reply)
{
	return blk_status_to_errno(pvblk_status(reply));
}

static void test_header(struct kunit *test)
{
	const struct header_case *c = test->param_value;
	struct pvblk_request pr = { .own_type = PVBLK_T_MODEL };
	int costs;

	for (costs = 0; costs < 2; costs++) {
		memset(&pr.reply, 0, sizeof(pr.reply));
		KUNIT_EXPECT_EQ(test, 0,
				pvblk_set_header(&pr, c->op, 1ULL << 40, 0x4005, costs));
		KUNIT_EXPECT_EQ(test, __virtio32_to_cpu(true, pr.header.type),
				c->type | (costs ? PVBLK_T_COST : 0));
		KUNIT_EXPECT_EQ(test, __virtio32_to_cpu(true, pr.header.ioprio), 0x4005);
		KUNIT_EXPECT_EQ(test, __virtio64_to_cpu(true, pr.header.sector),
				c->has_sector ? 1ULL << 40 : 0);
		/* Data goes the way that the type's lowest bit says. */
		KUNIT_EXPECT_EQ(test, c->type & VIRTIO_BLK_T_OUT,
				op_is_write(c->op) && c->op != REQ_OP_FLUSH);
		KUNIT_EXPECT_EQ(test, errno_of(&pr.reply), -EIO);
	}
}

static void test_header_unsupported(struct kunit *test)
{
	struct pvblk_request pr = {};

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			pvblk_set_header(&pr, REQ_OP_ZONE_APPEND, 0, 0, true));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			pvblk_set_header(&pr, REQ_OP_DRV_OUT, 0, 0, true));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			pvblk_set_header(&pr, REQ_OP_SECURE_ERASE, 0, 0, false));
}

/* What the device does not write is neither success nor a cost. */
static void test_reply(struct kunit *test)
{
	u64 cost_pj[PVBLK_MAX_DEVICES];
	struct pvblk_reply reply;

	memset(&reply, 0xff, sizeof(reply));
	KUNIT_EXPECT_EQ(test, errno_of(&reply), -EIO);
	pvblk_blank_reply(&reply);
	KUNIT_EXPECT_EQ(test, errno_of(&reply), -EIO);
	KUNIT_EXPECT_EQ(test, 0, pvblk_take_costs(&two_devices, &reply, 0, cost_pj));
	KUNIT_EXPECT_EQ(test, cost_pj[0], 0);
	KUNIT_EXPECT_EQ(test, cost_pj[1], 0);
	reply.status = VIRTIO_BLK_S_OK;
	KUNIT_EXPECT_EQ(test, errno_of(&reply), 0);
	reply.status = VIRTIO_BLK_S_UNSUPP;
	KUNIT_EXPECT_EQ(test, errno_of(&reply), -EOPNOTSUPP);
}

#define NR_BIOS	3

/* Of bios of 1, 2 and 3 sectors, 100 sectors apart. */
static struct request *new_request(struct kunit *test, blk_opf_t opf)
{
	struct request *rq = kunit_kzalloc(test, sizeof(*rq), GFP_KERNEL);
	struct bio *bios = kunit_kcalloc(test, NR_BIOS, sizeof(*bios), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, rq);
	KUNIT_ASSERT_NOT_NULL(test, bios);
	for (i = 0; i < NR_BIOS; i++) {
		bios[i].bi_iter.bi_sector = 100 * (i + 1);
		bios[i].bi_iter.bi_size = (i + 1) << SECTOR_SHIFT;
		bios[i].bi_next = i + 1 < NR_BIOS ? &bios[i + 1] : NULL;
		rq->__data_len += bios[i].bi_iter.bi_size;
	}
	rq->cmd_flags = opf;
	rq->__sector = bios->bi_iter.bi_sector;
	rq->bio = bios;
	rq->biotail = &bios[NR_BIOS - 1];
	return rq;
}

static void expect_range(struct kunit *test,
			 const struct virtio_blk_discard_write_zeroes *range,
			 u64 sector, u32 nr_sectors, u32 flags)
{
	KUNIT_EXPECT_EQ(test, le64_to_cpu(range->sector), sector);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(range->num_sectors), nr_sectors);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(range->flags), flags);
}

static void test_ranges(struct kunit *test)
{
	struct request *rq = new_request(test, REQ_OP_DISCARD);
	struct virtio_blk_discard_write_zeroes ranges[NR_BIOS + 1] = {};

	KUNIT_EXPECT_EQ(test, 0, pvblk_pack_ranges(rq, ranges, NR_BIOS));
	expect_range(test, &ranges[0], 100, 1, 0);
	expect_range(test, &ranges[1], 200, 2, 0);
	expect_range(test, &ranges[2], 300, 3, 0);
	expect_range(test, &ranges[3], 0, 0, 0);
}

/* Never beyond the array, whatever the bios. */
static void test_ranges_miscounted(struct kunit *test)
{
	struct request *rq = new_request(test, REQ_OP_DISCARD);
	struct virtio_blk_discard_write_zeroes ranges[NR_BIOS + 1] = {};

	KUNIT_EXPECT_EQ(test, -EINVAL, pvblk_pack_ranges(rq, ranges, NR_BIOS - 1));
	expect_range(test, &ranges[2], 0, 0, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, pvblk_pack_ranges(rq, ranges, NR_BIOS + 1));
}

static void test_ranges_adjacent(struct kunit *test)
{
	struct request *rq = new_request(test, REQ_OP_DISCARD);
	struct virtio_blk_discard_write_zeroes ranges[2] = {};

	KUNIT_EXPECT_EQ(test, 0, pvblk_pack_ranges(rq, ranges, 1));
	expect_range(test, &ranges[0], 100, 1 + 2 + 3, 0);
	expect_range(test, &ranges[1], 0, 0, 0);
}

static void test_ranges_zeroes(struct kunit *test)
{
	struct request *rq = new_request(test, REQ_OP_WRITE_ZEROES);
	struct virtio_blk_discard_write_zeroes range;

	KUNIT_EXPECT_EQ(test, 0, pvblk_pack_ranges(rq, &range, 1));
	expect_range(test, &range, 100, 6, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	rq->cmd_flags |= REQ_NOUNMAP;
	KUNIT_EXPECT_EQ(test, 0, pvblk_pack_ranges(rq, &range, 1));
	expect_range(test, &range, 100, 6, 0);
}

/* Configuration */

static void test_limits_of_nothing(struct kunit *test)
{
	struct pvblk_config c = {};
	struct queue_limits lim = {};

	KUNIT_EXPECT_NULL(test, pvblk_set_limits(&c, 128, SIZE_MAX, &lim));
	KUNIT_EXPECT_EQ(test, lim.logical_block_size, SECTOR_SIZE);
	KUNIT_EXPECT_EQ(test, lim.max_segments, 1);
	KUNIT_EXPECT_EQ(test, lim.max_segment_size, UINT_MAX);
	KUNIT_EXPECT_EQ(test, lim.max_hw_discard_sectors, 0);
	KUNIT_EXPECT_EQ(test, lim.max_write_zeroes_sectors, 0);
	KUNIT_EXPECT_FALSE(test, lim.features & BLK_FEAT_WRITE_CACHE);
}

static void test_limits(struct kunit *test)
{
	struct pvblk_config c = {
		.size_max			= SZ_1M,
		.seg_max			= 126,
		.blk_size			= SZ_1K,
		.physical_block_exp		= 2,
		.alignment_offset		= 1,
		.min_io_size			= 4,
		.opt_io_size			= 64,
		.max_discard_sectors		= 2048,
		.max_discard_seg		= 16,
		.discard_sector_alignment	= 8,
		.discard			= true,
		.write_zeroes			= true,
		.write_cache			= true,
	};
	struct queue_limits lim = {};

	KUNIT_EXPECT_NULL(test, pvblk_set_limits(&c, 128, SZ_256K, &lim));
	KUNIT_EXPECT_EQ(test, lim.max_segment_size, SZ_256K);
	KUNIT_EXPECT_EQ(test, lim.max_segments, 126);
	KUNIT_EXPECT_EQ(test, lim.physical_block_size, SZ_4K);
	KUNIT_EXPECT_EQ(test, lim.alignment_offset, SZ_1K);
	KUNIT_EXPECT_EQ(test, lim.io_min, SZ_4K);
	KUNIT_EXPECT_EQ(test, lim.io_opt, SZ_64K);
	KUNIT_EXPECT_EQ(test, lim.max_hw_discard_sectors, 2048);
	KUNIT_EXPECT_EQ(test, lim.max_discard_segments, 16);
	KUNIT_EXPECT_EQ(test, lim.discard_granularity, SZ_4K);
	KUNIT_EXPECT_EQ(test, lim.max_write_zeroes_sectors, UINT_MAX);
	KUNIT_EXPECT_TRUE(test, lim.features & BLK_FEAT_WRITE_CACHE);
	KUNIT_EXPECT_TRUE(test, lim.features & BLK_FEAT_SPLITS_COST);
}

/* Insane hints are none; the rest is cut to what the driver can do. */
static void test_limits_insane(struct kunit *test)
{
	struct pvblk_config c;
	struct queue_limits lim = {};

	memset(&c, 0xff, sizeof(c));
	c.blk_size = SZ_4K;
	KUNIT_EXPECT_NULL(test, pvblk_set_limits(&c, 4, SIZE_MAX, &lim));
	KUNIT_EXPECT_EQ(test, lim.physical_block_size, 0);
	KUNIT_EXPECT_EQ(test, lim.io_opt, 0);
	KUNIT_EXPECT_EQ(test, lim.max_segments, 2);
	KUNIT_EXPECT_EQ(test, lim.max_discard_segments, PVBLK_MAX_RANGES);
	KUNIT_EXPECT_EQ(test, lim.discard_granularity, SZ_4K);

	KUNIT_EXPECT_NULL(test, pvblk_set_limits(&c, UINT_MAX, SIZE_MAX, &lim));
	KUNIT_EXPECT_EQ(test, lim.max_segments, USHRT_MAX);
}

static void test_limits_refused(struct kunit *test)
{
	struct pvblk_config c = { .blk_size = 520 };
	struct queue_limits lim = {};

	KUNIT_EXPECT_STREQ(test, pvblk_set_limits(&c, 128, SIZE_MAX, &lim),
			   "impossible block size");
	c.blk_size = 0x80000000;
	KUNIT_EXPECT_STREQ(test, pvblk_set_limits(&c, 128, SIZE_MAX, &lim),
			   "impossible block size");
	c.blk_size = 0;
	c.size_max = SZ_2K;
	KUNIT_EXPECT_STREQ(test, pvblk_set_limits(&c, 128, SIZE_MAX, &lim),
			   "segments smaller than a page");
	c.size_max = 0;
	KUNIT_EXPECT_STREQ(test, pvblk_set_limits(&c, 2, SIZE_MAX, &lim),
			   "queue too short");
}

static void test_capacity(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, pvblk_capacity(1000, 512), 1000);
	KUNIT_EXPECT_EQ(test, pvblk_capacity(1007, 4096), 1000);
	KUNIT_EXPECT_EQ(test, pvblk_capacity(7, 4096), 0);
	KUNIT_EXPECT_GT(test, (s64)pvblk_capacity(U64_MAX, 4096) << SECTOR_SHIFT, 0);
}

static void test_disk_name(struct kunit *test)
{
	static const struct {
		unsigned int	index;
		const char	*name;
	} names[] = {
		{ 0, "pvda" }, { 25, "pvdz" }, { 26, "pvdaa" }, { 27, "pvdab" },
		{ 701, "pvdzz" }, { 702, "pvdaaa" }, { INT_MAX, "pvdfxshrxx" },
	};
	char name[DISK_NAME_LEN];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		pvblk_disk_name(names[i].index, name);
		KUNIT_EXPECT_STREQ(test, name, names[i].name);
	}
}

static struct kunit_case pvblk_test_cases[] = {
	KUNIT_CASE_PARAM(test_model, model_gen_params),
	KUNIT_CASE(test_costs_within_bounds),
	KUNIT_CASE(test_costs_refused),
	KUNIT_CASE(test_costs_nobody_named),
	KUNIT_CASE(test_costs_largest),
	KUNIT_CASE_PARAM(test_header, header_gen_params),
	KUNIT_CASE(test_header_unsupported),
	KUNIT_CASE(test_reply),
	KUNIT_CASE(test_ranges),
	KUNIT_CASE(test_ranges_miscounted),
	KUNIT_CASE(test_ranges_adjacent),
	KUNIT_CASE(test_ranges_zeroes),
	KUNIT_CASE(test_limits_of_nothing),
	KUNIT_CASE(test_limits),
	KUNIT_CASE(test_limits_insane),
	KUNIT_CASE(test_limits_refused),
	KUNIT_CASE(test_capacity),
	KUNIT_CASE(test_disk_name),
	{ }
};

static struct kunit_suite pvblk_test_suite = {
	.name		= "pvblk",
	.test_cases	= pvblk_test_cases,
};

kunit_test_suite(pvblk_test_suite);
