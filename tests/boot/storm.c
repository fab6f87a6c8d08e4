// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Conservation under a storm: processes fork, exit, bind themselves and each
 * other, containers come and go, timers fire, CPUs go off and on line.  All the
 * while, the sum over all containers must be the virtual counters, every event
 * to the unit.
 *
 *	storm [SECONDS[hotplug]]
 *
 * At the end it prints a line for each event:
 *
 *	sum EVENT CONTAINERS VIRTUAL DIFFERENCE
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define NR_WORKERS	6
#define NR_CONTAINERS	5

static void on_alarm(int sig)
{
}

static void random_path(char *path, size_t size)
{
	int parent = rand() % NR_CONTAINERS;

	if (rand() % 2)
		snprintf(path, size, "s%d", parent);
	else
		snprintf(path, size, "s%d/s%d", parent, rand() % 2);
}

static void worker(unsigned int seed)
{
	struct itimerval timer = { { 0, 1500 }, { 0, 1500 } };
	char path[64], full[128];
	volatile unsigned int x;
	pid_t pid;

	srand(seed);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &timer, NULL);
	/* Everything may fail: the others are at it, too. */
	for (;;) {
		random_path(path, sizeof(path));
		snprintf(full, sizeof(full), RCFS "/%s", path);
		switch (rand() % 8) {
		case 0:
			mkdir(full, 0755);
			break;
		case 1:
			rmdir(full);
			break;
		case 2:
			rcfs_bind(path, getppid(), "procs");
			break;
		case 3:
			pid = fork();
			if (!pid) {
				rcfs_bind(path, 0, "tasks");
				_exit(0);
			}
			if (pid > 0 && rand() % 2)
				while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
					;
			break;
		case 4:
			for (x = 0; x < 20000; x++)
				;
			break;
		default:
			rcfs_bind(path, 0, "tasks");
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static void print_sums(char *names, int nr, const unsigned long long *sum,
		       const unsigned long long *v)
{
	int i;

	strsep(&names, " ");
	for (i = 0; i < nr; i++)
		printf("sum %s %llu %llu %lld\n", strsep(&names, " \n"),
		       sum[i], v[i], (long long)(v[i] - sum[i]));
}

/* Returns the number of containers, -1 if a sum is wrong. */
static int check_snapshot(bool print)
{
	unsigned long long sum[MAX_EVENTS] = { 0 }, v[MAX_EVENTS] = { 0 };
	char head[4096], line[4096], *p, *end;
	int rows = 0, i, nr = 0;
	FILE *f = fopen(RCFS "/info/snapshot", "r");

	if (!f || !fgets(head, sizeof(head), f))
		return -1;
	while (fgets(line, sizeof(line), f)) {
		p = strchr(line, ' ');
		for (i = 0; p && i < MAX_EVENTS; i++, p = end) {
			v[i] = strtoull(p, &end, 10);
			if (end == p)
				break;
		}
		nr = i;
		if (!strncmp(line, "virtual ", 8))
			break;
		for (i = 0; i < nr; i++)
			sum[i] += v[i];
		rows++;
	}
	fclose(f);
	if (strncmp(line, "virtual ", 8) || !nr)
		return -1;
	if (print)
		print_sums(head, nr, sum, v);
	for (i = 0; i < nr; i++) {
		if (sum[i] != v[i]) {
			printf("# event %d: containers %llu, virtual %llu\n",
			       i, sum[i], v[i]);
			return -1;
		}
	}
	return rows;
}

static void toggle_cpu(void)
{
	static char state = '1';
	int fd = open("/sys/devices/system/cpu/cpu1/online", O_WRONLY);

	if (fd < 0)
		return;
	state ^= 1;
	CHECK(write(fd, &state, 1) == 1);
	close(fd);
}

/* Orphans of the workers are still on their way out. */
static bool removed(const char *path)
{
	int i;

	for (i = 0; i < 300; i++) {
		if (!rmdir(path) || errno == ENOENT)
			return true;
		if (errno != EBUSY)
			return false;
		usleep(100000);
	}
	return false;
}

static void remove_all(void)
{
	char path[128];
	int i, j;

	for (i = 0; i < NR_CONTAINERS; i++) {
		for (j = 0; j < 2; j++) {
			snprintf(path, sizeof(path), RCFS "/s%d/s%d", i, j);
			CHECK(removed(path));
		}
		snprintf(path, sizeof(path), RCFS "/s%d", i);
		CHECK(removed(path));
	}
}

int main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 5, i, checks = 0;
	bool hotplug = argc > 1 && strstr(argv[1], "hotplug");
	time_t end = time(NULL) + seconds;
	pid_t pids[NR_WORKERS];

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < NR_WORKERS; i++) {
		pids[i] = fork();
		if (!pids[i])
			worker(i + 1);
	}
	while (time(NULL) < end && !check_failures) {
		CHECK(check_snapshot(false) > 0);
		checks++;
		if (hotplug && checks % 20 == 0)
			toggle_cpu();
	}
	/* The workers may have bound this process, too. */
	for (i = 0; i < NR_WORKERS; i++)
		kill(pids[i], SIGKILL);
	for (i = 0; i < NR_WORKERS; i++)
		waitpid(pids[i], NULL, 0);
	CHECK(!rcfs_bind("", 0, "procs"));
	remove_all();
	CHECK(check_snapshot(true) == 3);
	printf("# %d snapshots, each conserved\n", checks);
	CHECK(checks > 5);
	return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
