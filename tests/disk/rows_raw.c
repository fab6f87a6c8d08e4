// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The disk itself through the page cache, in which there is no metadata: every
 * byte is a container's.
 */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "disk.h"

#define NR	64
#define BYTES	(NR * PAGE)

/* Held open: the last one to close it would write what is dirty. */
int raw_disk(void)
{
	static int fd = -1;

	if (fd < 0) {
		fd = open(DISK, O_RDWR);
		CHECK(fd >= 0);
		/* Pages that are written in part are read before. */
		CHECK(number_in(DISK_SYSFS "queue/logical_block_size") <= PAGE);
	}
	return fd;
}

static void writeback(void)
{
	become("a");
	write_pages(raw_disk(), 0, 1, NR, 1);
	become("");
	expect("a", 0);
	write_back();
	expect("a", BYTES);
	expect("b", 0);
	expect_root(0, 0);
	CHECK(cpu_pj("b") == 0);
	verify_pages(raw_disk(), 0, 1, NR, 1);
}

static void fsync_by_other(void)
{
	become("a");
	write_pages(raw_disk(), 0, 1, NR, 2);
	become("b");
	CHECK(!fsync(raw_disk()));
	become("");
	expect("a", BYTES);
	expect("b", 0);
	expect_root(0, 0);
}

static void sync_file_range_by_other(void)
{
	become("a");
	write_pages(raw_disk(), 0, 1, NR, 3);
	become("b");
	CHECK(!sync_file_range(raw_disk(), 0, BYTES, SYNC_FILE_RANGE_WRITE |
			       SYNC_FILE_RANGE_WAIT_AFTER));
	become("");
	expect("a", BYTES);
	expect("b", 0);
	expect_root(0, 0);
}

static void interleaved(void)
{
	become("a");
	write_pages(raw_disk(), 0, 2, NR, 4);
	become("b");
	write_pages(raw_disk(), 1, 2, NR, 5);
	become("");
	write_back();
	expect("a", BYTES);
	expect("b", BYTES);
	expect_root(0, 0);
	/* Requests are of several owners, each of whom pays his share. */
	printf("# %lld requests for %d pages in turn\n", disk_stat(WRITES), 2 * NR);
	CHECK(disk_stat(WRITES) < NR);
	verify_pages(raw_disk(), 0, 2, NR, 4);
	verify_pages(raw_disk(), 1, 2, NR, 5);
}

/* Shares that are no whole number of picojoules are nobody's loss. */
static void uneven(void)
{
	become("a");
	write_pages(raw_disk(), 0, 3, NR, 6);
	become("b");
	write_pages(raw_disk(), 1, 3, NR, 6);
	write_pages(raw_disk(), 2, 3, NR, 6);
	become("");
	write_back();
	expect("a", BYTES);
	expect("b", 2 * BYTES);
	expect_root(0, 0);
}

static void first_dirtier(void)
{
	become("a");
	write_pages(raw_disk(), 0, 1, NR, 7);
	become("b");
	write_pages(raw_disk(), 0, 1, NR, 8);
	become("");
	write_pages(raw_disk(), 0, 1, NR, 9);
	write_back();
	expect("a", BYTES);
	expect("b", 0);
	expect_root(0, 0);
	verify_pages(raw_disk(), 0, 1, NR, 9);
}

static void dirtied_again(void)
{
	become("a");
	write_pages(raw_disk(), 0, 1, NR, 10);
	become("");
	write_back();
	become("b");
	write_pages(raw_disk(), 0, 1, NR / 2, 11);
	become("");
	write_back();
	expect("a", BYTES);
	expect("b", BYTES / 2);
	/* The root is an owner, too, and not the one before it. */
	write_pages(raw_disk(), 0, 1, NR / 4, 12);
	write_back();
	expect("a", BYTES);
	expect("b", BYTES / 2);
	expect_root(BYTES / 4, BYTES / 4);
}

