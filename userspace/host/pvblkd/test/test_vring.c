// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "driver.h"
#include "mem.h"
#include "vring.h"

#define NUM	8
#define DATA	(DRIVER_GPA + DRIVER_DATA)
#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define TABLE	VRING_DESC_F_INDIRECT

static struct driver d;
static struct driver_ring *ring;
static struct mem mem;
static struct vqueue vr;
static struct chain chain;

static int setup(void **state)
{
	struct vring_place place = driver_place(0);

	driver_init(&d, NUM);
	ring = &d.ring[0];
	memset(&vr, 0, sizeof(vr));
	vr.num = NUM;
	if (mem_map(&mem, d.area, d.fds, 2) || vring_map(&vr, &mem, &place))
		return -1;
	return 0;
}

static int teardown(void **state)
{
	mem_unmap(&mem);
	driver_exit(&d);
	return 0;
}

static void refused(const char *error)
{
	driver_offer(ring, 0);
	assert_int_equal(vring_pop(&vr, &chain), -EPROTO);
	assert_string_equal(vr.error, error);
}

static void taken(unsigned int nr_out, unsigned int nr_in)
{
	driver_offer(ring, 0);
	assert_int_equal(vring_pop(&vr, &chain), 1);
	assert_int_equal(chain.nr_out, nr_out);
	assert_int_equal(chain.nr_in, nr_in);
}

static void test_empty(void **state)
{
	assert_int_equal(vring_pop(&vr, &chain), 0);
}

static void test_chain(void **state)
{
	driver_desc(ring, 0, DATA, 16, NEXT, 3);
	driver_desc(ring, 3, DATA + 512, 512, NEXT | WRITE, 7);
	driver_desc(ring, 7, DATA + 4096, 65, WRITE, 0);
	taken(1, 2);
	assert_false(chain.bad);
	assert_int_equal(chain.out_len, 16);
	assert_int_equal(chain.in_len, 577);
	*(char *)driver_at(&d, DATA + 512) = 7;
	assert_int_equal(*(char *)chain.iov[1].iov_base, 7);
	assert_int_equal(vring_pop(&vr, &chain), 0);
}

static void test_wrap(void **state)
{
	driver_desc(ring, 0, DATA, 16, 0, 0);
	for (int i = 0; i < 70000; i++) {
		taken(1, 0);
		vring_put(&vr, 0, 0, i);
		vring_publish(&vr, 1);
		assert_int_equal(ring->used->idx, (uint16_t)(i + 1));
		assert_int_equal(ring->used->ring[i % NUM].len, i);
	}
}

static void test_loop(void **state)
{
	driver_desc(ring, 0, DATA, 16, NEXT, 1);
	driver_desc(ring, 1, DATA, 16, NEXT, 0);
	refused("a loop of descriptors");
}

static void test_all_descriptors(void **state)
{
	for (int i = 0; i < NUM; i++)
		driver_desc(ring, i, DATA, 16, i < NUM - 1 ? NEXT : 0, i + 1);
	taken(NUM, 0);
}

static void test_wild_indices(void **state)
{
	driver_desc(ring, 0, DATA, 16, NEXT, NUM);
	refused("a wild descriptor index");
	ring->avail->ring[0] = 0xffff;
	assert_int_equal(vring_pop(&vr, &chain), -EPROTO);
	ring->avail->idx = NUM + 1;
	assert_int_equal(vring_pop(&vr, &chain), -EPROTO);
	assert_string_equal(vr.error, "a wild index of available chains");
	ring->avail->idx = -1;
	assert_int_equal(vring_pop(&vr, &chain), -EPROTO);
}

static void test_order(void **state)
{
	driver_desc(ring, 0, DATA, 16, NEXT | WRITE, 1);
	driver_desc(ring, 1, DATA, 16, 0, 0);
	refused("a buffer to read behind one to write");
}

static void bad(uint64_t addr, uint32_t len, unsigned int pieces)
{
	driver_desc(ring, 0, addr, len, WRITE, 0);
	taken(0, pieces);
	assert_true(chain.bad);
	assert_int_equal(chain.in_len, len);
	assert_null(chain.iov[pieces - 1].iov_base);
}

static void test_wild_addresses(void **state)
{
	bad(0, 16, 1);
	bad(DRIVER_GPA - 16, 16, 1);
	bad(DRIVER_END, 1, 1);
	bad(UINT64_MAX, 1, 1);
	bad(UINT64_MAX, UINT32_MAX, 1);
	bad(DRIVER_GPA, UINT32_MAX, 3);
	bad(DRIVER_END - 16, 17, 2);
	/* What lies before memory does not come to lie in it. */
	bad(DRIVER_GPA - 1, 2, 1);
}

