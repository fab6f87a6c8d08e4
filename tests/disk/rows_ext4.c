// SPDX-License-Identifier: GPL-2.0-or-later
/* ext4: pages, blocks and the journal; see rows_fs.h. */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "rows_fs.h"

static void make_ext4(unsigned int block_size)
{
	make_ext4_on_disk(block_size);
	mount_at(DISK, "ext4", "commit=300");
}

static void ext4_in_turn(void)
{
	make_ext4(4096);
	pages_in_turn(MNT "/f");
	unmount();
}

/* Two owners share each page. */
static void ext4_small_blocks(void)
{
	int fd;

	make_ext4(1024);
	fd = make_file(MNT "/f", 2 * NR);
	begin();
	become("a");
	write_blocks(fd, 1024, 0, 2, 4 * NR, 5);
	become("b");
	write_blocks(fd, 1024, 1, 2, 4 * NR, 6);
	become("");
	write_back();
	expect("a", 4 * NR * 1024);
	expect("b", 4 * NR * 1024);
	expect_root(0, 0);
	verify_blocks(fd, 1024, 0, 2, 4 * NR, 5);
	verify_blocks(fd, 1024, 1, 2, 4 * NR, 6);

	/* One block of four; and the same ones by another, who is late. */
	begin();
	become("a");
	write_blocks(fd, 1024, 1, 4, NR, 7);
	become("b");
	write_blocks(fd, 1024, 1, 4, NR, 8);
	write_blocks(fd, 1024, 3, 4, NR, 8);
	become("");
	write_back();
	expect("a", NR * 1024);
	expect("b", NR * 1024);
	expect_root(0, 0);
	verify_blocks(fd, 1024, 1, 2, 2 * NR, 8);
	close(fd);
	unmount();
}

static void ext4_direct(void)
{
	make_ext4(4096);
	direct_io();
	expect("a", BYTES);
	expect("b", BYTES / 2);
	expect_root(0, 0);
	unmount();
}

static void ext4_mmap(void)
{
	char *p;
	int fd, i;

	make_ext4(4096);
	fd = make_file(MNT "/f", 2 * NR);
	p = mmap(NULL, 2 * BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	begin();
	for (i = 0; i < 2 * NR; i++) {
		become(i % 2 ? "b" : "a");
		p[i * PAGE]++;
	}
	become("");
	write_back();
	expect("a", BYTES);
	expect("b", BYTES);
	expect_root(0, 0);
	munmap(p, 2 * BYTES);
	close(fd);
	unmount();
}

static void ext4_read(void)
{
	long long bytes;
	int fd, i;
	char page[PAGE];

	make_ext4(4096);
	fd = make_file(MNT "/f", 4 * NR);
	drop_caches();
	begin();
	become("a");
	for (i = 0; i < NR; i++)
		CHECK(pread(fd, page, PAGE, i * PAGE) == PAGE);
	become("");
	settle();
	bytes = disk_stat(READ_SECTORS) * 512;
	CHECK(bytes >= BYTES);
	expect("a", bytes);
	expect_root(0, 0);
	close(fd);
	unmount();
}

/*
 * Copies of metadata in the journal are whose the metadata is; where to find
 * them, and that they are complete, is nobody's.
 */
static void ext4_journal(void)
{
	long long copies, places;
	char name[64];
	int dir, fd, i;

	make_ext4(4096);
	CHECK(!mkdir(MNT "/d", 0755));
	dir = open(MNT "/d", O_RDONLY);
	begin();
	become("a");
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), MNT "/d/%d", i);
		fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
		CHECK(fd >= 0);
		close(fd);
	}
	/* The blocks are in this transaction already. */
	become("b");
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), MNT "/d/%d", i);
		CHECK(!chmod(name, 0600));
	}
	CHECK(!fsync(dir));
	become("");
	copies = disk_pj("a") / PJ_PER_BYTE;
	printf("# %lld blocks in the journal, and %lld around them\n",
	       copies / PAGE, root_pj() / PJ_PER_BYTE / PAGE);
	CHECK(copies >= 3 * PAGE && !(copies % PAGE));
	expect("a", copies);
	expect("b", 0);
	/* Descriptor and commit; the journal's superblock. */
	expect_root(2 * PAGE, 3 * PAGE);
	/* Then they go to their places. */
	write_back();
	places = disk_pj("a") / PJ_PER_BYTE - copies;
	printf("# %lld blocks in their places\n", places / PAGE);
	CHECK(places == copies);
	expect("b", 0);
	close(dir);
	unmount();
}

/* data=journal: data takes the same way. */
static void ext4_data_journal(void)
{
	int fd, i;

	make_ext4_on_disk(4096);
	mount_at(DISK, "ext4", "data=journal,commit=300");
	fd = make_file(MNT "/f", 2 * NR);
	begin();
	for (i = 0; i < 2 * NR; i++) {
		become(i % 2 ? "b" : "a");
		write_pages(fd, i, 1, 1, 9);
	}
	become("");
	CHECK(!fsync(fd));
	expect_between("a", BYTES, 2 * BYTES + METADATA);
	expect_between("b", BYTES, 2 * BYTES + METADATA);
	close(fd);
	unmount();
	expect_between("a", 2 * BYTES, 2 * BYTES + METADATA);
	expect_between("b", 2 * BYTES, 2 * BYTES + METADATA);
}

