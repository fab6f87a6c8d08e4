// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A ring's worker threads are bound where the task that made the ring is.  The
 * worker reads a page-cached file, a copy that memory accesses tell.
 */
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "check.h"

#define SIZE	(4 << 20)
#define ROUNDS	4

/* One read that a worker must do, since IOSQE_ASYNC says so. */
static int read_async(int fd, void *buf)
{
	struct io_uring_params p = { 0 };
	unsigned int *sq_tail, *sq_mask, *sq_array, *cq_head, *cq_mask;
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	char *sq, *cq;
	int ring, ret;

	ring = syscall(SYS_io_uring_setup, 4, &p);
	if (ring < 0)
		return -1;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		  IORING_OFF_CQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || (void *)sqe == MAP_FAILED)
		return -1;
	sq_tail = (void *)(sq + p.sq_off.tail);
	sq_mask = (void *)(sq + p.sq_off.ring_mask);
	sq_array = (void *)(sq + p.sq_off.array);
	cq_head = (void *)(cq + p.cq_off.head);
	cq_mask = (void *)(cq + p.cq_off.ring_mask);

	*sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_READ, .flags = IOSQE_ASYNC, .fd = fd,
		.addr = (unsigned long)buf, .len = SIZE,
	};
	sq_array[*sq_tail & *sq_mask] = 0;
	__atomic_store_n(sq_tail, *sq_tail + 1, __ATOMIC_RELEASE);
	ret = syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS,
		      NULL, 0);
	if (ret != 1)
		return -1;
	cqe = (struct io_uring_cqe *)(cq + p.cq_off.cqes) + (*cq_head & *cq_mask);
	ret = cqe->res;
	close(ring);
	return ret;
}

int main(void)
{
	char *buf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int fd = open("/tmp/file", O_RDWR | O_CREAT, 0600), i;
	long long before, charged;

	CHECK(fd >= 0 && buf != MAP_FAILED);
	for (i = 0; i < SIZE / 4096; i++)
		CHECK(pwrite(fd, buf, 4096, i * 4096) == 4096);

	CHECK(!mkdir(RCFS "/ring", 0755));
	CHECK(!rcfs_bind("ring", 0, "procs"));
	before = rcfs_value("ring/events", "memory_retired");
	for (i = 0; i < ROUNDS; i++)
		CHECK(read_async(fd, buf) == SIZE);
	charged = rcfs_value("ring/events", "memory_retired") - before;
	CHECK(!rcfs_bind("", 0, "procs"));

	/* Each eight bytes are loaded and stored. */
	printf("# ring: %lld memory accesses, at least %d expected\n", charged,
	       ROUNDS * SIZE / 8 * 2);
	CHECK(charged >= ROUNDS * SIZE / 8 * 2);
	/* The workers went with the process. */
	CHECK(!rmdir(RCFS "/ring"));
	return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
