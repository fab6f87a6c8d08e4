// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl show */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>

#include "cmd.h"
#include "print.h"
#include "snapshot.h"

enum {
	COL_ITEM,
	COL_KIND,
	COL_LOCAL,
	COL_SUBTREE,
};

static const struct colinfo infos[] = {
	[COL_ITEM]    = { "ITEM", 0.3, 0, "what is told: tasks, energy of a device, an event" },
	[COL_KIND]    = { "KIND", 0, 0, "kind of item: tasks, energy or event" },
	[COL_LOCAL]   = { "LOCAL", 0, SCOLS_FL_RIGHT, "of this container alone", SCOLS_JSON_NUMBER, true },
	[COL_SUBTREE] = { "SUBTREE", 0, SCOLS_FL_RIGHT, "with all containers below", SCOLS_JSON_NUMBER, true },
};

#define NINFOS	(sizeof(infos) / sizeof(infos[0]))

/* Everything about one container; gathered first, printed then. */
struct details {
	struct rcfs_node *top;
	struct rcfs_events events;
	struct rcfs_snapshot snap;
};

static void usage(void)
{
	puts("\nUsage:\n rctl show [options] <name>\n\n"
	     "Show all about one resource container.\n\n"
	     "Options:");
	print_usage_options(stdout);
	cmd_usage_options();
	print_usage_columns(stdout, infos, NINFOS);
	cmd_usage_tail();
}

static void gather_events(const struct rctl *ctl, const char *path,
			  struct details *d)
{
	struct rcfs_buf buf = { 0 };
	int ret = 0, dirfd = rcfs_open_dir(ctl->fs.fd, path);

	if (dirfd >= 0) {
		ret = rcfs_read_events(dirfd, "events", &buf, &d->events);
		close(dirfd);
	}
	rcfs_buf_free(&buf);
	if (dirfd < 0 || ret)
		cmd_unreadable(d->top, "events", ret ? ret : dirfd);
}

static int gather(const struct rctl *ctl, const char *path,
		  const struct print *p, struct details *d)
{
	struct rcfs_walk walk = {
		.want = RCFS_ENERGY | RCFS_LOCAL | RCFS_TASKS | RCFS_PROCS,
		.unreadable = cmd_unreadable,
	};
	char root[] = "/";
	int ret = rcfs_gather(&ctl->fs, path, &walk, &d->top);

	if (ret) {
		cmd_warn_container(path, "show", ret);
		return -1;
	}
	gather_events(ctl, path, d);
	if (print_has_column(p, COL_LOCAL)) {
		/* There are no local events but in the snapshot. */
		ret = rcfs_read_snapshot(&ctl->fs, path, &d->snap);
		if (ret)
			cmd_unreadable(&(struct rcfs_node){ .name = root },
				       "info/snapshot", ret);
	}
	return 0;
}

/* Returns what some container lacks: that sum would be wrong. */
static unsigned int sum_tasks(const struct rcfs_node *node, uint64_t *tasks,
			      uint64_t *procs)
{
	unsigned int bad = node->bad;
	size_t i;

	*tasks += node->tasks;
	*procs += node->procs;
	for (i = 0; i < node->nchild; i++)
		bad |= sum_tasks(node->child[i], tasks, procs);
	return bad;
}

static void add_line(const struct print *p, struct libscols_table *tb,
		     const char *item, const char *kind, const char *local,
		     const char *subtree)
{
	struct libscols_line *ln = print_new_line(tb, NULL);
	const char *const text[] = {
		[COL_ITEM] = item,
		[COL_KIND] = kind,
		[COL_LOCAL] = local,
		[COL_SUBTREE] = subtree,
	};
	size_t i;

	for (i = 0; i < p->ncolumns; i++)
		print_cell(ln, i, text[p->columns[i]]);
}

static void add_count(const struct print *p, struct libscols_table *tb,
		      const char *item, const char *kind,
		      const uint64_t *local, const uint64_t *subtree)
{
	char l[PRINT_NUMBER], s[PRINT_NUMBER];

	if (local)
		snprintf(l, sizeof(l), "%" PRIu64, *local);
	if (subtree)
		snprintf(s, sizeof(s), "%" PRIu64, *subtree);
	add_line(p, tb, item, kind, local ? l : NULL, subtree ? s : NULL);
}