static void test_lengths(void **state)
{
	driver_desc(ring, 0, DATA, 0, NEXT, 1);
	driver_desc(ring, 1, 0, 0, NEXT, 2);
	driver_desc(ring, 2, DRIVER_END - 1, 1, WRITE, 0);
	taken(0, 1);
	assert_false(chain.bad);
}

static void test_crossing(void **state)
{
	memset(driver_at(&d, DRIVER_HIGH - 8), 'l', 8);
	memset(driver_at(&d, DRIVER_HIGH), 'h', 8);
	driver_desc(ring, 0, DRIVER_HIGH - 8, 16, 0, 0);
	taken(2, 0);
	assert_false(chain.bad);
	assert_int_equal(chain.iov[0].iov_len, 8);
	assert_memory_equal(chain.iov[0].iov_base, "llllllll", 8);
	assert_memory_equal(chain.iov[1].iov_base, "hhhhhhhh", 8);
}

static struct vring_desc *table(uint64_t gpa, unsigned int nr, uint16_t flags)
{
	struct vring_desc *t = driver_at(&d, gpa);

	for (unsigned int i = 0; i < nr; i++)
		t[i] = (struct vring_desc){ DATA, 16, i < nr - 1 ? NEXT : 0, i + 1 };
	driver_desc(ring, 0, gpa, nr * sizeof(*t), TABLE | flags, 1);
	return t;
}

static void test_indirect(void **state)
{
	table(DATA, 1, 0);
	taken(1, 0);
	/* More than there are in the ring, and in both regions. */
	table(DRIVER_HIGH - 5 * sizeof(struct vring_desc), 1024, 0);
	taken(1024, 0);
	assert_int_equal(chain.out_len, 1024 * 16);
	/* Behind ordinary ones. */
	driver_desc(ring, 2, DATA, 16, NEXT, 0);
	driver_offer(ring, 2);
	assert_int_equal(vring_pop(&vr, &chain), 1);
	assert_int_equal(chain.nr_out, 1025);
}

static void test_bad_indirect(void **state)
{
	struct vring_desc *t = table(DATA, 4, 0);

	t[3].flags = TABLE;
	refused("an indirect table in another");
	t[3].flags = NEXT;
	t[3].next = 0;
	refused("a loop in an indirect table");
	t[0].next = 4;
	refused("a wild index in an indirect table");
	table(DATA, 4, NEXT);
	refused("a descriptor behind an indirect table");
	driver_desc(ring, 0, DATA, 0, TABLE, 0);
	refused("an indirect table of a size that cannot be");
	driver_desc(ring, 0, DATA, 17, TABLE, 0);
	refused("an indirect table of a size that cannot be");
	driver_desc(ring, 0, DATA, 1025 * 16, TABLE, 0);
	refused("an indirect table of a size that cannot be");
	ring->avail->idx = 0;
	driver_desc(ring, 0, UINT64_MAX - 15, 32, TABLE, 0);
	refused("an indirect table of a size that cannot be");
	driver_desc(ring, 0, DRIVER_END, 16, TABLE, 0);
	refused("an indirect table beyond memory");
	/* A descriptor that is half in each region is not worth the trouble. */
	driver_desc(ring, 0, DRIVER_HIGH - 8, 16, TABLE, 0);
	refused("an indirect table beyond memory");
}

static void test_too_many_pieces(void **state)
{
	struct vring_desc *t = table(DATA, 1024, 0);

	for (int i = 0; i < 1024; i++)
		t[i].addr = DRIVER_HIGH - 8;
	refused("too many buffers in a chain");
}

static void test_places(void **state)
{
	static const struct vring_place good = {
		DRIVER_UVA, DRIVER_UVA + DRIVER_USED, DRIVER_UVA + DRIVER_AVAIL
	};
	struct vring_place place;

	for (unsigned int i = 0; i < 3; i++) {
		uint64_t *address[] = { &place.desc, &place.used, &place.avail };
		uint64_t bad_ones[] = {
			0, UINT64_MAX, DRIVER_UVA + 1, DRIVER_UVA - 16,
			DRIVER_UVA + DRIVER_HALF - 4, DRIVER_UVA + DRIVER_HALF,
		};

		for (unsigned int j = 0; j < sizeof(bad_ones) / 8; j++) {
			place = good;
			*address[i] = bad_ones[j];
			assert_int_equal(vring_map(&vr, &mem, &place), -EINVAL);
		}
	}
	for (unsigned int num = 0; num < 65536; num++) {
		bool fine = num && num <= 1024 && !(num & (num - 1));

		vr.num = num;
		assert_int_equal(vring_map(&vr, &mem, &good), fine ? 0 : -EINVAL);
	}
}

