// SPDX-License-Identifier: GPL-2.0
/*
 * Queues: how requests reach the device and come back.
 *
 * Both ways back, by interrupt and by polling, end in settle(), the one place
 * where a request's cost is charged.  It runs once for each request that the
 * device had, before the request is ended: the block layer takes the bios
 * apart then.
 */
#include <linux/blkdev.h>
#include <linux/blk-mq-virtio.h>
#include <linux/interrupt.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "pvblk.h"

static unsigned int pvblk_num_request_queues;
module_param_named(num_request_queues, pvblk_num_request_queues, uint, 0444);
MODULE_PARM_DESC(num_request_queues, "Most queues of a disk, 0 for no limit");

static unsigned int pvblk_poll_queues;
module_param_named(poll_queues, pvblk_poll_queues, uint, 0444);
MODULE_PARM_DESC(poll_queues, "How many of a disk's queues are for polled I/O");

static struct pvblk_vq *hctx_vq(struct blk_mq_hw_ctx *hctx)
{
	struct pvblk *pvblk = hctx->queue->queuedata;

	return &pvblk->vqs[hctx->queue_num];
}

/**
 * pvblk_fail() - use the device no more
 * @pvblk: the disk
 *
 * The device is reset, requests in flight end with an error, and so does every
 * later one.  Only suspend and resume can bring the device back.
 *
 * Context: any.
 */
void pvblk_fail(struct pvblk *pvblk)
{
	if (!test_and_set_bit(PVBLK_FAILED, &pvblk->flags))
		kblockd_schedule_work(&pvblk->fail_work);
}

/* A queue in which the device wrote what can't be, or whose device is gone. */
static void fail_if_broken(struct pvblk *pvblk, struct pvblk_vq *vq)
{
	if (unlikely(vq->vq && virtqueue_is_broken(vq->vq)))
		pvblk_fail(pvblk);
}

static void cancel_all(struct pvblk_vq *vq)
{
	struct pvblk_request *pr;

	guard(spinlock_irqsave)(&vq->lock);
	if (!vq->vq)
		return;
	while ((pr = virtqueue_detach_unused_buf(vq->vq))) {
		pvblk_blank_reply(&pr->reply);
		blk_mq_complete_request(blk_mq_rq_from_pdu(pr));
	}
}

/*
 * When the system goes down, virtio breaks and resets each device while programs
 * still use it.  That is no failure of the device.
 */
static bool pvblk_system_goes_down(void)
{
	return system_state >= SYSTEM_HALT && system_state <= SYSTEM_RESTART;
}

/**
 * pvblk_fail_work() - see pvblk_fail()
 * @work: in a struct pvblk
 *
 * Context: process context, may sleep.
 */
void pvblk_fail_work(struct work_struct *work)
{
	struct pvblk *pvblk = container_of(work, struct pvblk, fail_work);
	unsigned int i;

	if (!pvblk_system_goes_down())
		dev_err(&pvblk->vdev->dev, "%s: device failed, no more requests\n",
			pvblk->disk->disk_name);
	blk_mq_quiesce_queue(pvblk->disk->queue);
	virtio_break_device(pvblk->vdev);
	/* From here on the memory of the requests is not the device's. */
	virtio_reset_device(pvblk->vdev);
	for (i = 0; i < pvblk->nr_vqs; i++)
		cancel_all(&pvblk->vqs[i]);
	blk_mq_unquiesce_queue(pvblk->disk->queue);
}

/*
 * A back end that is being restarted may take its time.  It is different if
 * nothing can come any more, or the user wants to be rid of the disk.
 */
static enum blk_eh_timer_return pvblk_timeout(struct request *rq)
{
	struct pvblk *pvblk = rq->q->queuedata;

	fail_if_broken(pvblk, hctx_vq(rq->mq_hctx));
	if (test_bit(PVBLK_REMOVING, &pvblk->flags))
		pvblk_fail(pvblk);
	return BLK_EH_RESET_TIMER;
}

