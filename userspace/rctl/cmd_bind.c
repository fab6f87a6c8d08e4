// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl bind */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"

static void usage(void)
{
	puts("\nUsage:\n rctl bind [options] <name> <pid>...\n\n"
	     "Bind processes to a resource container, which pays for them from now on.\n\n"
	     "Options:\n"
	     " -t, --tid              the numbers are single threads, not processes");
	cmd_usage_options();
	cmd_usage_tail();
}

static void warn_bind(const char *path, const char *what, unsigned int id,
		      int error)
{
	const char *name = rcfs_show_name(path);

	errno = -error;
	if (error == -ESRCH)
		warnx("cannot bind %s %u: there is no such %s", what, id, what);
	else if (rcfs_is_builtin(path))
		warnx("cannot bind %s %u to '%s': this container is built in and takes no tasks",
		      what, id, name);
	else if (error == -EACCES || error == -EPERM)
		warn("cannot bind %s %u to '%s' (are you root?)", what, id, name);
	else if (error == -EINVAL)
		warnx("cannot bind %s %u to '%s': the kernel does not let this %s be bound",
		      what, id, name, what);
	else if (error == -ENOENT || error == -ENODEV)
		warnx("cannot bind %s %u to '%s': it takes none any more; was it removed meanwhile?",
		      what, id, name);
	else
		warn("cannot bind %s %u to '%s'", what, id, name);
}

static int bind_one(int dirfd, const char *path, const char *arg, bool tid)
{
	const char *what = tid ? "thread" : "process";
	uint64_t id;
	int ret;

	if (rcfs_parse_u64(arg, &id) || id > INT_MAX) {
		warnx("'%s' is not a %s id", arg, what);
		return -1;
	}
	if (!id) {
		warnx("0 would bind rctl itself, which ends at once (see rctl run)");
		return -1;
	}
	ret = rcfs_write_id(dirfd, tid ? "tasks" : "procs", id);
	if (ret)
		warn_bind(path, what, id, ret);
	return ret;
}

static int bind_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "tid",	no_argument, NULL, 't' },
		CMD_LONGOPTS
	};
	int c, dirfd, status = EXIT_SUCCESS;
	bool tid = false;
	char *path;

	while ((c = getopt_long(argc, argv, "t" CMD_SHORTOPTS, longopts,
				NULL)) != -1) {
		if (c == 't')
			tid = true;
		else
			cmd_option(ctl, c);
	}
	if (optind == argc)
		cmd_bad_usage(ctl, "no container specified");
	if (optind + 1 == argc)
		cmd_bad_usage(ctl, "no %s specified", tid ? "thread" : "process");

	path = cmd_path(argv[optind]);
	if (!path)
		return EXIT_FAILURE;
	cmd_open(ctl);
	dirfd = cmd_open_container(ctl, path);
	if (dirfd < 0)
		status = EXIT_FAILURE;
	while (dirfd >= 0 && ++optind < argc)
		if (bind_one(dirfd, path, argv[optind], tid))
			status = EXIT_FAILURE;
	if (dirfd >= 0)
		close(dirfd);
	free(path);
	return status;
}

const struct cmd cmd_bind = {
	.name = "bind",
	.main = bind_main,
	.usage = usage,
	.help = "bind processes or threads to a container",
};
