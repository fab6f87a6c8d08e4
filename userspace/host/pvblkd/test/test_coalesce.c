// SPDX-License-Identifier: GPL-2.0-or-later
/* How many requests are waited for, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client.h"

#define MANY	(2 * COALESCE_MAX)

static struct coalesce c;

static int setup_coalesce(void **state)
{
	coalesce_init(&c);
	return 0;
}

/* Return: after how often the limit grows. */
static unsigned int until_more(void)
{
	unsigned int limit = c.limit, n = 0;

	while (c.limit == limit) {
		coalesce_target(&c, MANY);
		n++;
	}
	assert_int_equal(c.limit, limit + 1);
	return n;
}

static void test_half(void **state)
{
	static const unsigned int target[] = { 1, 1, 1, 1, 2, 2, 3, 3, 4 };

	for (unsigned int depth = 0; depth < 9; depth++)
		assert_int_equal(coalesce_target(&c, depth), target[depth]);
	assert_int_equal(coalesce_target(&c, MANY), COALESCE_MAX);
	assert_int_equal(coalesce_target(&c, UINT16_MAX), COALESCE_MAX);
}

static void test_late(void **state)
{
	coalesce_late(&c, 3);
	assert_int_equal(coalesce_target(&c, MANY), 3);
	assert_int_equal(coalesce_target(&c, 4), 2);
	coalesce_late(&c, 1);
	assert_int_equal(coalesce_target(&c, MANY), 1);
	/* The guest may say what it likes. */
	coalesce_late(&c, UINT16_MAX);
	assert_int_equal(coalesce_target(&c, MANY), 1);
}

static void test_nobody_waited(void **state)
{
	coalesce_late(&c, 0);
	assert_int_equal(coalesce_target(&c, MANY), COALESCE_MAX);
	coalesce_late(&c, 1);
	assert_int_equal(until_more(), 32);
}

static void test_patience(void **state)
{
	coalesce_late(&c, 6);
	assert_int_equal(until_more(), 32);
	assert_int_equal(until_more(), 32);
	/* At its best for long, it is forgiven. */
	for (int i = 0; i < 32; i++)
		assert_int_equal(coalesce_target(&c, MANY), COALESCE_MAX);
	coalesce_late(&c, 7);
	assert_int_equal(until_more(), 32);
	coalesce_late(&c, 1);
	assert_int_equal(until_more(), 64);
	for (int i = 0; i < 20; i++)
		coalesce_late(&c, 1);
	assert_int_equal(until_more(), 4096);
}

/* Who never has enough under way teaches nothing about more. */
static void test_small_guest(void **state)
{
	coalesce_late(&c, 2);
	for (int i = 0; i < 100; i++)
		assert_int_equal(coalesce_target(&c, 5), 2);
	assert_int_equal(c.limit, 2);
	assert_int_equal(until_more(), 32);
}

/* A guest with an interrupt, and requests that need no file. */

static struct queue *q;

static int setup_guest(void **state)
{
	if (setup(state))
		return -1;
	fixture.disk.resident = true;
	fixture.server.coalesce_ns = 3600000000000;
	q = &fixture.disk.queue[0];
	start(1ULL << VIRTIO_RING_F_EVENT_IDX);
	for (unsigned int i = 0; i < NUM; i += 2) {
		driver_desc(&d.ring[0], i, HEADER, 16, NEXT, i + 1);
		driver_desc(&d.ring[0], i + 1, BUFFER, 21, WRITE, 0);
	}
	((struct virtio_blk_outhdr *)driver_at(&d, HEADER))->type = VIRTIO_BLK_T_GET_ID;
	return 0;
}

static void offer_some(unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		driver_offer(&d.ring[0], d.ring[0].avail->idx % (NUM / 2) * 2);
}

static void notice(void)
{
	d.ring[0].avail->ring[NUM] = d.ring[0].used->idx;
}

/* Which of the next requests it is to be told of. */
static unsigned int awaited(void)
{
	return (uint16_t)(*q->vring.avail_event - q->vring.last_avail) + 1;
}

static void pass_deadline(void)
{
	q->deadline_ns = 1;
	fixture.server.deadline_ns = 1;
	server_step(&fixture.server, true);
}

static void begin(void)
{
	offer_some(8);
	notify(0);
	assert_int_equal(d.ring[0].used->idx, 8);
}

static void test_kicks(void **state)
{
	begin();
	assert_int_equal(awaited(), 4);
	assert_true(q->deadline_ns);
	/* It has noticed, and has a few under way. */
	notice();
	offer_some(3);
	pump();
	assert_int_equal(d.ring[0].used->idx, 8);
	offer_some(1);
	notify(0);
	assert_int_equal(d.ring[0].used->idx, 12);
	assert_int_equal(awaited(), 2);
	assert_int_equal(q->coalesce.limit, COALESCE_MAX);
}

static void test_deadline(void **state)
{
	begin();
	notice();
	offer_some(3);
	pass_deadline();
	assert_int_equal(d.ring[0].used->idx, 11);
	assert_int_equal(q->coalesce.limit, 3);
	assert_int_equal(awaited(), 1);
	assert_false(q->deadline_ns);
	assert_false(fixture.server.deadline_ns);
}

/* A guest that stands still does not keep us awake. */
static void test_asleep(void **state)
{
	begin();
	assert_int_equal(awaited(), 4);
	pass_deadline();
	assert_int_equal(awaited(), 1);
	assert_false(fixture.server.deadline_ns);
	assert_int_equal(q->coalesce.limit, COALESCE_MAX);
}

/* As long as it takes, and no longer. */
static void test_in_time(void **state)
{
	uint64_t start = monotonic_ns();

	fixture.server.coalesce_ns = 50000000;
	begin();
	notice();
	offer_some(1);
	while (d.ring[0].used->idx != 9)
		server_step(&fixture.server, true);
	assert_in_range(monotonic_ns() - start, 50000000, 10000000000);
}

static void test_gone(void **state)
{
	begin();
	offer_some(3);
	assert_int_equal(stop_ring(0), 8);
	assert_false(q->deadline_ns);
	/* Those are taken by whoever starts the ring. */
	start_ring(0);
	assert_int_equal(d.ring[0].used->idx, 11);
}

static void test_a_disk(void **state)
{
	fixture.disk.resident = false;
	begin();
	assert_int_equal(awaited(), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_half, setup_coalesce),
		cmocka_unit_test_setup(test_late, setup_coalesce),
		cmocka_unit_test_setup(test_nobody_waited, setup_coalesce),
		cmocka_unit_test_setup(test_patience, setup_coalesce),
		cmocka_unit_test_setup(test_small_guest, setup_coalesce),
		cmocka_unit_test_setup_teardown(test_kicks, setup_guest, teardown),
		cmocka_unit_test_setup_teardown(test_deadline, setup_guest, teardown),
		cmocka_unit_test_setup_teardown(test_asleep, setup_guest, teardown),
		cmocka_unit_test_setup_teardown(test_in_time, setup_guest, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup_guest, teardown),
		cmocka_unit_test_setup_teardown(test_a_disk, setup_guest, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
