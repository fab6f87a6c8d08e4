/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest asks of its disk: requests of virtio-blk and of pvblk.h. */
#ifndef PVBLKD_BLK_H
#define PVBLKD_BLK_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/pvblk.h>
#include <linux/virtio_blk.h>

struct chain;

#define SECTOR_SIZE	512
#define BLK_ID_LEN	VIRTIO_BLK_ID_BYTES

/* The most that one request may discard or zero, in sectors: 2 GiB. */
#define BLK_MAX_RANGE	(1U << 22)

enum blk_op {
	BLK_NONE,	/* nothing to do: @status says why */
	BLK_READ,
	BLK_WRITE,
	BLK_FLUSH,
	BLK_DISCARD,
	BLK_ZERO,
	BLK_ID,
	BLK_MODEL,
};

/**
 * struct blk_request - a request
 * @op: what to do
 * @status: VIRTIO_BLK_S_*
 * @unmap: BLK_ZERO may free the space
 * @cost: the guest wants the cost
 * @reply_len: bytes at the end of what we write: a struct pvblk_reply, the
 *	status alone, or nothing
 * @offset: where on the disk, in bytes
 * @len: how much
 */
struct blk_request {
	enum blk_op op;
	uint8_t status;
	bool unmap;
	bool cost;
	uint8_t reply_len;
	uint64_t offset;
	uint64_t len;
};

/**
 * blk_parse() - understand a request
 * @chain: what the guest sent
 * @sectors: capacity of the disk
 * @readonly: it may not be written to
 * @request: filled in
 */
void blk_parse(const struct chain *chain, uint64_t sectors, bool readonly,
	       struct blk_request *request);

#endif /* PVBLKD_BLK_H */
