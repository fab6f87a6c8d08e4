// SPDX-License-Identifier: GPL-2.0-or-later
/* What the commands of rctl share: common options, messages. */
#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static bool unreadable;

void cmd_usage_options(void)
{
	puts("     --sysroot <dir>    use the tree recorded below <dir>\n"
	     " -h, --help             display this help\n"
	     " -V, --version          display version");
}

void cmd_usage_tail(void)
{
	puts("\nFor more details see rctl(8).");
}

static void try_help(const struct rctl *ctl)
{
	fprintf(stderr, "Try '%s%s%s --help' for more information.\n",
		program_invocation_short_name, *ctl->cmd->name ? " " : "",
		ctl->cmd->name);
}

void cmd_bad_usage(const struct rctl *ctl, const char *message, ...)
{
	va_list ap;

	va_start(ap, message);
	vwarnx(message, ap);
	va_end(ap);
	try_help(ctl);
	exit(EXIT_FAILURE);
}

void cmd_option(struct rctl *ctl, int c)
{
	switch (c) {
	case CMD_OPT_SYSROOT:
		ctl->sysroot = optarg;
		return;
	case 'h':
		ctl->cmd->usage();
		exit(EXIT_SUCCESS);
	case 'V':
		printf("%s from rcontainer %s\n", program_invocation_short_name,
		       RCTL_VERSION);
		exit(EXIT_SUCCESS);
	}
	try_help(ctl);
	exit(EXIT_FAILURE);
}

static const char *long_name(const struct option *longopts, int c)
{
	while (longopts->name && longopts->val != c)
		longopts++;
	return longopts->name ? longopts->name : "?";
}

void cmd_exclusive(int c, const char *group, int *seen,
		   const struct option *longopts)
{
	if (c >= 128 || !strchr(group, c))
		return;
	if (*seen && *seen != c)
		errx(EXIT_FAILURE, "mutually exclusive arguments: --%s --%s",
		     long_name(longopts, *seen), long_name(longopts, c));
	*seen = c;
}

static void explain_missing(const struct rctl *ctl)
{
	int supported = rcfs_supported(&ctl->fs);

	if (!supported)
		warnx("this kernel has no resource containers: there is no '%s' in %s/proc/filesystems",
		      RCFS_TYPE, ctl->fs.sysroot);
	else
		warnx("the resource container file system is not mounted; try:\n"
		      "  mount -t %s none %s%s", RCFS_TYPE, RCFS_MOUNT,
		      supported > 0 ? "" :
		      "\n(if that fails, look for '" RCFS_TYPE "' in /proc/filesystems)");
}

void cmd_open(struct rctl *ctl)
{
	int ret = rcfs_open(&ctl->fs, ctl->sysroot);

	if (!ret)
		return;
	errno = -ret;
	if (ret == -ENOENT || ret == -ENOTDIR)
		explain_missing(ctl);
	else if (ret == -EACCES || ret == -EPERM)
		warn("cannot open %s%s (are you root?)", ctl->fs.sysroot,
		     RCFS_MOUNT);
	else
		warn("cannot open %s%s", ctl->fs.sysroot, RCFS_MOUNT);
	exit(EXIT_FAILURE);
}

char *cmd_path(const char *name)
{
	char *path;
	const char *wrong = rcfs_check_name(name, &path);

	if (wrong)
		warnx("'%s': %s", name, wrong);
	return path;
}

void cmd_warn_container(const char *path, const char *doing, int error)
{
	const char *name = rcfs_show_name(path);

	errno = -error;
	switch (error) {
	case -ENOENT:
	case -ENODEV:
		warnx("cannot %s '%s': no such container (to make it: rctl create --parents %s)",
		      doing, name, name);
		break;
	case -ENOTDIR:
		warnx("cannot %s '%s': not a container", doing, name);
		break;
	case -EACCES:
	case -EPERM:
		warn("cannot %s '%s' (are you root?)", doing, name);
		break;
	case -EMFILE:
	case -ENFILE:
		warn("cannot %s '%s': too many levels (see ulimit -n)", doing,
		     name);
		break;
	case -EBADMSG:
		warnx("cannot %s '%s': a file does not have the expected format",
		      doing, name);
		break;
	default:
		warn("cannot %s '%s'", doing, name);
	}
}

int cmd_open_container(const struct rctl *ctl, const char *path)
{
	int fd = rcfs_open_dir(ctl->fs.fd, path);

	if (fd < 0)
		cmd_warn_container(path, "open", fd);
	return fd;
}

void cmd_unreadable(const struct rcfs_node *node, const char *file, int error)
{
	char *path = rcfs_node_path(node);
	const char *name = path ? path : node->name;

	unreadable = true;
	errno = -error;
	if (!strcmp(file, "."))
		warn("cannot open '%s'", name);
	else if (error == -EBADMSG || error == -ERANGE)
		warnx("%s: '%s' does not have the expected format", name, file);
	else
		warn("%s: cannot read '%s'", name, file);
	free(path);
}

bool cmd_any_unreadable(void)
{
	return unreadable;
}