static void add_energy(const struct print *p, struct libscols_table *tb,
		       const char *device, const char *kind,
		       const uint64_t *local, const uint64_t *subtree)
{
	char item[128], l[PRINT_NUMBER], s[PRINT_NUMBER];

	snprintf(item, sizeof(item), "%s%s", device, kind);
	add_line(p, tb, item, "energy", local ? print_energy(p, *local, l) : NULL,
		 subtree ? print_energy(p, *subtree, s) : NULL);
}

static void add_tasks(const struct print *p, struct libscols_table *tb,
		      const struct rcfs_node *top)
{
	uint64_t tasks = top->tasks, procs = top->procs;
	uint64_t all_tasks = 0, all_procs = 0;
	unsigned int bad = sum_tasks(top, &all_tasks, &all_procs);

	add_count(p, tb, "tasks", "tasks",
		  top->have & RCFS_TASKS ? &tasks : NULL,
		  bad & RCFS_TASKS ? NULL : &all_tasks);
	add_count(p, tb, "procs", "tasks",
		  top->have & RCFS_PROCS ? &procs : NULL,
		  bad & RCFS_PROCS ? NULL : &all_procs);
}

static void add_devices(const struct print *p, struct libscols_table *tb,
			const struct rcfs_node *top)
{
	const struct rcfs_energy *sub = &top->energy, *loc = &top->local;
	uint64_t s, l;
	size_t i;

	for (i = 0; i < sub->ndevs; i++) {
		const struct rcfs_device *dev = &sub->dev[i], *own;

		own = rcfs_find_device(loc, dev->name);
		add_energy(p, tb, dev->name, ".access",
			   own ? &own->access : NULL, &dev->access);
		add_energy(p, tb, dev->name, ".base",
			   own ? &own->base : NULL, &dev->base);
	}
	/* A device may have come between the two reads. */
	for (i = 0; i < loc->ndevs; i++) {
		const struct rcfs_device *dev = &loc->dev[i];

		if (rcfs_find_device(sub, dev->name))
			continue;
		add_energy(p, tb, dev->name, ".access", &dev->access, NULL);
		add_energy(p, tb, dev->name, ".base", &dev->base, NULL);
	}
	s = rcfs_energy_total(sub);
	l = rcfs_energy_total(loc);
	add_energy(p, tb, "total", "", loc->ndevs ? &l : NULL,
		   sub->ndevs ? &s : NULL);
}

static const uint64_t *local_event(const struct rcfs_snapshot *snap,
				   const char *name)
{
	size_t i;

	for (i = 0; snap->local && i < snap->nevents; i++)
		if (!strcmp(snap->total[i].name, name))
			return &snap->local[i];
	return NULL;
}

static bool print_details(const struct print *p, const struct details *d)
{
	struct libscols_table *tb = print_new_table(p);
	size_t i;

	add_tasks(p, tb, d->top);
	add_devices(p, tb, d->top);
	for (i = 0; i < d->events.nevents; i++) {
		const struct rcfs_event *ev = &d->events.ev[i];

		add_count(p, tb, ev->name, "event",
			  local_event(&d->snap, ev->name), &ev->count);
	}
	return print_table(tb);
}

static int show_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		PRINT_LONGOPTS,
		CMD_LONGOPTS
	};
	struct print p = {
		.name = "container",
		.infos = infos,
		.ninfos = NINFOS,
		.columns = { COL_ITEM, COL_LOCAL, COL_SUBTREE },
		.ncolumns = 3,
	};
	struct details d = { 0 };
	int c, format = 0, status = EXIT_FAILURE;
	char *path;

	while ((c = getopt_long(argc, argv, PRINT_SHORTOPTS CMD_SHORTOPTS,
				longopts, NULL)) != -1) {
		cmd_exclusive(c, "Jr", &format, longopts);
		if (!print_option(&p, c, optarg))
			cmd_option(ctl, c);
	}
	if (optind == argc)
		cmd_bad_usage(ctl, "no container specified");
	if (optind + 1 < argc)
		cmd_bad_usage(ctl, "only one container can be shown");

	path = cmd_path(argv[optind]);
	if (!path)
		return EXIT_FAILURE;
	cmd_open(ctl);
	if (!gather(ctl, path, &p, &d)) {
		if (print_details(&p, &d) && !cmd_any_unreadable())
			status = EXIT_SUCCESS;
	}
	rcfs_node_free(d.top);
	rcfs_events_free(&d.events);
	rcfs_snapshot_free(&d.snap);
	free(path);
	return status;
}

const struct cmd cmd_show = {
	.name = "show",
	.main = show_main,
	.usage = usage,
	.help = "show all about one container",
};
