// SPDX-License-Identifier: GPL-2.0-or-later
/* resmon plot: gnuplot draws, we only tell it what. */
#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "cmd.h"
#include "series.h"

struct plot {
	const char *output;
	const char *terminal;
	const char *title;
	bool stacked;
	struct series_config config;
};

static void usage(void)
{
	puts("\nUsage:\n resmon plot [options] -o <image> <recording> [<vm>...]\n\n"
	     "Draw a recording as power over time, of all virtual machines or the given ones.\n\n"
	     "Options:\n"
	     " -o, --output <image>   a file that ends in .png or .svg\n"
	     "     --by <list>        a line for each: vm, subsystem, device, kind, cost\n"
	     "                          (default: vm,device,cost)\n"
	     "     --only <cost>      only base, or only access\n"
	     "     --stacked          lines add up\n"
	     "     --title <text>");
	cmd_usage_tail(NULL, 0);
}

static const char *find_terminal(const char *output)
{
	const char *suffix = strrchr(output, '.');

	if (suffix && !strcmp(suffix, ".png"))
		return "pngcairo";
	if (suffix && !strcmp(suffix, ".svg"))
		return "svg";
	errx(EXIT_FAILURE, "--output %s: must end in .png or .svg", output);
}

static unsigned int parse_by(char *list)
{
	static const char *const names[] = { "vm", "subsystem", "device", "kind",
					     "cost" };
	unsigned int by = 0, i;
	char *name;

	while ((name = strsep(&list, ","))) {
		for (i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (!strcmp(names[i], name))
				break;
		if (i == sizeof(names) / sizeof(*names))
			errx(EXIT_FAILURE, "--by: unknown '%s' (--help lists them)",
			     name);
		by |= 1U << i;
	}
	return by;
}

/* A string of gnuplot's: between quotes, with quotes doubled. */
static void put_string(FILE *out, const char *text)
{
	fputc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			fputc('\'', out);
		/* A line's end would be the command's. */
		fputc(*text == '\n' ? ' ' : *text, out);
	}
	fputc('\'', out);
}

static void put_data(FILE *out, const struct plot *plot,
		     const struct series_set *set)
{
	fputs("$data << EOD\n", out);
	for (size_t t = 1; t < set->nr_times; t++) {
		double sum = 0;

		fprintf(out, "%.3f", set->seconds[t]);
		for (size_t i = 0; i < set->nr_series; i++) {
			double watts = set->series[i].watts[t];

			sum = plot->stacked ? sum + watts : watts;
			fprintf(out, " %.9g", sum);
		}
		fputc('\n', out);
	}
	fputs("EOD\n", out);
}

static void put_script(FILE *out, const struct plot *plot, const char *file,
		       const struct series_set *set)
{
	fprintf(out, "set terminal %s size 900,500 noenhanced\nset output ",
		plot->terminal);
	put_string(out, file);
	fputs("\nset xlabel 'time [s]'\nset ylabel 'power [W]'\n"
	      "set key outside right top\nset grid\nset yrange [0:*]\n"
	      "set style fill solid 0.8\n", out);
	if (plot->title) {
		fputs("set title ", out);
		put_string(out, plot->title);
		fputc('\n', out);
	}
	put_data(out, plot, set);
	fputs("plot ", out);
	for (size_t n = set->nr_series; n-- > 0;) {
		/* The sum of all is the one behind the others. */
		size_t i = plot->stacked ? n : set->nr_series - 1 - n;

		fprintf(out, "$data using 1:%zu with %s title ", i + 2,
			plot->stacked ? "filledcurves y1=0" : "lines lw 2");
		put_string(out, set->series[i].name);
		fputs(n ? ", " : "\n", out);
	}
}

/* An image that was there stays unless there is a whole new one. */
static void draw(const struct plot *plot, const struct series_set *set)
{
	char *tmp = format("%s.%d.tmp", plot->output, getpid());
	FILE *gnuplot;
	int status;

	signal(SIGPIPE, SIG_IGN);
	gnuplot = popen("gnuplot", "we");
	if (!gnuplot)
		err(EXIT_FAILURE, "cannot start gnuplot");
	put_script(gnuplot, plot, tmp, set);
	status = pclose(gnuplot);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		errx(EXIT_FAILURE, "plots need gnuplot (Debian: gnuplot-nox)");
	if (status) {
		unlink(tmp);
		errx(EXIT_FAILURE, "gnuplot could not draw %s", plot->output);
	}
	if (rename(tmp, plot->output))
		err(EXIT_FAILURE, "%s", plot->output);
	free(tmp);
}

enum { OPT_BY = 300, OPT_ONLY, OPT_STACKED, OPT_TITLE };

static void parse_option(int c, struct plot *plot)
{
	switch (c) {
	case 'o':
		plot->output = optarg;
		plot->terminal = find_terminal(optarg);
		break;
	case OPT_BY:
		plot->config.by = parse_by(optarg);
		break;
	case OPT_ONLY:
		plot->config.base = !strcmp(optarg, "base");
		plot->config.access = !strcmp(optarg, "access");
		if (!plot->config.base && !plot->config.access)
			errx(EXIT_FAILURE, "--only %s: neither base nor access",
			     optarg);
		break;
	case OPT_STACKED:
		plot->stacked = true;
		break;
	case OPT_TITLE:
		plot->title = optarg;
		break;
	default:
		cmd_option(c);
	}
}

static int plot_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "output",	required_argument, NULL, 'o' },
		{ "by",		required_argument, NULL, OPT_BY },
		{ "only",	required_argument, NULL, OPT_ONLY },
		{ "stacked",	no_argument,	   NULL, OPT_STACKED },
		{ "title",	required_argument, NULL, OPT_TITLE },
		CMD_LONGOPTS
	};
	struct plot plot = {
		.config = {
			.by = BY_VM | BY_DEVICE | BY_COST,
			.base = true,
			.access = true,
		},
	};
	struct series_set set;
	int c;

	while ((c = getopt_long(argc, argv, "o:" CMD_SHORTOPTS, longopts, NULL)) != -1)
		parse_option(c, &plot);
	if (optind == argc)
		cmd_bad_usage("no recording specified");
	if (!plot.output)
		cmd_bad_usage("--output is missing");
	plot.config.vms = argv + optind + 1;
	series_load(&set, argv[optind], &plot.config);
	if (!set.nr_series)
		errx(EXIT_FAILURE, "%s: nothing to draw; it takes two samples at least",
		     argv[optind]);
	draw(&plot, &set);
	series_free(&set);
	return EXIT_SUCCESS;
}

const struct cmd cmd_plot = {
	.name = "plot",
	.main = plot_main,
	.usage = usage,
	.help = "draw a recording",
};
