// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl bind */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "tasks.h"

/* Who forks faster than this many rounds can follow will not be caught. */
#define MAX_PASSES	100

/**
 * struct binding - what to bind where
 * @ctl: with rcfs open
 * @path: canonical path of the container
 * @dirfd: its directory
 * @what: "thread" or "process", for messages
 * @file: "tasks" or "procs"
 */
struct binding {
	const struct rctl *ctl;
	const char *path;
	int dirfd;
	const char *what;
	const char *file;
};

/**
 * struct set - tasks that are found by looking rather than named
 * @cgroup: path of the cgroup they are in; NULL for a tree of processes
 * @done: those that were dealt with, sorted; of a tree first its root
 */
struct set {
	const char *cgroup;
	struct rcfs_ids done;
};

static void usage(void)
{
	puts("\nUsage:\n"
	     " rctl bind [options] <name> <pid>...\n"
	     " rctl bind [options] --cgroup <name> <cgroup>...\n\n"
	     "Bind processes to a resource container, which pays for them from now on.\n\n"
	     "Options:\n"
	     " -g, --cgroup           bind what is in these cgroups, and below them, now\n"
	     " -t, --tid              the numbers are single threads, not processes\n"
	     " -T, --tree             bind all descendants of the processes, too");
	cmd_usage_options();
	cmd_usage_tail();
}

static void warn_bind(const struct binding *b, unsigned int id, int error)
{
	const char *name = rcfs_show_name(b->path), *what = b->what;

	errno = -error;
	if (error == -ESRCH)
		warnx("cannot bind %s %u: there is no such %s", what, id, what);
	else if (rcfs_is_builtin(b->path))
		warnx("cannot bind %s %u to '%s': this container is built in and takes no tasks",
		      what, id, name);
	else if (error == -EACCES || error == -EPERM)
		warn("cannot bind %s %u to '%s' (are you root?)", what, id, name);
	else if (error == -EINVAL)
		warnx("cannot bind %s %u to '%s': the kernel does not let this %s be bound",
		      what, id, name, what);
	else if (error == -ENOENT || error == -ENODEV)
		warnx("cannot bind %s %u to '%s': it takes none any more; was it removed meanwhile?",
		      what, id, name);
	else
		warn("cannot bind %s %u to '%s'", what, id, name);
}

/* Nothing at all can be bound there. */
static bool is_hopeless(const struct binding *b, int error)
{
	return rcfs_is_builtin(b->path) || error == -ENOENT || error == -ENODEV;
}

static int parse_id(const struct binding *b, const char *arg, unsigned int *id)
{
	uint64_t value;

	if (rcfs_parse_u64(arg, &value) || value > INT_MAX) {
		warnx("'%s' is not a %s id", arg, b->what);
		return -1;
	}
	if (!value) {
		warnx("0 would bind rctl itself, which ends at once (see rctl run)");
		return -1;
	}
	*id = value;
	return 0;
}

static int bind_one(const struct binding *b, const char *arg)
{
	unsigned int id;
	int ret;

	if (parse_id(b, arg, &id))
		return -1;
	ret = rcfs_write_id(b->dirfd, b->file, id);
	if (ret)
		warn_bind(b, id, ret);
	return ret;
}

/* What there is of the set at this moment. */
static void look(const struct binding *b, const struct set *set,
		 struct rcfs_ids *found)
{
	int ret;

	if (!set->cgroup) {
		ret = rcfs_ids_tree(&b->ctl->fs, &set->done, found);
		errno = -ret;
		if (ret)
			err(EXIT_FAILURE, "cannot read %s/proc",
			    b->ctl->fs.sysroot);
		return;
	}
	ret = rcfs_ids_cgroup(&b->ctl->fs, set->cgroup, found);
	errno = -ret;
	if (ret == -EMEDIUMTYPE)
		errx(EXIT_FAILURE, "'%s' is not a cgroup of version 2: it has no cgroup.threads",
		     set->cgroup);
	if (ret == -EBADMSG || ret == -ERANGE)
		errx(EXIT_FAILURE, "cgroup '%s': cgroup.threads does not have the expected format",
		     set->cgroup);
	if (ret == -ENOENT)
		errx(EXIT_FAILURE, "there is no cgroup '%s' in %s/sys/fs/cgroup",
		     set->cgroup, b->ctl->fs.sysroot);
	if (ret)
		err(EXIT_FAILURE, "cannot read cgroup '%s'", set->cgroup);
}

/*
 * Bind what was found and not dealt with yet.  Returns how many these were, 0 if
 * there is no point in going on, and in @status whether one of them failed.
 */
