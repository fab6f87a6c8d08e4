// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl stat */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>

#include "wait.h"
#include "watch.h"

/* On a terminal the heading comes again after so many lines. */
#define SCREENFUL	22

#define QUANTITY(h)	0, SCOLS_FL_RIGHT, h, SCOLS_JSON_NUMBER, true
#define NUMBER(h)	0, SCOLS_FL_RIGHT, h, SCOLS_JSON_NUMBER, false

static const struct colinfo infos[COL_FIXED] = {
	[COL_PATH]    = { "PATH", 0.3, SCOLS_FL_NOEXTREMES, "name of the container" },
	[COL_SECONDS] = { "SECONDS", NUMBER("time between the two readings") },
	[COL_POWER]   = { "POWER", QUANTITY("energy per time") },
	[COL_ENERGY]  = { "ENERGY", QUANTITY("access and base energy used meanwhile") },
	[COL_ACCESS]  = { "ACCESS", QUANTITY("energy used meanwhile for what was done") },
	[COL_BASE]    = { "BASE", QUANTITY("share of the base energy meanwhile") },
	[COL_SHARE]   = { "SHARE", NUMBER("per cent of the machine's energy") },
	[COL_TOTAL]   = { "TOTAL", QUANTITY("access and base energy so far") },
	[COL_TASKS]   = { "TASKS", NUMBER("threads bound to the container itself") },
};

static const int defaults[] = {
	COL_SECONDS, COL_POWER, COL_ENERGY, COL_ACCESS, COL_BASE, COL_DEVICES,
	COL_PATH,
};

static void usage(void)
{
	puts("\nUsage:\n rctl stat [options] [<name>...]\n\n"
	     "Tell what resource containers, by default the root, use in each interval.\n\n"
	     "Options:");
	watch_usage_options();
	cmd_usage_options();
	print_usage_columns(stdout, infos, COL_FIXED);
	columns_usage_devices("energy used meanwhile");
	cmd_usage_tail();
}

static void print(struct watch *w, size_t *lines)
{
	struct print *p = &w->columns.p;
	bool wanted = !p->noheadings, steady = !p->json && !p->raw;

	if (wanted && !p->json)
		p->noheadings = *lines;
	/* Later tables fit below the heading of the first. */
	if (!print_table(columns_table(&w->columns, &w->used, 0, SIZE_MAX,
				       steady)) || fflush(stdout))
		err(EXIT_FAILURE, "write error");
	p->noheadings = !wanted;
	*lines += w->used.n;
	if (*lines >= SCREENFUL && isatty(STDOUT_FILENO))
		*lines = 0;
}

static int stat_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		WATCH_LONGOPTS,
		CMD_LONGOPTS
	};
	struct watch w = {
		.ctl = ctl,
		.walk.shallow = true,
		.columns = {
			.p.name = "containers",
			.fixed = infos,
			.defaults = defaults,
			.ndefaults = sizeof(defaults) / sizeof(*defaults),
		},
	};
	size_t lines = 0;
	int c, excl = 0;
	uint64_t n;

	while ((c = getopt_long(argc, argv, WATCH_SHORTOPTS CMD_SHORTOPTS,
				longopts, NULL)) != -1) {
		cmd_exclusive(c, "Jr", &excl, longopts);
		if (!watch_option(&w, c, optarg))
			cmd_option(ctl, c);
	}
	watch_open(&w, argc - optind, argv + optind);
	for (n = 0; !w.iterations || n < w.iterations; n++) {
		int ret;

		watch_schedule(&w);
		while (wait_until(w.next_ns, -1) && !wait_stop)
			;
		if (wait_stop)
			break;
		ret = watch_sample(&w);
		if (ret)
			watch_fail(&w, ret);
		print(&w, &lines);
	}
	watch_close(&w);
	return cmd_any_unreadable() ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct cmd cmd_stat = {
	.name = "stat",
	.main = stat_main,
	.usage = usage,
	.help = "tell what containers use, interval by interval",
};
