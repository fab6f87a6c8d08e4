// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl check */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>

#include "cmd.h"
#include "print.h"
#include "snapshot.h"

enum {
	COL_EVENT,
	COL_CONTAINERS,
	COL_VIRTUAL,
	COL_DIFFERENCE,
};

static const struct colinfo infos[] = {
	[COL_EVENT]      = { "EVENT", 0.3, 0, "name of the counter" },
	[COL_CONTAINERS] = { "CONTAINERS", 0, SCOLS_FL_RIGHT, "sum over all containers", SCOLS_JSON_NUMBER },
	[COL_VIRTUAL]    = { "VIRTUAL", 0, SCOLS_FL_RIGHT, "virtual counter of this machine", SCOLS_JSON_NUMBER },
	[COL_DIFFERENCE] = { "DIFFERENCE", 0, SCOLS_FL_RIGHT, "containers less virtual: 0, or something is wrong", SCOLS_JSON_NUMBER },
};

#define NINFOS	(sizeof(infos) / sizeof(infos[0]))

static void usage(void)
{
	puts("\nUsage:\n rctl check [options]\n\n"
	     "Check that nothing was lost: that the counts of all containers add up to\n"
	     "those of the machine.\n\n"
	     "Options:");
	print_usage_options(stdout);
	cmd_usage_options();
	print_usage_columns(stdout, infos, NINFOS);
	cmd_usage_tail();
}

static void gather(const struct rctl *ctl, struct rcfs_snapshot *snap)
{
	int ret = rcfs_read_snapshot(&ctl->fs, NULL, snap);

	if (!ret)
		return;
	errno = -ret;
	if (snap->why)
		errx(EXIT_FAILURE, "info/snapshot, line %u: %s", snap->line,
		     snap->why);
	err(EXIT_FAILURE, "cannot read info/snapshot%s",
	    ret == -EACCES ? " (are you root?)" : "");
}

static const char *cell(const struct rcfs_total *total, int id, char *buf)
{
	/* Counts wrap, so their differences are modulo 2^64, too. */
	uint64_t difference = total->sum - total->virt;
	bool less = difference >> 63;

	switch (id) {
	case COL_EVENT:
		return total->name;
	case COL_CONTAINERS:
		return format_u128(total->sum, false, buf);
	case COL_VIRTUAL:
		return format_u128(total->virt, false, buf);
	case COL_DIFFERENCE:
		return format_u128(less ? -difference : difference, less, buf);
	}
	return NULL;
}

static bool print_totals(const struct print *p, const struct rcfs_snapshot *snap)
{
	struct libscols_table *tb = print_new_table(p);
	char buf[PRINT_NUMBER];
	size_t i, j;

	for (i = 0; i < snap->nevents; i++) {
		struct libscols_line *ln = print_new_line(tb, NULL);

		for (j = 0; j < p->ncolumns; j++)
			print_cell(ln, j, cell(&snap->total[i], p->columns[j],
					       buf));
	}
	return print_table(tb);
}

static int check_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		PRINT_LONGOPTS,
		CMD_LONGOPTS
	};
	struct print p = {
		.name = "events",
		.infos = infos,
		.ninfos = NINFOS,
		.columns = { COL_EVENT, COL_CONTAINERS, COL_VIRTUAL,
			     COL_DIFFERENCE },
		.ncolumns = 4,
	};
	struct rcfs_snapshot snap;
	size_t i, wrong = 0;
	int c, format = 0, status = EXIT_SUCCESS;

	while ((c = getopt_long(argc, argv, PRINT_SHORTOPTS CMD_SHORTOPTS,
				longopts, NULL)) != -1) {
		cmd_exclusive(c, "Jr", &format, longopts);
		if (!print_option(&p, c, optarg))
			cmd_option(ctl, c);
	}
	if (optind < argc)
		cmd_bad_usage(ctl, "unexpected argument: '%s'", argv[optind]);

	cmd_open(ctl);
	gather(ctl, &snap);
	/* Nothing adds up to nothing, but that proves nothing. */
	if (!snap.ncontainers)
		errx(EXIT_FAILURE, "nothing to check: the kernel found no counters (see info/backend)");
	if (!print_totals(&p, &snap))
		status = EXIT_FAILURE;
	for (i = 0; i < snap.nevents; i++)
		wrong += snap.total[i].sum != snap.total[i].virt;
	if (wrong) {
		fflush(stdout);
		warnx("%zu of %zu events do not add up over %zu containers",
		      wrong, snap.nevents, snap.ncontainers);
		status = EXIT_FAILURE;
	}
	rcfs_snapshot_free(&snap);
	return status;
}

const struct cmd cmd_check = {
	.name = "check",
	.main = check_main,
	.usage = usage,
	.help = "check that all counts add up",
};
