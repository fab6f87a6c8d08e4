// SPDX-License-Identifier: GPL-2.0-or-later
/* What the rows of the table of owners share. */
#include <liburing.h>
#include <linux/mman.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "disk.h"

#define MAX_CONTAINERS	8
#define TRACING		"/sys/kernel/tracing/"

/* What was charged before the row began. */
struct charges {
	long long disk_pj;
	long long cpu_pj;
};

static struct container {
	char name[64];
	struct charges before;
} containers[MAX_CONTAINERS];
static int nr_containers;
static struct charges root_before;
static long long stats_before[NR_STATS];
static bool wrong;
const char *row_skipped;

static void read_stats(long long *stats)
{
	FILE *f = fopen(DISK_SYSFS "stat", "r");
	int i;

	CHECK(f);
	for (i = 0; f && i < NR_STATS; i++)
		CHECK(fscanf(f, "%lld", &stats[i]) == 1);
	if (f)
		fclose(f);
}

long long disk_stat(enum disk_stat which)
{
	long long now[NR_STATS] = { 0 };

	read_stats(now);
	return which == INFLIGHT ? now[which] : now[which] - stats_before[which];
}

long long number_in(const char *path)
{
	long long n = -1;
	FILE *f = fopen(path, "r");

	if (!f)
		return -1;
	if (fscanf(f, "%lld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
		printf("# %s: %m\n", path);
		check_failures++;
	}
	if (fd >= 0)
		close(fd);
}

long long vmstat(const char *key)
{
	char name[64];
	long long n, value = -1;
	FILE *f;

	/* Counts of the CPUs are folded now and then, or when asked for. */
	write_file("/proc/sys/vm/stat_refresh", "1");
	f = fopen("/proc/vmstat", "r");
	while (f && fscanf(f, "%63s %lld", name, &n) == 2)
		if (!strcmp(name, key))
			value = n;
	if (f)
		fclose(f);
	return value;
}

void command(const char *format, ...)
{
	char line[1024];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fflush(NULL);
	status = system(line);
	if (status) {
		printf("# %s: status %d\n", line, status);
		check_failures++;
	}
}

void become(const char *container)
{
	/* For a look at whether the rows would notice. */
	if (wrong && *container)
		container = strcmp(container, "a") ? "" : "b";
	CHECK(!rcfs_bind(container, 0, "tasks"));
}

static struct charges charged(const char *container)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/events", container);
	return (struct charges){
		.disk_pj = rcfs_value(path, "disk.access_pj"),
		.cpu_pj = rcfs_value(path, "disk-cpu.access_pj"),
	};
}

static struct container *find(const char *name)
{
	int i;

	for (i = 0; i < nr_containers; i++)
		if (!strcmp(containers[i].name, name))
			return &containers[i];
	printf("# no container '%s'\n", name);
	exit(EXIT_FAILURE);
}

void make_container(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), RCFS "/%s", name);
	CHECK(!mkdir(path, 0755));
	CHECK(nr_containers < MAX_CONTAINERS);
	containers[nr_containers] = (struct container){ 0 };
	strcpy(containers[nr_containers++].name, name);
}

void remove_container(const char *name)
{
	struct container *c = find(name);
	char path[128];

	snprintf(path, sizeof(path), RCFS "/%s", name);
	if (rmdir(path)) {
		printf("# %s: %m\n", path);
		check_failures++;
	}
	nr_containers--;
	memmove(c, c + 1, (containers + nr_containers - c) * sizeof(*c));
}

long long disk_pj(const char *container)
{
	return charged(container).disk_pj - find(container)->before.disk_pj;
}

long long cpu_pj(const char *container)
{
	return charged(container).cpu_pj - find(container)->before.cpu_pj;
}

static long long all_pj(void)
{
	return charged("").disk_pj - root_before.disk_pj;
}

long long root_pj(void)
{
	long long pj = all_pj();
	int i;

	for (i = 0; i < nr_containers; i++)
		if (!strchr(containers[i].name, '/'))
			pj -= disk_pj(containers[i].name);
	return pj;
}

void expect_range(const char *file, int line, const char *container,
		  long long least, long long most)
{
	long long pj = container ? disk_pj(container) : root_pj();
	bool ok = pj >= least * PJ_PER_BYTE && pj <= most * PJ_PER_BYTE;

	if (ok)
		return;
	printf("# %s:%d: %s was charged %lld pJ, which is %lld bytes and %lld pJ; expected: ",
	       file, line, container ?: "the root itself", pj, pj / PJ_PER_BYTE,
	       pj % PJ_PER_BYTE);
	if (least == most)
		printf("%lld bytes\n", least);
	else
		printf("%lld to %lld bytes\n", least, most);
	check_failures++;
}

