// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the energy page: what is refused, and that readings lose nothing.
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "../page.h"

#define NR_VCPUS	2

struct test_page {
	struct pvenergy_header	h;
	struct pvenergy_vcpu	vcpu[NR_VCPUS] __aligned(64);
};

static void fill(struct test_page *p)
{
	*p = (struct test_page){
		.h = {
			.magic		= PVENERGY_MAGIC,
			.version	= PVENERGY_VERSION,
			.header_size	= sizeof(struct pvenergy_header),
			.size		= sizeof(*p),
			.nr_vcpus	= NR_VCPUS,
			.nr_events	= 2,
			.vcpu_offset	= offsetof(struct test_page, vcpu),
			.vcpu_stride	= sizeof(struct pvenergy_vcpu),
			.log_entries	= PVENERGY_LOG_ENTRIES,
			.vm_name	= "vm",
			.events		= {
				{ .name = "tsc", .weight_pj = 6170,
				  .flags = PVENERGY_EVENT_BASE },
				{ .name = "unhalted_cycles", .weight_pj = 7120 },
			},
		},
	};
}

struct check_case {
	const char	*name;
	void		(*spoil)(struct test_page *p);
	u64		size;	/* sizeof(struct test_page) if zero */
	int		expected;
	const char	*why;
};

static void spoil_nothing(struct test_page *p) { }
static void spoil_magic(struct test_page *p) { p->h.magic++; }
static void spoil_version(struct test_page *p) { p->h.version++; }
static void spoil_header_size(struct test_page *p) { p->h.header_size = 8; }
static void spoil_no_vcpus(struct test_page *p) { p->h.nr_vcpus = 0; }
static void spoil_vcpus(struct test_page *p) { p->h.nr_vcpus = U32_MAX; }
static void spoil_one_more_vcpu(struct test_page *p) { p->h.nr_vcpus++; }
static void spoil_no_events(struct test_page *p) { p->h.nr_events = 0; }
static void spoil_events(struct test_page *p) { p->h.nr_events = 9; }
static void spoil_offset(struct test_page *p) { p->h.vcpu_offset = 0; }
static void spoil_align(struct test_page *p) { p->h.vcpu_offset += 8; }
static void spoil_offset_end(struct test_page *p) { p->h.vcpu_offset = -64U; }
static void spoil_stride(struct test_page *p) { p->h.vcpu_stride = 64; }
static void spoil_stride_end(struct test_page *p) { p->h.vcpu_stride = -64U; }
static void spoil_log(struct test_page *p) { p->h.log_entries *= 2; }
static void spoil_size(struct test_page *p) { p->h.size = U64_MAX; }
static void spoil_weight(struct test_page *p) { p->h.events[1].weight_pj = U64_MAX; }
static void spoil_flags(struct test_page *p) { p->h.events[0].flags = 2; }
static void spoil_name(struct test_page *p) { memset(p->h.events[0].name, 'x', 24); }
static void spoil_name_space(struct test_page *p) { p->h.events[0].name[1] = ' '; }
static void spoil_name_twice(struct test_page *p) { p->h.events[0] = p->h.events[1]; }
static void spoil_vm_name(struct test_page *p) { memset(p->h.vm_name, 'x', 24); }
static void spoil_vm_name_line(struct test_page *p) { p->h.vm_name[1] = '\n'; }
static void spoil_all_ones(struct test_page *p) { memset(p, 0xff, sizeof(*p)); }

static void spoil_ones_behind_magic(struct test_page *p)
{
	memset(p, 0xff, sizeof(*p));
	p->h.magic = PVENERGY_MAGIC;
	p->h.version = PVENERGY_VERSION;
}

