// SPDX-License-Identifier: GPL-2.0-or-later
/* What rctl top and rctl stat do alike: options, and sample after sample. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "wait.h"
#include "watch.h"

bool watch_option(struct watch *w, int c, const char *arg)
{
	switch (c) {
	case 'i':
		w->interval_ns = option_milliseconds("interval", arg) *
				 NSEC_PER_MSEC;
		return true;
	case 'J':
		w->columns.p.json = true;
		return true;
	case 'l':
		w->local = true;
		return true;
	case 'n':
		w->iterations = option_number("iterations", arg, 1, UINT64_MAX);
		return true;
	case 'o':
		w->columns.list = arg;
		return true;
	case 'r':
		w->columns.p.raw = true;
		return true;
	case 'x':
		w->columns.p.exact = true;
		return true;
	case WATCH_OPT_NOHEADINGS:
		w->columns.p.noheadings = true;
		return true;
	}
	return false;
}

void watch_usage_options(void)
{
	puts(" -i, --interval <s>     seconds between two tables (default: 1)\n"
	     " -J, --json             use JSON output format\n"
	     " -l, --local            each container alone, not with all below\n"
	     " -n, --iterations <n>   end after so many tables\n"
	     "     --noheadings       don't print headings\n"
	     " -o, --output <list>    columns to print (+<list> to add to the default)\n"
	     " -r, --raw              use raw output format\n"
	     " -x, --exact            print microjoules and microwatts, as plain numbers");
}

static void set_paths(struct watch *w, int argc, char **argv)
{
	static char root[] = "/";
	char *all[] = { root };
	int i;

	if (!argc) {
		argc = 1;
		argv = all;
	}
	w->path = calloc(argc, sizeof(*w->path));
	if (!w->path)
		err(EXIT_FAILURE, "cannot allocate memory");
	for (i = 0; i < argc; i++) {
		w->path[i] = cmd_path(argv[i]);
		if (!w->path[i])
			exit(EXIT_FAILURE);
		w->npaths++;
	}
}

static void set_columns(struct watch *w)
{
	char *unknown;
	int ret = columns_update(&w->columns, &w->now, &unknown);

	errno = -ret;
	if (ret == -EINVAL)
		errx(EXIT_FAILURE, "unknown column: '%s' (--help lists them, rctl show / the devices)",
		     unknown);
	if (ret == -E2BIG)
		errx(EXIT_FAILURE, "too many columns, at most %d",
		     PRINT_MAX_COLUMNS);
	if (ret)
		err(EXIT_FAILURE, "cannot make columns");
}

void watch_open(struct watch *w, int argc, char **argv)
{
	size_t i;
	int ret;

	set_paths(w, argc, argv);
	cmd_open(w->ctl);
	if (!w->interval_ns)
		w->interval_ns = NSEC_PER_SEC;
	w->walk.want |= RCFS_ENERGY | (w->local ? RCFS_LOCAL : 0);
	w->walk.unreadable = cmd_unreadable;
	ret = sample_take(&w->ctl->fs, w->path, w->npaths, &w->walk, &w->now);
	if (ret)
		watch_fail(w, ret);
	for (i = 0; i < w->npaths; i++) {
		if (w->now.top[i])
			continue;
		cmd_warn_container(w->path[i], "watch", -ENOENT);
		exit(EXIT_FAILURE);
	}
	set_columns(w);
	if (print_has_column(&w->columns.p, COL_TASKS))
		w->walk.want |= RCFS_TASKS;
	/* That was said once. */
	w->walk.unreadable = NULL;
	w->next_ns = w->now.time_ns;
	wait_catch_signals();
}

void watch_close(struct watch *w)
{
	size_t i;

	usages_free(&w->used);
	sample_free(&w->before);
	sample_free(&w->now);
	columns_free(&w->columns);
	for (i = 0; i < w->npaths; i++)
		free(w->path[i]);
	free(w->path);
}

void watch_schedule(struct watch *w)
{
	w->next_ns += w->interval_ns;
	/* Where reading takes longer than that, there is no making up for it. */
	if (w->next_ns < w->now.time_ns)
		w->next_ns = w->now.time_ns;
}

int watch_sample(struct watch *w)
{
	size_t i, left = 0;
	char *unknown;
	int ret;

	usages_free(&w->used);
	sample_free(&w->before);
	w->before = w->now;
	ret = sample_take(&w->ctl->fs, w->path, w->npaths, &w->walk, &w->now);
	for (i = 0; !ret && i < w->npaths; i++)
		left += !!w->now.top[i];
	if (!ret && !left)
		ret = -ENOENT;
	if (!ret)
		ret = sample_subtract(&w->before, &w->now, w->local, &w->used);
	if (!ret) {
		ret = columns_update(&w->columns, &w->now, &unknown);
		free(unknown);
	}
	return ret;
}

void watch_fail(const struct watch *w, int error)
{
	errno = -error;
	if (error == -ENOENT)
		errx(EXIT_FAILURE, "there is no container left to watch");
	err(EXIT_FAILURE, "cannot read containers%s",
	    error == -EACCES || error == -EPERM ? " (are you root?)" : "");
}