static void ext4_append(void)
{
	make_ext4(4096);
	appended();
	expect_between("a", 4 * BYTES, 4 * BYTES + METADATA);
	expect_between("b", BYTES, BYTES + METADATA);
	unmount();
}

static void ext4_fsync_by_other(void)
{
	int fd;

	make_ext4(4096);
	fd = make_file(MNT "/f", NR);
	begin();
	become("a");
	write_pages(fd, 0, 1, NR, 13);
	become("b");
	CHECK(!fsync(fd));
	become("");
	/* The inode, with its time, is in the journal. */
	expect("a", BYTES + PAGE);
	expect("b", 0);
	expect_root(2 * PAGE, 3 * PAGE);
	close(fd);
	unmount();
}

static void ext4_truncate(void)
{
	int fd;

	make_ext4(4096);
	fd = make_file(MNT "/f", NR);
	begin();
	become("a");
	write_pages(fd, 0, 1, NR, 14);
	become("");
	write_back();
	expect("a", BYTES);
	become("b");
	CHECK(!ftruncate(fd, 0));
	write_pages(fd, 0, 1, NR / 2, 15);
	become("");
	expect("a", BYTES);
	sync();
	settle();
	/* The inode has another time since a wrote: journal and place. */
	expect("a", BYTES + 2 * PAGE);
	expect_between("b", BYTES / 2, BYTES / 2 + METADATA);
	verify_pages(fd, 0, 1, NR / 2, 15);
	close(fd);
	unmount();
}

/* What is never written costs nothing. */
static void ext4_cancelled(void)
{
	int fd;

	make_ext4(4096);
	fd = open(MNT "/f", O_RDWR | O_CREAT, 0644);
	begin();
	become("a");
	write_pages(fd, 0, 1, 4 * NR, 16);
	CHECK(!ftruncate(fd, 0));
	become("");
	sync();
	settle();
	expect_between("a", 0, METADATA);
	expect("b", 0);
	close(fd);
	unmount();
}

static void ext4_removed(void)
{
	int fd;

	make_ext4(1024);
	fd = make_file(MNT "/f", NR);
	make_container("a/x");
	begin();
	become("a/x");
	write_blocks(fd, 1024, 0, 2, 2 * NR, 17);
	become("b");
	write_blocks(fd, 1024, 1, 2, 2 * NR, 17);
	become("");
	remove_container("a/x");
	write_back();
	expect("a", BYTES / 2);
	expect("b", BYTES / 2);
	expect_root(0, 0);
	close(fd);
	unmount();
}

#define MOVED	256

static void ext4_migrated(void)
{
	int fd, i;

	make_ext4(1024);
	fd = make_file(MNT "/f", MOVED);
	drop_caches();
	begin();
	for (i = 0; i < MOVED; i++) {
		become("a");
		write_blocks(fd, 1024, 4 * i, 2, 2, 18);
		become("b");
		write_blocks(fd, 1024, 4 * i + 1, 2, 2, 19);
	}
	become("");
	CHECK(move_pages(fd, MOVED) == MOVED);
	write_back();
	expect("a", MOVED * PAGE / 2);
	expect("b", MOVED * PAGE / 2);
	verify_blocks(fd, 1024, 0, 2, 2 * MOVED, 18);
	verify_blocks(fd, 1024, 1, 2, 2 * MOVED, 19);
	close(fd);
	unmount();
}

static void ext4_trim(void)
{
	struct fstrim_range range = { .len = -1ULL };
	int dir;

	if (number_in(DISK_SYSFS "queue/discard_max_bytes") <= 0) {
		row_skipped = "the disk can't discard";
		return;
	}
	make_ext4(4096);
	dir = open(MNT, O_RDONLY);
	begin();
	become("a");
	CHECK(!ioctl(dir, FITRIM, &range));
	become("");
	settle();
	CHECK(disk_stat(DISCARDS) > 0);
	/* It may have to read what is free. */
	expect("a", disk_stat(READ_SECTORS) * 512);
	expect("b", 0);
	CHECK(cpu_pj("a") > 0);
	CHECK(cpu_pj("b") == 0);
	close(dir);
	unmount();
}

const struct row ext4_rows[] = {
	{ "ext4", "pages of a file in turn", ext4_in_turn },
	{ "ext4", "blocks in turn, several in a page", ext4_small_blocks },
	{ "ext4", "O_DIRECT", ext4_direct },
	{ "ext4", "mapped memory written", ext4_mmap },
	{ "ext4", "read", ext4_read },
	{ "ext4", "journal", ext4_journal },
	{ "ext4", "journal with data", ext4_data_journal },
	{ "ext4", "appended", ext4_append },
	{ "ext4", "fsync by another", ext4_fsync_by_other },
	{ "ext4", "truncated and rewritten by another", ext4_truncate },
	{ "ext4", "truncated before it was written", ext4_cancelled },
	{ "ext4", "a container removed with dirty blocks", ext4_removed },
	{ "ext4", "blocks that moved", ext4_migrated },
	{ "ext4", "fstrim", ext4_trim, ROW_ZEROES },
	{ 0 }
};
