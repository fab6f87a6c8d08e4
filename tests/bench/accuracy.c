// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a program is charged, alone and in company, and what whoever divides the
 * processor's energy by time would say; in a guest.
 *
 *	accuracy COMPANY AMOUNT
 *
 * COMPANY is what else goes on in this guest: nothing, or words of
 *	container	a program of another container
 *	disk		and one that reads a disk, 4 KiB some 3000 times a second
 * with a '+' in between.  Both are always there, but stopped when not wanted, so
 * that only what runs differs.  Each program of load.c runs once, for
 *
 *	accuracy: PROGRAM ENERGY_UJ INSTRUCTIONS CYCLES MACHINE_PJ OWN_TSC MACHINE_TSC
 *		  MACHINE_CYCLES CPU_NS OTHERS_NS MISSES REPLAYS MISPREDICTED
 *
 * its container's energy, instructions and cycles; what all that ran on the physical CPU since
 * its start consumed, this virtual machine's time there and all time, all cycles;
 * CPU time of the program and of its company as the guest's kernel has it; the
 * program's loads that missed the first-level cache or were replayed, and its
 * branches that were mispredicted.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "../boot/check.h"
#include "raw.h"

static const char *const programs[] = {
	"integer", "chase", "branchy", "stream", "syscalls", "faults", "mixed",
};

static const char *const events[] = {
	"tsc", "unhalted_cycles", "uop_queue_writes", "retired_branches",
	"mispred_branches", "memory_retired", "mob_load_replays", "l1_load_misses",
};

/* A pause after each 4 KiB: some 3,000 of them a second. */
#define NOISE_PAUSE_US	300

/* As fork(); the child is in the container. */
static pid_t fork_in(const char *container)
{
	pid_t pid = fork();

	if (pid < 0)
		err(EXIT_FAILURE, "fork");
	if (!pid && rcfs_bind(container, 0, "tasks"))
		_exit(126);
	return pid;
}

static pid_t start(const char *container, const char *program, const char *amount)
{
	pid_t pid = fork_in(container);

	if (pid)
		return pid;
	execlp("load", "load", program, amount, NULL);
	_exit(127);
}

static pid_t start_noise(void)
{
	pid_t pid = fork_in("noise");
	off_t at = 0;
	void *buf;
	int fd;

	if (pid)
		return pid;
	fd = open("/dev/pvda", O_RDONLY | O_DIRECT);
	if (fd < 0 || posix_memalign(&buf, 4096, 4096))
		_exit(127);
	for (;; usleep(NOISE_PAUSE_US)) {
		if (pread(fd, buf, 4096, at) == 4096)
			at += 4096;
		else if (at)
			at = 0;
		else
			_exit(1);
	}
}

static uint64_t cpu_ns(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/*
 * Which pages the kernel has free says how well what it knows of them fits into the
 * cache, and so what a page fault costs.  Scattered ones are alike on the average,
 * in the first run as in the last.  Every other one is kept, or they would be merged.
 */
static void scatter(void)
{
	enum { NR = 16384, PAGE = 4096 };
	static uint16_t order[NR / 2];
	char *pages = mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (pages == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	srandom(1);
	for (int i = 0; i < NR / 2; i++) {
		int j = random() % (i + 1);

		order[i] = order[j];
		order[j] = 2 * i;
	}
	for (int i = 0; i < NR / 2; i++)
		if (madvise(pages + order[i] * PAGE, PAGE, MADV_DONTNEED))
			err(EXIT_FAILURE, "madvise");
}

static void make(const char *container)
{
	char path[64];

	snprintf(path, sizeof(path), RCFS "/%s", container);
	if (mkdir(path, 0755))
		err(EXIT_FAILURE, "%s", path);
}

static void run(const char *program, const char *amount, const pid_t *others)
{
	uint64_t charged[PVENERGY_MAX_EVENTS], before, ns;
	static const uint64_t zero[PVENERGY_MAX_EVENTS];
	struct raw_counts from, to;
	struct rusage usage;
	int status;
	pid_t pid;

	make("program");
	before = cpu_ns(others[0]) + cpu_ns(others[1]);
	raw_read(&from);
	pid = start("program", program, amount);
	if (wait4(pid, &status, 0, &usage) != pid || status)
		errx(EXIT_FAILURE, "%s failed", program);
	raw_read(&to);
	ns = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000ULL +
	     (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ULL;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		charged[i] = rcfs_value("program/events", events[i]);
	printf("accuracy: %s %lld %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu %llu\n",
	       program,
	       rcfs_value("program/energy", "cpu.access_uj"),
	       (unsigned long long)raw_instructions(charged, zero),
	       (unsigned long long)charged[PVENERGY_UNHALTED_CYCLES],
	       (unsigned long long)raw_access_pj(to.machine, from.machine),
	       (unsigned long long)(to.own[PVENERGY_TSC] - from.own[PVENERGY_TSC]),
	       (unsigned long long)(to.machine[PVENERGY_TSC] - from.machine[PVENERGY_TSC]),
	       (unsigned long long)(to.machine[PVENERGY_UNHALTED_CYCLES] -
				    from.machine[PVENERGY_UNHALTED_CYCLES]),
	       (unsigned long long)ns,
	       (unsigned long long)(cpu_ns(others[0]) + cpu_ns(others[1]) - before),
	       (unsigned long long)charged[PVENERGY_L1_LOAD_MISSES],
	       (unsigned long long)charged[PVENERGY_MOB_LOAD_REPLAYS],
	       (unsigned long long)charged[PVENERGY_MISPRED_BRANCHES]);
	if (rmdir(RCFS "/program"))
		err(EXIT_FAILURE, "rmdir");
}

int main(int argc, char **argv)
{
	pid_t others[2];

	if (argc != 3)
		errx(EXIT_FAILURE, "usage: accuracy COMPANY AMOUNT");
	setvbuf(stdout, NULL, _IOLBF, 0);
	raw_open();
	scatter();
	make("company");
	make("noise");
	others[0] = start("company", "mixed", "0");
	others[1] = start_noise();
	usleep(100000);
	if (!strstr(argv[1], "container"))
		kill(others[0], SIGSTOP);
	if (!strstr(argv[1], "disk"))
		kill(others[1], SIGSTOP);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		run(programs[i], argv[2], others);
	for (int i = 0; i < 2; i++) {
		if (waitpid(others[i], NULL, WNOHANG))
			errx(EXIT_FAILURE, "there was no company any more");
		kill(others[i], SIGKILL);
	}
	return EXIT_SUCCESS;
}
