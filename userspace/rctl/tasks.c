// SPDX-License-Identifier: GPL-2.0-or-later
/* Sets of tasks: the descendants of a process, what is in a cgroup. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tasks.h"

#define CGROUP_MOUNT	"/sys/fs/cgroup"

/* A process and its parent. */
struct process {
	unsigned int pid;
	unsigned int ppid;
};

struct processes {
	struct process *p;
	size_t n;
	size_t size;
};

static int compare_ids(const void *a, const void *b)
{
	const unsigned int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int rcfs_ids_add(struct rcfs_ids *ids, unsigned int id)
{
	if (ids->n == ids->size) {
		size_t size = ids->size ? 2 * ids->size : 64;
		void *bigger = reallocarray(ids->id, size, sizeof(*ids->id));

		if (!bigger)
			return -ENOMEM;
		ids->id = bigger;
		ids->size = size;
	}
	ids->id[ids->n++] = id;
	return 0;
}

void rcfs_ids_sort(struct rcfs_ids *ids)
{
	if (ids->n)
		qsort(ids->id, ids->n, sizeof(*ids->id), compare_ids);
}

bool rcfs_ids_has(const struct rcfs_ids *ids, unsigned int id)
{
	return ids->n && bsearch(&id, ids->id, ids->n, sizeof(*ids->id),
				 compare_ids);
}

void rcfs_ids_free(struct rcfs_ids *ids)
{
	free(ids->id);
	memset(ids, 0, sizeof(*ids));
}

int rcfs_ids_read(int dirfd, const char *file, struct rcfs_ids *ids)
{
	struct rcfs_buf buf = { 0 };
	char *cursor, *line;
	uint64_t id;
	int ret = rcfs_read(dirfd, file, &buf);

	cursor = buf.data;
	while (!ret && (ret = rcfs_next_line(&cursor, &line)) > 0) {
		ret = rcfs_parse_u64(line, &id);
		if (!ret && id > INT_MAX)
			ret = -ERANGE;
		if (!ret && id)
			ret = rcfs_ids_add(ids, id);
	}
	rcfs_buf_free(&buf);
	return ret;
}

/* "12 (any (name)) S 1 ...": the parent is the second word behind the name. */
static bool parse_stat(const char *text, unsigned int *ppid)
{
	const char *end = strrchr(text, ')');

	return end && sscanf(end + 1, " %*c %u", ppid) == 1;
}

static int add_process(struct processes *all, unsigned int pid,
		       unsigned int ppid)
{
	if (all->n == all->size) {
		size_t size = all->size ? 2 * all->size : 256;
		void *bigger = reallocarray(all->p, size, sizeof(*all->p));

		if (!bigger)
			return -ENOMEM;
		all->p = bigger;
		all->size = size;
	}
	all->p[all->n++] = (struct process){ pid, ppid };
	return 0;
}

static int read_processes(const struct rcfs *fs, struct processes *all)
{
	char path[PATH_MAX], file[NAME_MAX + sizeof("/stat")];
	struct rcfs_buf buf = { 0 };
	struct dirent *d;
	uint64_t pid;
	int ret = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/proc", fs->sysroot);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while (!ret && (d = readdir(dir))) {
		unsigned int ppid;

		if (rcfs_parse_u64(d->d_name, &pid) || pid > INT_MAX)
			continue;
		snprintf(file, sizeof(file), "%s/stat", d->d_name);
		/* Processes end meanwhile. */
		if (!rcfs_read(dirfd(dir), file, &buf) &&
		    parse_stat(buf.data, &ppid))
			ret = add_process(all, pid, ppid);
	}
	rcfs_buf_free(&buf);
	closedir(dir);
	return ret;
}

static int compare_parents(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return compare_ids(&x->ppid, &y->ppid) ?: compare_ids(&x->pid, &y->pid);
}

/* The first of the children of @ppid among @all, sorted by parent. */
static size_t first_child(const struct processes *all, unsigned int ppid)
{
	size_t low = 0, high = all->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->p[middle].ppid < ppid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int add_descendants(const struct processes *all,
			   const struct rcfs_ids *roots, struct rcfs_ids *ids)
{
	size_t next = ids->n, i;
	int ret = 0;

	for (i = 0; !ret && i < all->n; i++)
		if (rcfs_ids_has(roots, all->p[i].pid))
			ret = rcfs_ids_add(ids, all->p[i].pid);
	for (; !ret && next < ids->n; next++) {
		unsigned int parent = ids->id[next];

		for (i = first_child(all, parent);
		     !ret && i < all->n && all->p[i].ppid == parent; i++)
			if (!rcfs_ids_has(roots, all->p[i].pid))
				ret = rcfs_ids_add(ids, all->p[i].pid);
	}
	return ret;
}

int rcfs_ids_tree(const struct rcfs *fs, const struct rcfs_ids *roots,
		  struct rcfs_ids *ids)
{
	struct processes all = { 0 };
	int ret = read_processes(fs, &all);

	if (!ret && all.n) {
		qsort(all.p, all.n, sizeof(*all.p), compare_parents);
		ret = add_descendants(&all, roots, ids);
	}
	free(all.p);
	return ret;
}

/* Closes @fd. */
static int visit_cgroup(int fd, struct rcfs_ids *ids, bool top)
{
	struct dirent *d;
	DIR *dir;
	int ret;

	ret = rcfs_ids_read(fd, "cgroup.threads", ids);
	/* Below the top one it was removed meanwhile. */
	if (ret == -ENOENT || ret == -ENODEV)
		ret = top ? -EMEDIUMTYPE : 0;
	dir = ret ? NULL : fdopendir(fd);
	if (!dir) {
		close(fd);
		return ret;
	}
	while (!ret && (d = readdir(dir))) {
		int child;

		if (d->d_type != DT_DIR || !strcmp(d->d_name, ".") ||
		    !strcmp(d->d_name, ".."))
			continue;
		child = rcfs_open_dir(fd, d->d_name);
		if (child >= 0)
			ret = visit_cgroup(child, ids, false);
		else if (child != -ENOENT && child != -ENODEV)
			ret = child;
	}
	closedir(dir);
	return ret;
}

int rcfs_ids_cgroup(const struct rcfs *fs, const char *path,
		    struct rcfs_ids *ids)
{
	const size_t mount = strlen(CGROUP_MOUNT);
	char full[PATH_MAX];
	int fd;

	if (!strncmp(path, CGROUP_MOUNT, mount) &&
	    (!path[mount] || path[mount] == '/'))
		path += mount;
	if (snprintf(full, sizeof(full), "%s" CGROUP_MOUNT "/%s", fs->sysroot,
		     path) >= (int)sizeof(full))
		return -ENAMETOOLONG;
	fd = rcfs_open_dir(AT_FDCWD, full);
	return fd < 0 ? fd : visit_cgroup(fd, ids, true);
}
