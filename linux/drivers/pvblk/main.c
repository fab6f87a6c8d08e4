// SPDX-License-Identifier: GPL-2.0
/*
 * Paravirtual disk with energy costs.
 *
 * Model
 * -----
 *
 * The disk is a virtio block device whose back end knows, or estimates, what
 * each request consumes of the physical devices behind it: disk, network, the
 * back end's own CPU time.  It returns that with the request, as one access
 * cost for each physical device, and the driver has each cost charged to the
 * resource containers that own the request's bios, by bytes (block/energy).
 * Base cost, which accrues without requests, is an energy meter for each
 * device, which the resource containers have read now and then (meter.c), and
 * which the disk's attribute "energy" shows.
 *
 * Who marks, who asks
 * -------------------
 *
 * The back end marks the device in a byte of the configuration space that
 * virtio leaves unused.  The hypervisor between passes that byte and unknown
 * types of requests through, while it would mask an unknown feature bit; so no
 * feature is negotiated.  Devices without the mark, or with one of another
 * version, are refused in .validate, before anything about them has changed,
 * which leaves them to virtio_blk.
 *
 * A marked device is first asked for its model: the physical devices with
 * their names and bounds for the costs.  If the model is good, PVBLK_T_COST is
 * set in every request from then on, and its reply has the costs; if not, the
 * disk works without.  The model is asked for again when the configuration
 * changes and on resume, and takes effect with no request in flight.
 *
 * Exactly once
 * ------------
 *
 * A request that the device had is charged when it comes back, whatever its
 * status, by interrupt or by polling, before it is ended (queue.c).  One that
 * did not reach the device, or never came back, costs nothing.
 *
 * What is not trusted
 * -------------------
 *
 * The host can read and write the guest's disk, but what it says must not
 * crash the guest nor upset its accounts.  The configuration space is checked
 * before it becomes limits (config.c), the model before it is used, each cost
 * against the model's bounds before it is charged (cost.c); costs that can't
 * be are counted for the device in rcfs.  A reply that was not written is an
 * error (request.c).  A queue in which the device writes what can't be is
 * given up: the device is reset, and its requests end with an error.  A back
 * end that does not answer is waited for, because it may be restarted under
 * load; but not when the disk is to be removed.
 *
 * Life and death
 * --------------
 *
 * The disk outlives the device as long as somebody has it open.  pvblk_remove()
 * ends all requests before it takes the queues down, so whatever still comes
 * later fails in the block layer.
 *
 * An open disk holds a reference to the module, but the block layer gives that
 * back before it gives back the disk, and readers of /proc/diskstats hold disks
 * without a reference to the module.  So the module's exit waits until the last
 * disk is released.
 */
#include <linux/atomic.h>
#include <linux/blkdev.h>
#include <linux/cleanup.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/string_helpers.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/wait_bit.h>
#include <uapi/linux/virtio_ring.h>

#include "pvblk.h"

static DEFINE_IDA(pvblk_ida);

/* Number of struct pvblk that are not freed. */
static atomic_t pvblk_nr = ATOMIC_INIT(0);

static int pvblk_validate(struct virtio_device *vdev)
{
	u8 mark;

	if (!vdev->config->get)
		return -ENODEV;
	mark = virtio_cread8(vdev, PVBLK_MARK_OFFSET);
	if ((mark & PVBLK_MARK_MASK) != PVBLK_MARK)
		return -ENODEV;
	if ((mark & ~PVBLK_MARK_MASK) != PVBLK_VERSION) {
		dev_notice(&vdev->dev, "energy costs of version %u are unknown, not used\n",
			   mark & ~PVBLK_MARK_MASK);
		return -ENODEV;
	}
	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1)) {
		dev_notice(&vdev->dev, "legacy device, energy costs not used\n");
		return -ENODEV;
	}
	return 0;
}

static const char *accept_model(const struct pvblk_model *model,
				struct pvblk_costs *costs)
{
	const char *why = pvblk_check_model(model);
	unsigned int i;
	int ret;

