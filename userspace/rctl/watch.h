/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rctl top and rctl stat do alike: options, and sample after sample. */
#ifndef RCTL_WATCH_H
#define RCTL_WATCH_H

#include "cmd.h"
#include "columns.h"
#include "sample.h"

/**
 * struct watch - containers that are watched
 * @ctl: with rcfs open
 * @path: canonical paths of the containers to begin with
 * @npaths: number of @path
 * @walk: what to read
 * @local: show each container alone, not with all below
 * @interval_ns: between samples
 * @iterations: how many intervals to watch, 0 for no end
 * @next_ns: CLOCK_MONOTONIC, when the next sample is due
 * @now: the last sample
 * @before: the one before
 * @used: between the two
 * @columns: what to show
 */
struct watch {
	struct rctl *ctl;
	char **path;
	size_t npaths;
	struct rcfs_walk walk;
	bool local;
	uint64_t interval_ns;
	uint64_t iterations;
	uint64_t next_ns;
	struct sample now;
	struct sample before;
	struct usages used;
	struct columns columns;
};

#define WATCH_OPT_NOHEADINGS	257
#define WATCH_SHORTOPTS		"i:Jln:o:rx"
#define WATCH_LONGOPTS							\
	{ "exact",	no_argument,	   NULL, 'x' },			\
	{ "interval",	required_argument, NULL, 'i' },			\
	{ "iterations",	required_argument, NULL, 'n' },			\
	{ "json",	no_argument,	   NULL, 'J' },			\
	{ "local",	no_argument,	   NULL, 'l' },			\
	{ "noheadings",	no_argument,	   NULL, WATCH_OPT_NOHEADINGS }, \
	{ "output",	required_argument, NULL, 'o' },			\
	{ "raw",	no_argument,	   NULL, 'r' }

/* Handle an option of WATCH_SHORTOPTS, or return false. */
bool watch_option(struct watch *w, int c, const char *arg);
void watch_usage_options(void);

/**
 * watch_open() - open rcfs and take the first sample
 * @w: with options handled
 * @argc: number of @argv
 * @argv: names of containers; none for the whole tree
 *
 * From here on SIGINT and SIGTERM only set wait_stop.  Exits after a message
 * if anything is wrong.
 */
void watch_open(struct watch *w, int argc, char **argv);
void watch_close(struct watch *w);

/* The next sample is due an interval later. */
void watch_schedule(struct watch *w);

/**
 * watch_sample() - take a sample, and subtract the one before
 * @w: watch
 *
 * Returns 0 or a negative errno; -ENOENT if all containers are gone.
 */
int watch_sample(struct watch *w);

/* Why watch_sample() failed; exits. */
__attribute__((noreturn)) void watch_fail(const struct watch *w, int error);

#endif
