// SPDX-License-Identifier: GPL-2.0-or-later
/* The tree of containers, gathered in one walk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "all.h"
#include "clock.h"
#include "tree.h"

static bool is_gone(int error)
{
	return error == -ENOENT || error == -ENODEV;
}

/*
 * A file that is not there means either that the container was removed since
 * or that this kernel has no such file.  Its directory's name tells.
 */
static bool was_removed(int parentfd, const char *name)
{
	struct stat st;

	return parentfd >= 0 && fstatat(parentfd, name, &st, 0) &&
	       errno == ENOENT;
}

static int read_ids(int fd, const char *file, struct rcfs_walk *walk,
		    size_t *count)
{
	int ret = rcfs_read(fd, file, &walk->buf);

	return ret ? ret : rcfs_count_ids(&walk->buf, count);
}

static int read_one(int fd, unsigned int what, struct rcfs_walk *walk,
		    struct rcfs_node *node, const char **file)
{
	switch (what) {
	case RCFS_ENERGY:
		node->time_ns = monotonic_ns();
		*file = "energy";
		return rcfs_read_energy(fd, *file, &walk->buf, &node->energy);
	case RCFS_LOCAL:
		*file = "energy.local";
		return rcfs_read_energy(fd, *file, &walk->buf, &node->local);
	case RCFS_TASKS:
		*file = "tasks";
		return read_ids(fd, *file, walk, &node->tasks);
	case RCFS_PROCS:
		*file = "procs";
		return read_ids(fd, *file, walk, &node->procs);
	}
	return -EINVAL;
}

static void note_bad(struct rcfs_node *node, unsigned int what,
		     const struct rcfs_walk *walk, const char *file, int error)
{
	node->bad |= what;
	if (walk->unreadable)
		walk->unreadable(node, file, error);
}

/* Returns -ENOENT if the container is gone. */
static int read_files(int parentfd, int fd, struct rcfs_walk *walk,
		      struct rcfs_node *node)
{
	unsigned int what;

	for (what = 1; what <= RCFS_PROCS; what <<= 1) {
		const char *file = NULL;
		int ret;

		if (!(walk->want & what))
			continue;
		ret = read_one(fd, what, walk, node, &file);
		if (!ret)
			node->have |= what;
		else if (ret == -ENOMEM)
			return ret;
		else if (is_gone(ret) && was_removed(parentfd, node->name))
			return -ENOENT;
		else if (ret == -ENOENT && (what & (RCFS_TASKS | RCFS_PROCS)))
			continue;	/* built in: it takes no tasks */
		else
			note_bad(node, what, walk, file, ret);
	}
	return 0;
}

struct rcfs_node *rcfs_new_node(const char *name, struct rcfs_node *parent)
{
	struct rcfs_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->parent = parent;
	node->name = strdup(name);
	if (!node->name) {
		free(node);
		return NULL;
	}
	return node;
}

static bool is_container(int fd, const struct dirent *d, bool root)
{
	struct stat st;

	if (d->d_name[0] == '.' &&
	    (!d->d_name[1] || (d->d_name[1] == '.' && !d->d_name[2])))
		return false;
	if (root && !strcmp(d->d_name, "info"))
		return false;
	if (d->d_type != DT_UNKNOWN)
		return d->d_type == DT_DIR;
	return !fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISDIR(st.st_mode);
}

static int compare_nodes(const void *a, const void *b)
{
	const struct rcfs_node *const *x = a, *const *y = b;

	return strverscmp((*x)->name, (*y)->name);
}

void rcfs_sort_children(struct rcfs_node *node)
{
	if (node->nchild)
		qsort(node->child, node->nchild, sizeof(*node->child),
		      compare_nodes);
}

int rcfs_add_child(struct rcfs_node *node, struct rcfs_node *child)
{
	/* There is no more room whenever their number is a power of two. */
	if (!(node->nchild & (node->nchild - 1))) {
		void *bigger = reallocarray(node->child,
					    node->nchild ? 2 * node->nchild : 1,
					    sizeof(*node->child));

		if (!bigger)
			return -ENOMEM;
		node->child = bigger;
	}
	node->child[node->nchild++] = child;
	return 0;
}

static int list_children(DIR *dir, struct rcfs_node *node, bool root)
{
	struct dirent *d;

	while ((errno = 0, d = readdir(dir))) {
		struct rcfs_node *child;

		if (!is_container(dirfd(dir), d, root))
			continue;
		child = rcfs_new_node(d->d_name, node);
		if (!child)
			return -ENOMEM;
		child->ino = d->d_ino;
		if (rcfs_add_child(node, child)) {
			rcfs_node_free(child);
			return -ENOMEM;
		}
	}
	if (errno && !is_gone(-errno))
		return -errno;
	rcfs_sort_children(node);
	return 0;
}