	if (why)
		return why;
	for (i = 0; i < le32_to_cpu(model->nr_devices); i++) {
		const struct pvblk_device *d = &model->devices[i];

		ret = rcontainer_register_device(d->name);
		if (ret < 0)
			return ret == -ENOSPC ? "too many devices" : "reserved device name";
		costs->device[i] = ret;
		costs->bound[i].max_request_pj = le64_to_cpu(d->max_request_pj);
		costs->bound[i].max_byte_pj = le64_to_cpu(d->max_byte_pj);
		if (!(le64_to_cpu(d->flags) & PVBLK_DEVICE_BALLOON))
			continue;
		if (rcontainer_balloon(d->name, &costs->balloon[i]))
			return "no container for an energy balloon";
		costs->balloons |= BIT(i);
	}
	costs->nr = i;
	return NULL;
}

static void update_costs(struct pvblk *pvblk)
{
	struct pvblk_model *model __free(kfree) = kmalloc(sizeof(*model), GFP_KERNEL);
	struct pvblk_costs costs = {};
	const char *why;

	if (!model || pvblk_read_model(pvblk, model))
		why = "model not readable";
	else
		why = accept_model(model, &costs);
	if (why) {
		dev_warn_ratelimited(&pvblk->vdev->dev, "%s: no energy costs: %s\n",
				     pvblk->disk->disk_name, why);
		costs.nr = 0;
	}

	blk_mq_freeze_queue(pvblk->disk->queue);
	pvblk->costs = costs;
	if (costs.nr)
		pvblk_set_meters(pvblk, model);
	blk_mq_unfreeze_queue(pvblk->disk->queue);
}

static void pvblk_config_work(struct work_struct *work)
{
	struct pvblk *pvblk = container_of(work, struct pvblk, config_work);
	struct gendisk *disk = pvblk->disk;
	u64 sectors;

	virtio_cread(pvblk->vdev, struct virtio_blk_config, capacity, &sectors);
	set_capacity_and_notify(disk, pvblk_capacity(sectors,
						     queue_logical_block_size(disk->queue)));
	update_costs(pvblk);
	pvblk_begin_meters(pvblk);
}

static void pvblk_config_changed(struct virtio_device *vdev)
{
	struct pvblk *pvblk = vdev->priv;

	schedule_work(&pvblk->config_work);
}

static void pvblk_free(struct pvblk *pvblk)
{
	ida_free(&pvblk_ida, pvblk->index);
	kfree(pvblk->meters.model);
	kfree(pvblk->vqs);
	kfree(pvblk);
	/* Pairs with the wait in pvblk_exit(). */
	if (atomic_dec_and_test(&pvblk_nr))
		wake_up_var(&pvblk_nr);
}

static void pvblk_free_disk(struct gendisk *disk)
{
	pvblk_free(disk->private_data);
}

static const struct block_device_operations pvblk_fops = {
	.owner		= THIS_MODULE,
	.free_disk	= pvblk_free_disk,
};

static struct pvblk *pvblk_alloc(struct virtio_device *vdev, unsigned int nr_vqs)
{
	struct pvblk *pvblk = kzalloc(sizeof(*pvblk), GFP_KERNEL);
	int index;

	if (!pvblk)
		return NULL;
	pvblk->vdev = vdev;
	INIT_WORK(&pvblk->config_work, pvblk_config_work);
	INIT_WORK(&pvblk->fail_work, pvblk_fail_work);
	index = ida_alloc(&pvblk_ida, GFP_KERNEL);
	if (index < 0) {
		kfree(pvblk);
		return NULL;
	}
	pvblk->index = index;
	atomic_inc(&pvblk_nr);
	pvblk->meters.model = kmalloc(sizeof(*pvblk->meters.model), GFP_KERNEL);
	if (!pvblk->meters.model || pvblk_alloc_vqs(pvblk, nr_vqs)) {
		pvblk_free(pvblk);
		return NULL;
	}
	return pvblk;
}

