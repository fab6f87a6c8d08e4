// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl info */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <libsmartcols/libsmartcols.h>

#include "cmd.h"
#include "info.h"
#include "print.h"

enum {
	COL_KEY,
	COL_VALUE,
	COL_FILE,
};

static const struct colinfo infos[] = {
	[COL_KEY]   = { "KEY", 0.3, 0, "what is told" },
	[COL_VALUE] = { "VALUE", 0.5, 0, "a number or a word" },
	[COL_FILE]  = { "FILE", 0, 0, "file in info/ that tells it" },
};

#define NINFOS	(sizeof(infos) / sizeof(infos[0]))

static void usage(void)
{
	puts("\nUsage:\n rctl info [options]\n\n"
	     "Tell where the counters come from, which devices there are, and how both fare.\n\n"
	     "Options:");
	print_usage_options(stdout);
	cmd_usage_options();
	print_usage_columns(stdout, infos, NINFOS);
	cmd_usage_tail();
}

static void gather(const struct rctl *ctl, struct rcfs_facts *facts)
{
	char *file;
	int ret = rcfs_read_facts(&ctl->fs, facts, &file);

	if (!ret)
		return;
	errno = -ret;
	if (ret == -EBADMSG && file)
		errx(EXIT_FAILURE, "'info/%s' does not have the expected format",
		     file);
	err(EXIT_FAILURE, "cannot read 'info/%s'%s", file ? file : "",
	    ret == -EACCES ? " (are you root?)" : "");
}

static bool print_facts(const struct print *p, const struct rcfs_facts *facts)
{
	struct libscols_table *tb = print_new_table(p);
	size_t i, j;

	for (i = 0; i < facts->n; i++) {
		const struct rcfs_fact *f = &facts->fact[i];
		const char *const text[] = {
			[COL_KEY] = f->key,
			[COL_VALUE] = f->value,
			[COL_FILE] = f->file,
		};
		struct libscols_line *ln = print_new_line(tb, NULL);

		for (j = 0; j < p->ncolumns; j++)
			print_cell(ln, j, text[p->columns[j]]);
	}
	return print_table(tb);
}

static int info_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		PRINT_LONGOPTS,
		CMD_LONGOPTS
	};
	struct print p = {
		.name = "info",
		.infos = infos,
		.ninfos = NINFOS,
		.columns = { COL_KEY, COL_VALUE },
		.ncolumns = 2,
	};
	struct rcfs_facts facts;
	int c, excl = 0, status = EXIT_SUCCESS;

	while ((c = getopt_long(argc, argv, PRINT_SHORTOPTS CMD_SHORTOPTS,
				longopts, NULL)) != -1) {
		cmd_exclusive(c, "Jr", &excl, longopts);
		if (!print_option(&p, c, optarg))
			cmd_option(ctl, c);
	}
	if (optind < argc)
		cmd_bad_usage(ctl, "unexpected argument: '%s'", argv[optind]);

	cmd_open(ctl);
	gather(ctl, &facts);
	if (!print_facts(&p, &facts))
		status = EXIT_FAILURE;
	rcfs_facts_free(&facts);
	return status;
}

const struct cmd cmd_info = {
	.name = "info",
	.main = info_main,
	.usage = usage,
	.help = "tell about counters and devices",
};
