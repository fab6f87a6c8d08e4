// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The disk itself without the page cache, or by rings, whose workers are not
 * who wants the data.
 */
#include <liburing.h>
#include <linux/aio_abi.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "disk.h"

#define NR	64
#define BYTES	(NR * PAGE)

int raw_disk_direct(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(DISK, O_RDWR | O_DIRECT);
	CHECK(fd >= 0);
	return fd;
}

static void direct(void)
{
	char *buf = buffer(BYTES);

	become("a");
	CHECK(pwrite(raw_disk_direct(), buf, BYTES, 0) == BYTES);
	become("b");
	CHECK(pread(raw_disk_direct(), buf, BYTES / 2, 0) == BYTES / 2);
	become("");
	expect("a", BYTES);
	expect("b", BYTES / 2);
	expect_root(0, 0);
	munmap(buf, BYTES);
}

static void dsync(void)
{
	int fd = open(DISK, O_RDWR | O_DSYNC);
	int i;

	CHECK(fd >= 0);
	become("a");
	for (i = 0; i < 4; i++)
		write_pages(fd, 0, 1, NR / 4, 13);
	become("");
	close(fd);
	expect("a", BYTES);
	expect("b", 0);
	expect_root(0, 0);
}

static void aio(void)
{
	struct iocb iocbs[NR], *list[NR];
	struct io_event events[NR];
	aio_context_t context = 0;
	char *buf = buffer(BYTES);
	int i;

	CHECK(!syscall(SYS_io_setup, NR, &context));
	become("a");
	for (i = 0; i < NR; i++) {
		iocbs[i] = (struct iocb){
			.aio_fildes = raw_disk_direct(),
			.aio_lio_opcode = i % 4 ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
			.aio_buf = (unsigned long)(buf + i * PAGE),
			.aio_nbytes = PAGE,
			.aio_offset = i * PAGE,
		};
		list[i] = &iocbs[i];
	}
	CHECK(syscall(SYS_io_submit, context, NR, list) == NR);
	/* Who waits for it does not matter. */
	become("b");
	CHECK(syscall(SYS_io_getevents, context, NR, NR, events, NULL) == NR);
	become("");
	for (i = 0; i < NR; i++)
		CHECK(events[i].res == PAGE);
	syscall(SYS_io_destroy, context);
	expect("a", BYTES);
	expect("b", 0);
	expect_root(0, 0);
	munmap(buf, BYTES);
}

static void ring(unsigned int sqe_flags, unsigned int setup_flags, int fd)
{
	ring_io("a", fd, true, NR, 0, sqe_flags, setup_flags);
	ring_io("b", fd, true, NR / 2, BYTES, sqe_flags, setup_flags);
	write_back();
	expect("a", BYTES);
	expect("b", BYTES / 2);
	expect_root(0, 0);
	drop_caches();
	ring_io("b", fd, false, NR / 2, 0, sqe_flags, setup_flags);
	settle();
	expect("a", BYTES);
	expect("b", BYTES);
	expect_root(0, 0);
}

static void uring_direct(void)
{
	ring(0, 0, raw_disk_direct());
}

static void uring_worker_direct(void)
{
	ring(IOSQE_ASYNC, 0, raw_disk_direct());
}

static void uring_worker_buffered(void)
{
	int fd = open(DISK, O_RDWR);

	no_readahead(fd);
	ring(IOSQE_ASYNC, 0, fd);
	close(fd);
}

static void uring_thread(void)
{
	ring(0, IORING_SETUP_SQPOLL, raw_disk_direct());
}

static void uring_polled(void)
{
	CHECK(number_in(DISK_SYSFS "queue/io_poll") == 1);
	ring(0, IORING_SETUP_IOPOLL, raw_disk_direct());
}

const struct row direct_rows[] = {
	{ "raw", "O_DIRECT", direct },
	{ "raw", "O_DSYNC", dsync },
	{ "raw", "asynchronous I/O", aio },
	{ "raw", "io_uring, O_DIRECT", uring_direct },
	{ "raw", "io_uring, O_DIRECT by workers", uring_worker_direct },
	{ "raw", "io_uring, buffered by workers", uring_worker_buffered },
	{ "raw", "io_uring, a thread that submits", uring_thread },
	{ "polled", "io_uring, polled", uring_polled },
	{ 0 }
};