static int alloc_tags(struct pvblk *pvblk, unsigned int ring_size)
{
	struct blk_mq_tag_set *set = &pvblk->tag_set;

	set->ops = &pvblk_mq_ops;
	set->driver_data = pvblk;
	set->nr_hw_queues = pvblk->nr_vqs;
	set->nr_maps = pvblk->nr_poll_vqs ? HCTX_MAX_TYPES : 1;
	/* Where descriptors are not indirect, most requests take three or more. */
	set->queue_depth = virtio_has_feature(pvblk->vdev, VIRTIO_RING_F_INDIRECT_DESC) ?
			   ring_size : ring_size / 3;
	set->numa_node = NUMA_NO_NODE;
	set->flags = BLK_MQ_F_SHOULD_MERGE;
	set->cmd_size = sizeof(struct pvblk_request);
	return blk_mq_alloc_tag_set(set);
}

static int alloc_disk(struct pvblk *pvblk, struct queue_limits *lim, u64 sectors)
{
	struct gendisk *disk;

	disk = blk_mq_alloc_disk(&pvblk->tag_set, lim, pvblk);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	pvblk_disk_name(pvblk->index, disk->disk_name);
	disk->fops = &pvblk_fops;
	disk->private_data = pvblk;
	set_disk_ro(disk, virtio_has_feature(pvblk->vdev, VIRTIO_BLK_F_RO));
	set_capacity(disk, pvblk_capacity(sectors, queue_logical_block_size(disk->queue)));
	pvblk->disk = disk;
	return 0;
}

static void announce(struct pvblk *pvblk)
{
	char size[16];

	string_get_size(get_capacity(pvblk->disk), SECTOR_SIZE, STRING_UNITS_2,
			size, sizeof(size));
	dev_info(&pvblk->vdev->dev, "%s: %s, %u queues, %u polled, costs of %u devices\n",
		 pvblk->disk->disk_name, size, pvblk->nr_vqs, pvblk->nr_poll_vqs,
		 pvblk->costs.nr);
}

/* No request is in flight, and none will be. */
static void stop_device(struct pvblk *pvblk)
{
	set_bit(PVBLK_FAILED, &pvblk->flags);
	virtio_reset_device(pvblk->vdev);
	/* Who could queue the work was in an interrupt. */
	cancel_work_sync(&pvblk->fail_work);
}

static int pvblk_probe(struct virtio_device *vdev)
{
	struct queue_limits lim = {};
	struct pvblk_config config;
	unsigned int ring_size;
	struct pvblk *pvblk;
	const char *why;
	int ret;

	pvblk_read_config(vdev, &config);
	pvblk = pvblk_alloc(vdev, config.num_queues);
	if (!pvblk)
		return -ENOMEM;
	vdev->priv = pvblk;
	ret = pvblk_find_vqs(pvblk);
	if (ret)
		goto free;

	ring_size = virtqueue_get_vring_size(pvblk->vqs[0].vq);
	why = pvblk_set_limits(&config, ring_size, virtio_max_dma_size(vdev), &lim);
	if (why) {
		dev_err(&vdev->dev, "disk can't be used: %s\n", why);
		ret = -EINVAL;
		goto del_vqs;
	}
	ret = alloc_tags(pvblk, ring_size);
	if (ret)
		goto del_vqs;
	ret = alloc_disk(pvblk, &lim, config.capacity);
	if (ret)
		goto free_tags;

	virtio_device_ready(vdev);
	update_costs(pvblk);
	ret = device_add_disk(&vdev->dev, pvblk->disk, pvblk_attr_groups);
	if (ret)
		goto put_disk;
	pvblk_begin_meters(pvblk);
	announce(pvblk);
	return 0;

put_disk:
	stop_device(pvblk);
	put_disk(pvblk->disk);
free_tags:
	blk_mq_free_tag_set(&pvblk->tag_set);
del_vqs:
	virtio_reset_device(vdev);
	pvblk_del_vqs(pvblk);
free:
	pvblk_free(pvblk);
	return ret;
}

