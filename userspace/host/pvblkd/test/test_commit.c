// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process that takes and returns requests is killed at each of its
 * instructions: it runs step by step, and at every step what it shares with
 * others is copied and taken over as its successor would.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver.h"
#include "fixture.h"

#define NUM		8
#define NR_REQUESTS	10
#define REPLY(i)	(DRIVER_GPA + DRIVER_DATA + (i) * 128)
#define POWER		2631000000000ULL
#define RATE		57000000
#define START		65533	/* the ring's index wraps on the way */

/* In which order requests are taken, by the head they come with... */
static const uint16_t heads[NR_REQUESTS] = { 0, 1, 2, 0, 3, 4, 5, 6, 7, 1 };
/* ... and how many are before each batch is returned, */
static const unsigned int taken[] = { 1, 3, 9, 9, 10 };
/* ... and which are in it. */
static const unsigned int batches[][5] = {
	{ 1, 0 }, { 2, 2, 1 }, { 1, 7 }, { 4, 8, 3, 4, 6 }, { 2, 9, 5 },
};

#define NR_BATCHES	(sizeof(taken) / sizeof(*taken))

/* What the successor is told by nobody, but must find out. */
static struct truth {
	unsigned int begun;
	unsigned int taken;
} *truth;

static unsigned int order[NR_REQUESTS];
static struct driver driver;
static struct queue *q;

static uint64_t bytes_of(unsigned int i)
{
	return 512 * (i + 1) + i;
}

static struct request *request(unsigned int i)
{
	struct request *r = calloc(1, sizeof(*r) + sizeof(r->iov[0]));

	r->queue = q;
	r->head = heads[i];
	r->blk.op = BLK_READ;
	r->blk.cost = true;
	r->blk.reply_len = sizeof(struct pvblk_reply);
	r->transferred = bytes_of(i);
	r->in = r->iov;
	r->nr_in = 1;
	r->in_len = sizeof(struct pvblk_reply);
	r->iov[0].iov_base = driver_at(&driver, REPLY(i));
	r->iov[0].iov_len = r->in_len;
	return r;
}

static void work(void)
{
	struct inflight *inflight = &fixture.disk.inflight;
	unsigned int next = 0;

	for (unsigned int b = 0; b < NR_BATCHES; b++) {
		for (; next < taken[b]; next++) {
			truth->begun = next + 1;
			inflight_take(inflight, 0, heads[next]);
			truth->taken = next + 1;
		}
		for (unsigned int i = 1; i <= batches[b][0]; i++)
			queue_done(request(batches[b][i]));
		queue_commit(q);
		q->dirty = false;
	}
}

static uint64_t cost_of(unsigned int nr)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < nr; i++)
		bytes += bytes_of(order[i]);
	return (energy_t)bytes * POWER / RATE;
}

/*
 * What the guest sees is right, for what it sees at all.  What it has seen long
 * ago is being overwritten by the next batch, which has up to four.
 */
static void check_guest(unsigned int used)
{
	for (unsigned int i = used > NUM - 4 ? used - (NUM - 4) : 0; i < used; i++) {
		struct vring_used_elem *elem =
			&driver.ring[0].used->ring[(START + i) % NUM];
		struct pvblk_reply *reply = driver_at(&driver, REPLY(order[i]));

		assert_int_equal(elem->id, heads[order[i]]);
		assert_int_equal(reply->status, 0);
		assert_int_equal(reply->access_pj[0], cost_of(i + 1) - cost_of(i));
	}
}

static void check_totals(unsigned int used)
{
	static struct state_file copy;
	struct state_view view;

	memcpy(&copy, fixture.disk.state, sizeof(copy));
	state_start(&copy, 0, START + used);
	state_look(&copy, &view);
	assert_int_equal(view.totals.requests, used);
	assert_int_equal(view.uncertain, 0);
	assert_true(state_pj(view.totals.returned[0]) == cost_of(used));
	assert_true(state_rest(&copy) >= 0 && state_rest(&copy) < RATE);
}

static bool is_returned(unsigned int i, unsigned int used)
{
	while (used--)
		if (order[used] == i)
			return true;
	return false;
}

static void check_inflight(unsigned int used)
{
	static uint64_t copy[4096];
	struct inflight inflight = fixture.disk.inflight;
	uint16_t found[NUM];
	int nr, n = 0;

	assert_true(inflight.len <= sizeof(copy));
	memcpy(copy, inflight.map, inflight.len);
	inflight.map = copy;
	nr = inflight_start(&inflight, 0, NUM, START + used, 0, found);
	for (unsigned int i = 0; i < truth->begun; i++) {
		if (is_returned(i, used))
			continue;
		/* One that is just being taken may be there or not. */
		if (n == nr && i == truth->taken)
			break;
		assert_true(n < nr);
		assert_int_equal(found[n++], heads[i]);
	}
	assert_int_equal(n, nr);
}

static void check(void)
{
	unsigned int used = (uint16_t)(driver.ring[0].used->idx - START);

	check_guest(used);
	check_totals(used);
	check_inflight(used);
}

static void prepare(void)
{
	struct disk *disk = &fixture.disk;
	int fd = inflight_create(1, NUM);
	uint16_t unused[NUM];
	unsigned int n = 0;

	fixture_init(false);
	driver_init(&driver, NUM);
	truth = mmap(NULL, sizeof(*truth), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(truth != MAP_FAILED);
	driver.ring[0].used->idx = START;
	assert_int_equal(mem_map(&disk->mem, driver.area, driver.fds, 2), 0);
	assert_int_equal(inflight_map(&disk->inflight, fd, 0, inflight_len(1, NUM),
				      1, NUM), 0);
	assert_int_equal(inflight_start(&disk->inflight, 0, NUM, START, 0, unused), 0);
	q = &disk->queue[0];
	q->vring.num = NUM;
	q->place = driver_place(0);
	assert_int_equal(vring_map(&q->vring, &disk->mem, &q->place), 0);
	state_start(disk->state, 0, START);
	for (unsigned int b = 0; b < NR_BATCHES; b++)
		for (unsigned int i = 1; i <= batches[b][0]; i++)
			order[n++] = batches[b][i];
	assert_int_equal(n, NR_REQUESTS);
}

static void test_killed_anywhere(void **state)
{
	unsigned int steps = 0;
	pid_t child;
	int status;

	prepare();
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		work();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	while (WIFSTOPPED(status)) {
		check();
		steps++;
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL))
			break;
		assert_int_equal(waitpid(child, &status, 0), child);
	}
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	check();
	assert_int_equal((uint16_t)(driver.ring[0].used->idx - START), NR_REQUESTS);
	assert_true(steps > 1000);
	print_message("%u steps\n", steps);
	fixture_exit();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
