/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PVBLK_H
#define _PVBLK_H

#include <linux/bits.h>
#include <linux/blk-energy.h>
#include <linux/blk-mq.h>
#include <linux/build_bug.h>
#include <linux/rcontainer-device.h>
#include <linux/rcontainer-meter.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/virtio_blk.h>
#include <linux/workqueue.h>
#include <uapi/linux/pvblk.h>

struct virtio_device;
struct virtqueue;

/* Segments that need no allocation. */
#define PVBLK_INLINE_SGS	2

/* One page of them, allocated in atomic context. */
#define PVBLK_MAX_RANGES	256

/**
 * struct pvblk_config - the configuration space, in the CPU's byte order
 *
 * Zero stands for what the device does not offer.
 *
 * @capacity: in sectors
 * @size_max: bytes of a segment
 * @seg_max: segments of a request
 * @blk_size: bytes of a logical block
 * @physical_block_exp: logical blocks of a physical one, as a power of two
 * @alignment_offset: in logical blocks
 * @min_io_size: likewise
 * @opt_io_size: likewise
 * @max_discard_sectors: in one range
 * @max_discard_seg: ranges of a request
 * @discard_sector_alignment: in sectors
 * @max_write_zeroes_sectors: in one range, of which there is one
 * @num_queues: at least one
 * @discard: can discard; its limits may be zero all the same
 * @write_zeroes: likewise
 * @write_cache: has a volatile write cache
 */
struct pvblk_config {
	u64	capacity;
	u32	size_max;
	u32	seg_max;
	u32	blk_size;
	u8	physical_block_exp;
	u8	alignment_offset;
	u16	min_io_size;
	u32	opt_io_size;
	u32	max_discard_sectors;
	u32	max_discard_seg;
	u32	discard_sector_alignment;
	u32	max_write_zeroes_sectors;
	u16	num_queues;
	bool	discard;
	bool	write_zeroes;
	bool	write_cache;
};

/**
 * struct pvblk_costs - how to take costs from replies
 * @nr: number of devices; without any, no costs are asked for
 * @device: index of rcontainer_register_device(), in the order of replies
 * @bound: of the cost of a request, likewise
 * @bound.max_request_pj: as in struct pvblk_device, checked
 * @bound.max_byte_pj: likewise
 * @balloons: a bit for each device that is charged as an energy balloon
 * @balloon: to whom, likewise, a weak reference
 */
struct pvblk_costs {
	unsigned int	nr;
	unsigned int	device[PVBLK_MAX_DEVICES];
	struct {
		u64	max_request_pj;
		u64	max_byte_pj;
	} bound[PVBLK_MAX_DEVICES];
	unsigned long	balloons;
	u32		balloon[PVBLK_MAX_DEVICES];
};

/**
 * struct pvblk_meters - the energy meters in the model
 * @source: who is asked to read them
 * @model: where a request reads them to, while @source is busy
 * @nr: number of meters; changes only while the queue is frozen
 * @name: of the devices, likewise
 * @meter: what they showed
 */
struct pvblk_meters {
	struct rcontainer_meter_source	source;
	struct pvblk_model		*model;
	unsigned int			nr;
	char				name[PVBLK_MAX_DEVICES][PVBLK_NAME_LEN];
	struct rcontainer_meter		meter[PVBLK_MAX_DEVICES];
};

/**
 * struct pvblk_vq - a queue of requests
 * @lock: taken with interrupts off
 * @vq: NULL while the device is suspended, and if it did not come back
 * @name: of its interrupt
 */
struct pvblk_vq {
	spinlock_t		lock;	/* protects vq and what is in it */
	struct virtqueue	*vq;
	char			name[16];
} ____cacheline_aligned_in_smp;

enum {
	PVBLK_REMOVING,	/* nobody waits for its requests for ever */
	PVBLK_FAILED,	/* requests fail, see pvblk_fail() */
};

/**
 * struct pvblk - a disk
 * @vdev: valid until the driver is unbound, which the disk may survive
 * @disk: its last reference frees this
 * @tag_set: likewise until unbound
 * @flags: PVBLK_REMOVING, PVBLK_FAILED
 * @costs: changes only while the queue is frozen
 * @meters: energy meters
 * @config_work: the device has other properties now
 * @fail_work: the device is not to be used any more
 * @index: of the disk's name
 * @nr_vqs: number of queues
 * @nr_poll_vqs: the last so many are polled
 * @vqs: the queues
 */
