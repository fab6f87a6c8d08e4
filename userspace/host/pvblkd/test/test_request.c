// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests, from the guest's buffers to costs and totals. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"

static void test_transfer(void **state)
{
	uint64_t *costs = driver_at(&d, REPLY);
	char *buffer = driver_at(&d, BUFFER);

	start(0);
	memset(buffer, 'w', 4096);
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT | COST, 8, 4096, true), 0);
	assert_int_equal(costs[0], 4096 * 2631000000000 / 57000000);
	for (int i = 1; i < 8; i++)
		assert_int_equal(costs[i], 0);
	assert_int_equal(returned(), costs[0]);
	memset(buffer, 0, 4096);
	assert_int_equal(request(1, VIRTIO_BLK_T_IN, 9, 1024, false), 0);
	assert_memory_equal(buffer, "wwww", 4);
	assert_int_equal(buffer[1023], 'w');
	assert_int_equal(buffer[1024], 0);
	assert_int_equal(d.ring[1].used->ring[0].len, 1025);
	assert_int_equal(totals().totals.read_bytes, 1024);
	assert_int_equal(totals().totals.written_bytes, 4096);
	assert_int_equal(totals().totals.requests, 2);
	assert_int_equal(totals().totals.unreported_requests, 1);
	assert_int_equal(returned() + state_pj(totals().totals.unreported[0]),
			 5120 * 2631000000000 / 57000000);
}

static void test_other_requests(void **state)
{
	char *buffer = driver_at(&d, BUFFER);
	struct virtio_blk_discard_write_zeroes *range = (void *)buffer;

	start(1 << VIRTIO_BLK_F_FLUSH);
	assert_int_equal(request(0, VIRTIO_BLK_T_FLUSH | COST, 0, 0, true), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 0, false), 0);
	memset(buffer, 'x', 4096);
	assert_int_equal(request(0, VIRTIO_BLK_T_GET_ID, 0, 20, false), 0);
	assert_string_equal(buffer, "vm");
	memset(buffer, 'x', 4096);
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT, 0, 4096, true), 0);

	memset(range, 0, sizeof(*range));
	range->num_sectors = 8;
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD | COST, 0, 16, true), 0);
	assert_int_equal(*(uint64_t *)driver_at(&d, REPLY), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 4096, false), 0);
	assert_int_equal(buffer[0], 0);
	memset(range, 0, sizeof(*range));
	range->num_sectors = 8;
	range->flags = 1;
	assert_int_equal(request(0, VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, true), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD, 0, 16, true), 2);
	range->flags = 2;
	assert_int_equal(request(0, VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, true), 2);
	range->flags = 0;
	range->sector = FIXTURE_BYTES / 512 - 7;
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD, 0, 16, true), 1);
	range->sector = UINT64_MAX;
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD, 0, 16, true), 1);
	range->sector = 0;
	range->num_sectors = UINT32_MAX;
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD, 0, 16, true), 1);
	range->num_sectors = 0;
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD, 0, 16, true), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD, 0, 32, true), 1);
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD, 0, 15, true), 1);
	assert_int_equal(request(0, 14, 0, 0, true), 2);
	assert_int_equal(request(0, COST | 0x1000, 0, 0, true), 2);
}

/* Of a long request a part at a time, whatever its pieces. */
static void in_steps(bool resident)
{
	const uint32_t len = 3 * 65536 + 512;
	char *buffer = driver_at(&d, DRIVER_HIGH);
	uint64_t *costs = driver_at(&d, REPLY);
	struct virtio_blk_outhdr *header = driver_at(&d, HEADER);
	struct driver_ring *r = &d.ring[0];
	uint64_t requests = 0, sum = 0;
	unsigned int steps = 0;

	fixture.disk.resident = resident;
	for (int out = 1; out >= 0; out--) {
		for (uint32_t i = 0; i < len; i++)
			buffer[i] = out ? i / 512 : 0;
		*header = (struct virtio_blk_outhdr){
			.type = COST | (out ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN),
			.sector = 1,
		};
		driver_desc(r, 0, HEADER, sizeof(*header), NEXT, 1);
		driver_desc(r, 1, DRIVER_HIGH, 1024, NEXT | (out ? 0 : WRITE), 2);
		driver_desc(r, 2, DRIVER_HIGH + 1024, len - 1024,
			    NEXT | (out ? 0 : WRITE), 3);
		driver_desc(r, 3, REPLY, sizeof(struct pvblk_reply), WRITE, 0);
		driver_offer(r, 0);
		assert_int_equal(write(kick[0], &(uint64_t){ 1 }, 8), 8);
		while (!fixture.disk.in_flight)
			server_step(&fixture.server, true);
		for (; fixture.disk.in_flight; steps++)
			server_step(&fixture.server, true);
		/* What a picojoule is short of is the next one's. */
		sum += costs[0];
		assert_int_equal(sum, ++requests * len * 2631000000000 / 57000000);
	}
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(buffer[i], (char)(i / 512));
	/* 1024; 65536 twice; the rest: of the four, the first may be done at once. */
	assert_true(steps >= 2 * 3);
}

