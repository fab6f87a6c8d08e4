// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl create */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd.h"

static void usage(void)
{
	puts("\nUsage:\n rctl create [options] <name>...\n\n"
	     "Create resource containers.\n\n"
	     "Options:\n"
	     " -p, --parents          make parents as needed, no error if existing");
	cmd_usage_options();
	cmd_usage_tail();
}

static void warn_create(const char *path, int error)
{
	const char *slash = strrchr(path, '/');

	errno = error;
	switch (error) {
	case EEXIST:
		warnx("cannot create '%s': it exists already", path);
		break;
	case EPERM:
		if (!strncmp(path, "idle/", 5) ||
		    !strncmp(path, "interrupt/", 10)) {
			warnx("cannot create '%s': built-in containers have none below",
			      path);
			break;
		}
		cmd_warn_container(path, "create", -error);
		break;
	case ENOENT:
		if (slash) {
			warnx("cannot create '%s': there is no '%.*s' (--parents makes it too)",
			      path, (int)(slash - path), path);
			break;
		}
		/* fall through */
	default:
		cmd_warn_container(path, "create", -error);
	}
}

int cmd_create_path(const struct rctl *ctl, const char *path, bool parents)
{
	char *part, *slash;
	int ret = 0;

	if (!strcmp(path, ".")) {
		if (parents)
			return 0;
		warnx("the root container '/' exists always");
		return -1;
	}
	part = strdup(path);
	if (!part)
		err(EXIT_FAILURE, "cannot create '%s'", path);
	slash = parents ? strchr(part, '/') : NULL;
	for (;;) {
		if (slash)
			*slash = '\0';
		if (mkdirat(ctl->fs.fd, part, 0755) &&
		    !(parents && errno == EEXIST)) {
			warn_create(part, errno);
			ret = -1;
			break;
		}
		if (!slash)
			break;
		*slash = '/';
		slash = strchr(slash + 1, '/');
	}
	free(part);
	return ret;
}

static int create_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "parents",	no_argument, NULL, 'p' },
		CMD_LONGOPTS
	};
	bool parents = false;
	int c, status = EXIT_SUCCESS;

	while ((c = getopt_long(argc, argv, "p" CMD_SHORTOPTS, longopts,
				NULL)) != -1) {
		if (c == 'p')
			parents = true;
		else
			cmd_option(ctl, c);
	}
	if (optind == argc)
		cmd_bad_usage(ctl, "no container specified");

	cmd_open(ctl);
	for (; optind < argc; optind++) {
		char *path = cmd_path(argv[optind]);

		if (!path || cmd_create_path(ctl, path, parents))
			status = EXIT_FAILURE;
		free(path);
	}
	return status;
}

const struct cmd cmd_create = {
	.name = "create",
	.main = create_main,
	.usage = usage,
	.help = "create containers",
};
