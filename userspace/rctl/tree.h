/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of containers, gathered in one walk. */
#ifndef RCTL_TREE_H
#define RCTL_TREE_H

#include "rcfs.h"

/* What to read of each container, and in rcfs_node.have what could be. */
enum {
	RCFS_ENERGY	= 1 << 0,
	RCFS_LOCAL	= 1 << 1,
	RCFS_TASKS	= 1 << 2,
	RCFS_PROCS	= 1 << 3,
};

/**
 * struct rcfs_node - one container
 * @name: last part of its path, "/" for the root container
 * @ino: inode number: who comes after it under the same name has another
 * @time_ns: CLOCK_MONOTONIC when its energy was read
 * @parent: container above, NULL for where the walk began
 * @child: containers below, sorted by name
 * @nchild: number of @child
 * @energy: of the container and all below
 * @local: energy of the container alone
 * @tasks: threads bound to it
 * @procs: processes bound to it
 * @have: which of these were read (RCFS_ENERGY, ...)
 * @bad: which of these should be there but cannot be used; built-in containers
 *	have no tasks, which is not bad; all, if the container must not be
 *	opened
 */
struct rcfs_node {
	char *name;
	uint64_t ino;
	uint64_t time_ns;
	struct rcfs_node *parent;
	struct rcfs_node **child;
	size_t nchild;
	struct rcfs_energy energy;
	struct rcfs_energy local;
	size_t tasks;
	size_t procs;
	unsigned int have;
	unsigned int bad;
};

/**
 * struct rcfs_walk - how to gather, and how it went
 * @want: what to read (RCFS_ENERGY, ...)
 * @shallow: leave out what is below
 * @unreadable: called for each file that exists but cannot be used, and with
 *	"." for each container that must not be opened
 * @buf: for the walk
 *
 * Containers that vanish during the walk are left out silently.  Where the kernel
 * lists all containers in one file, and that can be read, there is no walk, and
 * all is of one moment.
 */
struct rcfs_walk {
	unsigned int want;
	bool shallow;
	void (*unreadable)(const struct rcfs_node *node, const char *file,
			   int error);
	struct rcfs_buf buf;
};

/**
 * rcfs_gather() - walk the tree
 * @fs: open rcfs
 * @path: canonical path of the container to begin with
 * @walk: what to read
 * @top: the tree; to be freed with rcfs_node_free()
 */
int rcfs_gather(const struct rcfs *fs, const char *path, struct rcfs_walk *walk,
		struct rcfs_node **top);
void rcfs_node_free(struct rcfs_node *node);

/**
 * rcfs_node_path() - the canonical path of a node
 * @node: node of a gathered tree
 *
 * Relative to the root container if the walk began there or at a container
 * right below it, else to be prefixed by the caller: a tree's top is named by
 * its whole path.  Returns a string to be freed, or NULL.
 */
char *rcfs_node_path(const struct rcfs_node *node);

#endif
