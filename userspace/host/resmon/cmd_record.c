// SPDX-License-Identifier: GPL-2.0-or-later
/* resmon record */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cmd.h"
#include "record.h"
#include "wait.h"

#define MSEC_PER_SEC	1000

static void usage(void)
{
	puts("\nUsage:\n resmon record [options] <file>\n\n"
	     "Write samples of the energy of all virtual machines, as CSV; '-' is standard output.\n\n"
	     "Options:\n"
	     " -d, --duration <s>     end after so many seconds\n"
	     " -f, --force            overwrite the file\n"
	     " -i, --interval <s>     seconds between samples (default: 1)");
	cmd_usage_tail(NULL, 0);
}

static void write_sample(FILE *out, const char *file, const struct view *v,
			 uint64_t start_ns)
{
	uint64_t ms = (v->time_ns - start_ns) / NSEC_PER_MSEC;

	for (size_t i = 0; i < v->nr_figures; i++) {
		const struct figure *f = &v->figure[i];

		fprintf(out, "%" PRIu64 ".%03u,%s,%s,%s,%s,%" PRIu64 ",%" PRIu64
			",%" PRIu64 "\n", ms / MSEC_PER_SEC,
			(unsigned int)(ms % MSEC_PER_SEC), f->vm, f->subsystem,
			f->device, kind_name(f->kind), f->generation, f->base_nj,
			f->access_nj);
	}
	/* Whole samples only, for whoever reads along. */
	if (fflush(out))
		err(EXIT_FAILURE, "%s", file);
}

static void record(FILE *out, const char *file, struct view *v,
		   uint64_t interval_ns, uint64_t duration_ns)
{
	uint64_t next = monotonic_ns(), end = duration_ns ? next + duration_ns : UINT64_MAX;
	uint64_t start = 0;
	bool answered = true;

	fputs(RECORD_HEADER "\n", out);
	do {
		bool before = answered;

		answered = view_read(v);
		if (before && !answered)
			warnx("%s: no resource monitor; what is known is read on",
			      v->socket);
		if (!start)
			start = v->time_ns;
		write_sample(out, file, v, start);
		next += interval_ns;
		wait_until(next < end ? next : end, -1);
	} while (!wait_stop && next <= end);
}

static int record_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "duration",	required_argument, NULL, 'd' },
		{ "force",	no_argument,	   NULL, 'f' },
		{ "interval",	required_argument, NULL, 'i' },
		CMD_LONGOPTS
	};
	uint64_t interval_ms = MSEC_PER_SEC, duration_ms = 0;
	bool force = false;
	FILE *out = stdout;
	const char *file;
	struct view v;
	int c;

	while ((c = getopt_long(argc, argv, "d:fi:" CMD_SHORTOPTS, longopts,
				NULL)) != -1) {
		switch (c) {
		case 'd':
			duration_ms = option_milliseconds("duration", optarg);
			break;
		case 'f':
			force = true;
			break;
		case 'i':
			interval_ms = option_milliseconds("interval", optarg);
			break;
		default:
			cmd_option(c);
		}
	}
	if (optind + 1 != argc)
		cmd_bad_usage(optind == argc ? "no file specified" :
					       "more than one file specified");
	file = argv[optind];
	view_open(&v, cmd_socket);
	if (strcmp(file, "-"))
		out = fopen(file, force ? "we" : "wxe");
	if (!out && errno == EEXIST)
		errx(EXIT_FAILURE, "%s exists (--force overwrites it)", file);
	if (!out)
		err(EXIT_FAILURE, "%s", file);
	wait_catch_signals();
	record(out, file, &v, interval_ms * NSEC_PER_MSEC,
	       duration_ms * NSEC_PER_MSEC);
	if (out != stdout && fclose(out))
		err(EXIT_FAILURE, "%s", file);
	view_close(&v);
	return EXIT_SUCCESS;
}

const struct cmd cmd_record = {
	.name = "record",
	.main = record_main,
	.usage = usage,
	.help = "write samples to a file",
};
