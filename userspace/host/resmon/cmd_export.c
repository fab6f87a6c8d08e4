// SPDX-License-Identifier: GPL-2.0-or-later
/* resmon export */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "cmd.h"
#include "http.h"
#include "metrics.h"
#include "wait.h"

static void usage(void)
{
	puts("\nUsage:\n resmon export [options]\n\n"
	     "Export the energy of all virtual machines for other programs.\n\n"
	     "Options:\n"
	     "     --openmetrics      to standard output, as OpenMetrics (default)\n"
	     "     --textfile <file>  to a file, for the textfile collector of node_exporter\n"
	     " -i, --interval <s>     write the file again every so many seconds\n"
	     "     --listen <address> over HTTP, at unix:PATH or HOST:PORT");
	cmd_usage_tail(NULL, 0);
}

/* Readers find the old file or the new one, never a part. */
static void write_file(const char *file, struct view *v)
{
	bool up = view_read(v);
	char *tmp = format("%s.%d.tmp", file, getpid());
	FILE *out = fopen(tmp, "we");

	if (!out)
		err(EXIT_FAILURE, "%s", tmp);
	metrics_write(out, v, true, up);
	/* The collector is another user. */
	if (fchmod(fileno(out), 0644) | ferror(out) | fclose(out) ||
	    rename(tmp, file)) {
		int error = errno;

		unlink(tmp);
		errx(EXIT_FAILURE, "%s: %s", file, strerror(error));
	}
	free(tmp);
}

static void write_files(const char *file, struct view *v, uint64_t interval_ns)
{
	uint64_t next = monotonic_ns();

	do {
		write_file(file, v);
		next += interval_ns;
	} while (interval_ns && (wait_until(next, -1), !wait_stop));
}

static void write_answer(FILE *out, bool prometheus, void *arg)
{
	bool up = view_read(arg);

	metrics_write(out, arg, prometheus, up);
}

enum { OPT_OPENMETRICS = 300, OPT_TEXTFILE, OPT_LISTEN };

static int export_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "openmetrics", no_argument,	    NULL, OPT_OPENMETRICS },
		{ "textfile",	 required_argument, NULL, OPT_TEXTFILE },
		{ "interval",	 required_argument, NULL, 'i' },
		{ "listen",	 required_argument, NULL, OPT_LISTEN },
		CMD_LONGOPTS
	};
	const char *textfile = NULL, *address = NULL;
	uint64_t interval_ns = 0;
	bool openmetrics = false;
	struct view v;
	int c;

	while ((c = getopt_long(argc, argv, "i:" CMD_SHORTOPTS, longopts, NULL)) != -1) {
		switch (c) {
		case OPT_OPENMETRICS:
			openmetrics = true;
			break;
		case OPT_TEXTFILE:
			textfile = optarg;
			break;
		case OPT_LISTEN:
			address = optarg;
			break;
		case 'i':
			interval_ns = option_milliseconds("interval", optarg) *
				      NSEC_PER_MSEC;
			break;
		default:
			cmd_option(c);
		}
	}
	if (optind < argc)
		cmd_bad_usage("unexpected argument: '%s'", argv[optind]);
	if (openmetrics + !!textfile + !!address > 1)
		errx(EXIT_FAILURE, "--openmetrics, --textfile and --listen exclude each other");
	if (interval_ns && !textfile)
		errx(EXIT_FAILURE, "--interval needs --textfile");

	view_open(&v, cmd_socket);
	wait_catch_signals();
	if (textfile) {
		write_files(textfile, &v, interval_ns);
	} else if (address) {
		http_serve(http_listen(address), write_answer, &v);
	} else {
		view_read(&v);
		metrics_write(stdout, &v, false, true);
	}
	view_close(&v);
	return EXIT_SUCCESS;
}

const struct cmd cmd_export = {
	.name = "export",
	.main = export_main,
	.usage = usage,
	.help = "export energy for other programs",
};
