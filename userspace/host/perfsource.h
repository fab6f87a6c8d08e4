/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Performance events of QEMU's threads as a source of the CPU accountant, for
 * hosts that count events for each thread (perf_event_open(2)).
 *
 * A QEMU process is a virtual machine.  Its threads that execute virtual CPUs
 * are counted, or all of its threads if none is named as QEMU names those with
 * -name debug-threads=on.  Processes and threads are looked for now and then;
 * what one did before it was found is not counted, and what it did until its end
 * is, since a counter outlives its thread.
 *
 * If a host has fewer counters than there are events, the kernel lets events
 * take turns.  What was counted between two readings is then scaled by the time
 * in which the thread ran to the time in which the event was counted, and that
 * is said once.  If an event had no turn at all, its count waits for the next
 * reading.
 *
 * Base cost goes by time: an idle CPU's power, for each CPU of the host, is
 * divided as with the log.  It belongs to nobody as an event.
 *
 * This file has no system call in it: see perfhost.c.
 */
#ifndef RCONTAINER_PERFSOURCE_H
#define RCONTAINER_PERFSOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "account.h"
#include "source.h"

/* QEMU has a thread for each virtual CPU, and some more. */
#define PERF_MAX_THREADS	(PVENERGY_MAX_VCPUS + 256)

/* Index in the model of what is not counted but measured: CPUs times ns. */
#define PERF_TIME		0

/**
 * struct perf_process - a process that is to be accounted
 * @pid: its id
 * @start: tells it from others that have the id at other times; not 0
 */
struct perf_process {
	pid_t pid;
	uint64_t start;
};

/**
 * struct perf_thread - one of its threads
 * @tid: its id
 * @vcpu: it is named as one that executes a virtual CPU
 */
struct perf_thread {
	pid_t tid;
	bool vcpu;
};

/**
 * struct perf_reading - of a group of events
 * @enabled: nanoseconds in which its thread had a CPU
 * @running: and the group was counted
 * @count: of each event of the group
 */
struct perf_reading {
	uint64_t enabled;
	uint64_t running;
	uint64_t count[PVENERGY_MAX_EVENTS];
};

/**
 * struct perf_ops - the host, or a script that plays one
 * @now_ns: nanoseconds of a clock that is never set
 * @nr_cpus: number of CPUs on line
 * @processes: list the processes that are to be accounted, at most @max;
 *	returns how many there are
 * @name: the name that a process has for its virtual machine; returns whether
 *	it has one
 * @threads: list a process's threads, as @processes
 * @open: begin to count an event of a thread, alone in its group if @leader is
 *	-1, else in the group of that one; returns a handle; -EINVAL if the group
 *	cannot be counted together, -ESRCH if the thread has ended, or another
 *	negative errno
 * @read: read the group whose first event's handle that is, of @nr events;
 *	returns 0 or a negative errno
 * @close: close a handle
 *
 * All are called with @arg.
 */
struct perf_ops {
	uint64_t (*now_ns)(void *arg);
	unsigned int (*nr_cpus)(void *arg);
	unsigned int (*processes)(void *arg, struct perf_process *list,
				  unsigned int max);
	bool (*name)(void *arg, pid_t pid, char name[PVENERGY_NAME_LEN]);
	unsigned int (*threads)(void *arg, pid_t pid, struct perf_thread *list,
				unsigned int max);
	int (*open)(void *arg, pid_t tid, unsigned int event, int leader);
	int (*read)(void *arg, int handle, unsigned int nr,
		    struct perf_reading *reading);
	void (*close)(void *arg, int handle);
};

/**
 * perf_model() - what a host accounts with
 * @model: as it was read
 * @clock: by time instead of by events
 * @out: the model of the sums: the event PERF_TIME, base cost in picojoules per
 *	nanosecond, which is milliwatts; then the events of access cost, or that
 *	of the clock
 *
 * Return: NULL, or what the model lacks.
 */
const char *perf_model(const struct model *model, bool clock, struct model *out);

/**
 * perf_source_new() - a source
 * @ops: the host
 * @arg: for @ops
 * @nr_events: events of the model, PERF_TIME included
 * @ends: there is nothing more to come when all processes have ended
 *
 * Return: the source, which has looked for processes once, so that they are
 * counted from here on; or the end of the program.
 */
struct source *perf_source_new(const struct perf_ops *ops, void *arg,
			       unsigned int nr_events, bool ends);

/**
 * struct perf_doubts - how much of the counts is not what was counted
 * @scaled_ns: threads' time for which counts were scaled
 * @lost_ns: threads' time of which nothing is known
 * @refused: threads that could not be counted
 */
struct perf_doubts {
	uint64_t scaled_ns;
	uint64_t lost_ns;
	uint64_t refused;
};

struct perf_doubts perf_source_doubts(const struct source *s);

/**
 * perf_strerror() - describe an error of perf_event_open(2)
 * @ret: negative error
 *
 * Debian's kernels have a level 3 of kernel.perf_event_paranoid, and set it: events
 * take CAP_SYS_ADMIN there.
 *
 * Return: for messages; says what a refusal takes.
 */
const char *perf_strerror(int ret);

#endif /* RCONTAINER_PERFSOURCE_H */
