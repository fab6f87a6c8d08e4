/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a host has and lacks for energy accounting: a line for each thing, for
 * "cpuacctd --doctor".
 *
 * Files are read below a root directory, so that a recorded tree can be looked at
 * instead of the running host.  What no file tells comes from struct doctor_ops.
 */
#ifndef RCONTAINER_DOCTOR_H
#define RCONTAINER_DOCTOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "model.h"

struct perf_event_attr;
struct perf_ops;
struct perf_reading;

/* Events that are opened at a time to learn how many counters are free. */
#define DOCTOR_MAX_EVENTS	32

/**
 * enum doctor_state - what a thing means for the accountant
 * @DOCTOR_OK: it is there
 * @DOCTOR_INFO: nothing depends on it now
 * @DOCTOR_WORSE: without it, less is accounted, or less exactly
 * @DOCTOR_LACKS: without it, virtual machines cannot be accounted at all
 */
enum doctor_state { DOCTOR_OK, DOCTOR_INFO, DOCTOR_WORSE, DOCTOR_LACKS };

/**
 * struct doctor_ops - what no file tells
 * @open_kvm: try to open /dev/kvm; returns 0 or a negative errno
 * @encode: see perf_host_encode()
 * @open_event: try to count the time of a process (0: of the caller); returns 0 or
 *	a negative errno
 * @count: count @nr events of the caller at a time, for some milliseconds, and read
 *	each; returns 0 or a negative errno
 * @qemu_version: see qemu_version()
 *
 * All but the last are called with the argument of struct doctor.
 */
struct doctor_ops {
	int (*open_kvm)(void *arg);
	const char *(*encode)(void *arg, const char *name, struct perf_event_attr *attr);
	int (*open_event)(void *arg, pid_t pid);
	int (*count)(void *arg, const struct perf_event_attr *attr, unsigned int nr,
		     struct perf_reading *reading);
	unsigned int (*qemu_version)(void *arg, const char *program);
};

/**
 * struct doctor - where to look, and for what
 * @root: directory that stands for /
 * @ops: what no file tells
 * @host: lists QEMU's processes and their threads; nothing else is called
 * @arg: for @ops and @host
 * @model: with which virtual machines would be accounted
 * @model_file: its file; NULL if nobody asked for that one
 * @cgroup: in which libvirt's virtual machines are, below /sys/fs/cgroup, or absolute
 * @resmond: the resource monitor's socket; NULL if nothing is to be published
 */
struct doctor {
	int root;
	const struct doctor_ops *ops;
	const struct perf_ops *host;
	void *arg;
	const struct model *model;
	const char *model_file;
	const char *cgroup;
	const char *resmond;
};

/**
 * struct doctor_line - a thing
 * @state: what it means
 * @thing: its name
 * @found: what is there; to be freed
 * @advice: what to do about it, NULL if nothing is to be done; not to be freed
 */
struct doctor_line {
	enum doctor_state state;
	const char *thing;
	char *found;
	const char *advice;
};

#define DOCTOR_MAX_LINES	24

struct doctor_report {
	unsigned int nr;
	struct doctor_line line[DOCTOR_MAX_LINES];
};

/**
 * doctor_look() - look for all things
 * @d: where
 * @report: filled in, a line for each thing; for doctor_free()
 *
 * Return: whether virtual machines can be accounted here, if perhaps by time alone.
 */
bool doctor_look(const struct doctor *d, struct doctor_report *report);

/* The word for a state, as it is printed. */
const char *doctor_state_name(enum doctor_state state);

/**
 * doctor_print() - print a report on standard output
 * @report: by doctor_look()
 * @json: as JSON, which has the advice apart
 *
 * On a terminal, lines are folded to 80 columns.  Return: false if that failed.
 */
bool doctor_print(const struct doctor_report *report, bool json);

void doctor_free(struct doctor_report *report);

/**
 * doctor_host() - look at the running host, and print
 * @model: see struct doctor
 * @model_file: see struct doctor
 * @cgroup: see struct doctor; NULL for that of libvirt
 * @resmond: the resource monitor's socket; NULL for the default one, "none" for none
 * @json: see doctor_print()
 *
 * Return: as doctor_look(); or the end of the program.
 */
bool doctor_host(const struct model *model, const char *model_file, const char *cgroup,
		 const char *resmond, bool json);

#endif /* RCONTAINER_DOCTOR_H */
