// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl create */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

/**
 * struct access - who may do what with a new container
 * @owner: as the user typed it, NULL to leave it
 * @uid: of @owner; -1 to leave it
 * @gid: of @owner; -1 to leave it
 * @mode: of the directory
 * @set_mode: not to leave it
 */
struct access {
	const char *owner;
	uid_t uid;
	gid_t gid;
	mode_t mode;
	bool set_mode;
};

static void usage(void)
{
	puts("\nUsage:\n rctl create [options] <name>...\n\n"
	     "Create resource containers.\n\n"
	     "Options:\n"
	     " -m, --mode <mode>      set the permissions of the directories, in octal\n"
	     " -o, --owner <user>[:<group>]\n"
	     "                        give the containers to this user\n"
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
	case EAGAIN:
		warnx("cannot create '%s': the kernel does not nest containers deeper",
		      path);
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

static void parse_mode(const char *arg, struct access *a)
{
	unsigned long mode;
	char *end;

	mode = strtoul(arg, &end, 8);
	if (*arg < '0' || *arg > '7' || *end || mode > 07777)
		errx(EXIT_FAILURE, "'%s' is not a mode in octal, such as 0755",
		     arg);
	a->mode = mode;
	a->set_mode = true;
}

static bool parse_id(const char *text, unsigned int *id)
{
	uint64_t value;

	/* All ones mean "leave it". */
	if (rcfs_parse_u64(text, &value) || value >= UINT_MAX)
		return false;
	*id = value;
	return true;
}

/* "alice", "alice:users", "alice:" with her own group, ":users", or numbers. */
static void parse_owner(const char *arg, struct access *a)
{
	char *user = strdup(arg), *group;
	struct passwd *pw = NULL;
	struct group *gr;

	if (!user)
		err(EXIT_FAILURE, "cannot create containers of '%s'", arg);
	a->owner = arg;
	group = strchr(user, ':');
	if (group)
		*group++ = '\0';
	if (*user) {
		pw = getpwnam(user);
		if (pw)
			a->uid = pw->pw_uid;
		else if (!parse_id(user, &a->uid))
			errx(EXIT_FAILURE, "there is no user '%s'", user);
	}
	if (group && *group) {
		gr = getgrnam(group);
		if (gr)
			a->gid = gr->gr_gid;
		else if (!parse_id(group, &a->gid))
			errx(EXIT_FAILURE, "there is no group '%s'", group);
	} else if (group) {
		if (!pw)
			errx(EXIT_FAILURE, "'%s': only a user by name has a group of their own",
			     arg);
		a->gid = pw->pw_gid;
	}
	free(user);
}

/* What one needs to create containers below, to bind tasks, to wait for energy. */
static int set_access(const struct rctl *ctl, const char *path,
		      const struct access *a)
{
	static const char *const files[] = { ".", "tasks", "procs", "energy.high" };
	int dirfd = cmd_open_container(ctl, path), ret = 0;
	size_t i;

	if (dirfd < 0)
		return -1;
	for (i = 0; !ret && a->owner && i < sizeof(files) / sizeof(*files); i++) {
		ret = fchownat(dirfd, files[i], a->uid, a->gid, 0);
		/* Older kernels have no thresholds. */
		if (ret && errno == ENOENT && !strcmp(files[i], "energy.high"))
			ret = 0;
		if (ret)
			warn("cannot give '%s' to '%s': %s",
			     rcfs_show_name(path), a->owner, files[i]);
	}
	/* After the owner: that may clear bits. */
	if (!ret && a->set_mode) {
		ret = fchmod(dirfd, a->mode);
		if (ret)
			warn("cannot set the mode of '%s'", rcfs_show_name(path));
	}
	close(dirfd);
	return ret;
}

static int create(const struct rctl *ctl, const char *path, bool parents,
		  const struct access *a)
{
	/* Not to be removed again if it cannot be given away. */
	bool old = parents && !faccessat(ctl->fs.fd, path, F_OK, 0);

	if (cmd_create_path(ctl, path, parents))
		return -1;
	if (!a->owner && !a->set_mode)
		return 0;
	if (!set_access(ctl, path, a))
		return 0;
	if (!old)
		unlinkat(ctl->fs.fd, path, AT_REMOVEDIR);
	return -1;
}

static int create_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "mode",	required_argument, NULL, 'm' },
		{ "owner",	required_argument, NULL, 'o' },
		{ "parents",	no_argument,	   NULL, 'p' },
		CMD_LONGOPTS
	};
	struct access a = { .uid = -1, .gid = -1 };
	bool parents = false;
	int c, status = EXIT_SUCCESS;

	while ((c = getopt_long(argc, argv, "m:o:p" CMD_SHORTOPTS, longopts,
				NULL)) != -1) {
		if (c == 'm')
			parse_mode(optarg, &a);
		else if (c == 'o')
			parse_owner(optarg, &a);
		else if (c == 'p')
			parents = true;
		else
			cmd_option(ctl, c);
	}
	if (optind == argc)
		cmd_bad_usage(ctl, "no container specified");

	cmd_open(ctl);
	for (; optind < argc; optind++) {
		char *path = cmd_path(argv[optind]);

		if (!path || create(ctl, path, parents, &a))
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