void *buffer(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

void fill(void *block, unsigned int size, long long offset, int salt)
{
	unsigned long long *p = block;
	unsigned int i;

	for (i = 0; i < size / sizeof(*p); i++)
		p[i] = (offset + i * sizeof(*p)) | (unsigned long long)salt << 48;
}

void write_blocks(int fd, unsigned int size, int first, int stride, int nr, int salt)
{
	static char block[1 << 16];
	long long offset;
	int i;

	CHECK(size <= sizeof(block));
	for (i = 0; i < nr; i++) {
		offset = (first + (long long)i * stride) * size;
		fill(block, size, offset, salt);
		CHECK(pwrite(fd, block, size, offset) == size);
	}
}

void verify_blocks(int fd, unsigned int size, int first, int stride, int nr, int salt)
{
	char want[size], got[size];
	long long offset;
	int i, bad = 0;

	drop_caches();
	for (i = 0; i < nr; i++) {
		offset = (first + (long long)i * stride) * size;
		fill(want, size, offset, salt);
		CHECK(pread(fd, got, size, offset) == size);
		bad += memcmp(want, got, size) != 0;
	}
	if (bad)
		printf("# %d of %d blocks are not what was written\n", bad, nr);
	CHECK(!bad);
}

void make_ext4_on_disk(unsigned int block_size)
{
	command("/sbin/mke2fs -q -F -t ext4 -b %u -E lazy_itable_init=0,lazy_journal_init=0,nodiscard "
		DISK " 128M >/tmp/mkfs 2>&1", block_size);
}

int make_file(const char *name, unsigned int nr)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	write_pages(fd, 0, 1, nr, FIRST_SALT);
	CHECK(!fsync(fd));
	return fd;
}

void mount_at(const char *what, const char *type, const char *options)
{
	if (mount(what, MNT, type, MS_NOATIME, options)) {
		printf("# mount %s: %m\n", type);
		exit(EXIT_FAILURE);
	}
}

void unmount(void)
{
	CHECK(!umount(MNT));
}

void settle(void)
{
	int i;

	for (i = 0; i < 6000; i++) {
		if (!disk_stat(INFLIGHT) && !vmstat("nr_dirty") &&
		    !vmstat("nr_writeback") && !disk_stat(INFLIGHT))
			return;
		usleep(10000);
	}
	printf("# still %lld pages dirty, %lld under writeback, %lld requests in flight\n",
	       vmstat("nr_dirty"), vmstat("nr_writeback"), disk_stat(INFLIGHT));
	check_failures++;
}

void write_back(void)
{
	write_file("/proc/sys/vm/dirty_expire_centisecs", "1");
	write_file("/proc/sys/vm/dirty_writeback_centisecs", "1");
	settle();
	write_file("/proc/sys/vm/dirty_writeback_centisecs", "0");
	write_file("/proc/sys/vm/dirty_expire_centisecs", "360000");
}

static long long pages_moved(void)
{
	char line[512], *n;
	long long moved = 0;
	FILE *f = fopen(TRACING "trace", "r");

	while (f && fgets(line, sizeof(line), f)) {
		/* And not for the sake of free memory. */
		n = strstr(line, "reason=memory_failure") ?
			strstr(line, "nr_succeeded=") : NULL;
		if (n)
			moved += atoll(n + strlen("nr_succeeded="));
	}
	if (f)
		fclose(f);
	return moved;
}

