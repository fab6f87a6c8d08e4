// SPDX-License-Identifier: GPL-2.0-or-later
/* resmon top */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>

#include "cli.h"
#include "cmd.h"
#include "wait.h"

/* Alternative screen without a cursor, and back; home, and clear below. */
#define SCREEN_ENTER	"\033[?1049h\033[?25l"
#define SCREEN_LEAVE	"\033[?25h\033[?1049l"
#define SCREEN_HOME	"\033[H"
#define SCREEN_EOL	"\033[K"
#define SCREEN_BELOW	"\033[J"

enum {
	COL_VM,
	COL_SUBSYSTEM,
	COL_DEVICE,
	COL_BASE,
	COL_ACCESS,
	COL_POWER,
	COL_ENERGY,
};

#define QUANTITY(h)	0, SCOLS_FL_RIGHT, h, SCOLS_JSON_NUMBER, true

static const struct colinfo infos[] = {
	[COL_VM]	= { "VM", 0.2, 0, "virtual machine" },
	[COL_SUBSYSTEM]	= { "SUBSYSTEM", 0.1, 0, "device subsystem that accounts it" },
	[COL_DEVICE]	= { "DEVICE", 0.1, 0, "physical device" },
	[COL_BASE]	= { "BASE", QUANTITY("power: share of what the device consumes in any case") },
	[COL_ACCESS]	= { "ACCESS", QUANTITY("power on the virtual machine's behalf") },
	[COL_POWER]	= { "POWER", QUANTITY("base and access power") },
	[COL_ENERGY]	= { "ENERGY", QUANTITY("base and access energy so far") },
};

#define NINFOS	(sizeof(infos) / sizeof(infos[0]))

struct row {
	const struct figure *f;
	uint64_t base_uw;
	uint64_t access_uw;
};

struct top {
	struct print p;
	bool batch;
	bool once_more;
	uint64_t iterations;
	uint64_t interval_ns;
	int sort;
	struct view v;
	/* The figures before, and when they were read. */
	struct view before;
	bool screen;
	struct termios termios;
};

static void usage(void)
{
	puts("\nUsage:\n resmon top [options] [<vm>...]\n\n"
	     "Show the power of virtual machines as it changes, highest first; 'q' ends it.\n\n"
	     "Options:\n"
	     " -b, --batch            print one table after the other\n"
	     " -i, --interval <s>     seconds between tables (default: 1)\n"
	     " -n, --iterations <n>   end after so many tables\n"
	     " -s, --sort <column>    one of VM, BASE, ACCESS, POWER (default), ENERGY\n"
	     " -x, --exact            print microwatts and nanojoules, as plain numbers\n"
	     "     --noheadings       don't print headings\n"
	     " -o, --output <list>    columns to print (+<list> to add to the default)\n"
	     " -r, --raw              use raw output format");
	cmd_usage_tail(infos, NINFOS);
}

/* Nanojoules per nanosecond are watts. */
static uint64_t microwatts(uint64_t now_nj, uint64_t before_nj, uint64_t ns)
{
	if (now_nj < before_nj || !ns)
		return 0;
	return (unsigned __int128)(now_nj - before_nj) * 1000000 / ns;
}

static const struct top *sorting;

static int compare_rows(const void *a, const void *b)
{
	const struct row *ra = a, *rb = b;
	uint64_t va = 0, vb = 0;

	switch (sorting->sort) {
	case COL_BASE:
		va = ra->base_uw;
		vb = rb->base_uw;
		break;
	case COL_ACCESS:
		va = ra->access_uw;
		vb = rb->access_uw;
		break;
	case COL_POWER:
		va = ra->base_uw + ra->access_uw;
		vb = rb->base_uw + rb->access_uw;
		break;
	case COL_ENERGY:
		va = ra->f->base_nj + ra->f->access_nj;
		vb = rb->f->base_nj + rb->f->access_nj;
		break;
	}
	if (va != vb)
		return va < vb ? 1 : -1;
	/* They come in this order. */
	return ra->f < rb->f ? -1 : 1;
}

static const char *power(const struct print *p, uint64_t uw, char *buf)
{
	if (p->exact)
		return format_u128(uw, false, buf);
	return format_micro(uw, "W", p->raw ? "" : " ", buf);
}

static const char *cell(const struct print *p, int id, const struct row *row,
			char *buf)
{
	const struct figure *f = row->f;

	switch (id) {
	case COL_VM:
		return f->vm;
	case COL_SUBSYSTEM:
		return f->subsystem;
	case COL_DEVICE:
		return f->device;
	case COL_BASE:
		return f->has_base ? power(p, row->base_uw, buf) : NULL;
	case COL_ACCESS:
		return power(p, row->access_uw, buf);
	case COL_POWER:
		return power(p, row->base_uw + row->access_uw, buf);
	case COL_ENERGY:
		return cmd_energy(p, (unsigned __int128)f->base_nj + f->access_nj,
				  buf);
	}
	return NULL;
}

static struct libscols_table *make_table(struct top *top, char **names)
{
	struct libscols_table *tb = print_new_table(&top->p);
	uint64_t ns = top->v.time_ns - top->before.time_ns;
	struct row *rows = calloc(top->v.nr_figures + 1, sizeof(*rows));
	char buf[PRINT_NUMBER];
	size_t n = 0;

