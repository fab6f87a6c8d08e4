// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libnbd, driven by the event loop; see nbd.h.
 *
 * The library calls on_command() from within its functions, where none of them
 * may be called.  So that only notes what has ended; nbd_follow(), which is called
 * after every one of these functions, does the rest.
 */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

#include "cli.h"
#include "nbd.h"
#include "nbdconn.h"
#include "net.h"
#include "pvblkd.h"

/* While there is no connection: how often to try, and how long a try takes. */
#define RETRY_NS	(200 * NSEC_PER_MSEC)
#define CONNECT_NS	(5 * NSEC_PER_SEC)

/* At a time, so that it is a number like those that system calls return. */
#define MAX_TRANSFER	(1U << 30)

_Static_assert(NET_MAX_PIECES >= CHAIN_MAX, "bound of a request's cost");

struct nbd_timer {
	struct io_op op;
	struct nbd_link *link;
	struct __kernel_timespec ts;
	bool armed;
};

/**
 * struct nbd_work - a request, or the part of one that is transferred at a time
 * @next: in one of the link's lists
 * @link: the disk's
 * @request: whose
 * @offset: where on the disk
 * @len: bytes to transfer
 * @pending: commands without a reply
 * @error: of the first that failed
 * @lost: the connection was lost before all of them had one
 * @flush: all that is left to do is to make it stable
 * @pj: what the commands cost
 * @deadline_ns: how long it may wait, zero if it did not have to yet
 */
struct nbd_work {
	struct nbd_work *next;
	struct nbd_link *link;
	struct request *request;
	uint64_t offset;
	uint64_t len;
	unsigned int pending;
	int error;
	bool lost;
	bool flush;
	uint64_t pj;
	uint64_t deadline_ns;
};

static void append(struct nbd_work ***tail, struct nbd_work *work)
{
	work->next = NULL;
	**tail = work;
	*tail = &work->next;
}

static void end_command(struct nbd_work *work)
{
	if (!--work->pending)
		append(&work->link->done_tail, work);
}

static int on_command(void *data, int *error)
{
	struct nbd_work *work = data;

	if (*error == ENOTCONN || *error == ESHUTDOWN)
		work->lost = true;
	else if (*error && !work->error)
		work->error = *error;
	end_command(work);
	return 1;
}

static nbd_completion_callback completion(struct nbd_work *work)
{
	return (nbd_completion_callback){ .callback = on_command, .user_data = work };
}

/* Ask what the server can do. */
static void take_properties(struct nbd_link *link)
{
	struct nbd_handle *nbd = link->conn->nbd;
	int64_t size = nbd_get_size(nbd);
	int64_t align = nbd_get_block_size(nbd, LIBNBD_SIZE_MINIMUM);
	int64_t max = nbd_get_block_size(nbd, LIBNBD_SIZE_MAXIMUM);

	link->size = size > 0 ? size : 0;
	link->align = align > 0 && align < UINT32_MAX ? align : 1;
	link->max = max > 0 && max < NET_MAX_COMMAND ? max : NET_MAX_COMMAND;
	link->readonly = nbd_is_read_only(nbd) > 0;
	link->can_flush = nbd_can_flush(nbd) > 0;
	link->can_fua = nbd_can_fua(nbd) > 0;
	link->can_trim = nbd_can_trim(nbd) > 0;
	link->can_zero = nbd_can_zero(nbd) > 0;
}

static void arm_timer(struct nbd_timer *timer)
{
	if (timer->armed)
		return;
	timer->armed = true;
	timer->ts.tv_nsec = RETRY_NS;
	io_uring_prep_timeout(io_start(&timer->link->disk->server->io, &timer->op),
			      &timer->ts, 0, 0);
}

/* Whether nobody would wait for a request any more. */
static bool given_up(const struct nbd_link *link)
{
	return link->disk->server->stopping || link->disk->closing;
}

static bool may_wait(const struct nbd_work *work, uint64_t now)
{
	const struct nbd_link *link = work->link;

	if (given_up(link))
		return false;
	return now < work->deadline_ns &&
	       (link->connected || now < link->lost_ns + link->wait_ns);
}

static void complete(struct nbd_work *work, int res)
{
	struct request *r = work->request;

	if (__builtin_add_overflow(r->net_pj, work->pj, &r->net_pj))
		r->net_pj = UINT64_MAX;
	free(work);
	r->op.done(&r->op, res);
}

/* There is no connection for it, or not any more. */
static void hold(struct nbd_work *work)
{
	struct nbd_link *link = work->link;
	uint64_t now = monotonic_ns();

	if (!work->deadline_ns)
		work->deadline_ns = now + link->wait_ns;
	work->pj = 0;
	work->lost = false;
	work->flush = false;
	work->error = 0;
	if (!may_wait(work, now)) {
		complete(work, -ENOTCONN);
		return;
	}
	append(&link->waiting_tail, work);
	arm_timer(link->timer);
}