static void test_signals_by_flag(void **state)
{
	assert_true(vring_wants_signal(&vr));
	ring->avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	assert_false(vring_wants_signal(&vr));
	assert_true(vring_await(&vr));
}

static void test_signals_by_event(void **state)
{
	uint16_t *used_event = &ring->avail->ring[NUM];
	uint16_t *avail_event = (uint16_t *)&ring->used->ring[NUM];

	vr.event_idx = true;
	vr.used_idx = 0xfffe;
	/* At first, nobody knows what the guest waits for. */
	assert_true(vring_wants_signal(&vr));
	*used_event = 1;
	vring_publish(&vr, 2);
	assert_false(vring_wants_signal(&vr));
	vring_publish(&vr, 1);
	assert_false(vring_wants_signal(&vr));
	vring_publish(&vr, 1);
	assert_true(vring_wants_signal(&vr));
	assert_false(vring_wants_signal(&vr));

	vr.last_avail = 4;
	ring->avail->idx = 4;
	assert_true(vring_await(&vr));
	assert_int_equal(*avail_event, 4);
	ring->avail->idx = 5;
	assert_false(vring_await(&vr));
}

static int map_again(unsigned int nr)
{
	mem_unmap(&mem);
	return mem_map(&mem, d.area, d.fds, nr);
}

static void test_regions(void **state)
{
	struct mem_area good = d.area[1];
	uint64_t room;
	int pipe_fds[2];

	d.area[1].gpa = DRIVER_HIGH - 1;
	assert_int_equal(map_again(2), -EINVAL);
	d.area[1].gpa = DRIVER_GPA;
	assert_int_equal(map_again(2), -EINVAL);
	d.area[1].gpa = UINT64_MAX - 4096;
	assert_int_equal(map_again(2), -EINVAL);
	d.area[1] = good;
	d.area[1].size = 0;
	assert_int_equal(map_again(2), -EINVAL);
	d.area[1].size = DRIVER_HALF + 1;
	assert_int_equal(map_again(2), -EINVAL);
	d.area[1].size = UINT64_MAX;
	d.area[1].gpa = 0;
	assert_int_equal(map_again(2), -EINVAL);
	d.area[1] = good;
	d.area[1].uva = UINT64_MAX;
	assert_int_equal(map_again(2), -EINVAL);
	d.area[1] = good;
	d.area[1].offset = UINT64_MAX;
	assert_int_equal(map_again(2), -EINVAL);
	d.area[1] = good;
	assert_int_equal(map_again(9), -EINVAL);
	assert_int_equal(pipe(pipe_fds), 0);
	d.fds[1] = pipe_fds[0];
	assert_int_equal(map_again(2), -EINVAL);
	d.fds[1] = -1;
	assert_int_equal(map_again(2), -EBADF);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	d.fds[1] = d.fd;

	/* Within a page, too. */
	d.area[1].offset = DRIVER_HALF + 100;
	d.area[1].size = 1000;
	assert_int_equal(map_again(2), 0);
	memset(d.memory + DRIVER_HALF + 100, 'x', 1000);
	assert_memory_equal(mem_at(&mem, DRIVER_HIGH, &room), "xxxx", 4);
	assert_int_equal(room, 1000);
	assert_null(mem_at(&mem, DRIVER_HIGH + 1000, &room));
	assert_null(mem_at_uva(&mem, DRIVER_UVA_HIGH, 1001));
}

static void test_truncated(void **state)
{
	volatile char *p;
	uint64_t room;

	mem_init();
	p = mem_at(&mem, DRIVER_HIGH, &room);
	*p = 1;
	assert_false(mem_lost(&mem));
	assert_int_equal(ftruncate(d.fd, DRIVER_HALF), 0);
	assert_int_equal(*p, 0);
	*p = 2;
	assert_true(mem_lost(&mem));
	assert_int_equal(map_again(1), 0);
	assert_false(mem_lost(&mem));
	signal(SIGBUS, SIG_DFL);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_empty),
		test(test_chain),
		test(test_wrap),
		test(test_loop),
		test(test_all_descriptors),
		test(test_wild_indices),
		test(test_order),
		test(test_wild_addresses),
		test(test_lengths),
		test(test_crossing),
		test(test_indirect),
		test(test_bad_indirect),
		test(test_too_many_pieces),
		test(test_places),
		test(test_signals_by_flag),
		test(test_signals_by_event),
		test(test_regions),
		test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