struct pvblk {
	struct virtio_device	*vdev;
	struct gendisk		*disk;
	struct blk_mq_tag_set	tag_set;
	unsigned long		flags;
	struct pvblk_costs	costs;
	struct pvblk_meters	meters;
	struct work_struct	config_work;
	struct work_struct	fail_work;
	unsigned int		index;
	unsigned int		nr_vqs;
	unsigned int		nr_poll_vqs;
	struct pvblk_vq		*vqs;
};

/**
 * struct pvblk_request - what the driver keeps with a struct request
 *
 * Between submission and completion the driver writes to none of it, so the
 * reply's cache lines are the device's for that time.
 *
 * @header: read by the device
 * @reply: written by the device; without costs only its status
 * @own_type: type of a REQ_OP_DRV_IN
 * @header_sg: @header, for ever
 * @reply_sg: @reply, for ever
 * @status_sg: @reply.status, for ever
 * @table: the data
 * @inline_sgs: first part of @table
 */
struct pvblk_request {
	struct virtio_blk_outhdr	header;
	struct pvblk_reply		reply __aligned(8);
	u32				own_type;
	struct scatterlist		header_sg;
	struct scatterlist		reply_sg;
	struct scatterlist		status_sg;
	struct sg_table			table;
	struct scatterlist		inline_sgs[PVBLK_INLINE_SGS];
};

/* config.c */
void pvblk_read_config(struct virtio_device *vdev, struct pvblk_config *c);
const char *pvblk_set_limits(const struct pvblk_config *c, unsigned int ring_size,
			     size_t max_dma_size, struct queue_limits *lim);
sector_t pvblk_capacity(u64 sectors, unsigned int block_size);
void pvblk_disk_name(unsigned int index, char *name);

/* cost.c */
const char *pvblk_check_model(const struct pvblk_model *model);

/**
 * pvblk_take_costs() - what a request cost
 * @c: the devices and the bounds of their costs
 * @reply: the host may still be writing to it: each cost is read once
 * @bytes: that the request transferred
 * @cost_pj: receives one for each device, zero where it is impossible
 *
 * Context: any.
 * Return: a bit for each device whose cost is impossible.
 */
static inline unsigned long pvblk_take_costs(const struct pvblk_costs *c,
					     const struct pvblk_reply *reply,
					     unsigned int bytes,
					     u64 *cost_pj)
{
	unsigned long refused = 0;
	unsigned int i;

	/* So the bound below does not overflow. */
	static_assert(PVBLK_MAX_REQUEST_PJ + UINT_MAX * PVBLK_MAX_BYTE_PJ <
		      U64_MAX / 2);

	for (i = 0; i < c->nr; i++) {
		u64 access_pj = le64_to_cpu(READ_ONCE(reply->access_pj[i]));

		if (unlikely(access_pj > c->bound[i].max_request_pj +
					 bytes * c->bound[i].max_byte_pj)) {
			refused |= BIT(i);
			access_pj = 0;
		}
		cost_pj[i] = access_pj;
	}
	return refused;
}

/* meter.c */
void pvblk_set_meters(struct pvblk *pvblk, const struct pvblk_model *model);
void pvblk_begin_meters(struct pvblk *pvblk);
void pvblk_end_meters(struct pvblk *pvblk);

/* request.c */
int pvblk_set_header(struct pvblk_request *pr, enum req_op op, sector_t sector,
		     u16 ioprio, bool costs);
int pvblk_pack_ranges(struct request *rq,
		      struct virtio_blk_discard_write_zeroes *ranges,
		      unsigned int nr);
void pvblk_blank_reply(struct pvblk_reply *reply);
blk_status_t pvblk_status(const struct pvblk_reply *reply);
blk_status_t pvblk_prepare(struct pvblk *pvblk, struct request *rq);
void pvblk_unprepare(struct request *rq);
int pvblk_execute(struct pvblk *pvblk, u32 type, void *buf, unsigned int len);
int pvblk_read_model(struct pvblk *pvblk, struct pvblk_model *model);

/* queue.c */
extern const struct blk_mq_ops pvblk_mq_ops;

int pvblk_alloc_vqs(struct pvblk *pvblk, unsigned int offered);
int pvblk_find_vqs(struct pvblk *pvblk);
void pvblk_del_vqs(struct pvblk *pvblk);
void pvblk_fail(struct pvblk *pvblk);
void pvblk_fail_work(struct work_struct *work);

/* attrs.c */
extern const struct attribute_group *pvblk_attr_groups[];

#endif /* _PVBLK_H */