static const struct check_case check_cases[] = {
	{ "good", spoil_nothing, 0, 0 },
	{ "too small", spoil_nothing, 64, -ENODEV, "too small" },
	{ "magic", spoil_magic, 0, -ENODEV, "no magic number" },
	{ "all ones", spoil_all_ones, 0, -ENODEV, "no magic number" },
	{ "version", spoil_version, 0, -EINVAL, "unknown version" },
	{ "all ones but magic", spoil_ones_behind_magic, 0, -EINVAL,
	  "number of virtual CPUs out of range" },
	{ "header size", spoil_header_size, 0, -EINVAL, "header too short" },
	{ "no vcpus", spoil_no_vcpus, 0, -EINVAL, "number of virtual CPUs out of range" },
	{ "vcpus", spoil_vcpus, 0, -EINVAL, "number of virtual CPUs out of range" },
	{ "one vcpu too many", spoil_one_more_vcpu, 0, -EINVAL, "shorter than its contents" },
	{ "cut off", spoil_nothing, sizeof(struct test_page) - 1, -EINVAL,
	  "shorter than its contents" },
	{ "no events", spoil_no_events, 0, -EINVAL, "number of events out of range" },
	{ "events", spoil_events, 0, -EINVAL, "number of events out of range" },
	{ "offset into header", spoil_offset, 0, -EINVAL, "bad offset of the virtual CPUs" },
	{ "offset alignment", spoil_align, 0, -EINVAL, "bad offset of the virtual CPUs" },
	{ "offset behind end", spoil_offset_end, 0, -EINVAL, "shorter than its contents" },
	{ "stride", spoil_stride, 0, -EINVAL, "bad distance of the virtual CPUs" },
	{ "stride behind end", spoil_stride_end, 0, -EINVAL, "shorter than its contents" },
	{ "log size", spoil_log, 0, -EINVAL, "log of another size" },
	{ "size", spoil_size, 0, -EINVAL, "shorter than its contents" },
	{ "weight", spoil_weight, 0, -EINVAL, "event weight out of range" },
	{ "flags", spoil_flags, 0, -EINVAL, "unknown event flag" },
	{ "name without end", spoil_name, 0, -EINVAL, "bad event name" },
	{ "name with space", spoil_name_space, 0, -EINVAL, "bad event name" },
	{ "machine name without end", spoil_vm_name, 0, -EINVAL,
	  "bad name of the virtual machine" },
	{ "machine name of two lines", spoil_vm_name_line, 0, -EINVAL,
	  "bad name of the virtual machine" },
	{ "name twice", spoil_name_twice, 0, -EINVAL, "event named twice" },
};

KUNIT_ARRAY_PARAM_DESC(check, check_cases, name);

static struct test_page *new_page(struct kunit *test)
{
	struct test_page *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	fill(p);
	return p;
}

static void test_check(struct kunit *test)
{
	const struct check_case *c = test->param_value;
	struct test_page *p = new_page(test);
	struct pvenergy_header h;
	const char *why;

	c->spoil(p);
	KUNIT_EXPECT_EQ(test, c->expected,
			pmc_page_check(p, c->size ?: sizeof(*p), &h, &why));
	if (c->expected)
		KUNIT_EXPECT_STREQ(test, why, c->why);
}

struct reader {
	u64			last[PMC_MAX_EVENTS];
	u64			sum[PMC_MAX_EVENTS];
	struct pmc_page_stats	stats;
};

static void charge(struct pvenergy_vcpu *v, struct reader *r)
{
	if (!pmc_page_try_charge(v, r->last, r->sum))
		pmc_page_charge_slow(v, r->last, r->sum, &r->stats);
}

/* The host's side: this virtual CPU was away from @out to @in. */
static void absence(struct pvenergy_vcpu *v, u64 out, u64 in)
{
	struct pvenergy_log_entry *e = &v->log[v->log_head % PVENERGY_LOG_ENTRIES];
	unsigned int i;

	v->seq++;
	for (i = 0; i < PMC_MAX_EVENTS; i++) {
		e->out[i] = out;
		e->in[i] = in;
		v->foreign[i] += in - out;
		v->raw[i] = in;
	}
	v->log_head++;
	v->seq++;
}

static void test_foreign_is_factored_out(struct kunit *test)
{
	struct pvenergy_vcpu *v = &new_page(test)->vcpu[1];
	struct reader r = {};

	v->raw[7] = 100;
	charge(v, &r);
	KUNIT_EXPECT_EQ(test, r.sum[7], 100);
	absence(v, 120, 5000);
	v->raw[7] = 5003;
	charge(v, &r);
	KUNIT_EXPECT_EQ(test, r.sum[7], 123);
	KUNIT_EXPECT_EQ(test, r.stats.retries, 0);
}

/* To a physical CPU whose counters are lower. */
static void test_move(struct kunit *test)
{
	struct pvenergy_vcpu *v = &new_page(test)->vcpu[0];
	struct reader r = {};

	v->raw[0] = 1000000;
	charge(v, &r);
	absence(v, 1000010, 40);
	v->raw[0] = 42;
	charge(v, &r);
	KUNIT_EXPECT_EQ(test, r.sum[0], 1000012);
}

static void test_wrap(struct kunit *test)
{
	struct pvenergy_vcpu *v = &new_page(test)->vcpu[0];
	struct reader r = {};

	absence(v, 0, U64_MAX - 9);
	charge(v, &r);
	KUNIT_EXPECT_EQ(test, r.sum[3], 0);
	v->raw[3] += 30;
	charge(v, &r);
	KUNIT_EXPECT_EQ(test, r.sum[3], 30);
}