static void test_in_steps(void **state)
{
	request_step_max = 65536;
	start(0);
	in_steps(true);
	teardown(NULL);
	setup(NULL);
	start(0);
	in_steps(false);
	request_step_max = 1024 * 1024;
}

static void test_beyond_the_end(void **state)
{
	const uint64_t end = FIXTURE_BYTES / 512;

	start(0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, end - 1, 512, false), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, end - 1, 1024, false), 1);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, end, 512, false), 1);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, end, 0, false), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, UINT64_MAX, 512, false), 1);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, UINT64_MAX / 512 + 1, 512, false), 1);
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT, end, 512, true), 1);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 511, false), 1);
	assert_int_equal(totals().totals.errors, 6);
	assert_int_equal(totals().totals.read_bytes, 512);
	/* The file is shorter than it was: what there is was transferred. */
	assert_int_equal(truncate(fixture.file, FIXTURE_BYTES - 512), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, end - 2, 1024, false), 1);
	assert_int_equal(totals().totals.read_bytes, 1024);
	assert_int_equal(truncate(fixture.file, FIXTURE_BYTES / 2), 0);
	disk_resize(&fixture.disk);
	assert_int_equal(fixture.disk.sectors, end / 2);
}

static void test_readonly(void **state)
{
	fixture.disk.readonly = true;
	assert_true(get_u64(VHOST_GET_FEATURES) >> VIRTIO_BLK_F_RO & 1);
	start(0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT, 0, 512, true), 1);
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD, 0, 16, true), 1);
	assert_int_equal(request(0, VIRTIO_BLK_T_FLUSH, 0, 0, true), 0);
}

static void test_model(void **state)
{
	struct pvblk_model *model = driver_at(&d, BUFFER);

	start(0);
	usleep(2000);
	assert_int_equal(request(0, PVBLK_T_MODEL, 0, sizeof(*model), false), 0);
	assert_int_equal(model->version, PVBLK_VERSION);
	assert_int_equal(model->nr_devices, 2);
	assert_string_equal(model->devices[0].name, "disk");
	assert_int_equal(model->devices[0].max_byte_pj, 46158);
	assert_true(model->devices[0].max_request_pj <= PVBLK_MAX_REQUEST_PJ);
	/* Two milliseconds at 4.083 watts, at least. */
	assert_true(model->devices[0].base_uj >= 2 * 4083);
	assert_string_equal(model->devices[1].name, "disk-cpu");
	assert_int_equal(model->devices[1].max_request_pj, COST_CPU_MAX_PJ);
	assert_int_equal(model->devices[2].name[0], 0);
	assert_int_equal(request(0, PVBLK_T_MODEL | COST, 0, sizeof(*model), false), 0);
	assert_int_equal(request(0, PVBLK_T_MODEL, 0, sizeof(*model) - 1, false), 1);
}

static void test_cpu_cost(void **state)
{
	uint64_t *costs = driver_at(&d, REPLY);

	start(0);
	fixture.consumed = 50 * 1234 + 7;
	for (int i = 0; i < 50; i++) {
		assert_int_equal(request(0, VIRTIO_BLK_T_GET_ID | COST, 0, 20, false), 0);
		assert_int_equal(costs[1], 0);
	}
	for (int i = 0; i < 50; i++) {
		assert_int_equal(request(0, VIRTIO_BLK_T_GET_ID | COST, 0, 20, false), 0);
		assert_int_equal(costs[1], 1234);
	}
	assert_int_equal(state_pj(totals().totals.returned[1]), 50 * 1234);
}

/* Descriptor boundaries mean nothing. */
static void test_layouts(void **state)
{
	struct virtio_blk_outhdr header = { .type = VIRTIO_BLK_T_OUT | COST };
	struct driver_ring *r = &d.ring[0];
	struct pvblk_reply reply;

	start(0);
	memcpy(driver_at(&d, HEADER), &header, sizeof(header));
	memset(driver_at(&d, HEADER + 16), 'l', 512);
	driver_desc(r, 0, HEADER, 3, NEXT, 5);
	driver_desc(r, 5, HEADER + 3, 100, NEXT, 6);
	driver_desc(r, 6, HEADER + 103, 425, NEXT, 7);
	driver_desc(r, 7, DRIVER_HIGH - 3, 60, NEXT | WRITE, 8);
	driver_desc(r, 8, DRIVER_HIGH + 57, 1, NEXT | WRITE, 9);
	driver_desc(r, 9, DRIVER_HIGH + 58, 4, WRITE, 0);
	driver_offer(r, 0);
	notify(0);
	assert_int_equal(r->used->idx, 1);
	memcpy(&reply, driver_at(&d, DRIVER_HIGH - 3), sizeof(reply));
	assert_int_equal(reply.status, 0);
	assert_int_equal(reply.access_pj[0], 512 * 2631000000000 / 57000000);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	assert_memory_equal(driver_at(&d, BUFFER), "llll", 4);
}

