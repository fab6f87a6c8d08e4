// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest sees of its disk. */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/virtio_config.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli.h"
#include "pvblkd.h"

/* Where the file does not say. */
#define DIRECT_ALIGN	4096

/*
 * Segments of a request: with its header and its reply that makes 128, the
 * usual size of a queue.
 */
#define SEG_MAX		126

static int open_file(const struct disk *disk, int flags)
{
	int fd = open(disk->file, flags | O_CLOEXEC |
		      (disk->readonly ? O_RDONLY : O_RDWR));

	if (fd < 0)
		err(exit_failure, "%s: cannot open %s%s", disk->name, disk->file,
		    flags & O_DIRECT ? " for direct access" : "");
	return fd;
}

static void find_alignment(struct disk *disk)
{
	struct statx stx = { 0 };
	unsigned int block;

	disk->align = DIRECT_ALIGN;
	disk->mem_align = DIRECT_ALIGN;
	if (!statx(disk->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) &&
	    stx.stx_mask & STATX_DIOALIGN && stx.stx_dio_offset_align) {
		disk->align = stx.stx_dio_offset_align;
		disk->mem_align = stx.stx_dio_mem_align;
	} else if (!ioctl(disk->fd, BLKSSZGET, &block)) {
		disk->align = block;
		disk->mem_align = block;
	}
	if (disk->align < SECTOR_SIZE)
		disk->align = SECTOR_SIZE;
	if (disk->mem_align < sizeof(void *))
		disk->mem_align = sizeof(void *);
}

static bool is_resident(const struct disk *disk)
{
	struct statfs fs;

	return !disk->direct && !fstatfs(disk->fd, &fs) &&
	       (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static uint64_t file_sectors(const struct disk *disk)
{
	struct stat st;
	uint64_t size;

	if (disk->nbd)
		return disk->nbd->size / SECTOR_SIZE;
	if (fstat(disk->fd, &st))
		err(exit_failure, "%s: %s", disk->name, disk->file);
	if (S_ISREG(st.st_mode))
		size = st.st_size;
	else if (!S_ISBLK(st.st_mode))
		errx(exit_failure, "%s: %s is neither a file nor a block device",
		     disk->name, disk->file);
	else if (ioctl(disk->fd, BLKGETSIZE64, &size))
		err(exit_failure, "%s: %s", disk->name, disk->file);
	return size / SECTOR_SIZE;
}

void disk_open(struct disk *disk)
{
	disk->waiting_fd = -1;
	disk->backend_fd = -1;
	disk->align = 1;
	disk->mem_align = 1;
	if (disk->nbd) {
		disk->buffered_fd = -1;
		disk->align = disk->nbd->align;
	} else {
		disk->buffered_fd = open_file(disk, 0);
	}
	disk->fd = disk->buffered_fd;
	disk->sectors = file_sectors(disk);
	if (!disk->sectors)
		errx(exit_failure, "%s: %s is empty", disk->name, disk->file);
	disk->resident = is_resident(disk);
	if (disk->direct) {
		disk->fd = open_file(disk, O_DIRECT);
		find_alignment(disk);
	}
}

void disk_resize(struct disk *disk)
{
	uint64_t sectors = file_sectors(disk);

	if (sectors == disk->sectors)
		return;
	printf("%s: %" PRIu64 " bytes, up to now %" PRIu64 "\n", disk->name,
	       sectors * SECTOR_SIZE, disk->sectors * SECTOR_SIZE);
	fflush(stdout);
	disk->sectors = sectors;
	vhost_config_changed(disk);
}

uint64_t disk_features(const struct disk *disk)
{
	uint64_t features = 1ULL << VIRTIO_F_VERSION_1 |
			    1ULL << VIRTIO_RING_F_INDIRECT_DESC |
			    1ULL << VIRTIO_RING_F_EVENT_IDX |
			    1ULL << VIRTIO_BLK_F_SEG_MAX |
			    1ULL << VIRTIO_BLK_F_BLK_SIZE |
			    1ULL << VIRTIO_BLK_F_TOPOLOGY |
			    1ULL << VIRTIO_BLK_F_FLUSH |
			    1ULL << VIRTIO_BLK_F_CONFIG_WCE |
			    1ULL << VIRTIO_BLK_F_MQ |
			    1ULL << VHOST_F_PROTOCOL_FEATURES;

	if (disk->readonly)
		features |= 1ULL << VIRTIO_BLK_F_RO;
	else
		features |= 1ULL << VIRTIO_BLK_F_DISCARD |
			    1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	if (disk->nbd)
		features &= ~nbd_lacks(disk->nbd);
	return features;
}

void disk_config(const struct disk *disk, struct virtio_blk_config *config)
{
	uint32_t block = disk->direct ? disk->align : DIRECT_ALIGN;

	memset(config, 0, sizeof(*config));
	config->capacity = disk->sectors;
	config->seg_max = SEG_MAX;
	config->blk_size = SECTOR_SIZE;
	config->physical_block_exp = __builtin_ctz(block / SECTOR_SIZE);
	config->min_io_size = block / SECTOR_SIZE;
	config->wce = disk->writeback;
	config->num_queues = disk->nr_queues;
	config->max_discard_sectors = BLK_MAX_RANGE;
	config->max_discard_seg = 1;
	config->discard_sector_alignment = block / SECTOR_SIZE;
	config->max_write_zeroes_sectors = BLK_MAX_RANGE;
	config->max_write_zeroes_seg = 1;
	config->write_zeroes_may_unmap = 1;
	_Static_assert(offsetof(struct virtio_blk_config, wce) + 1 ==
		       PVBLK_MARK_OFFSET, "the mark is in an unused byte");
	((uint8_t *)config)[PVBLK_MARK_OFFSET] = PVBLK_MARK | PVBLK_VERSION;
}

bool disk_writethrough(const struct disk *disk)
{
	/* A guest that knows of no cache cannot flush it. */
	return !disk->writeback || !(disk->features >> VIRTIO_BLK_F_FLUSH & 1);
}
