// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzing of a ring and the requests in it.  The input is
 *
 *	flags	1 byte: RING_*
 *	avail	2 bytes: index of available chains
 *	heads	16 times 1 byte
 *	table	16 descriptors
 *	memory	what is in DRIVER_DATA, for headers, tables and data
 *
 * Addresses and lengths are made plausible unless their highest byte is 0xff.
 * After each input what must hold does: everything that was taken is returned,
 * and the cost is that of what was transferred.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>

#include "../test/driver.h"
#include "../test/fixture.h"

#define NUM		16
#define HEADER_LEN	(3 + NUM + NUM * sizeof(struct vring_desc))

enum { RING_EVENT_IDX = 1, RING_READONLY = 2, RING_WRITETHROUGH = 4, RING_RESUME = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct driver driver;

static void init(void)
{
	struct disk *disk = &fixture.disk;
	int fd = inflight_create(1, NUM);

	fixture_init(true);
	atexit(fixture_exit);
	driver_init(&driver, NUM);
	if (mem_map(&disk->mem, driver.area, driver.fds, 2) ||
	    inflight_map(&disk->inflight, fd, 0, inflight_len(1, NUM), 1, NUM))
		abort();
}

static void fill(const uint8_t *data, size_t size)
{
	struct driver_ring *r = &driver.ring[0];

	memset(driver.memory, 0, 2 * DRIVER_HALF);
	for (unsigned int i = 0; i < NUM; i++) {
		memcpy(&r->desc[i], data + 3 + NUM + i * sizeof(r->desc[i]),
		       sizeof(r->desc[i]));
		if (r->desc[i].addr >> 56 != 0xff)
			r->desc[i].addr = DRIVER_GPA + DRIVER_DATA +
				r->desc[i].addr % (DRIVER_END - DRIVER_GPA - DRIVER_DATA);
		if (r->desc[i].len >> 24 != 0xff)
			r->desc[i].len %= 8192;
		r->desc[i].next %= NUM + 1;
		r->avail->ring[i] = data[3 + i] % (NUM + 1);
	}
	r->avail->idx = data[1] | data[2] << 8;
	size -= HEADER_LEN;
	if (size > DRIVER_HALF)
		size = DRIVER_HALF;
	memcpy(driver_at(&driver, DRIVER_GPA + DRIVER_DATA), data + HEADER_LEN, size);
}

static energy_t charged(const struct state_view *view)
{
	return state_pj(view->totals.returned[0]) +
	       state_pj(view->totals.unreported[0]);
}

static void check(void)
{
	const struct cost_disk *cost = &fixture.physical.cost;
	struct state_view view;
	energy_t bytes;

	state_look(fixture.disk.state, &view);
	bytes = view.totals.read_bytes + view.totals.written_bytes;
	if (charged(&view) != bytes * cost->byte_parts[0] / cost->rate)
		abort();
	if (view.uncertain || fixture.disk.in_flight || fixture.disk.queue[0].in_flight)
		abort();
	/* The ring begins with zero each time. */
	if (driver.ring[0].used->idx != fixture.disk.queue[0].vring.used_idx)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk *disk = &fixture.disk;
	struct queue *q = &disk->queue[0];

	if (size < HEADER_LEN)
		return 0;
	if (!driver.memory)
		init();
	fill(data, size);
	disk->readonly = data[0] & RING_READONLY;
	disk->writeback = !(data[0] & RING_WRITETHROUGH);
	disk->features = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_BLK_F_FLUSH;
	if (data[0] & RING_EVENT_IDX)
		disk->features |= 1ULL << VIRTIO_RING_F_EVENT_IDX;
	memset(disk->inflight.map, 0, disk->inflight.len);
	if (data[0] & RING_RESUME) {
		uint16_t heads[NUM];

		if (inflight_start(&disk->inflight, 0, NUM, 0, 0, heads))
			abort();
		inflight_take(&disk->inflight, 0, data[3] % NUM);
	}
	queue_init(q, disk, 0);
	q->vring.num = NUM;
	q->place = driver_place(0);
	q->enabled = true;
	if (queue_start(q))
		abort();
	queue_process(q);
	do
		server_step(&fixture.server, disk->in_flight &&
			    !fixture.server.dirty);
	while (disk->in_flight);
	check();
	return 0;
}
