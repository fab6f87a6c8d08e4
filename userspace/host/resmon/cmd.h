/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of resmon share. */
#ifndef RESMON_CMD_H
#define RESMON_CMD_H

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "print.h"
#include "view.h"

/**
 * struct cmd - a command
 * @name: what the user types
 * @main: does it all; its result is the exit status
 * @usage: prints the whole help text
 * @help: one line for the list of commands
 */
struct cmd {
	const char *name;
	int (*main)(int argc, char **argv);
	void (*usage)(void);
	const char *help;
};

extern const struct cmd cmd_export, cmd_list, cmd_plot, cmd_record, cmd_show,
	cmd_top;

/* The command that runs, and --socket. */
extern const struct cmd *cmd_running;
extern const char *cmd_socket;

/* Options that every command knows; see cmd_option(). */
#define CMD_OPT_SOCKET		256
#define CMD_SHORTOPTS		"hV"
#define CMD_LONGOPTS							\
	{ "socket",	required_argument, NULL, CMD_OPT_SOCKET },	\
	{ "help",	no_argument,	   NULL, 'h' },			\
	{ "version",	no_argument,	   NULL, 'V' },			\
	{ NULL, 0, NULL, 0 }

/* Handle one of them, or exit because nobody knows @c. */
void cmd_option(int c);

/* Print the ends of a help text: options, columns if there are any, manual. */
void cmd_usage_tail(const struct colinfo *infos, size_t ninfos);
void cmd_usage_table(void);

/* Print @message and a hint at --help, and exit. */
__attribute__((noreturn, format(printf, 1, 2)))
void cmd_bad_usage(const char *message, ...);

/* Refuse --json together with --raw; @seen is 0 at first. */
void cmd_exclusive(int c, int *seen);

/* Energy for a cell: nanojoules if exact, or with a unit. */
const char *cmd_energy(const struct print *p, unsigned __int128 nj, char *buf);

/* Which of the names are asked for: all of them if there is none. */
bool cmd_wanted(const char *name, char **names);

#endif /* RESMON_CMD_H */