static void test_malformed(void **state)
{
	struct driver_ring *r = &d.ring[0];

	start(0);
	/* A header too short, and none. */
	offer(0, VIRTIO_BLK_T_IN, 0, 512, false);
	r->desc[0].len = 15;
	notify(0);
	assert_int_equal(status(0), 1);
	r->desc[0].len = 0;
	driver_offer(r, 0);
	notify(0);
	assert_int_equal(r->used->idx, 2);
	/* No room for costs, but for a status. */
	offer(0, VIRTIO_BLK_T_OUT | COST, 0, 512, true);
	r->desc[2].len = 64;
	notify(0);
	assert_int_equal(*(uint8_t *)driver_at(&d, REPLY + 63), 1);
	/* Not even that. */
	offer(0, VIRTIO_BLK_T_OUT, 0, 512, true);
	r->desc[1].flags = 0;
	notify(0);
	assert_int_equal(r->used->idx, 4);
	assert_int_equal(r->used->ring[3].len, 0);
	/* Data that is not the guest's. */
	offer(0, VIRTIO_BLK_T_IN, 0, 512, false);
	r->desc[1].addr = DRIVER_END - 1;
	notify(0);
	assert_int_equal(status(0), 1);
	/* A reply that is not. */
	offer(0, VIRTIO_BLK_T_IN, 0, 512, false);
	r->desc[2].addr = UINT64_MAX;
	notify(0);
	assert_int_equal(r->used->idx, 6);
	assert_int_equal(totals().totals.errors, 6);
	assert_int_equal(totals().totals.unreported_requests, 6);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
}

static void test_broken_ring(void **state)
{
	start(0);
	offer(0, VIRTIO_BLK_T_IN, 0, 512, false);
	d.ring[0].desc[2].flags |= NEXT;
	d.ring[0].desc[2].next = 1;
	notify(0);
	assert_int_equal(d.ring[0].used->idx, 0);
	assert_true(fixture.disk.queue[0].broken);
	/* It stays stopped, the other one goes on. */
	d.ring[0].desc[2].flags = WRITE;
	notify(0);
	assert_int_equal(d.ring[0].used->idx, 0);
	assert_int_equal(request(1, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	/* Until it is reset. */
	assert_int_equal(stop_ring(0), 0);
	start_ring(0);
	assert_int_equal(d.ring[0].used->idx, 1);
}

static void test_same_head_twice(void **state)
{
	start(0);
	offer(0, VIRTIO_BLK_T_IN, 0, 512, false);
	driver_offer(&d.ring[0], 0);
	notify(0);
	assert_true(fixture.disk.queue[0].broken);
	assert_int_equal(d.ring[0].used->idx, 1);
}

static void test_event_index(void **state)
{
	uint16_t *used_event = &d.ring[0].avail->ring[NUM];
	uint16_t *avail_event = (uint16_t *)(d.ring[0].used->ring + NUM);

	start(1ULL << VIRTIO_RING_F_EVENT_IDX);
	called(0);
	*used_event = 2;
	for (int i = 0; i < 3; i++) {
		offer(0, VIRTIO_BLK_T_IN, 0, 512, false);
		notify(0);
		/* The first, because it is not known what was heard before. */
		assert_int_equal(called(0), i != 1);
		assert_int_equal(*avail_event, i + 1);
	}
}

/* Who never looks at his eventfd does not stop us. */
static void test_deaf_guest(void **state)
{
	uint64_t full = UINT64_MAX - 1;

	start(0);
	called(0);
	assert_int_equal(write(call[0], &full, sizeof(full)), sizeof(full));
	fcntl(call[0], F_SETFL, 0);
	for (int i = 0; i < 5; i++) {
		offer(0, VIRTIO_BLK_T_IN, 0, 512, false);
		notify(0);
	}
	assert_int_equal(d.ring[0].used->idx, 5);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_transfer),
		test(test_other_requests),
		test(test_in_steps),
		test(test_beyond_the_end),
		test(test_readonly),
		test(test_model),
		test(test_cpu_cost),
		test(test_layouts),
		test(test_malformed),
		test(test_broken_ring),
		test(test_same_head_twice),
		test(test_event_index),
		test(test_deaf_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
