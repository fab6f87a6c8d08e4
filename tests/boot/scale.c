// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many containers, many levels, many tasks: how long it takes and what memory it
 * needs.  The argument is how many containers are many; with "timed" behind it
 * there are limits, for a guest in virtual time (pvlaunch --icount): elsewhere
 * the host's other work would count.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define DEPTH	32
#define READ_MS	50
#define LIST_MS	1000
#define TASKS	1000

static bool timed;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* Millions of instructions that were executed here: no other's work counts. */
static double minstr(void)
{
	return rcfs_value("scale/events", "uop_queue_writes") / 1e6;
}

/* A line of /proc/meminfo, in bytes. */
static long long meminfo(const char *key)
{
	char line[128], name[64];
	long long kib, found = -1;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%63[^:]: %lld", name, &kib) == 2 && !strcmp(name, key))
			found = kib * 1024;
	if (f)
		fclose(f);
	return found;
}

/* Read a whole file of rcfs. */
static double read_ms(const char *path)
{
	char buf[65536], full[4096];
	double start = now_ms();
	int fd;

	snprintf(full, sizeof(full), RCFS "/%s", path);
	fd = open(full, O_RDONLY);
	CHECK(fd >= 0);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
	return now_ms() - start;
}

/* Run a command and say how long it takes; how many lines it prints. */
static double run_ms(const char *command, int *lines)
{
	double start = now_ms(), instr = minstr();
	FILE *f = popen(command, "r");
	char line[65536];

	for (*lines = 0; fgets(line, sizeof(line), f);)
		++*lines;
	CHECK(!pclose(f));
	start = now_ms() - start;
	printf("# %s: %.0f ms, %.0f million instructions\n", command, start, minstr() - instr);
	return start;
}

static int make_one(const char *path)
{
	return mkdir(path, 0755);
}

/* Make or remove many, below @parent. */
static double each_ms(int (*one)(const char *path), const char *parent, int nr)
{
	double start = now_ms();
	char path[4096];
	int i, bad = 0;

	for (i = 0; i < nr && !bad; i++) {
		sprintf(path, RCFS "%s/c%d", parent, i);
		bad = one(path);
	}
	CHECK(!bad);
	return now_ms() - start;
}

static double least_ms(const char *path)
{
	double ms, least = 1e9;
	int i;

	for (i = 0; i < 5; i++) {
		ms = read_ms(path);
		if (ms < least)
			least = ms;
	}
	return least;
}

/* Below @parent, "" for the root. */
static void test_many(const char *parent, int nr)
{
	long long slab = meminfo("SUnreclaim"), percpu = meminfo("Percpu");
	long long cache = meminfo("SReclaimable");
	double made, removed, read, list, instr;
	int lines;

	instr = minstr();
	made = each_ms(make_one, parent, nr);
	instr = minstr() - instr;
	slab = meminfo("SUnreclaim") - slab;
	cache = meminfo("SReclaimable") - cache;
	percpu = meminfo("Percpu") - percpu;
	printf("# %d containers in '%s': made in %.0f ms, %.0f million instructions; each %lld bytes, %lld of the file system's caches, %lld per CPU\n",
	       nr, parent, made, instr, slab / nr, cache / nr,
	       percpu / nr / sysconf(_SC_NPROCESSORS_CONF));
	read = least_ms("energy");
	printf("# energy of the root: %.3f ms\n", read);
	CHECK(!timed || read < READ_MS);
	if (*parent)
		printf("# energy of '%s': %.3f ms\n", parent, least_ms("many/energy"));
	printf("# info/snapshot: %.0f ms, info/containers: %.0f ms\n",
	       read_ms("info/snapshot"), read_ms("info/containers"));
	list = run_ms("rctl list", &lines);
	CHECK(lines >= nr + 4);
	run_ms("rctl list -rn -o PATH,TOTAL", &lines);
	CHECK(lines >= nr + 3);
	CHECK(!timed || list < LIST_MS);
	instr = minstr();
	removed = each_ms(rmdir, parent, nr);
	printf("# removed in %.0f ms, %.0f million instructions\n", removed,
	       minstr() - instr);
}

static void test_deep(void)
{
	char path[4096] = RCFS;
	size_t len = strlen(path);
	int depth, lines;

	for (depth = 0; depth < DEPTH; depth++) {
		strcpy(path + len, "/d");
		CHECK(!mkdir(path, 0755));
		len += 2;
	}
	CHECK(!rcfs_bind(path + sizeof(RCFS), 0, "procs"));
	printf("# %d levels: energy of the last %.3f ms, of the first %.3f ms\n",
	       DEPTH, least_ms(strcat(path, "/energy") + sizeof(RCFS)),
	       least_ms("d/energy"));
	run_ms("rctl list -rn d", &lines);
	CHECK(lines == DEPTH);
	CHECK(!rcfs_bind("scale", 0, "procs"));
	while (depth--) {
		path[len] = '\0';
		CHECK(!rmdir(path));
		len -= 2;
	}
}

static void test_tasks(void)
{
	static pid_t pid[TASKS];
	double start;
	int i, bad = 0;

	CHECK(!mkdir(RCFS "/a", 0755));
	CHECK(!mkdir(RCFS "/b", 0755));
	for (i = 0; i < TASKS; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			pause();
			_exit(0);
		}
		bad += pid[i] < 0 || rcfs_bind("a", pid[i], "procs");
	}
	CHECK(!bad);
	start = now_ms();
	for (i = 0; i < TASKS; i++)
		bad += !!rcfs_bind("b", pid[i], "procs");
	printf("# %d tasks bound anew in %.0f ms, listed in %.0f ms\n", TASKS, now_ms() - start,
	       read_ms("b/tasks"));
	CHECK(!bad);
	CHECK(!rmdir(RCFS "/a"));
	for (i = 0; i < TASKS; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	CHECK(!rmdir(RCFS "/b"));
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 1000;

	timed = argc > 1 && strstr(argv[1], "timed");
	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK(!mkdir(RCFS "/scale", 0755));
	CHECK(!rcfs_bind("scale", 0, "procs"));
	test_many("", nr);
	CHECK(!mkdir(RCFS "/many", 0755));
	test_many("/many", nr);
	CHECK(!rmdir(RCFS "/many"));
	test_deep();
	test_tasks();
	return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