static void pvblk_remove(struct virtio_device *vdev)
{
	struct pvblk *pvblk = vdev->priv;

	set_bit(PVBLK_REMOVING, &pvblk->flags);
	/* Pulled out: waiting for its requests is in vain. */
	if (pvblk->vqs[0].vq && virtqueue_is_broken(pvblk->vqs[0].vq)) {
		pvblk_fail(pvblk);
		flush_work(&pvblk->fail_work);
		blk_mark_disk_dead(pvblk->disk);
	}
	cancel_work_sync(&pvblk->config_work);
	pvblk_end_meters(pvblk);
	del_gendisk(pvblk->disk);
	stop_device(pvblk);
	pvblk_del_vqs(pvblk);
	blk_mq_free_tag_set(&pvblk->tag_set);
	put_disk(pvblk->disk);
}

static int pvblk_freeze(struct virtio_device *vdev)
{
	struct pvblk *pvblk = vdev->priv;
	struct request_queue *q = pvblk->disk->queue;

	cancel_work_sync(&pvblk->config_work);
	/* Drained, then held back in the queue, where submitters may wait. */
	blk_mq_freeze_queue(q);
	/* And waits for who may be notifying the device still. */
	blk_mq_quiesce_queue(q);
	blk_mq_unfreeze_queue(q);
	stop_device(pvblk);
	pvblk_del_vqs(pvblk);
	return 0;
}

static int pvblk_restore(struct virtio_device *vdev)
{
	struct pvblk *pvblk = vdev->priv;
	int ret = pvblk_find_vqs(pvblk);

	if (!ret) {
		clear_bit(PVBLK_FAILED, &pvblk->flags);
		virtio_device_ready(vdev);
		schedule_work(&pvblk->config_work);
	}
	/* Without queues requests fail, which is better than to hang. */
	blk_mq_unquiesce_queue(pvblk->disk->queue);
	return ret;
}

static const struct virtio_device_id pvblk_ids[] = {
	{ VIRTIO_ID_BLOCK, VIRTIO_DEV_ANY_ID },
	{ }
};
MODULE_DEVICE_TABLE(virtio, pvblk_ids);

static const unsigned int pvblk_features[] = {
	VIRTIO_BLK_F_SIZE_MAX, VIRTIO_BLK_F_SEG_MAX, VIRTIO_BLK_F_RO,
	VIRTIO_BLK_F_BLK_SIZE, VIRTIO_BLK_F_FLUSH, VIRTIO_BLK_F_TOPOLOGY,
	VIRTIO_BLK_F_CONFIG_WCE, VIRTIO_BLK_F_MQ, VIRTIO_BLK_F_DISCARD,
	VIRTIO_BLK_F_WRITE_ZEROES,
};

static struct virtio_driver pvblk_driver = {
	.driver.name		= "pvblk",
	.id_table		= pvblk_ids,
	.feature_table		= pvblk_features,
	.feature_table_size	= ARRAY_SIZE(pvblk_features),
	.validate		= pvblk_validate,
	.probe			= pvblk_probe,
	.remove			= pvblk_remove,
	.config_changed		= pvblk_config_changed,
	.freeze			= pm_sleep_ptr(pvblk_freeze),
	.restore		= pm_sleep_ptr(pvblk_restore),
};

static int __init pvblk_init(void)
{
	return register_virtio_driver(&pvblk_driver);
}
module_init(pvblk_init);

static void __exit pvblk_exit(void)
{
	unregister_virtio_driver(&pvblk_driver);
	/* The block layer calls pvblk_free_disk() of released disks. */
	wait_var_event(&pvblk_nr, !atomic_read(&pvblk_nr));
}
module_exit(pvblk_exit);

MODULE_DESCRIPTION("Paravirtual disk with energy costs");
MODULE_LICENSE("GPL");
