// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs of exactly known length are charged to their container: as many
 * micro-operations or instructions, and half a per cent for what the kernel does
 * to start and end them and to switch between them.
 *
 *	exact [CASE[+CASE...]]
 *
 * On each CPU runs a program of 2 x 10^8 instructions, or 10^9 where something
 * has to happen often meanwhile, none of which touches memory.  If it has not
 * happened often enough, for the host is busy, they run again.  The cases:
 *
 *	alone		nothing else
 *	container	with a program of another container on each CPU
 *	rebound		moved a thousand times a second between two containers,
 *			which together must be charged all
 *	hotplug		while the second CPU goes off and on line
 *	off		as alone, where other virtual machines are not factored
 *			out: the charge must be wrong; tests the test
 *
 * Each result says, too, how often was rebound or a CPU toggled, in how many
 * milliseconds, and how often this virtual machine was absent from a physical
 * CPU meanwhile.
 */
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define PER_MILLION	20000000LL
/* An interrupt and two switches: 700 to 2,500 were seen, with what starts the programs. */
#define PER_REBINDING	2500
#define MAX_CPUS	8
#define MAX_ROUNDS	8

static const char *const names[] = { "exact0", "exact1" };
/* Of the emulated machine's counters, or of perf's. */
static const char *event = "uop_queue_writes";
static int nr_cpus;

/*
 * In per cent.  A kernel with lockdep and KASAN executes several times as much
 * to start a program; what is looked for there are reports, not figures.
 */
static double limit(void)
{
	return is_debug_kernel() ? INFINITY : 0.5;
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(126);
}

/*
 * Bound before exec: what fork does is nobody's, what exec does is small.
 * cpu < 0: on any.
 */
static pid_t spin(const char *container, int cpu, int n)
{
	char arg[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(arg, sizeof(arg), "%d", n);
	if (cpu >= 0)
		pin(cpu);
	if (rcfs_bind(container, 0, "tasks"))
		_exit(126);
	execl("/tests/spin", "spin", arg, NULL);
	_exit(127);
}

/* Is one of the programs still there?  Reaps those that are not. */
static bool running(pid_t *pids)
{
	bool any = false;
	int i, status;

	for (i = 0; i < nr_cpus; i++) {
		if (!pids[i])
			continue;
		if (waitpid(pids[i], &status, WNOHANG) == pids[i]) {
			CHECK(!status);
			pids[i] = 0;
		} else {
			any = true;
		}
	}
	return any;
}

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void next_period(struct timespec *t, long ns)
{
	struct timespec now;

	/* Late is late: no burst to make up for it. */
	clock_gettime(CLOCK_MONOTONIC, &now);
	t->tv_nsec += ns;
	if (t->tv_nsec >= 1000000000) {
		t->tv_nsec -= 1000000000;
		t->tv_sec++;
	}
	if (now.tv_sec > t->tv_sec ||
	    (now.tv_sec == t->tv_sec && now.tv_nsec > t->tv_nsec))
		*t = now;
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, t, NULL);
}

/*
 * This process preempts the programs where it has no CPU to itself: first come,
 * first served would make of a millisecond a tick.
 */
static int rebind(pid_t *pids)
{
	struct sched_param fifo = { .sched_priority = 1 }, other = { 0 };
	/* A debug kernel has little time left between two of a thousand. */
	const long period_ns = is_debug_kernel() ? 20000000 : 1000000;
	int fd[2], i, len, turn = 0, times = 0;
	struct timespec t;
	char path[64], text[16];

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), RCFS "/%s/tasks", names[i]);
		fd[i] = open(path, O_WRONLY);
		CHECK(fd[i] >= 0);
	}
	CHECK(!sched_setscheduler(0, SCHED_FIFO, &fifo));
	clock_gettime(CLOCK_MONOTONIC, &t);
	while (running(pids)) {
		next_period(&t, period_ns);
		turn ^= 1;
		for (i = 0; i < nr_cpus; i++) {
			if (!pids[i])
				continue;
			len = snprintf(text, sizeof(text), "%d", pids[i]);
			/* It may have ended just now. */
			CHECK(pwrite(fd[turn], text, len, 0) == len ||
			      errno == ESRCH || errno == EINVAL);
			times++;
		}
	}
	CHECK(!sched_setscheduler(0, SCHED_OTHER, &other));
	close(fd[0]);
	close(fd[1]);
	return times;
}