/* One of a work's commands. */
static bool issue_piece(struct nbd_work *work, void *data, uint64_t len, uint64_t offset)
{
	const struct netmodel *net = work->link->disk->physical->net;
	struct nbd_handle *nbd = work->link->conn->nbd;
	bool write = work->request->blk.op == BLK_WRITE;
	uint32_t flags = 0;
	int64_t cookie;

	if (write && disk_writethrough(work->link->disk) && work->link->can_fua)
		flags = LIBNBD_CMD_FLAG_FUA;
	work->pending++;
	cookie = write ?
		nbd_aio_pwrite(nbd, data, len, offset, completion(work), flags) :
		nbd_aio_pread(nbd, data, len, offset, completion(work), 0);
	work->pj += net_command_pj(net, write ? len : 0, write ? 0 : len);
	return cookie >= 0;
}

/* Pieces that lie behind each other in our memory are one. */
static bool issue_pieces(struct nbd_work *work)
{
	const struct request *r = work->request;
	uint64_t done = 0, max = work->link->max;

	if (r->bounced)
		return issue_piece(work, r->bounce, r->bounced, work->offset);
	for (unsigned int i = 0; done < work->len;) {
		char *base = r->data[i].iov_base;
		uint64_t len = r->data[i++].iov_len;

		while (done + len < work->len && r->data[i].iov_base == base + len)
			len += r->data[i++].iov_len;
		if (len > work->len - done)
			len = work->len - done;
		for (uint64_t n; len; len -= n, base += n, done += n) {
			n = len < max ? len : max;
			if (!issue_piece(work, base, n, work->offset + done))
				return false;
		}
	}
	return true;
}

static bool issue_other(struct nbd_work *work)
{
	const struct blk_request *blk = &work->request->blk;
	struct nbd_handle *nbd = work->link->conn->nbd;
	int64_t cookie;

	work->pending++;
	work->pj += net_command_pj(work->link->disk->physical->net, 0, 0);
	if (work->flush || blk->op == BLK_FLUSH)
		cookie = nbd_aio_flush(nbd, completion(work), 0);
	else if (blk->op == BLK_DISCARD)
		cookie = nbd_aio_trim(nbd, blk->len, blk->offset, completion(work), 0);
	else
		cookie = nbd_aio_zero(nbd, blk->len, blk->offset, completion(work),
				      blk->unmap ? 0 : LIBNBD_CMD_FLAG_NO_HOLE);
	return cookie >= 0;
}

static bool is_transfer(const struct nbd_work *work)
{
	return work->request->blk.op == BLK_READ || work->request->blk.op == BLK_WRITE;
}

static void issue(struct nbd_work *work)
{
	bool pieces = is_transfer(work) && !work->flush;

	/* So that it does not end before all of it is begun. */
	work->pending = 1;
	if (!(pieces ? issue_pieces(work) : issue_other(work))) {
		/* That one was not taken, and nobody will say that it has ended. */
		work->pending--;
		if (!nbd_conn_usable(work->link->conn))
			work->lost = true;
		else if (!work->error)
			work->error = nbd_get_errno() ? nbd_get_errno() : EIO;
	}
	end_command(work);
}

/* Every command of it has ended. */
static void finish(struct nbd_work *work)
{
	struct nbd_link *link = work->link;

	if (work->lost) {
		hold(work);
	} else if (work->error) {
		complete(work, -work->error);
	} else if (work->request->blk.op == BLK_WRITE && !work->flush &&
		   disk_writethrough(link->disk) && !link->can_fua && link->can_flush) {
		work->flush = true;
		if (link->connected)
			issue(work);
		else
			hold(work);
	} else {
		complete(work, work->len);
	}
}

/* Those who wait, in their order: what becomes of them now. */
static void retry(struct nbd_link *link)
{
	struct nbd_work *work = link->waiting;
	uint64_t now = monotonic_ns();

	link->waiting = NULL;
	link->waiting_tail = &link->waiting;
	while (work) {
		struct nbd_work *next = work->next;

		if (link->connected && may_wait(work, now))
			issue(work);
		else
			hold(work);
		work = next;
	}
}

static void take_connection(struct nbd_link *link)
{
	uint64_t size = link->size;

	link->connected = true;
	take_properties(link);
	warnx("%s: %s: connected again", link->disk->name, link->uri);
	/* What fails from here on is worth a word again. */
	link->disk->io_failed = false;
	if (size != link->size)
		disk_resize(link->disk);
	retry(link);
}

static void lose_connection(struct nbd_link *link)
{
	/* Of an end in order the library says nothing; what it said before is old. */
	bool closed = nbd_aio_is_closed(link->conn->nbd);

	if (link->connected) {
		link->connected = false;
		link->lost_ns = monotonic_ns();
		warnx("%s: %s: connection lost: %s; requests wait for up to %llu s",
		      link->disk->name, link->uri,
		      closed ? "closed by the server" : nbd_get_error(),
		      link->wait_ns / NSEC_PER_SEC);
	}
	nbd_conn_close(link->conn);
	arm_timer(link->timer);
}

