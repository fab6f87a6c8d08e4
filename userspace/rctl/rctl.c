// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rctl - control and read the resource containers of this machine.
 *
 * Everything goes through rcfs, the resource container file system: rcfs.c,
 * tree.c, snapshot.c, info.c and tasks.c gather, sample.c compares two moments,
 * print.c, columns.c and screen.c print, and cmd_*.c are the commands.
 */
#include <err.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include "cmd.h"

static const struct cmd *const commands[] = {
	&cmd_bind,
	&cmd_check,
	&cmd_create,
	&cmd_delete,
	&cmd_info,
	&cmd_list,
	&cmd_model,
	&cmd_rename,
	&cmd_run,
	&cmd_show,
	&cmd_stat,
	&cmd_top,
	&cmd_wait,
};

#define NCOMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void usage(void)
{
	size_t i;

	puts("\nUsage:\n rctl [options] <command> [<argument>...]\n\n"
	     "Control resource containers and read their energy.\n\n"
	     "Commands:");
	for (i = 0; i < NCOMMANDS; i++)
		printf(" %-22s %s\n", commands[i]->name, commands[i]->help);
	puts("\nOptions:");
	cmd_usage_options();
	puts("\nSee 'rctl <command> --help' for the options of a command.");
	cmd_usage_tail();
}

static const struct cmd rctl_usage = { .name = "", .usage = usage };

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
	struct rctl ctl = { .cmd = &rctl_usage, .fs.fd = -1 };
	size_t i;
	int c, status;

	setlocale(LC_ALL, "");
	/* What getopt's messages begin with. */
	argv[0] = program_invocation_short_name;
	atexit(close_stdout);

	while ((c = getopt_long(argc, argv, "+" CMD_SHORTOPTS, longopts,
				NULL)) != -1)
		cmd_option(&ctl, c);
	if (optind == argc)
		cmd_bad_usage(&ctl, "no command specified");

	for (i = 0; i < NCOMMANDS; i++)
		if (!strcmp(argv[optind], commands[i]->name))
			break;
	if (i == NCOMMANDS)
		cmd_bad_usage(&ctl, "unknown command: '%s'", argv[optind]);

	ctl.cmd = commands[i];
	argc -= optind;
	argv += optind;
	argv[0] = program_invocation_short_name;
	optind = 0;	/* glibc: begin afresh, with other options */
	status = ctl.cmd->main(&ctl, argc, argv);
	rcfs_close(&ctl.fs);
	return status;
}
