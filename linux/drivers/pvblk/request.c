// SPDX-License-Identifier: GPL-2.0
/*
 * Requests in virtio's terms.
 *
 * A request is a header, the data, and a reply.  With costs the reply is a
 * struct pvblk_reply; without, it is the status alone, which is that struct's
 * last byte.  A reply is blank when the device gets it: zero costs, and a
 * status that says error.  So whatever a back end omits to write, be it the
 * whole reply, is neither a cost nor success, and the length that it claims to
 * have written does not matter.
 */
#include <linux/blkdev.h>
#include <linux/ioprio.h>
#include <linux/slab.h>
#include <linux/virtio_byteorder.h>

#include "pvblk.h"

/**
 * pvblk_set_header() - what the device shall do
 * @pr: header and reply are filled in
 * @op: of the request
 * @sector: where it begins
 * @ioprio: its priority
 * @costs: ask what it costs
 *
 * Context: any.
 * Return: 0, or -EOPNOTSUPP.
 */
int pvblk_set_header(struct pvblk_request *pr, enum req_op op, sector_t sector,
		     u16 ioprio, bool costs)
{
	u32 type;

	switch (op) {
	case REQ_OP_READ:
		type = VIRTIO_BLK_T_IN;
		break;
	case REQ_OP_WRITE:
		type = VIRTIO_BLK_T_OUT;
		break;
	case REQ_OP_FLUSH:
		type = VIRTIO_BLK_T_FLUSH;
		sector = 0;
		break;
	case REQ_OP_DISCARD:
		type = VIRTIO_BLK_T_DISCARD;
		sector = 0;
		break;
	case REQ_OP_WRITE_ZEROES:
		type = VIRTIO_BLK_T_WRITE_ZEROES;
		sector = 0;
		break;
	case REQ_OP_DRV_IN:
		type = pr->own_type;
		sector = 0;
		break;
	default:
		return -EOPNOTSUPP;
	}

	if (costs)
		type |= PVBLK_T_COST;
	/* Version 1 is little endian, see pvblk_validate(). */
	pr->header.type = __cpu_to_virtio32(true, type);
	pr->header.ioprio = __cpu_to_virtio32(true, ioprio);
	pr->header.sector = __cpu_to_virtio64(true, sector);
	pvblk_blank_reply(&pr->reply);
	return 0;
}

/**
 * pvblk_blank_reply() - a reply that says error, at no cost
 * @reply: not the device's
 *
 * Context: any.
 */
void pvblk_blank_reply(struct pvblk_reply *reply)
{
	*reply = (struct pvblk_reply){ .status = VIRTIO_BLK_S_IOERR };
}

/**
 * pvblk_status() - how a request went
 * @reply: its reply
 *
 * Context: any.
 * Return: the block layer's status.
 */
blk_status_t pvblk_status(const struct pvblk_reply *reply)
{
	switch (READ_ONCE(reply->status)) {
	case VIRTIO_BLK_S_OK:
		return BLK_STS_OK;
	case VIRTIO_BLK_S_UNSUPP:
		return BLK_STS_NOTSUPP;
	default:
		return BLK_STS_IOERR;
	}
}

static void set_range(struct virtio_blk_discard_write_zeroes *range,
		      sector_t sector, unsigned int nr_sectors, u32 flags)
{
	range->sector = cpu_to_le64(sector);
	range->num_sectors = cpu_to_le32(nr_sectors);
	range->flags = cpu_to_le32(flags);
}

/**
 * pvblk_pack_ranges() - the data of a discard or write zeroes
 * @rq: the request
 * @ranges: receives its ranges
 * @nr: how many those are, by blk_rq_nr_discard_segments()
 *
 * Context: any.
 * Return: 0, or -EINVAL if there are not @nr.
 */
int pvblk_pack_ranges(struct request *rq,
		      struct virtio_blk_discard_write_zeroes *ranges,
		      unsigned int nr)
{
	unsigned int i = 0;
	struct bio *bio;
	u32 flags = 0;

	if (req_op(rq) == REQ_OP_WRITE_ZEROES && !(rq->cmd_flags & REQ_NOUNMAP))
		flags = VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;

	/* Of several bios, too, if these are adjacent. */
	if (nr == 1) {
		set_range(ranges, blk_rq_pos(rq), blk_rq_sectors(rq), flags);
		return 0;
	}
	__rq_for_each_bio(bio, rq) {
		if (i == nr)
			return -EINVAL;
		set_range(&ranges[i++], bio->bi_iter.bi_sector,
			  bio_sectors(bio), flags);
	}
	return i == nr ? 0 : -EINVAL;
}