/* A writer that never ends costs a bounded time and loses nothing. */
static void test_stuck_writer(struct kunit *test)
{
	struct pvenergy_vcpu *v = &new_page(test)->vcpu[0];
	struct reader r = {};

	v->raw[2] = 10;
	charge(v, &r);
	v->seq++;
	v->raw[2] = 1ULL << 60;
	charge(v, &r);
	KUNIT_EXPECT_EQ(test, r.sum[2], 10);
	KUNIT_EXPECT_EQ(test, r.stats.gave_up, 1);
	KUNIT_EXPECT_EQ(test, r.stats.retries, PMC_PAGE_TURNS);
	v->raw[2] = 25;
	v->seq++;
	charge(v, &r);
	KUNIT_EXPECT_EQ(test, r.sum[2], 25);
}

static void test_log(struct kunit *test)
{
	struct pvenergy_vcpu *v = &new_page(test)->vcpu[0];
	struct pmc_page_log log = {};
	struct reader r = {};
	unsigned int i;

	for (i = 0; i < PVENERGY_LOG_ENTRIES; i++)
		absence(v, 10 * i, 10 * i + 9);
	pmc_page_log_check(v, &log);
	KUNIT_EXPECT_EQ(test, log.seen, PVENERGY_LOG_ENTRIES);
	KUNIT_EXPECT_EQ(test, log.overrun, 0);
	KUNIT_EXPECT_EQ(test, log.mismatches, 0);

	/* An overrun is counted, and the sums make it good. */
	charge(v, &r);
	r.sum[0] = 0;
	for (; i < 3 * PVENERGY_LOG_ENTRIES; i++)
		absence(v, 10 * i, 10 * i + 9);
	pmc_page_log_check(v, &log);
	KUNIT_EXPECT_EQ(test, log.overrun, PVENERGY_LOG_ENTRIES);
	KUNIT_EXPECT_EQ(test, log.mismatches, 0);
	charge(v, &r);
	KUNIT_EXPECT_EQ(test, r.sum[0], 2 * PVENERGY_LOG_ENTRIES);

	/* A host that contradicts itself. */
	absence(v, 5, 6);
	v->foreign[1]++;
	pmc_page_log_check(v, &log);
	KUNIT_EXPECT_EQ(test, log.mismatches, 1);
	pmc_page_log_check(v, &log);
	KUNIT_EXPECT_EQ(test, log.mismatches, 1);
}

static void test_reweigh(struct kunit *test)
{
	struct pvenergy_header *h = &new_page(test)->h;
	u64 weight_pj[PMC_MAX_EVENTS];
	u32 seq = h->weight_seq;

	KUNIT_EXPECT_FALSE(test, pmc_page_reweigh(h, &seq, weight_pj));
	h->weight_seq++;
	h->events[1].weight_pj = 42;
	KUNIT_EXPECT_FALSE(test, pmc_page_reweigh(h, &seq, weight_pj));
	h->weight_seq++;
	KUNIT_EXPECT_TRUE(test, pmc_page_reweigh(h, &seq, weight_pj));
	KUNIT_EXPECT_EQ(test, weight_pj[0], 6170);
	KUNIT_EXPECT_EQ(test, weight_pj[1], 42);
	KUNIT_EXPECT_FALSE(test, pmc_page_reweigh(h, &seq, weight_pj));
	h->events[0].weight_pj = PVENERGY_MAX_WEIGHT_PJ + 1;
	h->weight_seq += 2;
	KUNIT_EXPECT_FALSE(test, pmc_page_reweigh(h, &seq, weight_pj));
}

static void test_meter(struct kunit *test)
{
	struct pvenergy_header *h = &new_page(test)->h;
	u64 nj = 5;

	/* Whatever is there without the flag is no meter. */
	h->base_nj = 1;
	KUNIT_EXPECT_FALSE(test, pmc_page_meter(h, &nj));
	KUNIT_EXPECT_EQ(test, nj, 5);
	h->flags = PVENERGY_METER;
	KUNIT_EXPECT_TRUE(test, pmc_page_meter(h, &nj));
	KUNIT_EXPECT_EQ(test, nj, 1);
	/* A later flag does no harm. */
	h->flags = U32_MAX;
	h->base_nj = U64_MAX;
	KUNIT_EXPECT_TRUE(test, pmc_page_meter(h, &nj));
	KUNIT_EXPECT_EQ(test, nj, U64_MAX);
}

static struct kunit_case page_test_cases[] = {
	KUNIT_CASE_PARAM(test_check, check_gen_params),
	KUNIT_CASE(test_foreign_is_factored_out),
	KUNIT_CASE(test_move),
	KUNIT_CASE(test_wrap),
	KUNIT_CASE(test_stuck_writer),
	KUNIT_CASE(test_log),
	KUNIT_CASE(test_reweigh),
	KUNIT_CASE(test_meter),
	{ }
};

static struct kunit_suite page_test_suite = {
	.name		= "pmc-page",
	.test_cases	= page_test_cases,
};

kunit_test_suite(page_test_suite);
