/* SPDX-License-Identifier: GPL-2.0-or-later */
/* info/snapshot: the counts of all containers at one moment. */
#ifndef RCTL_SNAPSHOT_H
#define RCTL_SNAPSHOT_H

#include "rcfs.h"

/**
 * struct rcfs_total - one event, summed over all containers
 * @name: event
 * @sum: sum of the containers' counts, modulo 2^64 as they are
 * @virt: the virtual counter, which the sum must equal
 */
struct rcfs_total {
	char *name;
	uint64_t sum;
	uint64_t virt;
};

/**
 * struct rcfs_snapshot - what was found in info/snapshot
 * @total: events in the file's order
 * @nevents: number of events
 * @ncontainers: number of containers
 * @local: counts of the container asked for, one for each event; NULL if it is
 *	not in the snapshot
 * @line: line where parsing stopped, for messages
 * @why: what is wrong with that line
 */
struct rcfs_snapshot {
	struct rcfs_total *total;
	size_t nevents;
	size_t ncontainers;
	uint64_t *local;
	unsigned int line;
	const char *why;
};

/**
 * rcfs_parse_snapshot() - parse the text of info/snapshot
 * @buf: text; destroyed
 * @path: canonical path of a container whose counts to keep, or NULL
 * @snap: filled in; to be freed even on error
 *
 * A snapshot proves something only if it is whole, so anything unexpected is
 * -EBADMSG.  Only an empty file is good: without counters there is nothing to
 * tell, and @snap has no events and no containers.
 */
int rcfs_parse_snapshot(struct rcfs_buf *buf, const char *path,
			struct rcfs_snapshot *snap);
int rcfs_read_snapshot(const struct rcfs *fs, const char *path,
		       struct rcfs_snapshot *snap);
void rcfs_snapshot_free(struct rcfs_snapshot *snap);

#endif