	if (!rows)
		err(EXIT_FAILURE, "cannot allocate memory");
	for (size_t i = 0; i < top->v.nr_figures; i++) {
		const struct figure *f = &top->v.figure[i];
		const struct figure *old = view_find(&top->before, f);

		/* Who is gone has no power; nor has the sum of those. */
		if (!cmd_wanted(f->vm, names) || !strcmp(f->vm, FIGURE_ENDED) ||
		    (f->generation && !f->present))
			continue;
		rows[n++] = (struct row){
			.f = f,
			.base_uw = microwatts(f->base_nj, old ? old->base_nj : 0, ns),
			.access_uw = microwatts(f->access_nj,
						old ? old->access_nj : 0, ns),
		};
	}
	sorting = top;
	qsort(rows, n, sizeof(*rows), compare_rows);
	for (size_t i = 0; i < n; i++) {
		struct libscols_line *ln = print_new_line(tb, NULL);

		for (size_t col = 0; col < top->p.ncolumns; col++)
			print_cell(ln, col, cell(&top->p, top->p.columns[col],
						 &rows[i], buf));
	}
	free(rows);
	return tb;
}

static void show_batch(struct top *top, struct libscols_table *tb)
{
	if (top->once_more)
		putchar('\n');
	top->once_more = true;
	if (!print_table(tb) || fflush(stdout))
		err(EXIT_FAILURE, "write error");
}

/* As many lines as there is room for, of the size the screen has now. */
static void show_screen(struct libscols_table *tb, bool answered)
{
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	char *text = NULL, *line, *rest;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	scols_table_set_termforce(tb, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(tb, size.ws_col);
	scols_print_table_to_string(tb, &text);
	scols_unref_table(tb);
	rest = text;
	fputs(SCREEN_HOME, stdout);
	if (!answered)
		puts("(no resource monitor at the moment)" SCREEN_EOL);
	for (int row = !answered; rest && row + 1 < size.ws_row; row++) {
		line = strsep(&rest, "\n");
		printf("%s" SCREEN_EOL "\n", line);
	}
	fputs(SCREEN_BELOW, stdout);
	fflush(stdout);
	free(text);
}

static void open_screen(struct top *top)
{
	struct termios raw;

	if (top->batch || !isatty(STDOUT_FILENO) ||
	    tcgetattr(STDIN_FILENO, &top->termios)) {
		top->batch = true;
		return;
	}
	raw = top->termios;
	raw.c_lflag &= ~(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs(SCREEN_ENTER, stdout);
	top->screen = true;
}

static void close_screen(struct top *top)
{
	if (!top->screen)
		return;
	fputs(SCREEN_LEAVE, stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &top->termios);
}

static void remember(struct top *top)
{
	free(top->before.figure);
	top->before = top->v;
	/* They are another view's now. */
	top->v.figure = NULL;
}

/* Return: false when the user has had enough. */
static bool wait_for(struct top *top, uint64_t until)
{
	char key;

	while (wait_until(until, top->screen ? STDIN_FILENO : -1) > 0)
		if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q')
			return false;
	return !wait_stop;
}

static void run(struct top *top, char **names)
{
	uint64_t next = monotonic_ns();
	struct libscols_table *tb;
	bool answered;

	view_read(&top->v);
	open_screen(top);
	for (uint64_t n = 0; !top->iterations || n < top->iterations; n++) {
		remember(top);
		next += top->interval_ns;
		if (!wait_for(top, next))
			break;
		answered = view_read(&top->v);
		tb = make_table(top, names);
		if (top->batch)
			show_batch(top, tb);
		else
			show_screen(tb, answered);
	}
	close_screen(top);
}

static int sort_column(const char *name)
{
	for (size_t i = 0; i < NINFOS; i++)
		if (!strcasecmp(infos[i].name, name) && i != COL_SUBSYSTEM &&
		    i != COL_DEVICE)
			return i;
	errx(EXIT_FAILURE, "cannot sort by '%s' (--help lists what can be)", name);
}

#define OPT_NOHEADINGS	300

static int top_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "batch",	no_argument,	   NULL, 'b' },
		{ "interval",	required_argument, NULL, 'i' },
		{ "iterations",	required_argument, NULL, 'n' },
		{ "sort",	required_argument, NULL, 's' },
		{ "exact",	no_argument,	   NULL, 'x' },
		{ "noheadings",	no_argument,	   NULL, OPT_NOHEADINGS },
		{ "output",	required_argument, NULL, 'o' },
		{ "raw",	no_argument,	   NULL, 'r' },
		CMD_LONGOPTS
	};
	struct top top = {
		.p = {
			.name = "power",
			.infos = infos,
			.ninfos = NINFOS,
			.columns = { COL_VM, COL_SUBSYSTEM, COL_DEVICE, COL_BASE,
				     COL_ACCESS, COL_POWER, COL_ENERGY },
			.ncolumns = 7,
		},
		.interval_ns = 1000 * NSEC_PER_MSEC,
		.sort = COL_POWER,
	};
	int c;

	while ((c = getopt_long(argc, argv, "bi:n:s:xo:r" CMD_SHORTOPTS, longopts,
				NULL)) != -1) {
		switch (c) {
		case 'b':
			top.batch = true;
			break;
		case 'i':
			top.interval_ns = option_milliseconds("interval", optarg) *
					  NSEC_PER_MSEC;
			break;
		case 'n':
			top.iterations = option_number("iterations", optarg, 1,
						       UINT64_MAX);
			break;
		case 's':
			top.sort = sort_column(optarg);
			break;
		case 'x':
			top.p.exact = true;
			break;
		case OPT_NOHEADINGS:
			top.p.noheadings = true;
			break;
		case 'o':
		case 'r':
			print_option(&top.p, c, optarg);
			break;
		default:
			cmd_option(c);
		}
	}
	view_open(&top.v, cmd_socket);
	wait_catch_signals();
	run(&top, argv + optind);
	free(top.before.figure);
	view_close(&top.v);
	return EXIT_SUCCESS;
}

const struct cmd cmd_top = {
	.name = "top",
	.main = top_main,
	.usage = usage,
	.help = "show power as it changes",
};
