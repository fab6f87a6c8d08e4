// SPDX-License-Identifier: GPL-2.0-or-later
/* Virtqueues: taking requests, and returning them with what they cost. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "iov.h"
#include "pvblkd.h"

/* Too large for the stack, and of use for a moment only. */
static struct chain chain;

void queue_init(struct queue *q, struct disk *disk, unsigned int index)
{
	memset(q, 0, sizeof(*q));
	q->disk = disk;
	q->index = index;
	q->done_tail = &q->done;
}

void queue_break(struct queue *q, const char *why)
{
	if (q->broken)
		return;
	warnx("%s: queue %u: %s: stopped until the device is reset",
	      q->disk->name, q->index, why);
	q->broken = true;
	signal_send(q->error);
}

static bool is_busy(const struct queue *q, uint16_t head)
{
	return q->busy[head / 64] >> head % 64 & 1;
}

static void take(struct queue *q)
{
	q->busy[chain.head / 64] |= 1ULL << chain.head % 64;
	q->in_flight++;
	q->disk->in_flight++;
	request_start(q, &chain);
}

static bool may_take(const struct queue *q)
{
	return q->started && q->enabled && !q->broken && !q->disk->hold &&
	       !q->disk->closing && !q->disk->server->stopping;
}

void queue_process(struct queue *q)
{
	struct io *io = &q->disk->server->io;
	int ret;

	if (!may_take(q))
		return;
	do {
		while (!io_full(io) && (ret = vring_pop(&q->vring, &chain)) > 0) {
			if (is_busy(q, chain.head)) {
				queue_break(q, "a chain that is in flight already");
				return;
			}
			if (q->disk->inflight.map)
				inflight_take(&q->disk->inflight, q->index, chain.head);
			take(q);
		}
		if (io_full(io)) {
			q->starved = true;
			q->disk->server->starved = true;
			return;
		}
		if (ret < 0) {
			queue_break(q, q->vring.error);
			return;
		}
	} while (!vring_await(&q->vring));
}

/* What was in flight when we were killed comes first, in its old order. */
static int resume(struct queue *q)
{
	struct disk *disk = q->disk;
	uint16_t heads[VRING_MAX_SIZE];
	int nr;

	if (!disk->inflight.map)
		return 0;
	nr = inflight_start(&disk->inflight, q->index, q->vring.num,
			    q->vring.used_idx, disk->features, heads);
	if (nr < 0)
		return nr;
	q->vring.last_avail = q->vring.used_idx + nr;
	for (int i = 0; i < nr && !q->broken; i++) {
		if (vring_chain(&q->vring, heads[i], &chain))
			queue_break(q, q->vring.error);
		else
			take(q);
	}
	return 0;
}

int queue_start(struct queue *q)
{
	struct disk *disk = q->disk;
	int ret;

	q->vring.event_idx = disk->features >> VIRTIO_RING_F_EVENT_IDX & 1;
	ret = vring_map(&q->vring, &disk->mem, &q->place);
	if (ret)
		return ret;
	q->broken = false;
	memset(q->busy, 0, sizeof(q->busy));
	state_start(disk->state, q->index, q->vring.used_idx);
	ret = resume(q);
	if (ret)
		return ret;
	q->started = true;
	/* A batch may have been published whose signal was not. */
	signal_send(q->call);
	return 0;
}

int queue_remap(struct queue *q)
{
	struct vqueue old = q->vring;
	int ret = vring_map(&q->vring, &q->disk->mem, &q->place);

	q->vring.last_avail = old.last_avail;
	q->vring.used_idx = old.used_idx;
	return ret;
}

void queue_stop(struct queue *q)
{
	watch_stop(q->kick);
	q->kick = NULL;
	q->started = false;
	q->broken = false;
	q->starved = false;
}

void queue_done(struct request *r)
{
	struct queue *q = r->queue;
	struct server *server = q->disk->server;

	r->next = NULL;
	*q->done_tail = r;
	q->done_tail = &r->next;
	if (q->dirty)
		return;
	q->dirty = true;
	q->next_dirty = server->dirty;
	server->dirty = q;
}

static void account(const struct request *r, struct state_totals *totals,
		    int64_t *rest, uint64_t pj[NR_DEVICES])
{
	request_price(r, rest, pj);
	totals->requests++;
	totals->errors += r->blk.status != VIRTIO_BLK_S_OK;
	if (r->blk.op == BLK_READ)
		totals->read_bytes += r->transferred;
	else if (r->blk.op == BLK_WRITE)
		totals->written_bytes += r->transferred;
	totals->unreported_requests += !r->blk.cost;
	for (int i = 0; i < NR_DEVICES; i++)
		state_pj_add(r->blk.cost ? &totals->returned[i] :
			     &totals->unreported[i], pj[i]);
}

static void reply(const struct request *r, const uint64_t pj[NR_DEVICES])
{
	struct pvblk_reply reply = { .status = r->blk.status };
	uint64_t offset = r->in_len - r->blk.reply_len;

	reply_costs(r->queue->disk, pj, &reply);
	iov_write(r->in, r->nr_in, offset,
		  r->blk.cost ? (void *)&reply : &reply.status, r->blk.reply_len);
}

/* The order of these steps is that of state.h and inflight.h. */
void queue_commit(struct queue *q)
{
	struct disk *disk = q->disk;
	struct state_totals *totals = state_begin(disk->state, q->index);
	int64_t before = state_rest(disk->state), rest = before;
	uint64_t pj[NR_DEVICES];
	uint16_t nr = 0;
	struct request *r, *next;

	for (r = q->done; r; r = next) {
		next = r->next;
		account(r, totals, &rest, pj);
		reply(r, pj);
		vring_put(&q->vring, nr++, r->head,
			  r->in_len < UINT32_MAX ? r->in_len : UINT32_MAX);
		if (disk->inflight.map)
			inflight_batch(&disk->inflight, q->index, r->head);
		q->busy[r->head / 64] &= ~(1ULL << r->head % 64);
		request_free(r);
	}
	q->done = NULL;
	q->done_tail = &q->done;
	totals->rest += (uint64_t)rest - (uint64_t)before;

	state_arm(disk->state, q->index, q->vring.used_idx + nr);
	vring_publish(&q->vring, nr);
	state_commit(disk->state, q->index);
	if (disk->inflight.map)
		inflight_done(&disk->inflight, q->index, nr, q->vring.used_idx);

	q->in_flight -= nr;
	disk->in_flight -= nr;
	if (vring_wants_signal(&q->vring))
		signal_send(q->call);
}
