/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of the table of owners: who does what to a disk, and what each container
 * is then charged, to the picojoule.
 */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include "../boot/check.h"

#define DISK		"/dev/pvda"
#define DISK_SYSFS	"/sys/block/pvda/"
#define MNT		"/mnt"
#define PAGE		4096

/*
 * The IBM Ultrastar: 13.5 W active less 10.2 W idle, at 55 MB/s, are 60 nJ per
 * byte.
 */
#define PJ_PER_BYTE	60000LL

/* A row that can't be done here, and why. */
extern const char *row_skipped;

struct row {
	const char *group;
	const char *name;
	void (*run)(void);
	unsigned int flags;
};

/* Charges and counts are those from here on. */
void row_begins(void);

/* Requests that the block layer counts in sectors, but that transfer none. */
#define ROW_ZEROES	1

extern const struct row raw_rows[], direct_rows[], ext4_rows[], fs_rows[], stack_rows[];

/* Go on as a task of that container; "" is the root. */
void become(const char *container);

/* What a container, with those below it, was charged. */
long long disk_pj(const char *container);
long long cpu_pj(const char *container);
/* ... the root for itself */
long long root_pj(void);

/*
 * The container was charged for so many bytes, and for nothing else; or for a
 * number in that range.
 */
#define expect(container, bytes) \
	expect_range(__FILE__, __LINE__, container, bytes, bytes)
#define expect_between(container, least, most) \
	expect_range(__FILE__, __LINE__, container, least, most)
/* The same of the root itself. */
#define expect_root(least, most) \
	expect_range(__FILE__, __LINE__, NULL, least, most)
void expect_range(const char *file, int line, const char *container,
		  long long least, long long most);

/*
 * Pages first, first + stride, ...; @salt makes their contents differ from what
 * was there.  Blocks are the same in units of @size bytes.
 */
void write_blocks(int fd, unsigned int size, int first, int stride, int nr, int salt);
#define write_pages(fd, first, stride, nr, salt) \
	write_blocks(fd, PAGE, first, stride, nr, salt)
void fill(void *block, unsigned int size, long long offset, int salt);
/* On the disk, not in the page cache, which is dropped; by the root. */
void verify_blocks(int fd, unsigned int size, int first, int stride, int nr, int salt);
#define verify_pages(fd, first, stride, nr, salt) \
	verify_blocks(fd, PAGE, first, stride, nr, salt)

/* The disk itself, held open: the last one to close it would write what is dirty. */
int raw_disk(void);
int raw_disk_direct(void);

/* Aligned, zeroed. */
void *buffer(size_t size);

/* Let kernel threads write what is dirty, and wait until all is written. */
void write_back(void);
/* Wait until there is nothing in flight. */
void settle(void);
void drop_caches(void);
void no_readahead(int fd);
/* Move a file's first pages to other frames; returns how many were moved. */
long long move_pages(int fd, unsigned int nr);

/* A number in a file of sysfs or procfs. */
long long number_in(const char *path);
void write_file(const char *path, const char *text);
long long vmstat(const char *key);

/* Counts of the block layer for the disk. */
enum disk_stat {
	READS = 0, READ_SECTORS = 2, WRITES = 4, WRITE_MERGES = 5,
	WRITTEN_SECTORS = 6, INFLIGHT = 8, DISCARDS = 11, FLUSHES = 15,
	NR_STATS = 17,
};
long long disk_stat(enum disk_stat which);

/* All of it is written, so that the disk has no work of its own afterwards. */
void make_ext4_on_disk(unsigned int block_size);
/* A file of clean pages, open for writing. */
#define FIRST_SALT	100
int make_file(const char *name, unsigned int nr);
/* At MNT, without times of access. */
void mount_at(const char *what, const char *type, const char *options);
void unmount(void);

/* A command that must succeed. */
__attribute__((format(printf, 1, 2)))
void command(const char *format, ...);

void make_container(const char *name);
/* The containers that a row has made are removed at its end. */
void remove_container(const char *name);

/*
 * A process in that container reads or writes pages by io_uring, each alone.
 * Its ring's threads end with it.
 */
void ring_io(const char *container, int fd, bool write, unsigned int nr,
	     long long offset, unsigned int sqe_flags, unsigned int setup_flags);

#endif /* DISK_DISK_H */
