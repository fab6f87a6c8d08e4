// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests in flight: transfers between guest memory and the file. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "cli.h"
#include "iov.h"
#include "pvblkd.h"

/* Unaligned buffers are transferred in pieces of that size. */
#define BOUNCE_SIZE	(256 * 1024)
_Static_assert(BOUNCE_SIZE >= NET_MIN_COMMAND, "bound of a request's cost");

size_t request_step_max = 1024 * 1024;

static void finish(struct request *r, uint8_t status)
{
	r->blk.status = status;
	queue_done(r);
}

static bool aligned(const struct disk *disk, const struct iovec *iov,
		    unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if ((uintptr_t)iov[i].iov_base % disk->mem_align ||
		    iov[i].iov_len % disk->align)
			return false;
	return true;
}

/* Return: whether there is memory for it. */
static bool bounce(struct request *r, uint64_t left)
{
	size_t page = r->queue->disk->align;

	if (page < r->queue->disk->mem_align)
		page = r->queue->disk->mem_align;
	if (!r->bounce && posix_memalign(&r->bounce, page, BOUNCE_SIZE)) {
		r->bounce = NULL;
		return false;
	}
	r->bounced = left < BOUNCE_SIZE ? left : BOUNCE_SIZE;
	if (r->blk.op == BLK_WRITE)
		iov_read(r->data, r->nr_data, 0, r->bounce, r->bounced);
	return true;
}

/*
 * How many pieces are transferred at once.  A guest's request can be gigabytes
 * long, by naming the same memory again and again; others' are done in between.
 */
static unsigned int cut(struct request *r)
{
	unsigned int nr = 0;
	size_t sum = 0;

	while (nr < r->nr_data && nr < IOV_MAX &&
	       r->data[nr].iov_len <= request_step_max - sum)
		sum += r->data[nr++].iov_len;
	if (nr)
		return nr;
	r->cut_off = r->data->iov_len - request_step_max;
	r->data->iov_len = request_step_max;
	return 1;
}

static void on_done(struct io_op *op, int res);

/*
 * Memory does not wait, unless it was swapped out: no use in telling the kernel
 * to do it later.
 */
static void transfer_now(struct request *r, uint64_t offset)
{
	unsigned int nr = cut(r);
	int fd = r->queue->disk->fd;
	ssize_t n;

	if (r->blk.op == BLK_READ)
		n = preadv(fd, r->data, nr, offset);
	else
		n = pwritev(fd, r->data, nr, offset);
	on_done(&r->op, n < 0 ? -errno : n);
}

static void transfer(struct request *r)
{
	struct disk *disk = r->queue->disk;
	uint64_t offset = r->blk.offset + r->transferred;
	uint64_t left = r->blk.len - r->transferred;
	unsigned int nr = r->nr_data < IOV_MAX ? r->nr_data : IOV_MAX;
	struct io_uring_sqe *sqe;
	int fd = disk->fd;

	if (disk->resident) {
		transfer_now(r, offset);
		return;
	}
	r->bounced = 0;
	if (offset % disk->align || left % disk->align) {
		fd = disk->buffered_fd;
	} else if (!aligned(disk, r->data, nr) && !bounce(r, left)) {
		finish(r, VIRTIO_BLK_S_IOERR);
		return;
	}
	if (disk->nbd) {
		nbd_begin(disk->nbd, r, offset, r->bounced ? r->bounced :
			  iov_length(r->data, nr));
		return;
	}
	sqe = io_start(&disk->server->io, &r->op);
	if (r->bounced && r->blk.op == BLK_READ)
		io_uring_prep_read(sqe, fd, r->bounce, r->bounced, offset);
	else if (r->bounced)
		io_uring_prep_write(sqe, fd, r->bounce, r->bounced, offset);
	else if (r->blk.op == BLK_READ)
		io_uring_prep_readv(sqe, fd, r->data, cut(r), offset);
	else
		io_uring_prep_writev(sqe, fd, r->data, cut(r), offset);
	if (r->blk.op == BLK_WRITE && disk_writethrough(disk))
		sqe->rw_flags = RWF_DSYNC;
}

static void on_turn(struct io_op *op, int res)
{
	op->done = on_done;
	transfer((struct request *)op);
}

/* Go on, but not before others had their turn. */
static void transfer_more(struct request *r)
{
	if (!r->queue->disk->resident) {
		transfer(r);
		return;
	}
	r->op.done = on_turn;
	io_uring_prep_nop(io_start(&r->queue->disk->server->io, &r->op));
}

static void advance(struct request *r, size_t n)
{
	r->transferred += n;
	while (n && r->nr_data) {
		if (n < r->data->iov_len) {
			r->data->iov_base = (char *)r->data->iov_base + n;
			r->data->iov_len -= n;
			break;
		}
		n -= r->data->iov_len;
		r->data++;
		r->nr_data--;
	}
}

static void transferred(struct request *r, int n)
{
	if (r->bounced && r->blk.op == BLK_READ)
		iov_write(r->data, r->nr_data, 0, r->bounce, n);
	advance(r, n);
	if (r->transferred == r->blk.len)
		finish(r, VIRTIO_BLK_S_OK);
	else if (n)
		transfer_more(r);
	else
		/* The file ends here. */
		finish(r, VIRTIO_BLK_S_IOERR);
}