static noinline void refuse(struct pvblk *pvblk, struct request *rq,
			    unsigned long refused)
{
	unsigned int i;

	for_each_set_bit(i, &refused, PVBLK_MAX_DEVICES)
		rcontainer_device_refused(pvblk->costs.device[i]);
	dev_warn_ratelimited(&pvblk->vdev->dev, "%s: impossible cost of a request of %u bytes, not charged\n",
			     pvblk->disk->disk_name, blk_rq_bytes(rq));
}

/* What those pay who are not the request's owners. */
static noinline void charge_balloons(const struct pvblk_costs *c, u64 *cost_pj)
{
	unsigned int i;

	for_each_set_bit(i, &c->balloons, c->nr) {
		rcontainer_charge_costs(c->balloon[i], &c->device[i], &cost_pj[i], 1);
		cost_pj[i] = 0;
	}
}

static void charge(struct pvblk *pvblk, struct request *rq)
{
	struct pvblk_request *pr = blk_mq_rq_to_pdu(rq);
	u64 cost_pj[PVBLK_MAX_DEVICES] __uninitialized;
	unsigned long refused;

	if (!pvblk->costs.nr)
		return;
	refused = pvblk_take_costs(&pvblk->costs, &pr->reply, blk_rq_bytes(rq),
				   cost_pj);
	if (unlikely(refused))
		refuse(pvblk, rq, refused);
	if (unlikely(pvblk->costs.balloons))
		charge_balloons(&pvblk->costs, cost_pj);
	blk_energy_charge(rq, pvblk->costs.device, cost_pj, pvblk->costs.nr);
}

static void settle(struct request *rq)
{
	charge(rq->q->queuedata, rq);
	pvblk_unprepare(rq);
}

static void pvblk_complete(struct request *rq)
{
	struct pvblk_request *pr = blk_mq_rq_to_pdu(rq);
	blk_status_t status = pvblk_status(&pr->reply);

	settle(rq);
	blk_mq_end_request(rq, status);
}

static void pvblk_complete_batch(struct io_comp_batch *iob)
{
	struct request *rq;

	rq_list_for_each(&iob->req_list, rq)
		settle(rq);
	blk_mq_end_request_batch(iob);
}

/* Takes back the requests that the device is done with. */
static void pvblk_interrupt(struct virtqueue *virtqueue)
{
	struct pvblk *pvblk = virtqueue->vdev->priv;
	struct pvblk_vq *vq = &pvblk->vqs[virtqueue->index];
	struct pvblk_request *pr;
	unsigned int len;

	guard(spinlock_irqsave)(&vq->lock);
	do {
		virtqueue_disable_cb(virtqueue);
		while ((pr = virtqueue_get_buf(virtqueue, &len)))
			blk_mq_complete_request(blk_mq_rq_from_pdu(pr));
	} while (!virtqueue_enable_cb(virtqueue));
	fail_if_broken(pvblk, vq);
}

static int pvblk_poll(struct blk_mq_hw_ctx *hctx, struct io_comp_batch *iob)
{
	struct pvblk_vq *vq = hctx_vq(hctx);
	struct pvblk_request *pr;
	struct request *rq;
	unsigned int len;
	int found = 0;

	guard(spinlock_irqsave)(&vq->lock);
	if (!vq->vq)
		return 0;
	while ((pr = virtqueue_get_buf(vq->vq, &len))) {
		rq = blk_mq_rq_from_pdu(pr);
		found++;
		if (blk_mq_complete_request_remote(rq))
			continue;
		/* A batch is of requests that went well. */
		if (pvblk_status(&pr->reply) ||
		    !blk_mq_add_to_batch(rq, iob, false, pvblk_complete_batch))
			pvblk_complete(rq);
	}
	fail_if_broken(hctx->queue->queuedata, vq);
	return found;
}

/* What is the same whenever the request is used. */
static int pvblk_init_request(struct blk_mq_tag_set *set, struct request *rq,
			      unsigned int hctx_idx, unsigned int numa_node)
{
	struct pvblk_request *pr = blk_mq_rq_to_pdu(rq);

	sg_init_one(&pr->header_sg, &pr->header, sizeof(pr->header));
	sg_init_one(&pr->reply_sg, &pr->reply, sizeof(pr->reply));
	sg_init_one(&pr->status_sg, &pr->reply.status, sizeof(pr->reply.status));
	return 0;
}

