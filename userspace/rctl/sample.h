/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The energy of containers at one moment, and what was used between two: what
 * rctl top and rctl stat have in common.  Nothing here prints.
 */
#ifndef RCTL_SAMPLE_H
#define RCTL_SAMPLE_H

#include "tree.h"

/**
 * struct sample - containers at one moment
 * @time_ns: CLOCK_MONOTONIC when reading began
 * @machine: the root container, one of @top if it was asked for, too
 * @top: a tree for each path that was asked for, NULL if it is gone
 * @ntops: number of @top
 */
struct sample {
	uint64_t time_ns;
	struct rcfs_node *machine;
	struct rcfs_node **top;
	size_t ntops;
};

/**
 * struct usage - what one container used between two samples
 * @node: the container, of the later sample
 * @known: its energy could be read both times
 * @used: by device
 * @ns: time between the two readings
 */
struct usage {
	const struct rcfs_node *node;
	bool known;
	struct rcfs_energy used;
	uint64_t ns;
};

/**
 * struct usages - what all containers used between two samples
 * @u: of the later sample's containers, in its order
 * @n: number of @u
 * @size: allocated
 * @machine: what the whole machine used
 * @local: energies are of each container alone
 */
struct usages {
	struct usage *u;
	size_t n;
	size_t size;
	struct usage machine;
	bool local;
};

/**
 * sample_take() - read the energy of containers
 * @fs: open rcfs
 * @paths: canonical paths of the containers to begin with
 * @npaths: number of @paths
 * @walk: what to read
 * @s: filled in; to be freed with sample_free() even on error
 *
 * That a path is gone is no error.
 */
int sample_take(const struct rcfs *fs, char *const *paths, size_t npaths,
		struct rcfs_walk *walk, struct sample *s);
void sample_free(struct sample *s);

/**
 * sample_subtract() - find what was used between two samples
 * @before: earlier sample of the same paths
 * @now: later sample, to be kept as long as @out
 * @local: of each container alone; both samples must have read RCFS_ENERGY and
 *	RCFS_LOCAL
 * @out: filled in; to be freed with usages_free() even on error
 *
 * A container that is new used all it has; so did one that replaced another of
 * the same name.  What a removed one used goes to its parent, which had no part
 * in it: of @local energy only what the removed one used meanwhile counts.
 */
int sample_subtract(const struct sample *before, const struct sample *now,
		    bool local, struct usages *out);
void usages_free(struct usages *out);

/* Microwatts, from the microjoules that were used in some time. */
uint64_t usage_uw(uint64_t uj, uint64_t ns);

/* Share of the machine's energy, in millionths; 0 if there is none. */
uint64_t usage_share(const struct usages *all, const struct usage *u);

/* What to sort by. */
enum usage_key {
	USAGE_BY_PATH,
	USAGE_BY_POWER,
	USAGE_BY_ACCESS,
	USAGE_BY_BASE,
	USAGE_BY_TOTAL,
};

/* The highest first; equal ones, and paths, as they are in the tree. */
int usages_sort(struct usages *all, enum usage_key key);

#endif