/* A container that only others may look into is not the end of the walk. */
static bool is_closed(struct rcfs_node *node, const struct rcfs_walk *walk,
		      int error)
{
	if (!node->parent || (error != -EACCES && error != -EPERM))
		return false;
	note_bad(node, walk->want, walk, ".", error);
	return true;
}

static int visit(int parentfd, const char *path, struct rcfs_walk *walk,
		 struct rcfs_node *node);

/* Those that are gone are removed from @node. */
static int visit_children(int fd, struct rcfs_walk *walk, struct rcfs_node *node)
{
	size_t i, kept = 0;
	int ret = 0;

	for (i = 0; i < node->nchild; i++) {
		struct rcfs_node *child = node->child[i];
		int gone = 0;

		if (!ret) {
			gone = visit(fd, child->name, walk, child);
			if (!is_gone(gone))
				ret = gone;
		}
		if (gone)
			rcfs_node_free(child);
		else
			node->child[kept++] = child;
	}
	node->nchild = kept;
	return ret;
}

static int visit(int parentfd, const char *path, struct rcfs_walk *walk,
		 struct rcfs_node *node)
{
	bool root = !strcmp(path, ".");
	struct stat st;
	DIR *dir = NULL;
	int fd, ret;

	fd = rcfs_open_dir(parentfd, path);
	if (fd < 0)
		return is_closed(node, walk, fd) ? 0 : fd;
	if (!node->parent && !fstat(fd, &st))
		node->ino = st.st_ino;
	ret = read_files(node->parent ? parentfd : -1, fd, walk, node);
	if (!ret && !walk->shallow) {
		dir = fdopendir(fd);
		ret = dir ? list_children(dir, node, root) : -errno;
	}
	if (!ret)
		ret = visit_children(fd, walk, node);
	if (dir)
		closedir(dir);
	else
		close(fd);
	return ret;
}

/* Returns a negative errno if the tree has to be walked. */
static int gather_all(const struct rcfs *fs, const char *path,
		      struct rcfs_walk *walk, struct rcfs_node **top)
{
	int ret;

	*top = rcfs_new_node(rcfs_show_name(path), NULL);
	if (!*top)
		return -ENOMEM;
	ret = rcfs_gather_all(fs, path, walk, *top);
	if (ret)
		rcfs_node_free(*top);
	return ret;
}

int rcfs_gather(const struct rcfs *fs, const char *path, struct rcfs_walk *walk,
		struct rcfs_node **top)
{
	struct rlimit lim;
	int ret;

	if (!walk->shallow && !gather_all(fs, path, walk, top)) {
		rcfs_buf_free(&walk->buf);
		return 0;
	}

	/* The walk keeps one directory open for each level. */
	if (!getrlimit(RLIMIT_NOFILE, &lim) && lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}

	*top = rcfs_new_node(rcfs_show_name(path), NULL);
	if (!*top)
		return -ENOMEM;
	ret = visit(fs->fd, path, walk, *top);
	rcfs_buf_free(&walk->buf);
	if (ret) {
		rcfs_node_free(*top);
		*top = NULL;
	}
	return ret;
}

void rcfs_node_free(struct rcfs_node *node)
{
	size_t i;

	if (!node)
		return;
	for (i = 0; i < node->nchild; i++)
		rcfs_node_free(node->child[i]);
	free(node->child);
	rcfs_energy_free(&node->energy);
	rcfs_energy_free(&node->local);
	free(node->name);
	free(node);
}

char *rcfs_node_path(const struct rcfs_node *node)
{
	const struct rcfs_node *n;
	size_t len = 0;
	char *path, *p;

	if (!node->parent)
		return strdup(node->name);
	n = node;
	do
		len += strlen(n->name) + 1;
	while ((n = n->parent));
	path = malloc(len);
	if (!path)
		return NULL;
	p = path + len;
	*--p = '\0';
	for (n = node; n; n = n->parent) {
		size_t part = strlen(n->name);

		/* The root's name is the slash that its children do without. */
		if (!n->parent && !strcmp(n->name, "/"))
			break;
		if (n != node)
			*--p = '/';
		p -= part;
		memcpy(p, n->name, part);
	}
	memmove(path, p, strlen(p) + 1);
	return path;
}
