/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host as the source of performance events; see perfsource.h. */
#ifndef RCONTAINER_PERFHOST_H
#define RCONTAINER_PERFHOST_H

#include <stdbool.h>
#include <sys/types.h>

#include "model.h"
#include "source.h"

/* How many --pid there may be. */
#define PERF_MAX_PIDS	256

/**
 * struct perf_select - which processes are accounted; one of these
 * @nr_pids: of @pid
 * @pid: these, whatever they are
 * @cgroup: QEMU's in that cgroup and those below it; absolute, or below
 *	/sys/fs/cgroup
 * @qemu: all of QEMU's
 */
struct perf_select {
	unsigned int nr_pids;
	pid_t pid[PERF_MAX_PIDS];
	const char *cgroup;
	bool qemu;
};

struct perf_event_attr;
struct perf_ops;

/**
 * perf_host_encode() - what the kernel calls an event
 * @name: of libpfm4
 * @attr: filled in: guests and host are counted, unless the name says otherwise
 *
 * Return: NULL, or why not.
 */
const char *perf_host_encode(const char *name, struct perf_event_attr *attr);

/**
 * perf_host_probe() - whether an event can be counted here
 * @name: of libpfm4
 *
 * Return: NULL, or why not.
 */
const char *perf_host_probe(const char *name);

/* Fill in @attr with the event that counts the time for which a thread has a CPU. */
void perf_host_clock(struct perf_event_attr *attr);

/**
 * perf_host_open() - begin to count an event of a thread
 * @attr: of perf_host_encode() or perf_host_clock()
 * @tid: the thread, 0 for the caller
 * @leader: first event of its group, -1 to begin one
 *
 * Return: a file descriptor, or a negative errno.
 */
int perf_host_open(struct perf_event_attr *attr, pid_t tid, int leader);

/* The host's side of a source that accounts @select; events are for that source only. */
const struct perf_ops *perf_host_ops(const struct perf_select *select);

/**
 * perf_source_open() - account QEMU's processes
 * @select: which of them
 * @model: as it was read from @file
 * @file: for messages
 * @clock: by time even if events could be counted
 * @accounted: set to the model of the sums
 *
 * Return: the source; or the end of the program.
 */
struct source *perf_source_open(const struct perf_select *select,
				const struct model *model, const char *file,
				bool clock, struct model *accounted);

/* Say on standard error what there is to doubt about the counts, if anything. */
void perf_source_report(const struct source *s);

/* Say what is in a model, and what of it can be counted here, for people. */
void perf_host_check_model(const struct model *model, const char *file);

#endif /* RCONTAINER_PERFHOST_H */
