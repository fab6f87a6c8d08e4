// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl top */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>

#include "screen.h"
#include "wait.h"
#include "watch.h"

#define MIN_INTERVAL_NS	(NSEC_PER_SEC / 8)
#define MAX_INTERVAL_NS	(64 * NSEC_PER_SEC)

#define QUANTITY(h)	0, SCOLS_FL_RIGHT, h, SCOLS_JSON_NUMBER, true
#define NUMBER(h)	0, SCOLS_FL_RIGHT, h, SCOLS_JSON_NUMBER, false

static const struct colinfo infos[COL_FIXED] = {
	[COL_PATH]    = { "PATH", 0.3, SCOLS_FL_TRUNC | SCOLS_FL_NOEXTREMES, "name of the container" },
	[COL_SECONDS] = { "SECONDS", NUMBER("time between the two readings") },
	[COL_POWER]   = { "POWER", QUANTITY("access and base power") },
	[COL_ENERGY]  = { "ENERGY", QUANTITY("access and base energy used meanwhile") },
	[COL_ACCESS]  = { "ACCESS", QUANTITY("power for what was done") },
	[COL_BASE]    = { "BASE", QUANTITY("share of the base power") },
	[COL_SHARE]   = { "SHARE", NUMBER("per cent of the machine's power") },
	[COL_TOTAL]   = { "TOTAL", QUANTITY("access and base energy so far") },
	[COL_TASKS]   = { "TASKS", NUMBER("threads bound to the container itself") },
};

static const int defaults[] = {
	COL_POWER, COL_ACCESS, COL_BASE, COL_DEVICES, COL_TASKS, COL_PATH,
};

/* Keys, and names of columns, by which can be sorted. */
static const struct {
	char key;
	int column;
	enum usage_key by;
} sorts[] = {
	{ 'p', COL_POWER, USAGE_BY_POWER },
	{ 'a', COL_ACCESS, USAGE_BY_ACCESS },
	{ 'b', COL_BASE, USAGE_BY_BASE },
	{ 't', COL_TOTAL, USAGE_BY_TOTAL },
	{ 'n', COL_PATH, USAGE_BY_PATH },
};

#define NSORTS	(sizeof(sorts) / sizeof(sorts[0]))

static const char help_text[] =
	"p a b t n      sort by power, access, base, total energy, name\n"
	"l              each container alone, or with all below\n"
	"x              exact numbers, or units\n"
	"+ -            longer, shorter interval\n"
	"space          read anew\n"
	"arrows, page up and down, home, end\n"
	"               scroll\n"
	"q              quit\n"
	"\n"
	"Any key goes back.\n";

/**
 * struct top - the command's state
 * @w: what is watched
 * @sort: index to sorts[]
 * @first: row at the top of the screen
 * @help: the keys are shown
 * @measured: there is something to show
 */
struct top {
	struct watch w;
	size_t sort;
	size_t first;
	bool help;
	bool measured;
};

static void usage(void)
{
	puts("\nUsage:\n rctl top [options] [<name>...]\n\n"
	     "Show the power of resource containers as it changes, the highest first.\n\n"
	     "Options:\n"
	     " -b, --batch            print one table after the other");
	watch_usage_options();
	puts(" -s, --sort <column>    POWER (default), ACCESS, BASE, TOTAL or PATH");
	cmd_usage_options();
	print_usage_columns(stdout, infos, COL_FIXED);
	columns_usage_devices("power");
	cmd_usage_tail();
}

static void set_sort(struct top *top, const char *name)
{
	size_t i;

	for (i = 0; i < NSORTS; i++) {
		if (!strcasecmp(infos[sorts[i].column].name, name)) {
			top->sort = i;
			return;
		}
	}
	errx(EXIT_FAILURE, "cannot sort by '%s' (--help lists what can be)", name);
}

static int sample(struct top *top)
{
	int ret = watch_sample(&top->w);

	if (!ret)
		ret = usages_sort(&top->w.used, sorts[top->sort].by);
	top->measured = !ret;
	return ret;
}

/* Sorted otherwise, or read otherwise, without waiting for the next sample. */
static void again(struct top *top)
{
	struct watch *w = &top->w;

	if (!top->measured)
		return;
	usages_free(&w->used);
	if (sample_subtract(&w->before, &w->now, w->local, &w->used) ||
	    usages_sort(&w->used, sorts[top->sort].by))
		err(EXIT_FAILURE, "cannot sort");
}

/* The last rows, if @first is beyond. */
static void set_first(struct top *top, size_t first)
{
	size_t rows = screen_rows(), n = top->w.used.n;
	size_t last = n > rows ? n - rows : 0;

	top->first = first < last ? first : last;
}

static void scroll_by(struct top *top, long lines)
{
	if (lines < 0 && (size_t)-lines > top->first)
		set_first(top, 0);
	else
		set_first(top, top->first + lines);
}

static void draw(struct top *top)
{
	const struct usages *used = &top->w.used;
	char title[160], status[160], watts[PRINT_NUMBER], every[PRINT_NUMBER];
	struct libscols_table *tb = NULL;

	format_micro(top->w.interval_ns / 1000, "s", " ", every);
	if (!top->measured)
		snprintf(title, sizeof(title), "rctl top - measuring, every %s",
			 every);
	else
		snprintf(title, sizeof(title),
			 "rctl top - %zu containers, machine %s, every %s", used->n,
			 format_micro(usage_uw(rcfs_energy_total(&used->machine.used),
					       used->machine.ns), "W", " ", watts),
			 every);
	snprintf(status, sizeof(status), "sorted by %s, %s; h: help, q: quit",
		 infos[sorts[top->sort].column].name,
		 top->w.local ? "each container alone" : "with all containers below");
	if (top->help) {
		screen_text(title, help_text);
		return;
	}
	if (top->measured) {
		/* There may be fewer now. */
		set_first(top, top->first);
		tb = columns_table(&top->w.columns, used, top->first,
				   screen_rows(), true);
	}
	screen_draw(title, status, tb);
}

