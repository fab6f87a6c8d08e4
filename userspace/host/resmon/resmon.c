// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * resmon - show what the resource monitor knows of virtual machines' energy.
 * view.c gathers, rctl's print.c prints, and cmd_*.c are the commands.
 */
#include <err.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cmd.h"

static const struct cmd *const commands[] = {
	&cmd_export,
	&cmd_list,
	&cmd_plot,
	&cmd_record,
	&cmd_show,
	&cmd_top,
};

#define NCOMMANDS	(sizeof(commands) / sizeof(commands[0]))

const struct cmd *cmd_running;
const char *cmd_socket;

void cmd_usage_table(void)
{
	puts(" -b, --exact            print energy in nanojoules, as plain numbers\n"
	     " -J, --json             use JSON output format\n"
	     " -n, --noheadings       don't print headings\n"
	     " -o, --output <list>    columns to print (+<list> to add to the default)\n"
	     " -r, --raw              use raw output format");
}

void cmd_usage_tail(const struct colinfo *infos, size_t ninfos)
{
	puts("     --socket <path>    the resource monitor's socket\n"
	     " -h, --help             display this help\n"
	     " -V, --version          display version");
	if (ninfos)
		print_usage_columns(stdout, infos, ninfos);
	puts("\nFor more details see resmon(1).");
}

static void try_help(void)
{
	fprintf(stderr, "Try '%s%s%s --help' for more information.\n",
		program_invocation_short_name, *cmd_running->name ? " " : "",
		cmd_running->name);
}

void cmd_bad_usage(const char *message, ...)
{
	va_list ap;

	va_start(ap, message);
	vwarnx(message, ap);
	va_end(ap);
	try_help();
	exit(EXIT_FAILURE);
}

void cmd_option(int c)
{
	switch (c) {
	case CMD_OPT_SOCKET:
		cmd_socket = optarg;
		return;
	case 'h':
		cmd_running->usage();
		exit(EXIT_SUCCESS);
	case 'V':
		printf("%s from %s\n", program_invocation_short_name,
		       PACKAGE_STRING);
		exit(EXIT_SUCCESS);
	}
	try_help();
	exit(EXIT_FAILURE);
}

void cmd_exclusive(int c, int *seen)
{
	if (c != 'J' && c != 'r')
		return;
	if (*seen && *seen != c)
		errx(EXIT_FAILURE, "mutually exclusive arguments: --json --raw");
	*seen = c;
}

const char *cmd_energy(const struct print *p, unsigned __int128 nj, char *buf)
{
	if (p->exact)
		return format_u128(nj, false, buf);
	return format_micro(nj / 1000 > UINT64_MAX ? UINT64_MAX : (uint64_t)(nj / 1000),
			    "J", p->raw ? "" : " ", buf);
}

bool cmd_wanted(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

static void usage(void)
{
	puts("\nUsage:\n resmon [options] <command> [<argument>...]\n\n"
	     "Show the energy that virtual machines consume.\n\n"
	     "Commands:");
	for (size_t i = 0; i < NCOMMANDS; i++)
		printf(" %-22s %s\n", commands[i]->name, commands[i]->help);
	puts("\nOptions:");
	cmd_usage_tail(NULL, 0);
}

static const struct cmd resmon_usage = { .name = "", .usage = usage };

static void close_stdout(void)
{
	if (ferror(stdout) | fclose(stdout)) {
		warn("write error");
		_Exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = { CMD_LONGOPTS };
	size_t i;
	int c;

	/* Numbers are the same everywhere; only what is a letter depends. */
	setlocale(LC_CTYPE, "");
	argv[0] = program_invocation_short_name;
	atexit(close_stdout);
	cmd_running = &resmon_usage;

	while ((c = getopt_long(argc, argv, "+" CMD_SHORTOPTS, longopts, NULL)) != -1)
		cmd_option(c);
	if (optind == argc)
		cmd_bad_usage("no command specified");
	for (i = 0; i < NCOMMANDS; i++)
		if (!strcmp(argv[optind], commands[i]->name))
			break;
	if (i == NCOMMANDS)
		cmd_bad_usage("unknown command: '%s'", argv[optind]);

	cmd_running = commands[i];
	argc -= optind;
	argv += optind;
	argv[0] = program_invocation_short_name;
	optind = 0;	/* glibc: begin afresh, with other options */
	return cmd_running->main(argc, argv);
}