/*
 * Puts a prepared request into its queue, whose lock is held: nobody can take it
 * back before that is free.
 */
static int add(struct pvblk *pvblk, struct pvblk_vq *vq, struct request *rq)
{
	struct pvblk_request *pr = blk_mq_rq_to_pdu(rq);
	unsigned int nr_out = 0, nr_in = 0;
	struct scatterlist *sgs[3];
	int ret;

	if (unlikely(!vq->vq))
		return -EIO;
	sgs[nr_out++] = &pr->header_sg;
	if (pr->table.nents && rq_data_dir(rq) == WRITE)
		sgs[nr_out++] = pr->table.sgl;
	else if (pr->table.nents)
		sgs[nr_out + nr_in++] = pr->table.sgl;
	sgs[nr_out + nr_in++] = pvblk->costs.nr ? &pr->reply_sg : &pr->status_sg;
	ret = virtqueue_add_sgs(vq->vq, sgs, nr_out, nr_in, pr, GFP_ATOMIC);
	if (likely(!ret))
		blk_mq_start_request(rq);
	return ret;
}

/* Whether the device is to be told, with the lock held. */
static bool kick_prepare(struct pvblk_vq *vq)
{
	return vq->vq && virtqueue_kick_prepare(vq->vq);
}

static blk_status_t pvblk_queue_rq(struct blk_mq_hw_ctx *hctx,
				   const struct blk_mq_queue_data *bd)
{
	struct pvblk *pvblk = hctx->queue->queuedata;
	struct pvblk_vq *vq = hctx_vq(hctx);
	struct request *rq = bd->rq;
	blk_status_t status = pvblk_prepare(pvblk, rq);
	bool notify = false;
	int ret;

	if (unlikely(status))
		return status;
	scoped_guard(spinlock_irqsave, &vq->lock) {
		ret = add(pvblk, vq, rq);
		if (unlikely(ret))
			fail_if_broken(pvblk, vq);
		else if (bd->last)
			notify = kick_prepare(vq);
	}
	if (notify)
		virtqueue_notify(vq->vq);
	if (likely(!ret))
		return BLK_STS_OK;
	pvblk_unprepare(rq);
	/* Room comes with the next completion, memory after a while. */
	return ret == -ENOSPC || ret == -ENOMEM ? BLK_STS_RESOURCE : BLK_STS_IOERR;
}

static void pvblk_commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	struct pvblk_vq *vq = hctx_vq(hctx);
	bool notify;

	scoped_guard(spinlock_irqsave, &vq->lock)
		notify = kick_prepare(vq);
	if (notify)
		virtqueue_notify(vq->vq);
}

/* Prepared requests of one queue. */
static void queue_batch(struct pvblk_vq *vq, struct rq_list *batch,
			struct rq_list *rest)
{
	struct request *rq;
	bool notify;

	scoped_guard(spinlock_irqsave, &vq->lock) {
		while ((rq = rq_list_pop(batch))) {
			if (likely(!add(rq->q->queuedata, vq, rq)))
				continue;
			pvblk_unprepare(rq);
			rq_list_add_tail(rest, rq);
		}
		notify = kick_prepare(vq);
	}
	if (notify)
		virtqueue_notify(vq->vq);
}

/* What it leaves in the list is given to pvblk_queue_rq(). */
static void pvblk_queue_rqs(struct rq_list *list)
{
	struct rq_list batch = {}, rest = {};
	struct pvblk_vq *vq, *last = NULL;
	struct request *rq;

	while ((rq = rq_list_pop(list))) {
		vq = hctx_vq(rq->mq_hctx);
		if (last && last != vq)
			queue_batch(last, &batch, &rest);
		last = vq;
		rq_list_add_tail(pvblk_prepare(rq->q->queuedata, rq) ? &rest : &batch,
				 rq);
	}
	if (last)
		queue_batch(last, &batch, &rest);
	*list = rest;
}