static void set_interval(struct top *top, bool longer)
{
	struct watch *w = &top->w;
	uint64_t was = w->interval_ns;

	if (longer && was <= MAX_INTERVAL_NS / 2)
		w->interval_ns *= 2;
	else if (!longer && was >= MIN_INTERVAL_NS * 2)
		w->interval_ns /= 2;
	w->next_ns += w->interval_ns - was;
}

/* Returns false when the user has had enough. */
static bool handle_key(struct top *top, int key)
{
	struct watch *w = &top->w;
	size_t i;

	if (top->help && key != SCREEN_RESIZED && key != SCREEN_NONE) {
		top->help = false;
		return key != 'q';
	}
	for (i = 0; i < NSORTS; i++) {
		if (key == sorts[i].key) {
			top->sort = i;
			again(top);
		}
	}
	switch (key) {
	case 'q':
		return false;
	case 'h':
	case '?':
		top->help = true;
		break;
	case 'l':
		w->local = !w->local;
		again(top);
		break;
	case 'x':
		w->columns.p.exact = !w->columns.p.exact;
		break;
	case '+':
	case '-':
		set_interval(top, key == '+');
		break;
	case ' ':
		w->next_ns = w->now.time_ns;
		break;
	case SCREEN_UP:
	case SCREEN_DOWN:
		scroll_by(top, key == SCREEN_UP ? -1 : 1);
		break;
	case SCREEN_PAGE_UP:
	case SCREEN_PAGE_DOWN:
		scroll_by(top, key == SCREEN_PAGE_UP ? -(long)screen_rows() :
						       (long)screen_rows());
		break;
	case SCREEN_TOP:
		set_first(top, 0);
		break;
	case SCREEN_BOTTOM:
		set_first(top, w->used.n);
		break;
	}
	return true;
}

/* Returns false when it is time to end. */
static bool wait_and_draw(struct top *top)
{
	draw(top);
	while (wait_until(top->w.next_ns, STDIN_FILENO)) {
		int key, any = 0;

		/* A signal, or keys; SIGWINCH is told as a key. */
		while ((key = screen_key()) != SCREEN_NONE && ++any)
			if (!handle_key(top, key))
				return false;
		if (wait_stop || (!any && !isatty(STDIN_FILENO)))
			return false;
		draw(top);
	}
	return true;
}

static void run_screen(struct top *top)
{
	uint64_t n;
	int ret = 0;

	screen_open();
	for (n = 0; !top->w.iterations || n < top->w.iterations; n++) {
		watch_schedule(&top->w);
		if (!wait_and_draw(top))
			break;
		ret = sample(top);
		if (ret)
			break;
	}
	screen_close();
	if (ret)
		watch_fail(&top->w, ret);
}

static void run_batch(struct top *top)
{
	struct watch *w = &top->w;
	const bool people = !w->columns.p.json && !w->columns.p.raw;
	uint64_t n;
	int ret;

	for (n = 0; !w->iterations || n < w->iterations; n++) {
		watch_schedule(w);
		while (wait_until(w->next_ns, -1) && !wait_stop)
			;
		if (wait_stop)
			break;
		ret = sample(top);
		if (ret)
			watch_fail(w, ret);
		if (n && people)
			putchar('\n');
		if (!print_table(columns_table(&w->columns, &w->used, 0,
					       SIZE_MAX, people)) ||
		    fflush(stdout))
			err(EXIT_FAILURE, "write error");
	}
}

static int top_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "batch",	no_argument,	   NULL, 'b' },
		{ "sort",	required_argument, NULL, 's' },
		WATCH_LONGOPTS,
		CMD_LONGOPTS
	};
	struct top top = {
		.w = {
			.ctl = ctl,
			.columns = {
				.p.name = "containers",
				.fixed = infos,
				.defaults = defaults,
				.ndefaults = sizeof(defaults) / sizeof(*defaults),
				.watts = true,
			},
		},
	};
	bool batch = false;
	int c, excl = 0;

	while ((c = getopt_long(argc, argv, "bs:" WATCH_SHORTOPTS CMD_SHORTOPTS,
				longopts, NULL)) != -1) {
		cmd_exclusive(c, "Jr", &excl, longopts);
		if (c == 'b')
			batch = true;
		else if (c == 's')
			set_sort(&top, optarg);
		else if (!watch_option(&top.w, c, optarg))
			cmd_option(ctl, c);
	}
	if (excl || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		batch = true;
	/* On the screen, a key switches to local energy and back. */
	if (!batch)
		top.w.walk.want |= RCFS_LOCAL;
	watch_open(&top.w, argc - optind, argv + optind);
	(batch ? run_batch : run_screen)(&top);
	watch_close(&top.w);
	return cmd_any_unreadable() ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct cmd cmd_top = {
	.name = "top",
	.main = top_main,
	.usage = usage,
	.help = "show the power of containers as it changes",
};
