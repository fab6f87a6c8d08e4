// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl delete */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"

/* As many as fit into one line of a terminal. */
#define SHOWN	4

static void usage(void)
{
	puts("\nUsage:\n rctl delete [options] <name>...\n\n"
	     "Delete resource containers. Energy they used stays with their parents.\n\n"
	     "Options:\n"
	     " -r, --recursive        delete the containers below first");
	cmd_usage_options();
	cmd_usage_tail();
}

static void warn_delete(const char *path, int error)
{
	if (error == -ENOENT || error == -ENODEV)
		warnx("cannot delete '%s': no such container", path);
	else
		cmd_warn_container(path, "delete", error);
}

/* "3 tasks: 12 (cc1), 13 (make), 14 (sh)"; returns false if there are none. */
static bool describe_tasks(const struct rctl *ctl, int dirfd, FILE *out)
{
	struct rcfs_buf buf = { 0 };
	char *cursor, *line;
	size_t count = 0, i;

	if (rcfs_read(dirfd, "tasks", &buf) || rcfs_count_ids(&buf, &count))
		count = 0;
	if (count)
		fprintf(out, "%zu task%s: ", count, count == 1 ? "" : "s");
	cursor = buf.data;
	for (i = 0; i < count && i < SHOWN; i++) {
		char comm[64];
		uint64_t id;

		if (rcfs_next_line(&cursor, &line) <= 0 ||
		    rcfs_parse_u64(line, &id))
			break;
		rcfs_comm(&ctl->fs, id, comm, sizeof(comm));
		fprintf(out, "%s%s (%s)", i ? ", " : "", line, comm);
	}
	if (count > SHOWN)
		fputs(", ...", out);
	rcfs_buf_free(&buf);
	return count;
}

static bool describe_children(const struct rctl *ctl, const char *path,
			      FILE *out)
{
	struct rcfs_walk walk = { 0 };
	struct rcfs_node *top;
	size_t i, count;

	if (rcfs_gather(&ctl->fs, path, &walk, &top))
		return false;
	count = top->nchild;
	for (i = 0; i < count && i < SHOWN; i++)
		fprintf(out, "%s'%s'", i ? ", " : "", top->child[i]->name);
	if (count > SHOWN)
		fputs(", ...", out);
	rcfs_node_free(top);
	return count;
}

static void warn_busy(const struct rctl *ctl, const char *path)
{
	int dirfd = rcfs_open_dir(ctl->fs.fd, path);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool tasks, children = false;

	if (dirfd < 0 || !out)
		err(EXIT_FAILURE, "cannot delete '%s'", path);
	tasks = describe_tasks(ctl, dirfd, out);
	if (!tasks)
		children = describe_children(ctl, path, out);
	fclose(out);
	if (tasks)
		warnx("cannot delete '%s': it has %s (to move them: rctl bind --tid / ID...)",
		      path, text);
	else if (children)
		warnx("cannot delete '%s': it contains %s (--recursive deletes these first)",
		      path, text);
	else
		warnx("cannot delete '%s': it is busy", path);
	free(text);
	close(dirfd);
}

static int delete_path(const struct rctl *ctl, const char *path, bool below)
{
	if (!strcmp(path, ".")) {
		warnx("the root container '/' cannot be deleted");
		return -1;
	}
	if (!unlinkat(ctl->fs.fd, path, AT_REMOVEDIR))
		return 0;
	/* Somebody else may have been quicker with what is below. */
	if (below && (errno == ENOENT || errno == ENODEV))
		return 0;
	if (errno != ENOENT && rcfs_is_builtin(path))
		warnx("cannot delete '%s': it is built in", path);
	else if (errno == EBUSY || errno == ENOTEMPTY)
		warn_busy(ctl, path);
	else
		warn_delete(path, -errno);
	return -1;
}

static int delete_below(const struct rctl *ctl, const char *path,
			const struct rcfs_node *node)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < node->nchild; i++) {
		char *child;

		if (asprintf(&child, "%s/%s", path, node->child[i]->name) < 0)
			err(EXIT_FAILURE, "cannot delete '%s'", path);
		if (delete_below(ctl, child, node->child[i]) ||
		    delete_path(ctl, child, true))
			ret = -1;
		free(child);
	}
	return ret;
}

static int delete_tree(const struct rctl *ctl, const char *path)
{
	struct rcfs_walk walk = { 0 };
	struct rcfs_node *top;
	int ret;

	if (!strcmp(path, "."))
		return delete_path(ctl, path, false);
	ret = rcfs_gather(&ctl->fs, path, &walk, &top);
	if (ret) {
		warn_delete(path, ret);
		return -1;
	}
	ret = delete_below(ctl, path, top);
	rcfs_node_free(top);
	/* What is left below has been complained about. */
	return ret ? ret : delete_path(ctl, path, false);
}

static int delete_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "recursive",	no_argument, NULL, 'r' },
		CMD_LONGOPTS
	};
	bool recursive = false;
	int c, status = EXIT_SUCCESS;

	while ((c = getopt_long(argc, argv, "r" CMD_SHORTOPTS, longopts,
				NULL)) != -1) {
		if (c == 'r')
			recursive = true;
		else
			cmd_option(ctl, c);
	}
	if (optind == argc)
		cmd_bad_usage(ctl, "no container specified");

	cmd_open(ctl);
	for (; optind < argc; optind++) {
		char *path = cmd_path(argv[optind]);

		if (!path || (recursive ? delete_tree(ctl, path) :
					  delete_path(ctl, path, false)))
			status = EXIT_FAILURE;
		free(path);
	}
	return status;
}

const struct cmd cmd_delete = {
	.name = "delete",
	.main = delete_main,
	.usage = usage,
	.help = "delete containers",
};