static void pvblk_map_queues(struct blk_mq_tag_set *set)
{
	struct pvblk *pvblk = set->driver_data;
	struct blk_mq_queue_map *map = &set->map[HCTX_TYPE_DEFAULT];

	map->nr_queues = pvblk->nr_vqs - pvblk->nr_poll_vqs;
	map->queue_offset = 0;
	blk_mq_virtio_map_queues(map, pvblk->vdev, 0);
	if (!pvblk->nr_poll_vqs)
		return;

	/* Reads go where writes go. */
	set->map[HCTX_TYPE_READ].nr_queues = 0;
	/* No interrupts, so none to follow. */
	map = &set->map[HCTX_TYPE_POLL];
	map->nr_queues = pvblk->nr_poll_vqs;
	map->queue_offset = pvblk->nr_vqs - pvblk->nr_poll_vqs;
	blk_mq_map_queues(map);
}

const struct blk_mq_ops pvblk_mq_ops = {
	.queue_rq	= pvblk_queue_rq,
	.queue_rqs	= pvblk_queue_rqs,
	.init_request	= pvblk_init_request,
	.commit_rqs	= pvblk_commit_rqs,
	.complete	= pvblk_complete,
	.timeout	= pvblk_timeout,
	.map_queues	= pvblk_map_queues,
	.poll		= pvblk_poll,
};

/**
 * pvblk_alloc_vqs() - decide on the number of queues
 * @pvblk: the disk
 * @offered: how many the device has
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int pvblk_alloc_vqs(struct pvblk *pvblk, unsigned int offered)
{
	unsigned int i, nr;

	nr = min3(offered, nr_cpu_ids, pvblk_num_request_queues ?: UINT_MAX);
	pvblk->nr_vqs = nr;
	/* Some I/O is not polled. */
	pvblk->nr_poll_vqs = min(pvblk_poll_queues, nr - 1);
	pvblk->vqs = kcalloc(nr, sizeof(*pvblk->vqs), GFP_KERNEL);
	if (!pvblk->vqs)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		spin_lock_init(&pvblk->vqs[i].lock);
		snprintf(pvblk->vqs[i].name, sizeof(pvblk->vqs[i].name), "%s.%u",
			 i < nr - pvblk->nr_poll_vqs ? "req" : "poll", i);
	}
	return 0;
}

/**
 * pvblk_find_vqs() - set up the queues with the device
 * @pvblk: the disk
 *
 * Context: process context, may sleep.
 * Return: 0 or an error.
 */
int pvblk_find_vqs(struct pvblk *pvblk)
{
	unsigned int i, nr = pvblk->nr_vqs;
	struct virtqueue **vqs __free(kfree) = kcalloc(nr, sizeof(*vqs), GFP_KERNEL);
	struct virtqueue_info *info __free(kfree) = kcalloc(nr, sizeof(*info), GFP_KERNEL);
	struct irq_affinity affinity = {};
	int ret;

	if (!vqs || !info)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		info[i].name = pvblk->vqs[i].name;
		if (i < nr - pvblk->nr_poll_vqs)
			info[i].callback = pvblk_interrupt;
	}
	ret = virtio_find_vqs(pvblk->vdev, nr, vqs, info, &affinity);
	if (ret)
		return ret;
	for (i = 0; i < nr; i++)
		pvblk->vqs[i].vq = vqs[i];
	return 0;
}

/**
 * pvblk_del_vqs() - take the queues from the device, which is reset
 * @pvblk: the disk
 *
 * Context: process context, may sleep.
 */
void pvblk_del_vqs(struct pvblk *pvblk)
{
	unsigned int i;

	for (i = 0; i < pvblk->nr_vqs; i++)
		scoped_guard(spinlock_irq, &pvblk->vqs[i].lock)
			pvblk->vqs[i].vq = NULL;
	pvblk->vdev->config->del_vqs(pvblk->vdev);
}
