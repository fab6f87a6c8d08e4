// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvblkd may be killed between any two stores here, and what its next process finds
 * must make sense: barrier() keeps the stores in their order.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inflight.h"
#include "vring.h"

#define ALIGNMENT	64
#define barrier()	__atomic_thread_fence(__ATOMIC_ACQ_REL)

static size_t queue_len(uint16_t queue_size)
{
	size_t len = sizeof(struct inflight_queue) +
		     queue_size * sizeof(struct inflight_desc);

	return (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

size_t inflight_len(unsigned int nr_queues, uint16_t queue_size)
{
	return nr_queues * queue_len(queue_size);
}

int inflight_create(unsigned int nr_queues, uint16_t queue_size)
{
	int fd = memfd_create("inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, inflight_len(nr_queues, queue_size)) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/* The longest rings, of at least @queue_size, for which @len has room. */
static uint16_t room(unsigned int nr_queues, uint16_t queue_size, uint64_t len)
{
	uint16_t size = VRING_MAX_SIZE;

	while (size > queue_size && inflight_len(nr_queues, size) > len)
		size /= 2;
	return size > queue_size ? size : queue_size;
}

int inflight_map(struct inflight *inflight, int fd, uint64_t offset,
		 uint64_t len, unsigned int nr_queues, uint16_t queue_size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	uint64_t end;
	void *map;

	if (seals < 0 || fstat(fd, &st))
		return -errno;
	if (!(seals & F_SEAL_SHRINK) || !queue_size ||
	    queue_size > VRING_MAX_SIZE ||
	    len < inflight_len(nr_queues, queue_size) ||
	    __builtin_add_overflow(offset, len, &end) ||
	    end > (uint64_t)st.st_size)
		return -EINVAL;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (map == MAP_FAILED)
		return -errno;
	inflight->map = map;
	inflight->len = len;
	inflight->nr_queues = nr_queues;
	inflight->queue_size = room(nr_queues, queue_size, len);
	inflight->counter = 0;
	return 0;
}

void inflight_unmap(struct inflight *inflight)
{
	if (inflight->map)
		munmap(inflight->map, inflight->len);
	inflight->map = NULL;
}

static struct inflight_queue *queue_at(const struct inflight *inflight,
				       unsigned int queue)
{
	return (void *)((char *)inflight->map +
			queue * queue_len(inflight->queue_size));
}

/* We died between publishing a batch and saying that it is not in flight. */
static void finish_batch(struct inflight_queue *q, uint16_t num, uint16_t used_idx)
{
	uint16_t left = used_idx - q->used_idx;
	uint16_t head = q->last_batch_head;

	for (unsigned int i = 0; i < num && left && head < num; i++, left--) {
		q->desc[head].inflight = 0;
		head = q->desc[head].next;
	}
	barrier();
	q->used_idx = used_idx;
}

struct entry {
	uint64_t counter;
	uint16_t head;
};

static int by_age(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return (x->counter > y->counter) - (x->counter < y->counter);
}

int inflight_start(struct inflight *inflight, unsigned int queue, uint16_t num,
		   uint16_t used_idx, uint64_t features, uint16_t *heads)
{
	struct inflight_queue *q = queue_at(inflight, queue);
	struct entry entry[VRING_MAX_SIZE];
	unsigned int nr = 0;

	if (queue >= inflight->nr_queues || num > inflight->queue_size)
		return -EINVAL;
	if (!q->version) {
		q->desc_num = inflight->queue_size;
		q->used_idx = used_idx;
		barrier();
		q->version = INFLIGHT_VERSION;
	}
	if (q->version != INFLIGHT_VERSION || q->desc_num != inflight->queue_size)
		return -EINVAL;
	q->features = features;
	if (q->used_idx != used_idx)
		finish_batch(q, num, used_idx);

	for (uint16_t head = 0; head < num; head++) {
		if (!q->desc[head].inflight)
			continue;
		entry[nr].head = head;
		entry[nr++].counter = q->desc[head].counter;
		if (inflight->counter <= q->desc[head].counter)
			inflight->counter = q->desc[head].counter + 1;
	}
	qsort(entry, nr, sizeof(*entry), by_age);
	for (unsigned int i = 0; i < nr; i++)
		heads[i] = entry[i].head;
	return nr;
}

void inflight_take(struct inflight *inflight, unsigned int queue, uint16_t head)
{
	struct inflight_queue *q = queue_at(inflight, queue);

	q->desc[head].counter = inflight->counter++;
	barrier();
	q->desc[head].inflight = 1;
	barrier();
}

void inflight_batch(struct inflight *inflight, unsigned int queue, uint16_t head)
{
	struct inflight_queue *q = queue_at(inflight, queue);

	q->desc[head].next = q->last_batch_head;
	barrier();
	q->last_batch_head = head;
	barrier();
}

void inflight_done(struct inflight *inflight, unsigned int queue,
		   uint16_t nr, uint16_t used_idx)
{
	struct inflight_queue *q = queue_at(inflight, queue);
	uint16_t head = q->last_batch_head;

	barrier();
	for (; nr && head < inflight->queue_size; nr--) {
		q->desc[head].inflight = 0;
		head = q->desc[head].next;
	}
	barrier();
	q->used_idx = used_idx;
	barrier();
}
