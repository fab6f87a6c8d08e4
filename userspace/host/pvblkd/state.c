// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvblkd may be killed between any two stores.  barrier() keeps stores whose order
 * matters in their order: in the file, which has what a killed process had stored,
 * and for readers on other CPUs, whose loads are acquire operations.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "state.h"

#define barrier()	__atomic_thread_fence(__ATOMIC_ACQ_REL)
#define LOCK_TRIES	50
#define LOCK_PAUSE_NS	100000000

static void *fail(char *err, const char *path, const char *what)
{
	snprintf(err, STATE_ERR_LEN, "%s: %s", path, what);
	return NULL;
}

/* A killed one's requests end before its lock does. */
static bool lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return true;
		if (errno != EWOULDBLOCK)
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool init(struct state_file *state, const char *name,
		 char device[][PVBLK_NAME_LEN], unsigned int nr_devices,
		 uint64_t rate)
{
	memset(state, 0, sizeof(*state));
	if (getrandom(&state->id, sizeof(state->id), 0) != sizeof(state->id))
		return false;
	state->version = STATE_VERSION;
	state->nr_devices = nr_devices;
	state->rate = rate;
	snprintf(state->name, sizeof(state->name), "%s", name);
	for (unsigned int i = 0; i < nr_devices; i++)
		memcpy(state->device[i], device[i], PVBLK_NAME_LEN);
	for (unsigned int i = 0; i < STATE_MAX_QUEUES; i++)
		state->queue[i].slot[0].seq = 1;
	barrier();
	state->magic = STATE_MAGIC;
	return true;
}

/* Nothing of it is used as an index without this. */
static bool sound(const struct state_file *state)
{
	if (state->magic != STATE_MAGIC || state->version != STATE_VERSION ||
	    state->nr_devices > PVBLK_MAX_DEVICES || !state->rate ||
	    strnlen(state->name, STATE_NAME_LEN) == STATE_NAME_LEN)
		return false;
	for (unsigned int i = 0; i < state->nr_devices; i++)
		if (strnlen(state->device[i], PVBLK_NAME_LEN) == PVBLK_NAME_LEN)
			return false;
	for (unsigned int i = 0; i < STATE_MAX_QUEUES; i++)
		if (state->queue[i].active > 1)
			return false;
	return true;
}

/* Return: a number that the next start of the host changes. */
static uint64_t this_boot(void)
{
	uint64_t part[2] = { 0 };
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (file && fscanf(file, "%8" SCNx64 "-%4" SCNx64, &part[0], &part[1]) != 2)
		part[0] = 0;
	if (file)
		fclose(file);
	return part[0] << 16 | part[1];
}

static const char *fits(const struct state_file *state, const char *name,
			char device[][PVBLK_NAME_LEN], unsigned int nr_devices)
{
	if (!sound(state))
		return "not a state file, or of another version";
	if (strcmp(state->name, name))
		return "the state of another disk";
	if (state->nr_devices != nr_devices)
		return "the state of other devices";
	for (unsigned int i = 0; i < nr_devices; i++)
		if (strcmp(state->device[i], device[i]))
			return "the state of other devices";
	return NULL;
}

/* Another model's remainders are parts of a picojoule of another size. */
static void adopt(struct state_file *state, uint64_t rate)
{
	if (state->rate == rate)
		return;
	for (unsigned int i = 0; i < STATE_MAX_QUEUES; i++)
		for (int slot = 0; slot < 2; slot++)
			state->queue[i].slot[slot].totals.rest = 0;
	state->rate = rate;
}

struct state_file *state_open(const char *path, const char *name,
			      char device[][PVBLK_NAME_LEN],
			      unsigned int nr_devices, uint64_t rate,
			      char err[STATE_ERR_LEN])
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	uint64_t boot = this_boot();
	struct state_file *state;
	const char *misfit;
	struct stat st;

	if (fd < 0)
		return fail(err, path, strerror(errno));
	if (!lock(fd))
		return fail(err, path, errno == EWOULDBLOCK ?
			    "another process serves this disk" : strerror(errno));
	if (fstat(fd, &st))
		return fail(err, path, strerror(errno));
	if (st.st_size && st.st_size != sizeof(*state))
		return fail(err, path, "not a state file, or of another version");
	/* Room now, or a full file system would be our death later. */
	errno = posix_fallocate(fd, 0, sizeof(*state));
	if (errno)
		return fail(err, path, strerror(errno));
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		return fail(err, path, strerror(errno));

	/* Killed while it was made: nothing was charged yet. */
	if (!state->magic && !init(state, name, device, nr_devices, rate))
		return fail(err, path, strerror(errno));
	misfit = fits(state, name, device, nr_devices);
	if (misfit)
		return fail(err, path, misfit);
	adopt(state, rate);
	if (state->base.boot != boot)
		state->base.until_ns[state->base.seq & 1] = 0;
	barrier();
	state->base.boot = boot;
	return state;
}

static struct state_slot *valid(struct state_queue *q)
{
	return &q->slot[q->active];
}