static void begin(struct request *r);

static void failed(struct request *r, int error)
{
	struct disk *disk = r->queue->disk;

	/* Not every file system has it; a hole reads as zeroes, too. */
	if (error == EOPNOTSUPP && r->blk.op == BLK_ZERO && !r->blk.unmap) {
		r->blk.unmap = true;
		begin(r);
		return;
	}
	if (error == EOPNOTSUPP &&
	    (r->blk.op == BLK_DISCARD || r->blk.op == BLK_ZERO)) {
		finish(r, VIRTIO_BLK_S_UNSUPP);
		return;
	}
	/* Once: a disk that fails does so for each of its requests. */
	if (!disk->io_failed)
		warnx("%s: %s: %s", disk->name, disk->file, strerror(error));
	disk->io_failed = true;
	finish(r, VIRTIO_BLK_S_IOERR);
}

static void on_done(struct io_op *op, int res)
{
	struct request *r = (struct request *)op;

	if (r->cut_off)
		r->data->iov_len += r->cut_off;
	r->cut_off = 0;
	if (res == -EINTR || res == -EAGAIN)
		begin(r);
	else if (res < 0)
		failed(r, -res);
	else if (r->blk.op == BLK_READ || r->blk.op == BLK_WRITE)
		transferred(r, res);
	else
		finish(r, VIRTIO_BLK_S_OK);
}

static void allocate(struct request *r, int mode)
{
	struct disk *disk = r->queue->disk;

	io_uring_prep_fallocate(io_start(&disk->server->io, &r->op),
				disk->buffered_fd, mode | FALLOC_FL_KEEP_SIZE,
				r->blk.offset, r->blk.len);
}

static void begin(struct request *r)
{
	struct disk *disk = r->queue->disk;

	switch (r->blk.op) {
	case BLK_READ:
	case BLK_WRITE:
		transfer(r);
		return;
	default:
		break;
	}
	if (disk->nbd) {
		nbd_begin(disk->nbd, r, r->blk.offset, 0);
		return;
	}
	switch (r->blk.op) {
	case BLK_FLUSH:
		io_uring_prep_fsync(io_start(&disk->server->io, &r->op),
				    disk->buffered_fd, IORING_FSYNC_DATASYNC);
		break;
	case BLK_DISCARD:
		allocate(r, FALLOC_FL_PUNCH_HOLE);
		break;
	case BLK_ZERO:
		allocate(r, r->blk.unmap ? FALLOC_FL_PUNCH_HOLE :
			 FALLOC_FL_ZERO_RANGE);
		break;
	default:
		break;
	}
}

static void answer(struct request *r, const void *data, size_t len)
{
	uint64_t room = r->in_len - r->blk.reply_len;

	iov_write(r->in, r->nr_in, 0, data, len < room ? len : room);
}

static void answer_id(struct request *r)
{
	char id[BLK_ID_LEN] = "";

	/* It need not be terminated. */
	memcpy(id, r->queue->disk->name, strnlen(r->queue->disk->name, sizeof(id)));
	answer(r, id, sizeof(id));
}

static void answer_model(struct request *r)
{
	struct pvblk_model model;

	server_meter(r->queue->disk->server);
	disk_model(r->queue->disk, &model);
	answer(r, &model, sizeof(model));
}

void request_start(struct queue *queue, const struct chain *chain)
{
	unsigned int nr = chain->nr_out + chain->nr_in;
	struct request *r;

	/* What is written, and what is transferred, which is a part of either. */
	r = malloc(sizeof(*r) + (nr + chain->nr_in) * sizeof(r->iov[0]));
	if (!r)
		err(exit_failure, "cannot allocate memory");
	memset(r, 0, sizeof(*r));
	r->op.done = on_done;
	r->queue = queue;
	r->head = chain->head;
	r->in = r->iov;
	r->nr_in = chain->nr_in;
	r->in_len = chain->in_len;
	memcpy(r->in, chain->iov + chain->nr_out, r->nr_in * sizeof(*r->in));
	r->data = r->iov + r->nr_in;

	blk_parse(chain, queue->disk->sectors, queue->disk->readonly, &r->blk);
	if (r->blk.op == BLK_READ)
		r->nr_data = iov_slice(r->in, r->nr_in, 0, r->blk.len, r->data);
	else if (r->blk.op == BLK_WRITE)
		r->nr_data = iov_slice(chain->iov, chain->nr_out,
				       sizeof(struct virtio_blk_outhdr),
				       r->blk.len, r->data);
	else if (r->blk.op == BLK_ID)
		answer_id(r);
	else if (r->blk.op == BLK_MODEL)
		answer_model(r);

	/* Nothing to transfer or to free is done already. */
	if (!r->blk.len && r->blk.op != BLK_FLUSH)
		queue_done(r);
	else
		begin(r);
}

void request_free(struct request *request)
{
	free(request->bounce);
	free(request);
}