static int toggle_cpu(pid_t *pids)
{
	int fd = open("/sys/devices/system/cpu/cpu1/online", O_WRONLY);
	int times = 0;

	CHECK(fd >= 0);
	while (fd >= 0 && running(pids)) {
		CHECK(pwrite(fd, times % 2 ? "1" : "0", 1, 0) == 1);
		times++;
		usleep(20000);
	}
	if (times % 2)
		CHECK(pwrite(fd, "1", 1, 0) == 1);
	close(fd);
	return times;
}

static void run(const char *name)
{
	bool rebound = !strcmp(name, "rebound"), off = !strcmp(name, "off");
	bool beside = !strcmp(name, "container");
	bool hotplug = !strcmp(name, "hotplug");
	int i, times = 0, millions = rebound || hotplug ? 50 : 10;
	int often = is_debug_kernel() ? 50 : 1000;
	int enough = rebound ? often : hotplug ? 10 : 0, rounds = 0, more;
	long long absences = rcfs_value("info/backend", "absences"), ms;
	long long expected, charged;
	pid_t pids[MAX_CPUS], others[MAX_CPUS];
	double error, allowed = limit();

	CHECK(rebound || off || beside || hotplug || !strcmp(name, "alone"));
	CHECK(!mkdir(RCFS "/exact0", 0755));
	CHECK(!mkdir(RCFS "/exact1", 0755));
	CHECK(!mkdir(RCFS "/other", 0755));
	for (i = 0; beside && i < nr_cpus; i++)
		others[i] = spin("other", i, 1000000);
	ms = now_ms();
	do {
		for (i = 0; i < nr_cpus; i++)
			pids[i] = spin(names[0], hotplug ? -1 : i, millions);
		if (rebound)
			times += rebind(pids);
		else if (hotplug)
			times += toggle_cpu(pids);
		else
			while (running(pids))
				usleep(10000);
		rounds++;
	} while (times < enough && rounds < MAX_ROUNDS && !check_failures);
	ms = now_ms() - ms;
	for (i = 0; beside && i < nr_cpus; i++) {
		/* Busy to the end. */
		CHECK(!waitpid(others[i], NULL, WNOHANG));
		kill(others[i], SIGKILL);
		waitpid(others[i], NULL, 0);
	}

	expected = rounds * nr_cpus * millions * PER_MILLION;
	charged = rcfs_value("exact0/events", event);
	if (rebound) {
		/* Bound to both in turn, each has its part. */
		CHECK(charged > expected / 10 && charged < expected / 10 * 9);
		charged += rcfs_value("exact1/events", event);
	}
	CHECK(!rmdir(RCFS "/exact0"));
	CHECK(!rmdir(RCFS "/exact1"));
	CHECK(!rmdir(RCFS "/other"));
	error = 100.0 * (charged - expected) / expected;
	absences = rcfs_value("info/backend", "absences") - absences;
	printf("exact: %s expected %lld charged %lld error_percent %.4f times %d ms %lld absences %lld\n",
	       name, expected, charged, error, times, ms, absences);
	CHECK(times >= enough);
	/* The slower the host, the more often in as many instructions. */
	more = times - often * nr_cpus * rounds;
	if (rebound && more > 0)
		allowed += 100.0 * PER_REBINDING * more / expected;
	if (off)
		CHECK(error > 30);
	else
		CHECK(error >= 0 && error <= allowed);
}

int main(int argc, char **argv)
{
	char *list = strdup(argc > 1 ? argv[1] : "alone"), *name;

	setvbuf(stdout, NULL, _IOLBF, 0);
	nr_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (nr_cpus > MAX_CPUS)
		return EXIT_FAILURE;
	if (rcfs_value("events", event) < 0)
		event = "instructions";
	while ((name = strsep(&list, "+")))
		run(name);
	return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