static struct state_slot *other(struct state_queue *q)
{
	return &q->slot[!q->active];
}

void state_start(struct state_file *state, unsigned int queue, uint16_t used_idx)
{
	struct state_queue *q = &state->queue[queue];

	if (other(q)->seq == valid(q)->seq + 1) {
		if (other(q)->used_idx == used_idx) {
			state_commit(state, queue);
		} else {
			if (valid(q)->used_idx != used_idx)
				q->uncertain++;
			barrier();
			other(q)->seq = 0;
		}
	}
	barrier();
	valid(q)->used_idx = used_idx;
	barrier();
}

struct state_totals *state_begin(struct state_file *state, unsigned int queue)
{
	struct state_queue *q = &state->queue[queue];

	other(q)->seq = 0;
	barrier();
	other(q)->totals = valid(q)->totals;
	return &other(q)->totals;
}

void state_arm(struct state_file *state, unsigned int queue, uint16_t used_idx)
{
	struct state_queue *q = &state->queue[queue];

	other(q)->used_idx = used_idx;
	barrier();
	other(q)->seq = valid(q)->seq + 1;
	barrier();
}

void state_commit(struct state_file *state, unsigned int queue)
{
	struct state_queue *q = &state->queue[queue];

	barrier();
	q->active = !q->active;
	barrier();
}

int64_t state_rest(const struct state_file *state)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < STATE_MAX_QUEUES; i++) {
		const struct state_queue *q = &state->queue[i];

		sum += q->slot[q->active].totals.rest;
	}
	return sum;
}

void state_add_base(struct state_file *state, const energy_t *pj, uint64_t until_ns)
{
	struct state_base *base = &state->base;
	struct state_pj *from = base->pj[base->seq & 1];
	struct state_pj *to = base->pj[!(base->seq & 1)];

	for (unsigned int i = 0; i < state->nr_devices; i++) {
		to[i] = from[i];
		state_pj_add(&to[i], pj[i]);
	}
	base->until_ns[!(base->seq & 1)] = until_ns;
	barrier();
	base->seq++;
	barrier();
}

energy_t state_base(const struct state_file *state, unsigned int device)
{
	return state_pj(state->base.pj[state->base.seq & 1][device]);
}

uint64_t state_metered_until(const struct state_file *state)
{
	return state->base.until_ns[state->base.seq & 1];
}

static uint64_t load(const uint64_t *from)
{
	return __atomic_load_n(from, __ATOMIC_ACQUIRE);
}

/* The slot that is valid stays what it is until the other one has been. */
static void look_at_queue(const struct state_queue *q, struct state_slot *copy)
{
	uint64_t active, seq;

	do {
		active = load(&q->active) & 1;
		seq = load(&q->slot[active].seq);
		*copy = q->slot[active];
		barrier();
	} while (load(&q->active) != active || load(&q->slot[active].seq) != seq);
}

static void look_at_base(const struct state_file *state, energy_t *pj)
{
	uint64_t seq;

	do {
		seq = load(&state->base.seq);
		for (int i = 0; i < PVBLK_MAX_DEVICES; i++)
			pj[i] = state_pj(state->base.pj[seq & 1][i]);
		barrier();
	} while (load(&state->base.seq) != seq);
}

static void add_totals(struct state_totals *sum, const struct state_totals *add)
{
	sum->requests += add->requests;
	sum->errors += add->errors;
	sum->read_bytes += add->read_bytes;
	sum->written_bytes += add->written_bytes;
	sum->unreported_requests += add->unreported_requests;
	sum->rest += add->rest;
	for (int i = 0; i < PVBLK_MAX_DEVICES; i++) {
		state_pj_add(&sum->returned[i], state_pj(add->returned[i]));
		state_pj_add(&sum->unreported[i], state_pj(add->unreported[i]));
	}
}

void state_look(const struct state_file *state, struct state_view *view)
{
	struct state_slot slot;

	memset(view, 0, sizeof(*view));
	view->id = state->id;
	memcpy(view->name, state->name, sizeof(view->name));
	view->nr_devices = state->nr_devices;
	memcpy(view->device, state->device, sizeof(view->device));
	for (unsigned int i = 0; i < STATE_MAX_QUEUES; i++) {
		look_at_queue(&state->queue[i], &slot);
		add_totals(&view->totals, &slot.totals);
		view->uncertain += state->queue[i].uncertain;
	}
	look_at_base(state, view->base);
}

int state_read(const char *path, struct state_view *view, char err[STATE_ERR_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const struct state_file *state;
	struct stat st;
	bool good;

	if (fd < 0 || fstat(fd, &st)) {
		fail(err, path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	state = st.st_size == sizeof(*state) ?
		mmap(NULL, sizeof(*state), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
	close(fd);
	good = state != MAP_FAILED && sound(state);
	if (good)
		state_look(state, view);
	else
		fail(err, path, "not a state file, or of another version");
	if (state != MAP_FAILED)
		munmap((void *)state, sizeof(*state));
	return good ? 0 : -1;
}
