/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of tasks: the descendants of a process, what is in a cgroup. */
#ifndef RCTL_TASKS_H
#define RCTL_TASKS_H

#include "rcfs.h"

/**
 * struct rcfs_ids - thread or process ids
 * @id: ids, in the order in which they were added until rcfs_ids_sort()
 * @n: number of @id
 * @size: allocated
 */
struct rcfs_ids {
	unsigned int *id;
	size_t n;
	size_t size;
};

int rcfs_ids_add(struct rcfs_ids *ids, unsigned int id);
void rcfs_ids_sort(struct rcfs_ids *ids);
/* Only after rcfs_ids_sort(). */
bool rcfs_ids_has(const struct rcfs_ids *ids, unsigned int id);
void rcfs_ids_free(struct rcfs_ids *ids);

/**
 * rcfs_ids_read() - add the ids that a file lists, one on each line
 * @dirfd: directory
 * @file: relative to it
 * @ids: added to; zeros, which stand for tasks that cannot be named here, are
 *	left out
 */
int rcfs_ids_read(int dirfd, const char *file, struct rcfs_ids *ids);

/**
 * rcfs_ids_tree() - add processes and all their descendants, parents first
 * @fs: where /proc is
 * @roots: the processes to begin with
 * @ids: added to; those of @roots that do not exist are left out
 */
int rcfs_ids_tree(const struct rcfs *fs, const struct rcfs_ids *roots,
		  struct rcfs_ids *ids);

/**
 * rcfs_ids_cgroup() - add the threads of a cgroup v2 and of all below it
 * @fs: where /sys/fs/cgroup is
 * @path: of the cgroup: relative to /sys/fs/cgroup, or beginning with it
 * @ids: added to
 *
 * Returns 0 or a negative errno: -ENOENT if there is no such directory,
 * -EMEDIUMTYPE if it is not of cgroup v2.
 */
int rcfs_ids_cgroup(const struct rcfs *fs, const char *path,
		    struct rcfs_ids *ids);

#endif