long long move_pages(int fd, unsigned int nr)
{
	char *map = mmap(NULL, nr * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	long long moved;
	unsigned int i;

	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	close(open(TRACING "trace", O_WRONLY | O_TRUNC));
	CHECK(map != MAP_FAILED);
	/* What it moves is chance, but none stays in a list of one CPU. */
	write_file("/proc/sys/vm/compact_memory", "1");
	write_file(TRACING "events/migrate/mm_migrate_pages/enable", "1");
	for (i = 0; i < nr; i++) {
		(void)*(volatile char *)(map + i * PAGE);
		CHECK(!madvise(map + i * PAGE, PAGE, MADV_SOFT_OFFLINE));
	}
	write_file(TRACING "events/migrate/mm_migrate_pages/enable", "0");
	munmap(map, nr * PAGE);
	moved = pages_moved();
	printf("# %lld of %u pages moved\n", moved, nr);
	return moved;
}

void no_readahead(int fd)
{
	CHECK(!posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
}

void drop_caches(void)
{
	write_file("/proc/sys/vm/drop_caches", "1");
}

static int ring_pages(int fd, bool write, unsigned int nr, long long offset,
		      unsigned int sqe_flags, unsigned int setup_flags)
{
	struct io_uring_params params = {
		.flags = setup_flags,
		.sq_thread_idle = 10,
	};
	char *buf = buffer(nr * PAGE);
	struct io_uring_cqe *cqe;
	struct io_uring_sqe *sqe;
	struct io_uring ring;
	unsigned int i, done = 0;
	int ret;

	ret = io_uring_queue_init_params(nr, &ring, &params);
	if (ret) {
		printf("# io_uring_queue_init: %s\n", strerror(-ret));
		return -1;
	}
	for (i = 0; i < nr; i++) {
		sqe = io_uring_get_sqe(&ring);
		if (write)
			io_uring_prep_write(sqe, fd, buf + i * PAGE, PAGE,
					    offset + i * PAGE);
		else
			io_uring_prep_read(sqe, fd, buf + i * PAGE, PAGE,
					   offset + i * PAGE);
		io_uring_sqe_set_flags(sqe, sqe_flags);
	}
	if (io_uring_submit(&ring) != (int)nr)
		return -1;
	for (i = 0; i < nr; i++) {
		if (io_uring_wait_cqe(&ring, &cqe))
			return -1;
		if (cqe->res < 0)
			printf("# io_uring: %s\n", strerror(-cqe->res));
		done += cqe->res == PAGE;
		io_uring_cqe_seen(&ring, cqe);
	}
	io_uring_queue_exit(&ring);
	return done == nr ? 0 : -1;
}

void ring_io(const char *container, int fd, bool write, unsigned int nr,
	     long long offset, unsigned int sqe_flags, unsigned int setup_flags)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		check_failures = 0;
		become(container);
		status = ring_pages(fd, write, nr, offset, sqe_flags, setup_flags);
		fflush(NULL);
		_exit(status || check_failures);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
}

void row_begins(void)
{
	int i;

	root_before = charged("");
	read_stats(stats_before);
	for (i = 0; i < nr_containers; i++)
		containers[i].before = charged(containers[i].name);
}

/* The block layer's count of sectors is another witness of all bytes. */
static void check_sectors(const struct row *row)
{
	long long sectors = disk_stat(READ_SECTORS) + disk_stat(WRITTEN_SECTORS);
	long long pj = all_pj();

	if (row->flags & ROW_ZEROES)
		return;
	if (pj != sectors * 512 * PJ_PER_BYTE)
		printf("# all containers: %lld pJ; %lld sectors: %lld pJ\n", pj,
		       sectors, sectors * 512 * PJ_PER_BYTE);
	CHECK(pj == sectors * 512 * PJ_PER_BYTE);
}

static int run_row(const struct row *row)
{
	int failures = check_failures;

	row_skipped = NULL;
	settle();
	drop_caches();
	nr_containers = 0;
	make_container("a");
	make_container("b");
	row_begins();
	row->run();
	become("");
	settle();
	check_sectors(row);
	while (nr_containers)
		remove_container(containers[nr_containers - 1].name);

	failures = check_failures - failures;
	if (failures)
		printf("not ok - %s: %s\n", row->group, row->name);
	else if (row_skipped)
		printf("ok - %s: %s # SKIP %s\n", row->group, row->name, row_skipped);
	else
		printf("ok - %s: %s\n", row->group, row->name);
	return failures;
}

/* GROUP[+GROUP...]; a group may be one row's name; "wrong" is no group. */
static bool wanted(const struct row *row, const char *arg)
{
	const char *p = arg;
	size_t len;

	for (; *p; p += len + (p[len] == '+')) {
		len = strcspn(p, "+");
		if ((strlen(row->group) == len && !strncmp(p, row->group, len)) ||
		    (strlen(row->name) == len && !strncmp(p, row->name, len)))
			return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	static const struct row *const tables[] = {
		raw_rows, direct_rows, ext4_rows, fs_rows, stack_rows
	};
	const char *arg = argc > 1 ? argv[1] : "raw";
	const struct row *row;
	unsigned int i;
	int nr = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	wrong = strstr(arg, "wrong");
	mkdir(MNT, 0755);
	/*
	 * Nothing is written unless a row says so: not with time, nor because
	 * the disk has no share yet of the memory that may be dirty.
	 */
	write_file(DISK_SYSFS "bdi/min_ratio", "90");
	write_file("/proc/sys/vm/dirty_writeback_centisecs", "0");
	write_file("/proc/sys/vm/dirty_expire_centisecs", "360000");
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (row = tables[i]; row->name; row++) {
			if (!wanted(row, arg))
				continue;
			run_row(row);
			nr++;
		}
	}
	CHECK(nr);
	return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
