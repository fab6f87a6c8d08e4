// SPDX-License-Identifier: GPL-2.0-or-later
/* All containers from the one file that has them. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "all.h"
#include "clock.h"

/**
 * struct heading - a column of energy
 * @device: name of the device, in the text
 * @base: base energy, else access energy
 * @local: of the container alone
 */
struct heading {
	char *device;
	bool base;
	bool local;
};

/**
 * struct rows - info/containers as it is read
 * @walk: what is wanted
 * @heading: columns of energy
 * @nheadings: number of @heading
 * @above: by depth, who contains what comes next; the tree's top first
 * @nabove: number of @above
 * @size: room in @above
 */
struct rows {
	const struct rcfs_walk *walk;
	struct heading *heading;
	size_t nheadings;
	struct rcfs_node **above;
	size_t nabove;
	size_t size;
};

/* DEVICE.access_uj, DEVICE.local_base_uj, ... */
static int parse_heading(char *word, struct heading *h)
{
	char *what = strrchr(word, '.');

	if (!what || what == word)
		return -EBADMSG;
	*what++ = '\0';
	h->device = word;
	h->local = !strncmp(what, "local_", 6);
	if (h->local)
		what += 6;
	h->base = !strcmp(what, "base_uj");
	return h->base || !strcmp(what, "access_uj") ? 0 : -EBADMSG;
}

static int parse_headings(char *line, struct rows *rows)
{
	static const char *const first[] = { "container", "inode", "tasks", "procs" };
	char *word;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(first) / sizeof(*first); i++) {
		word = strsep(&line, " ");
		if (!word || strcmp(word, first[i]))
			return -EBADMSG;
	}
	while ((word = strsep(&line, " "))) {
		struct heading *bigger = reallocarray(rows->heading,
						      rows->nheadings + 1,
						      sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		rows->heading = bigger;
		ret = parse_heading(word, &bigger[rows->nheadings++]);
		if (ret)
			return ret;
	}
	return 0;
}

static int next_number(char **line, uint64_t *value)
{
	char *word = strsep(line, " ");

	return word ? rcfs_parse_u64(word, value) : -EBADMSG;
}

/* Columns of a device stand together. */
static int add_energy(struct rcfs_energy *energy, const struct heading *h,
		      size_t room, uint64_t value)
{
	struct rcfs_device *dev = energy->dev;

	if (!dev) {
		dev = calloc(room, sizeof(*dev));
		if (!dev)
			return -ENOMEM;
		energy->dev = dev;
	}
	dev += energy->ndevs;
	if (!energy->ndevs || strcmp(dev[-1].name, h->device)) {
		dev->name = strdup(h->device);
		if (!dev->name)
			return -ENOMEM;
		energy->ndevs++;
	} else {
		dev--;
	}
	*(h->base ? &dev->base : &dev->access) = value;
	return 0;
}

static int parse_numbers(const struct rows *rows, char *line, bool builtin,
			 struct rcfs_node *node)
{
	const unsigned int want = rows->walk->want;
	uint64_t tasks, procs, value;
	int ret;
	size_t i;

	ret = next_number(&line, &node->ino);
	if (!ret)
		ret = next_number(&line, &tasks);
	if (!ret)
		ret = next_number(&line, &procs);
	for (i = 0; !ret && i < rows->nheadings; i++) {
		const struct heading *h = &rows->heading[i];

		ret = next_number(&line, &value);
		if (!ret && (want & (h->local ? RCFS_LOCAL : RCFS_ENERGY)))
			ret = add_energy(h->local ? &node->local : &node->energy,
					 h, rows->nheadings, value);
	}
	if (ret)
		return ret;
	node->tasks = tasks;
	node->procs = procs;
	/* Built in: it takes no tasks. */
	node->have = want;
	if (builtin)
		node->have &= ~(RCFS_TASKS | RCFS_PROCS);
	return 0;
}

/* What is left of @path below the tree's top, or NULL if it is elsewhere. */
static const char *below(const char *path, const char *top)
{
	const size_t len = strlen(top);

	path++;
	if (!strcmp(top, "."))
		return path;
	if (strncmp(path, top, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] ? path + len + 1 : path + len;
}

/* Is the last part of the path from @begin to @end the name of @node? */
static bool is_named(const struct rcfs_node *node, const char *begin,
		     const char *end)
{
	size_t len = strlen(node->name);

	return end - begin >= (ptrdiff_t)len && !strncmp(end - len, node->name, len) &&
	       (end == begin + len || end[-1 - (ptrdiff_t)len] == '/');
}

/* Parents come before their children, and all children at once. */
static int new_below(struct rows *rows, const char *rest, struct rcfs_node **node)
{
	const char *slash, *name = rest;
	size_t depth = 1;
	int ret;

	for (slash = strchr(rest, '/'); slash; slash = strchr(name, '/')) {
		name = slash + 1;
		depth++;
	}
	if (depth > rows->nabove || !*name ||
	    (depth > 1 && !is_named(rows->above[depth - 1], rest, name - 1)))
		return -EBADMSG;
	if (depth == rows->size) {
		void *bigger = reallocarray(rows->above, 2 * depth,
					    sizeof(*rows->above));

		if (!bigger)
			return -ENOMEM;
		rows->above = bigger;
		rows->size = 2 * depth;
	}
	*node = rcfs_new_node(name, rows->above[depth - 1]);
	if (!*node)
		return -ENOMEM;
	ret = rcfs_add_child(rows->above[depth - 1], *node);
	if (ret) {
		rcfs_node_free(*node);
		return ret;
	}
	rows->above[depth] = *node;
	rows->nabove = depth + 1;
	return 0;
}

static int parse_row(struct rows *rows, char *line, const char *top)
{
	char *path = strsep(&line, " ");
	struct rcfs_node *node = rows->above[0];
	const char *rest;
	int ret;

	if (*path != '/')
		return -EBADMSG;
	rest = below(path, top);
	if (!rest)
		return 0;
	if (*rest) {
		ret = new_below(rows, rest, &node);
		if (ret)
			return ret;
	} else {
		rows->nabove = 1;
	}
	return parse_numbers(rows, line, rcfs_is_builtin(path + 1), node);
}

static void finish(struct rcfs_node *node, uint64_t time_ns)
{
	size_t i;

	node->time_ns = time_ns;
	rcfs_sort_children(node);
	for (i = 0; i < node->nchild; i++)
		finish(node->child[i], time_ns);
}

int rcfs_gather_all(const struct rcfs *fs, const char *path,
		    struct rcfs_walk *walk, struct rcfs_node *top)
{
	struct rows rows = { .walk = walk, .size = 8 };
	uint64_t time_ns = monotonic_ns();
	char *cursor, *line;
	int ret;

	ret = rcfs_read(fs->fd, "info/containers", &walk->buf);
	if (ret)
		return ret;
	rows.above = calloc(rows.size, sizeof(*rows.above));
	if (!rows.above)
		return -ENOMEM;
	rows.above[0] = top;
	cursor = walk->buf.data;
	ret = rcfs_next_line(&cursor, &line);
	ret = ret > 0 ? parse_headings(line, &rows) : -EBADMSG;
	while (!ret) {
		ret = rcfs_next_line(&cursor, &line);
		if (ret <= 0)
			break;
		ret = parse_row(&rows, line, path);
	}
	/* It may have been deleted just now. */
	if (!ret && !rows.nabove)
		ret = -ENOENT;
	if (!ret)
		finish(top, time_ns);
	free(rows.above);
	free(rows.heading);
	return ret;
}