static void mmapped(void)
{
	char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, raw_disk(), 0);
	int i;

	CHECK(p != MAP_FAILED);
	CHECK(!madvise(p, BYTES, MADV_RANDOM));
	/* Read by faults of the root, so that each page is there. */
	for (i = 0; i < NR; i++)
		(void)*(volatile char *)(p + i * PAGE);
	expect_root(BYTES, BYTES);
	become("a");
	for (i = 0; i < NR; i += 2)
		p[i * PAGE] = i;
	become("b");
	for (i = 1; i < NR; i += 2)
		p[i * PAGE] = i;
	/* ... and a page that the other one has dirtied */
	p[0]++;
	become("");
	write_back();
	expect("a", BYTES / 2);
	expect("b", BYTES / 2);
	expect_root(BYTES, BYTES);
	/* They are clean and write-protected now. */
	become("b");
	for (i = 0; i < NR; i += 2)
		p[i * PAGE]++;
	CHECK(!msync(p, BYTES, MS_SYNC));
	become("");
	expect("a", BYTES / 2);
	expect("b", BYTES);
	munmap(p, BYTES);
}

static void fault_read(void)
{
	char *p = mmap(NULL, BYTES, PROT_READ, MAP_SHARED, raw_disk(), 0);
	int i;

	CHECK(p != MAP_FAILED);
	CHECK(!madvise(p, BYTES, MADV_RANDOM));
	become("a");
	for (i = 0; i < NR; i += 2)
		(void)*(volatile char *)(p + i * PAGE);
	become("");
	munmap(p, BYTES);
	expect("a", BYTES / 2);
	expect_root(0, 0);
}

static void read_random(void)
{
	int fd = open(DISK, O_RDONLY), i;
	char page[PAGE];

	no_readahead(fd);
	become("a");
	for (i = 0; i < NR; i++)
		CHECK(pread(fd, page, PAGE, i * 7 * PAGE) == PAGE);
	/* What is in memory costs nothing. */
	become("b");
	for (i = 0; i < NR; i++)
		CHECK(pread(fd, page, PAGE, i * 7 * PAGE) == PAGE);
	become("");
	close(fd);
	expect("a", BYTES);
	expect("b", 0);
	expect_root(0, 0);
	CHECK(cpu_pj("b") == 0);
}

/* What is read ahead is the reader's, though nobody may ever want it. */
static void read_ahead(void)
{
	int fd = open(DISK, O_RDONLY), i;
	long long bytes;
	char page[PAGE];

	become("a");
	for (i = 0; i < 4; i++)
		CHECK(read(fd, page, PAGE) == PAGE);
	become("b");
	CHECK(pread(fd, page, PAGE, PAGE) == PAGE);
	become("");
	settle();
	bytes = disk_stat(READ_SECTORS) * 512;
	printf("# 4 pages read, %lld with what was read ahead\n", bytes / PAGE);
	CHECK(bytes > 4 * PAGE);
	expect("a", bytes);
	expect("b", 0);
	expect_root(0, 0);
	become("b");
	CHECK(!readahead(fd, 1 << 20, BYTES));
	become("");
	settle();
	expect("a", bytes);
	expect("b", disk_stat(READ_SECTORS) * 512 - bytes);
	CHECK(disk_stat(READ_SECTORS) * 512 - bytes >= BYTES);
	close(fd);
}

