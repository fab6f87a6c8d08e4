// SPDX-License-Identifier: GPL-2.0
/*
 * The configuration space, and what it means for the block layer.
 */
#include <linux/blkdev.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "pvblk.h"

/* A field that is there if the device has the feature. */
#define cread(vdev, feature, field, to)					\
	virtio_cread_feature(vdev, VIRTIO_BLK_F_##feature,		\
			     struct virtio_blk_config, field, to)

/**
 * pvblk_read_config() - read the configuration space
 * @vdev: the device, with features negotiated
 * @c: receives it
 *
 * Context: process context, may sleep.
 */
void pvblk_read_config(struct virtio_device *vdev, struct pvblk_config *c)
{
	u8 wce = virtio_has_feature(vdev, VIRTIO_BLK_F_FLUSH);

	*c = (struct pvblk_config){ .num_queues = 1 };
	virtio_cread(vdev, struct virtio_blk_config, capacity, &c->capacity);
	cread(vdev, SIZE_MAX, size_max, &c->size_max);
	cread(vdev, SEG_MAX, seg_max, &c->seg_max);
	cread(vdev, BLK_SIZE, blk_size, &c->blk_size);
	cread(vdev, TOPOLOGY, physical_block_exp, &c->physical_block_exp);
	cread(vdev, TOPOLOGY, alignment_offset, &c->alignment_offset);
	cread(vdev, TOPOLOGY, min_io_size, &c->min_io_size);
	cread(vdev, TOPOLOGY, opt_io_size, &c->opt_io_size);
	cread(vdev, MQ, num_queues, &c->num_queues);
	cread(vdev, DISCARD, max_discard_sectors, &c->max_discard_sectors);
	cread(vdev, DISCARD, max_discard_seg, &c->max_discard_seg);
	cread(vdev, DISCARD, discard_sector_alignment, &c->discard_sector_alignment);
	cread(vdev, WRITE_ZEROES, max_write_zeroes_sectors,
	      &c->max_write_zeroes_sectors);
	cread(vdev, CONFIG_WCE, wce, &wce);
	if (!c->num_queues)
		c->num_queues = 1;
	c->discard = virtio_has_feature(vdev, VIRTIO_BLK_F_DISCARD);
	c->write_zeroes = virtio_has_feature(vdev, VIRTIO_BLK_F_WRITE_ZEROES);
	c->write_cache = wce;
}

/* Hints: one that can't be is no hint. */
static void set_topology(const struct pvblk_config *c, struct queue_limits *lim)
{
	unsigned int block_size = lim->logical_block_size;

	if (c->physical_block_exp < 32 - ilog2(block_size))
		lim->physical_block_size = block_size << c->physical_block_exp;
	lim->alignment_offset = block_size * c->alignment_offset;
	lim->io_min = block_size * c->min_io_size;
	if (check_mul_overflow(block_size, c->opt_io_size, &lim->io_opt))
		lim->io_opt = 0;
}

static void set_discard(const struct pvblk_config *c, struct queue_limits *lim)
{
	lim->max_hw_discard_sectors = c->max_discard_sectors ?: UINT_MAX;
	lim->max_discard_segments = clamp(c->max_discard_seg, 1, PVBLK_MAX_RANGES);
	lim->discard_granularity = lim->logical_block_size;
	if (is_power_of_2(c->discard_sector_alignment) &&
	    c->discard_sector_alignment <= UINT_MAX >> SECTOR_SHIFT)
		lim->discard_granularity = c->discard_sector_alignment << SECTOR_SHIFT;
}

/**
 * pvblk_set_limits() - what requests may look like
 * @c: the configuration space
 * @ring_size: no request has more descriptors
 * @max_dma_size: no segment has more bytes
 * @lim: to be filled in
 *
 * Context: any.
 * Return: NULL, or why the device can't be used.
 */
const char *pvblk_set_limits(const struct pvblk_config *c, unsigned int ring_size,
			     size_t max_dma_size, struct queue_limits *lim)
{
	if (c->blk_size && blk_validate_block_size(c->blk_size))
		return "impossible block size";
	if (c->size_max && c->size_max < PAGE_SIZE)
		return "segments smaller than a page";
	if (ring_size < 3)
		return "queue too short";

	lim->logical_block_size = c->blk_size ?: SECTOR_SIZE;
	lim->max_segment_size = min_not_zero(c->size_max,
					     min_t(size_t, max_dma_size, UINT_MAX));
	/* Header and reply take one descriptor each. */
	lim->max_segments = clamp(c->seg_max, 1, min(ring_size - 2, USHRT_MAX));
	/* Only segments count. */
	lim->max_hw_sectors = UINT_MAX;
	/* Virtio can't tell. */
	lim->features |= BLK_FEAT_ROTATIONAL | BLK_FEAT_SPLITS_COST;
	if (c->write_cache)
		lim->features |= BLK_FEAT_WRITE_CACHE;
	set_topology(c, lim);
	if (c->discard)
		set_discard(c, lim);
	if (c->write_zeroes)
		lim->max_write_zeroes_sectors = c->max_write_zeroes_sectors ?: UINT_MAX;
	return NULL;
}

/**
 * pvblk_capacity() - the usable capacity
 * @sectors: as the device says
 * @block_size: of a logical block
 *
 * Context: any.
 * Return: whole blocks, addressable in bytes.
 */
sector_t pvblk_capacity(u64 sectors, unsigned int block_size)
{
	return round_down(min_t(u64, sectors, LLONG_MAX >> SECTOR_SHIFT),
			  block_size >> SECTOR_SHIFT);
}

/**
 * pvblk_disk_name() - pvda, pvdb, ..., pvdz, pvdaa, ...
 * @index: of the disk
 * @name: receives DISK_NAME_LEN characters at most
 *
 * Context: any.
 */
void pvblk_disk_name(unsigned int index, char *name)
{
	char digits[8];
	int nr = 0;

	do {
		digits[nr++] = 'a' + index % 26;
		index /= 26;
	} while (index--);

	name += strscpy(name, "pvd", DISK_NAME_LEN);
	while (nr)
		*name++ = digits[--nr];
	*name = '\0';
}
