// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl list */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>

#include "cmd.h"
#include "print.h"

enum {
	COL_NAME,
	COL_PATH,
	COL_ACCESS,
	COL_BASE,
	COL_TOTAL,
	COL_LACCESS,
	COL_LBASE,
	COL_LTOTAL,
	COL_TASKS,
	COL_PROCS,
};

#define ENERGY(h)	0, SCOLS_FL_RIGHT, h, SCOLS_JSON_NUMBER, true
#define COUNT(h)	0, SCOLS_FL_RIGHT, h, SCOLS_JSON_NUMBER, false

static const struct colinfo infos[] = {
	[COL_NAME]    = { "NAME", 0.3, SCOLS_FL_TREE | SCOLS_FL_NOEXTREMES, "last part of the name" },
	[COL_PATH]    = { "PATH", 0.3, SCOLS_FL_NOEXTREMES, "whole name, as other commands take it" },
	[COL_ACCESS]  = { "ACCESS", ENERGY("energy for what was done, with all containers below") },
	[COL_BASE]    = { "BASE", ENERGY("share of the base energy, with all containers below") },
	[COL_TOTAL]   = { "TOTAL", ENERGY("access and base energy, with all containers below") },
	[COL_LACCESS] = { "LACCESS", ENERGY("access energy of this container alone") },
	[COL_LBASE]   = { "LBASE", ENERGY("base energy of this container alone") },
	[COL_LTOTAL]  = { "LTOTAL", ENERGY("access and base energy of this container alone") },
	[COL_TASKS]   = { "TASKS", COUNT("threads bound to this container") },
	[COL_PROCS]   = { "PROCS", COUNT("processes bound to this container") },
};

#define NINFOS	(sizeof(infos) / sizeof(infos[0]))

static const unsigned int col_want[] = {
	[COL_ACCESS]  = RCFS_ENERGY,
	[COL_BASE]    = RCFS_ENERGY,
	[COL_TOTAL]   = RCFS_ENERGY,
	[COL_LACCESS] = RCFS_LOCAL,
	[COL_LBASE]   = RCFS_LOCAL,
	[COL_LTOTAL]  = RCFS_LOCAL,
	[COL_TASKS]   = RCFS_TASKS,
	[COL_PROCS]   = RCFS_PROCS,
};

static void usage(void)
{
	puts("\nUsage:\n rctl list [options] [<name>...]\n\n"
	     "List resource containers as a tree, or only the given ones and those below.\n\n"
	     "Options:");
	print_usage_options(stdout);
	cmd_usage_options();
	print_usage_columns(stdout, infos, NINFOS);
	cmd_usage_tail();
}

static const char *energy_cell(const struct print *p,
			       const struct rcfs_energy *energy,
			       uint64_t (*sum)(const struct rcfs_energy *energy),
			       char *buf)
{
	/* Nothing metered is not the same as nothing used. */
	return energy->ndevs ? print_energy(p, sum(energy), buf) : NULL;
}

static const char *count_cell(const struct rcfs_node *node, unsigned int what,
			      size_t count, char *buf)
{
	if (!(node->have & what))
		return NULL;
	snprintf(buf, PRINT_NUMBER, "%zu", count);
	return buf;
}

static const char *cell(const struct print *p, int id,
			const struct rcfs_node *node, char *buf)
{
	switch (id) {
	case COL_NAME:
		return node->name;
	case COL_ACCESS:
		return energy_cell(p, &node->energy, rcfs_energy_access, buf);
	case COL_BASE:
		return energy_cell(p, &node->energy, rcfs_energy_base, buf);
	case COL_TOTAL:
		return energy_cell(p, &node->energy, rcfs_energy_total, buf);
	case COL_LACCESS:
		return energy_cell(p, &node->local, rcfs_energy_access, buf);
	case COL_LBASE:
		return energy_cell(p, &node->local, rcfs_energy_base, buf);
	case COL_LTOTAL:
		return energy_cell(p, &node->local, rcfs_energy_total, buf);
	case COL_TASKS:
		return count_cell(node, RCFS_TASKS, node->tasks, buf);
	case COL_PROCS:
		return count_cell(node, RCFS_PROCS, node->procs, buf);
	}
	return NULL;
}

static void add_node(const struct print *p, struct libscols_table *tb,
		     struct libscols_line *parent, const struct rcfs_node *node)
{
	struct libscols_line *ln = print_new_line(tb, parent);
	char buf[PRINT_NUMBER];
	size_t i;

	for (i = 0; i < p->ncolumns; i++) {
		if (p->columns[i] == COL_PATH) {
			char *path = rcfs_node_path(node);

			print_cell(ln, i, path);
			free(path);
		} else {
			print_cell(ln, i, cell(p, p->columns[i], node, buf));
		}
	}
	for (i = 0; i < node->nchild; i++)
		add_node(p, tb, ln, node->child[i]);
}

static int list_path(struct rctl *ctl, const struct print *p,
		     struct libscols_table *tb, const char *path)
{
	struct rcfs_walk walk = { .unreadable = cmd_unreadable };
	struct rcfs_node *top;
	size_t i;
	int ret;

	for (i = 0; i < p->ncolumns; i++)
		if ((size_t)p->columns[i] < sizeof(col_want) / sizeof(*col_want))
			walk.want |= col_want[p->columns[i]];
	ret = rcfs_gather(&ctl->fs, path, &walk, &top);
	if (ret) {
		cmd_warn_container(path, "list", ret);
		return -1;
	}
	add_node(p, tb, NULL, top);
	rcfs_node_free(top);
	return 0;
}

static int list_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		PRINT_LONGOPTS,
		CMD_LONGOPTS
	};
	struct print p = {
		.name = "containers",
		.infos = infos,
		.ninfos = NINFOS,
		.columns = { COL_NAME, COL_ACCESS, COL_BASE, COL_TOTAL,
			     COL_TASKS },
		.ncolumns = 5,
	};
	struct libscols_table *tb;
	int c, format = 0, status = EXIT_SUCCESS;

	while ((c = getopt_long(argc, argv, PRINT_SHORTOPTS CMD_SHORTOPTS,
				longopts, NULL)) != -1) {
		cmd_exclusive(c, "Jr", &format, longopts);
		if (!print_option(&p, c, optarg))
			cmd_option(ctl, c);
	}

	cmd_open(ctl);
	tb = print_new_table(&p);
	if (optind == argc && list_path(ctl, &p, tb, "."))
		status = EXIT_FAILURE;
	for (; optind < argc; optind++) {
		char *path = cmd_path(argv[optind]);

		if (!path || list_path(ctl, &p, tb, path))
			status = EXIT_FAILURE;
		free(path);
	}
	if (!print_table(tb) || cmd_any_unreadable())
		status = EXIT_FAILURE;
	return status;
}

const struct cmd cmd_list = {
	.name = "list",
	.main = list_main,
	.usage = usage,
	.help = "list containers and their energy",
};