static void splice_both_ways(void)
{
	int from = open("/tmp/splice", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int fd = open(DISK, O_RDWR), null = open("/dev/null", O_WRONLY);
	loff_t in = 0, out = 0;
	int pipefd[2], i;
	off_t offset;
	ssize_t n;

	write_pages(from, 0, 1, NR, 14);
	CHECK(!pipe(pipefd));
	become("a");
	for (i = 0; i < NR; i++) {
		n = splice(from, &in, pipefd[1], NULL, PAGE, 0);
		CHECK(n == PAGE);
		CHECK(splice(pipefd[0], NULL, fd, &out, n, 0) == n);
	}
	become("");
	write_back();
	expect("a", BYTES);
	expect_root(0, 0);
	verify_pages(fd, 0, 1, NR, 14);
	drop_caches();
	expect_root(disk_stat(READ_SECTORS) * 512, disk_stat(READ_SECTORS) * 512);

	no_readahead(fd);
	become("b");
	in = 0;
	for (i = 0; i < NR / 2; i++) {
		n = splice(fd, &in, pipefd[1], NULL, PAGE, 0);
		CHECK(n == PAGE);
		CHECK(splice(pipefd[0], NULL, null, NULL, n, 0) == n);
	}
	offset = in;
	lseek(from, 0, SEEK_SET);
	CHECK(sendfile(from, fd, &offset, BYTES / 2) == BYTES / 2);
	become("");
	settle();
	expect("a", BYTES);
	expect("b", BYTES);
	close(from);
	close(fd);
	close(null);
	close(pipefd[0]);
	close(pipefd[1]);
	unlink("/tmp/splice");
}

/* Its pages are still dirty when a container goes: its parent has them then. */
static void removed(void)
{
	make_container("a/x");
	become("a/x");
	write_pages(raw_disk(), 0, 1, NR, 15);
	become("");
	remove_container("a/x");
	expect("a", 0);
	write_back();
	expect("a", BYTES);
	expect_root(0, 0);

	make_container("c");
	become("c");
	write_pages(raw_disk(), 0, 1, NR / 2, 16);
	become("");
	remove_container("c");
	/* Who gets its memory is somebody else. */
	make_container("d");
	write_back();
	expect("a", BYTES);
	expect("d", 0);
	expect_root(BYTES / 2, BYTES / 2);
}

/* What it was charged before goes to its parent as well. */
static void removed_later(void)
{
	make_container("a/x");
	become("a/x");
	write_pages(raw_disk(), 0, 1, NR, 17);
	become("");
	write_back();
	expect("a/x", BYTES);
	expect("a", BYTES);
	remove_container("a/x");
	expect("a", BYTES);
	expect_root(0, 0);
}

static void nested(void)
{
	make_container("a/x");
	make_container("a/y");
	become("a/x");
	write_pages(raw_disk(), 0, 2, NR, 18);
	become("a/y");
	write_pages(raw_disk(), 1, 2, NR, 18);
	become("a");
	write_pages(raw_disk(), 2 * NR, 1, NR, 18);
	become("");
	write_back();
	expect("a/x", BYTES);
	expect("a/y", BYTES);
	expect("a", 3 * BYTES);
	expect_root(0, 0);
}

/* Several times what it takes to see that it is not for nothing. */
#define TIMES	200

/* No data, so nothing of the disk; but the back end has work. */
static void flush(void)
{
	long long before;
	char *buf = buffer(PAGE);
	int i;

	become("a");
	CHECK(pwrite(raw_disk_direct(), buf, PAGE, 0) == PAGE);
	become("");
	before = cpu_pj("a");
	become("b");
	for (i = 0; i < TIMES; i++)
		CHECK(!fdatasync(raw_disk_direct()));
	become("");
	settle();
	printf("# %lld flushes, %lld pJ of the back end's CPU\n",
	       disk_stat(FLUSHES), cpu_pj("b"));
	CHECK(disk_stat(FLUSHES) == TIMES);
	CHECK(cpu_pj("a") == before);
	CHECK(cpu_pj("b") > 0);
	expect("a", PAGE);
	expect("b", 0);
	expect_root(0, 0);
	munmap(buf, PAGE);
}

static void discard(void)
{
	unsigned long long range[2] = { 0, BYTES };
	long long i;

	if (number_in(DISK_SYSFS "queue/discard_max_bytes") <= 0) {
		row_skipped = "the disk can't discard";
		return;
	}
	become("a");
	for (i = 0; i < TIMES; i++) {
		range[0] = i * BYTES;
		CHECK(!ioctl(raw_disk(), BLKDISCARD, range));
	}
	become("");
	settle();
	printf("# %lld discards, %lld pJ of the back end's CPU\n",
	       disk_stat(DISCARDS), cpu_pj("a"));
	CHECK(disk_stat(DISCARDS) == TIMES);
	CHECK(cpu_pj("a") > 0);
	CHECK(cpu_pj("b") == 0);
	expect("a", 0);
	expect("b", 0);
	expect_root(0, 0);
}

/* Zeroes that the back end writes without getting them. */
static void zeroes(void)
{
	unsigned long long range[2] = { 0, BYTES };
	char page[PAGE];
	int i;

	if (number_in(DISK_SYSFS "queue/write_zeroes_max_bytes") <= 0) {
		row_skipped = "the disk can't write zeroes";
		return;
	}
	become("a");
	write_pages(raw_disk(), 0, 1, NR, 19);
	become("");
	write_back();
	become("b");
	for (i = 0; i < TIMES; i++)
		CHECK(!ioctl(raw_disk(), BLKZEROOUT, range));
	become("");
	settle();
	CHECK(cpu_pj("b") > 0);
	expect("a", BYTES);
	CHECK(root_pj() == 0);
	printf("# %d times %d zeroes: %lld pJ of the disk, %lld pJ of the back end's CPU\n",
	       TIMES, BYTES, disk_pj("b"), cpu_pj("b"));
	drop_caches();
	CHECK(pread(raw_disk(), page, PAGE, BYTES - PAGE) == PAGE);
	for (i = 0; i < PAGE; i++)
		CHECK(!page[i]);
}

#define MOVED	256

static void migrated(void)
{
	int i;

	for (i = 0; i < MOVED; i++) {
		become(i % 2 ? "b" : "a");
		write_pages(raw_disk(), i, 1, 1, 20 + i % 2);
	}
	become("");
	CHECK(move_pages(raw_disk(), MOVED) == MOVED);
	write_back();
	expect("a", MOVED / 2 * PAGE);
	expect("b", MOVED / 2 * PAGE);
	expect_root(0, 0);
	verify_pages(raw_disk(), 0, 2, MOVED / 2, 20);
	verify_pages(raw_disk(), 1, 2, MOVED / 2, 21);
}

/* A frame's former owner has nothing to do with what is in it now. */
static void frame_reused(void)
{
	int i;

	become("a");
	write_pages(raw_disk(), 0, 1, 4 * NR, 22);
	become("");
	write_back();
	drop_caches();
	/* A read that is not preceded by a write has no page owner. */
	for (i = 0; i < 4; i++) {
		become("b");
		verify_pages(raw_disk(), i * NR, 1, NR, 22);
		become("");
	}
	settle();
	expect("a", 4 * BYTES);
	expect("b", disk_stat(READ_SECTORS) * 512);
	expect_root(0, 0);
}

const struct row raw_rows[] = {
	{ "raw", "buffered write, written by a kernel thread", writeback },
	{ "raw", "buffered write, fsync by another", fsync_by_other },
	{ "raw", "buffered write, sync_file_range by another", sync_file_range_by_other },
	{ "raw", "pages in turn", interleaved },
	{ "raw", "pages in turn, unequal shares", uneven },
	{ "raw", "dirty already", first_dirtier },
	{ "raw", "dirtied again when clean", dirtied_again },
	{ "raw", "mapped memory written", mmapped },
	{ "raw", "mapped memory read", fault_read },
	{ "raw", "read", read_random },
	{ "raw", "readahead", read_ahead },
	{ "raw", "splice and sendfile", splice_both_ways },
	{ "raw", "a container removed with dirty pages", removed },
	{ "raw", "a container removed later", removed_later },
	{ "raw", "containers in containers", nested },
	{ "raw", "flush", flush },
	{ "raw", "discard", discard },
	{ "raw", "write zeroes", zeroes, ROW_ZEROES },
	{ "raw", "pages that moved", migrated },
	{ "raw", "frames used again", frame_reused },
	{ 0 }
};
