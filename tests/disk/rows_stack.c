// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Disks on top of the disk: what they write is whose it was above.
 */
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "disk.h"

#define NR		64
#define BYTES		(NR * PAGE)
#define SECTORS		(2 * BYTES / 512)
#define LOOP		"/dev/loop0"
#define DM		"/dev/dm-0"

/* Reads and writes of two containers on a disk whose sectors are DISK's. */
static void buffered_and_direct(const char *name)
{
	int fd = open(name, O_RDWR), direct = open(name, O_RDWR | O_DIRECT);
	char *buf = buffer(BYTES);

	CHECK(fd >= 0 && direct >= 0);
	become("a");
	write_pages(fd, 0, 2, NR, 1);
	become("b");
	write_pages(fd, 1, 2, NR, 2);
	become("");
	write_back();
	expect("a", BYTES);
	expect("b", BYTES);
	expect_root(0, 0);
	verify_pages(fd, 0, 2, NR, 1);
	verify_pages(fd, 1, 2, NR, 2);

	row_begins();
	become("a");
	CHECK(pwrite(direct, buf, BYTES, BYTES) == BYTES);
	become("b");
	CHECK(pread(direct, buf, BYTES / 2, 0) == BYTES / 2);
	become("");
	settle();
	expect("a", BYTES);
	expect("b", BYTES / 2);
	expect_root(0, 0);
	munmap(buf, BYTES);
	close(fd);
	close(direct);
}

static void dm(const char *table)
{
	command("/sbin/dmsetup create --noudevsync mapped --table '%s'", table);
	buffered_and_direct(DM);
	command("/sbin/dmsetup remove --noudevsync mapped");
}

static void dm_linear(void)
{
	char table[256];

	snprintf(table, sizeof(table), "0 %d linear " DISK " 2048", SECTORS);
	dm(table);
}

/* Two pieces, so that bios are split. */
static void dm_linear_in_pieces(void)
{
	char table[256];

	snprintf(table, sizeof(table),
		 "0 %d linear " DISK " 8192\n%d %d linear " DISK " 2048",
		 SECTORS / 2 + 8, SECTORS / 2 + 8, SECTORS / 2 - 8);
	dm(table);
}

/* What is written is a copy that workers have made. */
static void dm_crypt(void)
{
	char table[256];

	snprintf(table, sizeof(table),
		 "0 %d crypt aes-cbc-plain 000102030405060708090a0b0c0d0e0f 0 " DISK " 0",
		 SECTORS);
	dm(table);
}

/* Returns the loop device; while it is open it is not given up. */
static int begin_loop(unsigned int flags)
{
	struct loop_config config = { .info.lo_flags = flags };
	int file, fd;

	make_ext4_on_disk(4096);
	mount_at(DISK, "ext4", "commit=300");
	file = make_file(MNT "/image", 2 * NR);
	fd = open(LOOP, O_RDWR);
	config.fd = file;
	CHECK(!ioctl(fd, LOOP_CONFIGURE, &config));
	close(file);
	sync();
	settle();
	row_begins();
	return fd;
}

static void end_loop(int fd)
{
	CHECK(!ioctl(fd, LOOP_CLR_FD));
	close(fd);
	unmount();
}

/* The worker reads the file through the page cache, and ahead. */
static void loop_buffered(void)
{
	int fd = begin_loop(0), direct;
	char *buf = buffer(BYTES);

	become("a");
	write_pages(fd, 0, 2, NR, 5);
	become("b");
	write_pages(fd, 1, 2, NR, 6);
	become("");
	write_back();
	expect("a", BYTES);
	expect("b", BYTES);
	expect_root(0, 0);
	verify_pages(fd, 0, 2, NR, 5);
	verify_pages(fd, 1, 2, NR, 6);

	drop_caches();
	row_begins();
	direct = open(LOOP, O_RDWR | O_DIRECT);
	become("b");
	CHECK(pread(direct, buf, BYTES, 0) == BYTES);
	become("");
	settle();
	expect("a", 0);
	expect("b", disk_stat(READ_SECTORS) * 512);
	expect_root(0, 0);
	CHECK(disk_stat(READ_SECTORS) * 512 >= BYTES);
	munmap(buf, BYTES);
	close(direct);
	end_loop(fd);
}

static void loop_direct(void)
{
	int fd = begin_loop(LO_FLAGS_DIRECT_IO);

	CHECK(number_in("/sys/block/loop0/loop/dio") == 1);
	buffered_and_direct(LOOP);
	end_loop(fd);
}

const struct row stack_rows[] = {
	{ "stack", "device mapper, linear", dm_linear },
	{ "stack", "device mapper, linear in pieces", dm_linear_in_pieces },
	{ "stack", "device mapper, encrypted", dm_crypt },
	{ "stack", "loop device, buffered", loop_buffered },
	{ "stack", "loop device, direct", loop_direct },
	{ 0 }
};
