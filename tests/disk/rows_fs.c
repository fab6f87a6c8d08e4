// SPDX-License-Identifier: GPL-2.0-or-later
/* File systems but ext4, and what their rows have in common with its; see rows_fs.h. */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "rows_fs.h"

/* What inodes and bitmaps may add. */
#define SMALL		(32 << 10)
/* btrfs writes its trees anew, twice. */
#define TREES		(2 << 20)

void begin(void)
{
	sync();
	settle();
	row_begins();
}

static void make_xfs(const char *options)
{
	command("/sbin/mkfs.xfs -q -f -K %s " DISK " >/tmp/mkfs 2>&1", options);
	/* Mounting sets the log's first time by this limit, which a module has once it is loaded. */
	command("grep -qw xfs /proc/filesystems || /sbin/modprobe xfs");
	write_file("/proc/sys/fs/xfs/xfssyncd_centisecs", "720000");
	mount_at(DISK, "xfs", NULL);
}

static void make_btrfs(const char *options)
{
	char all[128];

	command("/sbin/mkfs.btrfs -q -f -K " DISK " >/tmp/mkfs 2>&1");
	snprintf(all, sizeof(all), "commit=300%s", options);
	mount_at(DISK, "btrfs", all);
}

void in_turn(int fd, int salt)
{
	become("a");
	write_pages(fd, 0, 2, NR, salt);
	become("b");
	write_pages(fd, 1, 2, NR, salt + 1);
	become("");
}

void verify_in_turn(int fd, int salt)
{
	verify_pages(fd, 0, 2, NR, salt);
	verify_pages(fd, 1, 2, NR, salt + 1);
}

/* Without a journal: bios are made of pages, not of buffers. */
static void ext2_in_turn(void)
{
	int fd;

	command("/sbin/mke2fs -q -F -t ext2 -b 4096 -E nodiscard " DISK " 128M >/tmp/mkfs 2>&1");
	mount_at(DISK, "ext2", NULL);
	fd = make_file(MNT "/f", 2 * NR);
	begin();
	in_turn(fd, 1);
	write_back();
	/* Inode and bitmaps. */
	expect_between("a", BYTES, BYTES + SMALL);
	expect_between("b", BYTES, BYTES + SMALL);
	verify_in_turn(fd, 1);
	close(fd);
	unmount();
}

void pages_in_turn(const char *name)
{
	int fd = make_file(name, 2 * NR);

	begin();
	in_turn(fd, 1);
	write_back();
	expect("a", BYTES);
	expect("b", BYTES);
	expect_root(0, 0);
	verify_in_turn(fd, 1);

	/* The same with pages that were read before, together. */
	begin();
	in_turn(fd, 3);
	write_back();
	expect("a", BYTES);
	expect("b", BYTES);
	expect_root(0, 0);
	verify_in_turn(fd, 3);
	close(fd);
}

/* Without the page cache, on a file that has been written before. */
void direct_io(void)
{
	char *buf = buffer(BYTES);
	int fd, direct;

	fd = make_file(MNT "/f", NR);
	direct = open(MNT "/f", O_RDWR | O_DIRECT);
	CHECK(direct >= 0);
	begin();
	become("a");
	CHECK(pwrite(direct, buf, BYTES, 0) == BYTES);
	become("b");
	CHECK(pread(direct, buf, BYTES / 2, 0) == BYTES / 2);
	become("");
	munmap(buf, BYTES);
	close(fd);
	close(direct);
}

/* Blocks are found when it is written, by a kernel thread. */
void appended(void)
{
	int fa, fb;

	fa = open(MNT "/a", O_RDWR | O_CREAT | O_EXCL, 0644);
	fb = open(MNT "/b", O_RDWR | O_CREAT | O_EXCL, 0644);
	CHECK(fa >= 0 && fb >= 0);
	begin();
	become("a");
	write_pages(fa, 0, 1, 4 * NR, 11);
	become("b");
	write_pages(fb, 0, 1, NR, 12);
	become("");
	sync();
	settle();
	close(fa);
	close(fb);
}

static void xfs_in_turn(void)
{
	make_xfs("");
	pages_in_turn(MNT "/f");
	unmount();
}

static void xfs_small_blocks(void)
{
	int fd;

	make_xfs("-b size=1024");
	fd = make_file(MNT "/f", 2 * NR);
	/* Folios of several pages, which are read ahead. */
	verify_pages(fd, 0, 1, 2 * NR, FIRST_SALT);
	begin();
	in_turn(fd, 20);
	write_back();
	expect("a", BYTES);
	expect("b", BYTES);
	verify_in_turn(fd, 20);
	/* Parts of pages: who dirties the first has the page. */
	begin();
	become("a");
	write_blocks(fd, 1024, 0, 4, NR, 22);
	become("b");
	write_blocks(fd, 1024, 1, 4, NR, 22);
	become("");
	write_back();
	expect("a", 2 * NR * 1024);
	expect("b", 0);
	close(fd);
	unmount();
}

/* Who dirties the first page of a block has the block. */
static void xfs_large_blocks(void)
{
	int fd;

	make_xfs("-b size=16384");
	fd = make_file(MNT "/f", 2 * NR);
	begin();
	in_turn(fd, 30);
	write_back();
	expect("a", 2 * BYTES);
	expect("b", 0);
	verify_in_turn(fd, 30);
	close(fd);
	unmount();
}

