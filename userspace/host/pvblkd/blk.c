// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "blk.h"
#include "iov.h"
#include "vring.h"

/* The flags that a range may have. */
#define RANGE_UNMAP	VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP

static bool in_disk(uint64_t sector, uint64_t len, uint64_t sectors)
{
	return len % SECTOR_SIZE == 0 && sector <= sectors &&
	       len / SECTOR_SIZE <= sectors - sector;
}

static uint8_t parse_data(struct blk_request *r, uint64_t sector, uint64_t len,
			  uint64_t sectors)
{
	if (!in_disk(sector, len, sectors))
		return VIRTIO_BLK_S_IOERR;
	r->offset = sector * SECTOR_SIZE;
	r->len = len;
	return VIRTIO_BLK_S_OK;
}

/* Discard and zeroing take one range: the configuration says so. */
static uint8_t parse_range(struct blk_request *r, const struct chain *chain,
			   uint64_t len, uint64_t sectors)
{
	struct virtio_blk_discard_write_zeroes range;

	if (len != sizeof(range) ||
	    iov_read(chain->iov, chain->nr_out, sizeof(struct virtio_blk_outhdr),
		     &range, sizeof(range)) != sizeof(range))
		return VIRTIO_BLK_S_IOERR;
	if (range.flags & ~RANGE_UNMAP ||
	    (r->op == BLK_DISCARD && range.flags))
		return VIRTIO_BLK_S_UNSUPP;
	if (range.num_sectors > BLK_MAX_RANGE)
		return VIRTIO_BLK_S_IOERR;
	r->unmap = range.flags & RANGE_UNMAP;
	return parse_data(r, range.sector,
			  (uint64_t)range.num_sectors * SECTOR_SIZE, sectors);
}

static enum blk_op op_of(uint32_t type)
{
	switch (type) {
	case VIRTIO_BLK_T_IN:
		return BLK_READ;
	case VIRTIO_BLK_T_OUT:
		return BLK_WRITE;
	case VIRTIO_BLK_T_FLUSH:
		return BLK_FLUSH;
	case VIRTIO_BLK_T_DISCARD:
		return BLK_DISCARD;
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return BLK_ZERO;
	case VIRTIO_BLK_T_GET_ID:
		return BLK_ID;
	case PVBLK_T_MODEL:
		return BLK_MODEL;
	default:
		return BLK_NONE;
	}
}

static uint8_t parse_op(struct blk_request *r, const struct chain *chain,
			uint64_t sector, uint64_t sectors, bool readonly)
{
	uint64_t out = chain->out_len - sizeof(struct virtio_blk_outhdr);
	uint64_t in = chain->in_len - r->reply_len;

	switch (r->op) {
	case BLK_READ:
		return parse_data(r, sector, in, sectors);
	case BLK_WRITE:
		if (readonly)
			return VIRTIO_BLK_S_IOERR;
		return parse_data(r, sector, out, sectors);
	case BLK_DISCARD:
	case BLK_ZERO:
		if (readonly)
			return VIRTIO_BLK_S_IOERR;
		return parse_range(r, chain, out, sectors);
	case BLK_MODEL:
		return in < sizeof(struct pvblk_model) ? VIRTIO_BLK_S_IOERR :
			VIRTIO_BLK_S_OK;
	case BLK_FLUSH:
	case BLK_ID:
		return VIRTIO_BLK_S_OK;
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

void blk_parse(const struct chain *chain, uint64_t sectors, bool readonly,
	       struct blk_request *r)
{
	struct virtio_blk_outhdr header;

	memset(r, 0, sizeof(*r));
	r->status = VIRTIO_BLK_S_IOERR;
	if (!chain->in_len)
		return;
	r->reply_len = 1;
	if (iov_read(chain->iov, chain->nr_out, 0, &header, sizeof(header)) !=
	    sizeof(header))
		return;
	/* The costs might go astray, and be taken for returned. */
	if (chain->bad)
		return;
	if (header.type & PVBLK_T_COST) {
		/* Too short for the costs: the last byte is the status. */
		if (chain->in_len < sizeof(struct pvblk_reply))
			return;
		r->cost = true;
		r->reply_len = sizeof(struct pvblk_reply);
	}
	r->op = op_of(header.type & ~PVBLK_T_COST);
	r->status = parse_op(r, chain, header.sector, sectors, readonly);
	if (r->status != VIRTIO_BLK_S_OK)
		r->op = BLK_NONE;
}
