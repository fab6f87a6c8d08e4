// SPDX-License-Identifier: GPL-2.0
/*
 * Attributes of the disk, in /sys/block/pvdX/.
 */
#include <linux/blkdev.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "pvblk.h"

/* Empty if it has none. */
static ssize_t serial_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct pvblk *pvblk = dev_to_disk(dev)->private_data;
	char id[VIRTIO_BLK_ID_BYTES];
	int ret;

	ret = pvblk_execute(pvblk, VIRTIO_BLK_T_GET_ID, id, sizeof(id));
	if (ret == -EIO || ret == -EOPNOTSUPP)
		return 0;
	if (ret)
		return ret;
	return sysfs_emit(buf, "%.*s\n", VIRTIO_BLK_ID_BYTES, id);
}
static DEVICE_ATTR_RO(serial);

static const char *const cache_types[] = { "write through", "write back" };

static ssize_t cache_type_show(struct device *dev, struct device_attribute *attr,
			       char *buf)
{
	struct gendisk *disk = dev_to_disk(dev);

	return sysfs_emit(buf, "%s\n",
			  cache_types[!!(disk->queue->limits.features &
					 BLK_FEAT_WRITE_CACHE)]);
}

static ssize_t cache_type_store(struct device *dev, struct device_attribute *attr,
				const char *buf, size_t count)
{
	struct gendisk *disk = dev_to_disk(dev);
	struct pvblk *pvblk = disk->private_data;
	struct pvblk_config config;
	struct queue_limits lim;
	int ret;

	ret = sysfs_match_string(cache_types, buf);
	if (ret < 0)
		return ret;
	lim = queue_limits_start_update(disk->queue);
	virtio_cwrite8(pvblk->vdev, offsetof(struct virtio_blk_config, wce), ret);
	/* It may have refused. */
	pvblk_read_config(pvblk->vdev, &config);
	if (config.write_cache)
		lim.features |= BLK_FEAT_WRITE_CACHE;
	else
		lim.features &= ~BLK_FEAT_WRITE_CACHE;
	ret = queue_limits_commit_update_frozen(disk->queue, &lim);
	return ret ?: count;
}
static DEVICE_ATTR_RW(cache_type);

/* The energy meters of the physical devices behind the disk, read anew. */
static ssize_t energy_show(struct device *dev, struct device_attribute *attr,
			   char *buf)
{
	struct pvblk *pvblk = dev_to_disk(dev)->private_data;
	struct pvblk_model *model __free(kfree) = kmalloc(sizeof(*model), GFP_KERNEL);
	int ret, len = 0;
	u32 i;

	if (!model)
		return -ENOMEM;
	ret = pvblk_read_model(pvblk, model);
	if (ret)
		return ret;
	if (pvblk_check_model(model))
		return -EIO;
	for (i = 0; i < le32_to_cpu(model->nr_devices); i++)
		len += sysfs_emit_at(buf, len, "%s.base_uj %llu\n",
				     model->devices[i].name,
				     le64_to_cpu(model->devices[i].base_uj));
	return len;
}
static DEVICE_ATTR_RO(energy);

static struct attribute *pvblk_attrs[] = {
	&dev_attr_serial.attr,
	&dev_attr_cache_type.attr,
	&dev_attr_energy.attr,
	NULL
};

static umode_t pvblk_attr_mode(struct kobject *kobj, struct attribute *attr, int n)
{
	struct pvblk *pvblk = dev_to_disk(kobj_to_dev(kobj))->private_data;

	if (attr == &dev_attr_cache_type.attr &&
	    !virtio_has_feature(pvblk->vdev, VIRTIO_BLK_F_CONFIG_WCE))
		return 0444;
	return attr->mode;
}

static const struct attribute_group pvblk_attr_group = {
	.attrs		= pvblk_attrs,
	.is_visible	= pvblk_attr_mode,
};

const struct attribute_group *pvblk_attr_groups[] = {
	&pvblk_attr_group,
	NULL
};