static blk_status_t set_ranges(struct request *rq)
{
	unsigned int nr = blk_rq_nr_discard_segments(rq);
	struct virtio_blk_discard_write_zeroes *ranges;

	ranges = kmalloc_array(nr, sizeof(*ranges), GFP_ATOMIC);
	if (!ranges)
		return BLK_STS_RESOURCE;
	if (WARN_ON_ONCE(pvblk_pack_ranges(rq, ranges, nr))) {
		kfree(ranges);
		return BLK_STS_IOERR;
	}
	bvec_set_virt(&rq->special_vec, ranges, nr * sizeof(*ranges));
	rq->rq_flags |= RQF_SPECIAL_PAYLOAD;
	return BLK_STS_OK;
}

static void free_ranges(struct request *rq)
{
	if (rq->rq_flags & RQF_SPECIAL_PAYLOAD) {
		kfree(bvec_virt(&rq->special_vec));
		rq->rq_flags &= ~RQF_SPECIAL_PAYLOAD;
	}
}

static blk_status_t map_data(struct request *rq)
{
	struct pvblk_request *pr = blk_mq_rq_to_pdu(rq);
	unsigned int nr = blk_rq_nr_phys_segments(rq);

	pr->table.nents = 0;
	pr->table.orig_nents = 0;
	if (!nr)
		return BLK_STS_OK;
	pr->table.sgl = pr->inline_sgs;
	if (sg_alloc_table_chained(&pr->table, nr, pr->inline_sgs, PVBLK_INLINE_SGS)) {
		pr->table.nents = 0;
		pr->table.orig_nents = 0;
		return BLK_STS_RESOURCE;
	}
	pr->table.nents = blk_rq_map_sg(rq->q, rq, pr->table.sgl);
	return BLK_STS_OK;
}

static void unmap_data(struct pvblk_request *pr)
{
	if (pr->table.orig_nents > PVBLK_INLINE_SGS)
		sg_free_table_chained(&pr->table, PVBLK_INLINE_SGS);
}

/**
 * pvblk_prepare() - make a request ready for the device
 * @pvblk: the disk
 * @rq: the request
 *
 * Context: any in which blk-mq queues requests.
 * Return: BLK_STS_OK; or an error, with nothing to be undone.
 */
blk_status_t pvblk_prepare(struct pvblk *pvblk, struct request *rq)
{
	struct pvblk_request *pr = blk_mq_rq_to_pdu(rq);
	enum req_op op = req_op(rq);
	blk_status_t status;

	if (pvblk_set_header(pr, op, blk_rq_pos(rq), req_get_ioprio(rq),
			     pvblk->costs.nr))
		return BLK_STS_NOTSUPP;
	if (op == REQ_OP_DISCARD || op == REQ_OP_WRITE_ZEROES) {
		status = set_ranges(rq);
		if (status)
			return status;
	}
	status = map_data(rq);
	if (status)
		free_ranges(rq);
	return status;
}

/**
 * pvblk_unprepare() - undo pvblk_prepare()
 * @rq: the request, not the device's any more
 *
 * Context: any.
 */
void pvblk_unprepare(struct request *rq)
{
	unmap_data(blk_mq_rq_to_pdu(rq));
	free_ranges(rq);
}

/**
 * pvblk_execute() - a request of the driver itself, which reads
 * @pvblk: the disk
 * @type: virtio's type of request
 * @buf: receives the data
 * @len: bytes
 *
 * Context: process context, may sleep.
 * Return: 0 or an error.
 */
int pvblk_execute(struct pvblk *pvblk, u32 type, void *buf, unsigned int len)
{
	struct request_queue *q = pvblk->disk->queue;
	struct pvblk_request *pr;
	struct request *rq;
	int ret;

	rq = blk_mq_alloc_request(q, REQ_OP_DRV_IN, 0);
	if (IS_ERR(rq))
		return PTR_ERR(rq);
	pr = blk_mq_rq_to_pdu(rq);
	pr->own_type = type;
	ret = blk_rq_map_kern(q, rq, buf, len, GFP_KERNEL);
	if (!ret)
		ret = blk_status_to_errno(blk_execute_rq(rq, false));
	blk_mq_free_request(rq);
	return ret;
}

/**
 * pvblk_read_model() - ask for the back end's model
 * @pvblk: the disk
 * @model: receives a copy, which the host can't change any more
 *
 * Context: process context, may sleep.
 * Return: 0 or an error.
 */
int pvblk_read_model(struct pvblk *pvblk, struct pvblk_model *model)
{
	struct pvblk_model *buf __free(kfree) = kzalloc(sizeof(*buf), GFP_KERNEL);
	int ret;

	if (!buf)
		return -ENOMEM;
	ret = pvblk_execute(pvblk, PVBLK_T_MODEL, buf, sizeof(*buf));
	if (!ret)
		*model = *buf;
	return ret;
}