/* The library may have changed its mind, and ended some commands. */
void nbd_follow(struct nbd_link *link)
{
	struct nbd_work *work;

	if (link->following)
		return;
	link->following = true;
	do {
		if (link->conn && nbd_conn_dead(link->conn))
			lose_connection(link);
		else if (link->conn && !link->connected && nbd_aio_is_ready(link->conn->nbd))
			take_connection(link);
		while ((work = link->done)) {
			link->done = work->next;
			if (!link->done)
				link->done_tail = &link->done;
			finish(work);
		}
	} while (link->conn && nbd_conn_dead(link->conn));
	link->following = false;
	if (link->conn)
		nbd_conn_arm(link->conn);
}

static void link_release(struct nbd_link *link)
{
	free(link->timer);
	free(link);
}

static void on_timer(struct io_op *op, int res)
{
	struct nbd_timer *timer = (struct nbd_timer *)op;
	struct nbd_link *link = timer->link;
	struct nbd_conn *conn = link->conn;

	timer->armed = false;
	if (link->ended) {
		link_release(link);
		return;
	}
	if (!link->connected) {
		if (conn && monotonic_ns() - conn->since_ns > CONNECT_NS)
			nbd_conn_close(conn);
		if (!link->conn)
			link->conn = nbd_conn_start(link);
	}
	retry(link);
	nbd_follow(link);
	if (!link->connected || link->waiting)
		arm_timer(timer);
}

void nbd_begin(struct nbd_link *link, struct request *request, uint64_t offset,
	       uint64_t len)
{
	struct nbd_work *work;
	enum blk_op op = request->blk.op;

	/* Not offered to the guest, or not by this life of the server. */
	if ((op == BLK_DISCARD && !link->can_trim) || (op == BLK_ZERO && !link->can_zero)) {
		request->op.done(&request->op, -EOPNOTSUPP);
		return;
	}
	/* Who has no command for it has no cache to be flushed. */
	if (op == BLK_FLUSH && !link->can_flush) {
		request->op.done(&request->op, 0);
		return;
	}
	work = calloc(1, sizeof(*work));
	if (!work)
		err(exit_failure, "cannot allocate memory");
	work->link = link;
	work->request = request;
	work->offset = offset;
	work->len = len < MAX_TRANSFER ? len : MAX_TRANSFER;
	if (link->connected)
		issue(work);
	else
		hold(work);
	nbd_follow(link);
}

/* Before anything is served there is time to wait for the server. */
static void connect_now(struct nbd_link *link)
{
	uint64_t end = monotonic_ns() + CONNECT_NS, now;

	link->conn = nbd_conn_start(link);
	while (link->conn && !nbd_aio_is_ready(link->conn->nbd)) {
		now = monotonic_ns();
		if (now >= end)
			errx(exit_failure, "%s: %s: the server does not answer",
			     link->disk->name, link->uri);
		if (nbd_conn_dead(link->conn) ||
		    nbd_poll(link->conn->nbd, (end - now) / NSEC_PER_MSEC + 1) < 0)
			break;
	}
	if (!link->conn || !nbd_aio_is_ready(link->conn->nbd))
		errx(exit_failure, "%s: cannot connect to %s: %s", link->disk->name,
		     link->uri, nbd_get_error() ? nbd_get_error() : "closed by the server");
}

struct nbd_link *nbd_open(struct disk *disk, const char *uri, unsigned int wait_s)
{
	struct nbd_link *link = calloc(1, sizeof(*link));
	struct nbd_timer *timer = calloc(1, sizeof(*timer));

	if (!link || !timer)
		err(exit_failure, "cannot allocate memory");
	link->disk = disk;
	link->uri = uri;
	link->wait_ns = wait_s * NSEC_PER_SEC;
	link->done_tail = &link->done;
	link->waiting_tail = &link->waiting;
	link->timer = timer;
	timer->op.done = on_timer;
	timer->link = link;
	connect_now(link);
	link->connected = true;
	take_properties(link);
	if (link->align > SECTOR_SIZE)
		errx(exit_failure, "%s: %s has blocks of %" PRIu32 " bytes, more than %d",
		     disk->name, uri, link->align, SECTOR_SIZE);
	if (link->max < NET_MIN_COMMAND)
		errx(exit_failure, "%s: %s takes only %" PRIu32 " bytes at a time, less than %d",
		     disk->name, uri, link->max, NET_MIN_COMMAND);
	if (link->readonly && !disk->readonly)
		errx(exit_failure, "%s: %s is read-only; add the option readonly",
		     disk->name, uri);
	nbd_conn_arm(link->conn);
	return link;
}

uint64_t nbd_lacks(const struct nbd_link *link)
{
	uint64_t features = 0;

	if (!link->can_flush)
		features |= 1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_CONFIG_WCE;
	if (!link->can_trim)
		features |= 1ULL << VIRTIO_BLK_F_DISCARD;
	if (!link->can_zero)
		features |= 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	return features;
}

void nbd_end(struct nbd_link *link)
{
	if (!link)
		return;
	/* The server may never answer. */
	if (link->connected)
		nbd_aio_disconnect(link->conn->nbd, 0);
	link->connected = false;
	if (link->conn)
		nbd_conn_close(link->conn);
	link->ended = true;
	if (link->timer->armed)
		io_cancel(&link->disk->server->io, &link->timer->op);
	else
		link_release(link);
}
