/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All containers from the one file that has them; for tree.c. */
#ifndef RCTL_ALL_H
#define RCTL_ALL_H

#include <stdbool.h>

#include "tree.h"

/* A node without energy, or NULL. */
struct rcfs_node *rcfs_new_node(const char *name, struct rcfs_node *parent);
/* Append to @node's children; 0 or -ENOMEM. */
int rcfs_add_child(struct rcfs_node *node, struct rcfs_node *child);
void rcfs_sort_children(struct rcfs_node *node);

/**
 * rcfs_gather_all() - fill in a tree from info/containers
 * @fs: open rcfs
 * @path: canonical path of the container to begin with
 * @walk: what is wanted
 * @top: node of that container
 *
 * Returns 0, or a negative errno: then the file cannot be used, @top may have
 * got something in vain, and the tree has to be walked.
 */
int rcfs_gather_all(const struct rcfs *fs, const char *path,
		    struct rcfs_walk *walk, struct rcfs_node *top);

#endif
