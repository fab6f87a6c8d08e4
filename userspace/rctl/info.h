/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files of info/: what the kernel counts, and from where. */
#ifndef RCTL_INFO_H
#define RCTL_INFO_H

#include "rcfs.h"

/**
 * struct rcfs_fact - one line of a file in info/
 * @file: name of the file
 * @key: first word of the line, or @file if the line is one word, or a choice
 *	with brackets around what was chosen
 * @value: the rest, or all
 */
struct rcfs_fact {
	char *file;
	char *key;
	char *value;
};

/**
 * struct rcfs_facts - what info/ tells
 * @fact: sorted by file, in each in its order
 * @n: number of @fact
 */
struct rcfs_facts {
	struct rcfs_fact *fact;
	size_t n;
};

/**
 * rcfs_read_facts() - read all files of info/ that have keys and values
 * @fs: open rcfs
 * @facts: filled in; to be freed even on error
 * @file: set to the file that could not be read, or to NULL; to be freed
 *
 * Whatever files there are are read, as later kernels may have more; but for
 * "counters" and "snapshot", which are tables.
 */
int rcfs_read_facts(const struct rcfs *fs, struct rcfs_facts *facts,
		    char **file);
void rcfs_facts_free(struct rcfs_facts *facts);

/* Split the text of a file; destroys @buf. */
int rcfs_parse_facts(struct rcfs_buf *buf, const char *file,
		     struct rcfs_facts *facts);

/**
 * struct rcfs_counter - an event that is counted
 * @name: of the event
 * @weight_pj: picojoules that one costs
 * @kind: the cost that it belongs to: "access", or "base" in some way
 */
struct rcfs_counter {
	char *name;
	uint64_t weight_pj;
	char *kind;
};

/**
 * struct rcfs_counters - info/counters
 * @c: events in the file's order
 * @n: number of @c
 */
struct rcfs_counters {
	struct rcfs_counter *c;
	size_t n;
};

bool rcfs_counter_is_base(const struct rcfs_counter *c);
int rcfs_parse_counters(struct rcfs_buf *buf, struct rcfs_counters *counters);
/* Read and parse; on error @counters is empty. */
int rcfs_read_counters(const struct rcfs *fs, struct rcfs_counters *counters);
void rcfs_counters_free(struct rcfs_counters *counters);

/* Set what an event costs from now on. */
int rcfs_set_weight(const struct rcfs *fs, const char *event,
		    uint64_t weight_pj);
/* Set what all events cost to what the source of the counters says. */
int rcfs_reset_weights(const struct rcfs *fs);

#endif
