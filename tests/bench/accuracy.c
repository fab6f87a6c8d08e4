// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a program is charged, alone and in company, and what whoever divides the
 * processor's energy by time would say; in a guest.
 *
 *	accuracy COMPANY AMOUNT
 *
 * COMPANY is what else goes on in this guest: nothing, or words of
 *	container	a program of another container
 *	disk		and one that reads a disk without a pause
 * with a '+' in between.  Each program of load.c runs once, for
 *
 *	accuracy: PROGRAM ENERGY_UJ INSTRUCTIONS CYCLES MACHINE_PJ OWN_TSC MACHINE_TSC
 *		  MACHINE_CYCLES CPU_NS OTHERS_NS
 *
 * its container's energy, instructions and cycles; what all that ran on the physical CPU since
 * its start consumed, this virtual machine's time there and all time, all cycles;
 * CPU time of the program and of its company as the guest's kernel has it.
 */
#include <sched.h>
#include <signal.h>
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

static pid_t start(const char *container, const char *const argv[])
{
	pid_t pid = fork();

	if (pid < 0)
		err(EXIT_FAILURE, "fork");
	if (pid)
		return pid;
	if (rcfs_bind(container, 0, "tasks"))
		_exit(126);
	execvp(argv[0], (char **)argv);
	_exit(127);
}

static uint64_t cpu_ns(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (!pid || clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
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
	const char *const argv[] = { "load", program, amount, NULL };
	uint64_t charged[PVENERGY_MAX_EVENTS], before, ns;
	static const uint64_t zero[PVENERGY_MAX_EVENTS];
	struct raw_counts from, to;
	struct rusage usage;
	int status;
	pid_t pid;

	make("program");
	before = cpu_ns(others[0]) + cpu_ns(others[1]);
	raw_read(&from);
	pid = start("program", argv);
	if (wait4(pid, &status, 0, &usage) != pid || status)
		errx(EXIT_FAILURE, "%s failed", program);
	raw_read(&to);
	ns = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000ULL +
	     (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ULL;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		charged[i] = rcfs_value("program/events", events[i]);
	printf("accuracy: %s %lld %llu %llu %llu %llu %llu %llu %llu %llu\n", program,
	       rcfs_value("program/energy", "cpu.access_uj"),
	       (unsigned long long)raw_instructions(charged, zero),
	       (unsigned long long)charged[PVENERGY_UNHALTED_CYCLES],
	       (unsigned long long)raw_access_pj(to.machine, from.machine),
	       (unsigned long long)(to.own[PVENERGY_TSC] - from.own[PVENERGY_TSC]),
	       (unsigned long long)(to.machine[PVENERGY_TSC] - from.machine[PVENERGY_TSC]),
	       (unsigned long long)(to.machine[PVENERGY_UNHALTED_CYCLES] -
				    from.machine[PVENERGY_UNHALTED_CYCLES]),
	       (unsigned long long)ns,
	       (unsigned long long)(cpu_ns(others[0]) + cpu_ns(others[1]) - before));
	if (rmdir(RCFS "/program"))
		err(EXIT_FAILURE, "rmdir");
}

int main(int argc, char **argv)
{
	static const char *const company[] = { "load", "mixed", "0", NULL };
	static const char *const noise[] = { "sh", "-c",
		"while :; do dd if=/dev/pvda of=/dev/null bs=4k count=4096 iflag=direct 2>/dev/null; done",
		NULL };
	pid_t others[2] = { 0, 0 };

	if (argc != 3)
		errx(EXIT_FAILURE, "usage: accuracy COMPANY AMOUNT");
	setvbuf(stdout, NULL, _IOLBF, 0);
	raw_open();
	make("company");
	make("noise");
	if (strstr(argv[1], "container"))
		others[0] = start("company", company);
	if (strstr(argv[1], "disk"))
		others[1] = start("noise", noise);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		run(programs[i], argv[2], others);
	for (int i = 0; i < 2; i++)
		if (others[i])
			kill(others[i], SIGKILL);
	return EXIT_SUCCESS;
}
