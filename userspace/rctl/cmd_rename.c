// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl rename */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

static void usage(void)
{
	puts("\nUsage:\n rctl rename [options] <name> <new_name>\n\n"
	     "Rename a resource container. It stays below its parent.\n\n"
	     "Options:");
	cmd_usage_options();
	cmd_usage_tail();
}

static size_t parent_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash - path : 0;
}

static void warn_rename(const char *path, const char *new_path)
{
	const int error = errno;

	if (rcfs_is_builtin(path))
		warnx("cannot rename '%s': it is built in", path);
	else if (error == EEXIST || error == ENOTEMPTY)
		warnx("cannot rename '%s': '%s' exists already", path, new_path);
	else if (error == EPERM)
		warnx("cannot rename '%s': this kernel does not rename containers",
		      path);
	else if (error == ENOENT || error == ENODEV)
		warnx("cannot rename '%s': no such container", path);
	else
		cmd_warn_container(path, "rename", -error);
}

static int rename_path(const struct rctl *ctl, const char *path,
		       const char *new_path)
{
	const size_t len = parent_len(path);

	if (!strcmp(path, ".") || !strcmp(new_path, ".")) {
		warnx("the root container '/' cannot be renamed");
		return -1;
	}
	if (len != parent_len(new_path) || strncmp(path, new_path, len)) {
		warnx("cannot rename '%s' to '%s': a container stays below its parent",
		      path, new_path);
		return -1;
	}
	if (!renameat(ctl->fs.fd, path, ctl->fs.fd, new_path))
		return 0;
	warn_rename(path, new_path);
	return -1;
}

static int rename_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = { CMD_LONGOPTS };
	char *path, *new_path;
	int c, ret = -1;

	while ((c = getopt_long(argc, argv, CMD_SHORTOPTS, longopts, NULL)) != -1)
		cmd_option(ctl, c);
	if (argc - optind < 2)
		cmd_bad_usage(ctl, argc == optind ? "no container specified" :
						    "no new name specified");
	if (argc - optind > 2)
		cmd_bad_usage(ctl, "unexpected argument: '%s'", argv[optind + 2]);

	cmd_open(ctl);
	path = cmd_path(argv[optind]);
	new_path = cmd_path(argv[optind + 1]);
	if (path && new_path)
		ret = rename_path(ctl, path, new_path);
	free(path);
	free(new_path);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct cmd cmd_rename = {
	.name = "rename",
	.main = rename_main,
	.usage = usage,
	.help = "rename a container",
};