static size_t bind_found(const struct binding *b, struct set *set,
			 const struct rcfs_ids *found,
			 const struct rcfs_ids *inside, bool first, int *status)
{
	struct rcfs_ids fresh = { 0 };
	size_t count = 0, i;
	int ret, full = 0;

	for (i = 0; i < found->n; i++) {
		unsigned int id = found->id[i];
		bool done = rcfs_ids_has(&set->done, id);

		/* A tree's root is known from the beginning. */
		if (rcfs_ids_has(inside, id) || (done && !(first && !set->cgroup)))
			continue;
		count++;
		ret = rcfs_write_id(b->dirfd, b->file, id);
		/* Some end meanwhile, and kernel threads are nobody's. */
		if (ret && (done || (ret != -ESRCH && ret != -EINVAL))) {
			warn_bind(b, id, ret);
			*status = -1;
			if (is_hopeless(b, ret)) {
				count = 0;
				break;
			}
		}
		if (!done)
			full |= rcfs_ids_add(&fresh, id);
	}
	for (i = 0; i < fresh.n; i++)
		full |= rcfs_ids_add(&set->done, fresh.id[i]);
	if (full)
		err(EXIT_FAILURE, "cannot remember what was bound");
	rcfs_ids_free(&fresh);
	rcfs_ids_sort(&set->done);
	return count;
}

/*
 * Tasks are born while others are being bound, so look until nobody new is
 * found: children of those bound already are bound by birth.
 */
static int bind_set(const struct binding *b, struct set *set, const char *arg)
{
	int pass, status = 0;

	for (pass = 0; pass < MAX_PASSES; pass++) {
		struct rcfs_ids found = { 0 }, inside = { 0 };
		size_t count;

		look(b, set, &found);
		/* The first time all are bound: some may be so only in part. */
		if (pass)
			rcfs_ids_read(b->dirfd, b->file, &inside);
		rcfs_ids_sort(&inside);
		count = bind_found(b, set, &found, &inside, !pass, &status);
		rcfs_ids_free(&found);
		rcfs_ids_free(&inside);
		if (!count && !pass && !status) {
			if (set->cgroup)
				warnx("cgroup '%s' is empty: nothing was bound",
				      arg);
			else
				warnx("cannot bind process %s: there is no such process",
				      arg);
			return -1;
		}
		if (!count)
			return status;
	}
	warnx("'%s' makes new tasks faster than they can be bound", arg);
	return -1;
}

static int bind_tree(const struct binding *b, const char *arg)
{
	struct set set = { 0 };
	unsigned int id;
	int ret;

	if (parse_id(b, arg, &id))
		return -1;
	if (rcfs_ids_add(&set.done, id))
		err(EXIT_FAILURE, "cannot bind process %u", id);
	ret = bind_set(b, &set, arg);
	rcfs_ids_free(&set.done);
	return ret;
}

static int bind_cgroup(const struct binding *b, const char *arg)
{
	struct set set = { .cgroup = arg };
	int ret = bind_set(b, &set, arg);

	rcfs_ids_free(&set.done);
	return ret;
}

static int bind_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "cgroup",	no_argument, NULL, 'g' },
		{ "tid",	no_argument, NULL, 't' },
		{ "tree",	no_argument, NULL, 'T' },
		CMD_LONGOPTS
	};
	int (*bind)(const struct binding *b, const char *arg) = bind_one;
	struct binding b = { .ctl = ctl, .what = "process", .file = "procs" };
	int c, excl = 0, status = EXIT_SUCCESS;
	char *path;

	while ((c = getopt_long(argc, argv, "gtT" CMD_SHORTOPTS, longopts,
				NULL)) != -1) {
		cmd_exclusive(c, "gtT", &excl, longopts);
		if (c == 'g')
			bind = bind_cgroup;
		else if (c == 'T')
			bind = bind_tree;
		else if (c != 't')
			cmd_option(ctl, c);
	}
	if (excl == 't' || excl == 'g') {
		b.what = "thread";
		b.file = "tasks";
	}
	if (optind == argc)
		cmd_bad_usage(ctl, "no container specified");
	if (optind + 1 == argc)
		cmd_bad_usage(ctl, "no %s specified",
			      excl == 'g' ? "cgroup" : b.what);

	path = cmd_path(argv[optind]);
	if (!path)
		return EXIT_FAILURE;
	cmd_open(ctl);
	b.path = path;
	b.dirfd = cmd_open_container(ctl, path);
	if (b.dirfd < 0)
		status = EXIT_FAILURE;
	while (b.dirfd >= 0 && ++optind < argc)
		if (bind(&b, argv[optind]))
			status = EXIT_FAILURE;
	if (b.dirfd >= 0)
		close(b.dirfd);
	free(path);
	return status;
}

const struct cmd cmd_bind = {
	.name = "bind",
	.main = bind_main,
	.usage = usage,
	.help = "bind processes, threads or cgroups to a container",
};