/* In large folios, of whose blocks nothing was known before they are written. */
static void xfs_fsync_by_other(void)
{
	char *buf = buffer(BYTES);
	int fd;

	make_xfs("");
	fd = make_file(MNT "/f", NR);
	drop_caches();
	begin();
	become("a");
	CHECK(pwrite(fd, buf, BYTES, 0) == BYTES);
	become("b");
	CHECK(!fsync(fd));
	become("");
	/* The log, whoever writes it. */
	expect_between("a", BYTES, BYTES + SMALL);
	expect_between("b", 0, SMALL);
	munmap(buf, BYTES);
	close(fd);
	unmount();
}

static void xfs_migrated(void)
{
	int fd;

	make_xfs("");
	fd = make_file(MNT "/f", 2 * NR);
	drop_caches();
	begin();
	in_turn(fd, 23);
	CHECK(move_pages(fd, 2 * NR) == 2 * NR);
	write_back();
	expect("a", BYTES);
	expect("b", BYTES);
	verify_in_turn(fd, 23);
	close(fd);
	unmount();
}

static void xfs_direct(void)
{
	make_xfs("");
	direct_io();
	expect("a", BYTES);
	expect("b", BYTES / 2);
	unmount();
}

static void xfs_append(void)
{
	make_xfs("");
	appended();
	expect_between("a", 4 * BYTES, 4 * BYTES + METADATA);
	expect_between("b", BYTES, BYTES + METADATA);
	unmount();
}

/* Trees change with data that goes to new places. */
static void btrfs_turns(int fd, int salt)
{
	begin();
	in_turn(fd, salt);
	sync();
	settle();
	expect_between("a", BYTES, BYTES + TREES);
	expect_between("b", BYTES, BYTES + TREES);
	verify_in_turn(fd, salt);
	close(fd);
	unmount();
}

static void btrfs_in_turn(void)
{
	make_btrfs("");
	btrfs_turns(make_file(MNT "/f", 2 * NR), 24);
}

static void btrfs_no_cow(void)
{
	int fd, flags = FS_NOCOW_FL;

	make_btrfs("");
	fd = open(MNT "/f", O_RDWR | O_CREAT, 0644);
	CHECK(!ioctl(fd, FS_IOC_SETFLAGS, &flags));
	write_pages(fd, 0, 1, 2 * NR, 26);
	btrfs_turns(fd, 27);
}

static void btrfs_direct(void)
{
	long long bytes;

	make_btrfs("");
	direct_io();
	expect_between("a", BYTES, BYTES + TREES);
	/*
	 * While the write is being finished, btrfs reads through the page cache: more
	 * than was asked for, or nothing, if the write went through it, too.
	 */
	bytes = disk_stat(READ_SECTORS) * 512;
	expect_between("b", bytes < BYTES / 2 ? 0 : BYTES / 2, bytes);
	unmount();
}

/* Compressed by kernel threads, and the root's. */
static void btrfs_compressed(void)
{
	int fd;

	make_btrfs(",compress-force=zlib");
	fd = open(MNT "/f", O_RDWR | O_CREAT, 0644);
	begin();
	become("a");
	write_pages(fd, 0, 1, 4 * NR, 28);
	become("");
	sync();
	settle();
	printf("# %d bytes, compressed: a %lld, root %lld\n", 4 * BYTES,
	       disk_pj("a") / PJ_PER_BYTE, root_pj() / PJ_PER_BYTE);
	/* What the workers write is in no file any more. */
	expect_between("a", 0, METADATA);
	expect("b", 0);
	expect_root(PAGE, 4 * BYTES);
	close(fd);
	unmount();
}

/* Never meant for a disk. */
static void tmpfs_huge(void)
{
	const size_t size = 8 << 20;
	char *buf = buffer(size);
	int fd;

	mount_at("tmpfs", "tmpfs", "huge=always");
	begin();
	become("a");
	fd = open(MNT "/f", O_RDWR | O_CREAT, 0644);
	CHECK(write(fd, buf, size) == (ssize_t)size);
	/* One that has to be split. */
	CHECK(!ftruncate(fd, size - 3 * PAGE));
	become("");
	write_back();
	CHECK(!system("grep -q '^ShmemHugePages: *[1-9]' /proc/meminfo"));
	expect("a", 0);
	expect("b", 0);
	expect_root(0, 0);
	CHECK(cpu_pj("a") == 0);
	munmap(buf, size);
	close(fd);
	unmount();
}

const struct row fs_rows[] = {
	{ "ext2", "pages of a file in turn", ext2_in_turn },
	{ "xfs", "pages of a file in turn", xfs_in_turn },
	{ "xfs", "blocks in turn, several in a page", xfs_small_blocks },
	{ "xfs", "blocks of several pages", xfs_large_blocks },
	{ "xfs", "large folios, fsync by another", xfs_fsync_by_other },
	{ "xfs", "pages that moved", xfs_migrated },
	{ "xfs", "O_DIRECT", xfs_direct },
	{ "xfs", "appended", xfs_append },
	{ "btrfs", "pages of a file in turn", btrfs_in_turn },
	{ "btrfs", "pages of a file in turn, overwritten in place", btrfs_no_cow },
	{ "btrfs", "O_DIRECT", btrfs_direct },
	{ "btrfs", "compressed", btrfs_compressed },
	{ "tmpfs", "huge pages", tmpfs_huge },
	{ 0 }
};
