/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of rctl share. */
#ifndef RCTL_CMD_H
#define RCTL_CMD_H

#include <getopt.h>

#include "rcfs.h"
#include "tree.h"

#define RCTL_VERSION	"0.1"

/* Exit statuses as those of env(1) and nice(1); see the manual page. */
#define EXIT_NOT_EXECUTABLE	126
#define EXIT_NOT_FOUND		127

struct cmd;

/**
 * struct rctl - one run of the program
 * @sysroot: --sysroot, or NULL
 * @cmd: command that runs
 * @fs: open after cmd_open()
 */
struct rctl {
	const char *sysroot;
	const struct cmd *cmd;
	struct rcfs fs;
};

/**
 * struct cmd - a command of rctl
 * @name: what the user types
 * @main: does it all; its result is the exit status
 * @usage: prints the whole help text
 * @help: one line for the list of commands
 */
struct cmd {
	const char *name;
	int (*main)(struct rctl *ctl, int argc, char **argv);
	void (*usage)(void);
	const char *help;
};

extern const struct cmd cmd_bind, cmd_check, cmd_create, cmd_delete, cmd_info,
	cmd_list, cmd_model, cmd_rename, cmd_run, cmd_show, cmd_stat, cmd_top,
	cmd_wait;

/* Options that every command knows; see cmd_option(). */
#define CMD_OPT_SYSROOT		256
#define CMD_SHORTOPTS		"hV"
#define CMD_LONGOPTS							\
	{ "sysroot",	required_argument, NULL, CMD_OPT_SYSROOT },	\
	{ "help",	no_argument,	   NULL, 'h' },			\
	{ "version",	no_argument,	   NULL, 'V' },			\
	{ NULL, 0, NULL, 0 }

/**
 * cmd_option() - handle an option of CMD_LONGOPTS, or one that nobody knows
 * @ctl: changed by --sysroot
 * @c: what getopt_long() returned
 *
 * Exits unless the option was --sysroot.
 */
void cmd_option(struct rctl *ctl, int c);

/**
 * cmd_exclusive() - refuse options that contradict each other
 * @c: option just found
 * @group: short options of which only one may be given
 * @seen: option of @group found before; 0 at first
 * @longopts: for the message
 */
void cmd_exclusive(int c, const char *group, int *seen,
		   const struct option *longopts);

/* The ends of every help text. */
void cmd_usage_options(void);
void cmd_usage_tail(void);

/* Print @message and a hint at --help, and exit. */
__attribute__((noreturn, format(printf, 2, 3)))
void cmd_bad_usage(const struct rctl *ctl, const char *message, ...);

/* Open rcfs, or say what to do about its absence and exit. */
void cmd_open(struct rctl *ctl);

/**
 * cmd_path() - check a container's name
 * @name: what the user typed
 *
 * Returns the canonical path, to be freed, or NULL after a message.
 */
char *cmd_path(const char *name);

/**
 * cmd_open_container() - open a container's directory
 * @ctl: with rcfs open
 * @path: canonical path
 *
 * Returns a file descriptor, or a negative number after a message.
 */
int cmd_open_container(const struct rctl *ctl, const char *path);

/**
 * cmd_create_path() - make a container
 * @ctl: with rcfs open
 * @path: canonical path
 * @parents: also make missing parents, and do not mind if it exists
 *
 * Returns 0, or -1 after a message.
 */
int cmd_create_path(const struct rctl *ctl, const char *path, bool parents);

/* Why @path could not be reached, with advice; @error is a negative errno. */
void cmd_warn_container(const char *path, const char *doing, int error);

/* For struct rcfs_walk: says what is wrong and remembers that something is. */
void cmd_unreadable(const struct rcfs_node *node, const char *file, int error);
bool cmd_any_unreadable(void);

#endif
