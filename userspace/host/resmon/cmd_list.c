// SPDX-License-Identifier: GPL-2.0-or-later
/* resmon list */
#include <stdlib.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>

#include "cli.h"
#include "cmd.h"
#include "resmond/region.h"

enum {
	COL_SUBSYSTEM,
	COL_STATE,
	COL_PID,
	COL_VERSION,
	COL_DEVICES,
	COL_KINDS,
	COL_VMS,
	COL_GONE,
};

static const struct colinfo infos[] = {
	[COL_SUBSYSTEM]	= { "SUBSYSTEM", 0.1, 0, "name of the device subsystem" },
	[COL_STATE]	= { "STATE", 0.1, 0, "registered, ended, stale or broken" },
	[COL_PID]	= { "PID", 0, SCOLS_FL_RIGHT, "its process", SCOLS_JSON_NUMBER },
	[COL_VERSION]	= { "VERSION", 0, SCOLS_FL_RIGHT, "the subsystem's own version", SCOLS_JSON_NUMBER },
	[COL_DEVICES]	= { "DEVICES", 0.2, 0, "physical devices that it accounts" },
	[COL_KINDS]	= { "KINDS", 0.2, 0, "their kinds" },
	[COL_VMS]	= { "VMS", 0.3, 0, "virtual machines that are there" },
	[COL_GONE]	= { "GONE", 0.2, 0, "those that are not, but have figures" },
};

#define NINFOS	(sizeof(infos) / sizeof(infos[0]))

static void usage(void)
{
	puts("\nUsage:\n resmon list [options]\n\n"
	     "List device subsystems and their virtual machines.\n\n"
	     "Options:");
	cmd_usage_table();
	cmd_usage_tail(infos, NINFOS);
}

static char *join(char *list, const char *name)
{
	char *joined = format("%s%s%s", list ? list : "", list ? "," : "", name);

	free(list);
	return joined;
}

static char *devices_cell(const struct source *s, bool kinds)
{
	const struct resmon_head *head = &s->view->head;
	char *list = NULL;

	for (unsigned int i = 0; i < head->nr_devices; i++)
		list = join(list, kinds ? kind_name(head->device[i].kind) :
					  head->device[i].name);
	return list;
}

static char *clients_cell(const struct source *s, bool present)
{
	char *list = NULL;

	for (unsigned int i = 0; i < s->view->nr_clients; i++)
		if (!!(s->view->client[i].flags & RESMON_PRESENT) == present)
			list = join(list, s->view->client[i].name);
	return list;
}

/* Return: to be freed; NULL for nothing. */
static char *cell(const struct source *s, int id)
{
	switch (id) {
	case COL_SUBSYSTEM:
		return format("%s", s->name);
	case COL_STATE:
		return format("%s", source_state(s));
	case COL_PID:
		return s->pid ? format("%u", s->pid) : NULL;
	}
	if (!s->readable)
		return NULL;
	switch (id) {
	case COL_VERSION:
		return format("%u", s->view->head.subsystem_version);
	case COL_DEVICES:
	case COL_KINDS:
		return devices_cell(s, id == COL_KINDS);
	case COL_VMS:
	case COL_GONE:
		return clients_cell(s, id == COL_VMS);
	}
	return NULL;
}

static int list_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		PRINT_LONGOPTS,
		CMD_LONGOPTS
	};
	struct print p = {
		.name = "subsystems",
		.infos = infos,
		.ninfos = NINFOS,
		.columns = { COL_SUBSYSTEM, COL_STATE, COL_PID, COL_DEVICES,
			     COL_VMS },
		.ncolumns = 5,
	};
	struct libscols_table *tb;
	bool incomplete, ok;
	struct view v;
	int c, format = 0;

	while ((c = getopt_long(argc, argv, PRINT_SHORTOPTS CMD_SHORTOPTS,
				longopts, NULL)) != -1) {
		cmd_exclusive(c, &format);
		if (!print_option(&p, c, optarg))
			cmd_option(c);
	}
	if (optind < argc)
		cmd_bad_usage("unexpected argument: '%s'", argv[optind]);

	view_open(&v, cmd_socket);
	view_read(&v);
	tb = print_new_table(&p);
	for (size_t i = 0; i < v.nr_sources; i++) {
		struct libscols_line *ln = print_new_line(tb, NULL);

		for (size_t col = 0; col < p.ncolumns; col++) {
			char *text = cell(&v.source[i], p.columns[col]);

			print_cell(ln, col, text);
			free(text);
		}
	}
	incomplete = view_incomplete(&v);
	ok = print_table(tb);
	view_close(&v);
	return ok && !incomplete ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct cmd cmd_list = {
	.name = "list",
	.main = list_main,
	.usage = usage,
	.help = "list subsystems, devices and virtual machines",
};
