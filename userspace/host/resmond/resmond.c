// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * resmond - the resource monitor: where device subsystems register, and where
 * viewers find what they publish.  It has no policy.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "registry.h"
#include "service.h"
#include "store.h"
#include "wire.h"

struct settings {
	char *socket;
	const char *group;
	const char *viewers;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = 1;
}

static void usage(void)
{
	char *path = wire_default_listener();

	printf("\nUsage:\n %s [options]\n", program_invocation_short_name);
	puts("\nCollect what device subsystems publish of virtual machines' energy.\n\n"
	     "Options:");
	printf(" -s, --socket PATH      where to listen\n"
	       "                          (default: %s)\n", path);
	puts(" -g, --group GROUP      its members may register subsystems, too\n"
	     " -w, --viewers GROUP    its members may view, too; 'all': everybody\n"
	     "\n"
	     " -h, --help             display this help\n"
	     " -V, --version          display version\n"
	     "\n"
	     "For more details see resmond(8).");
	free(path);
}

static void parse(int argc, char **argv, struct settings *s)
{
	static const struct option options[] = {
		{ "socket",	required_argument, NULL, 's' },
		{ "group",	required_argument, NULL, 'g' },
		{ "viewers",	required_argument, NULL, 'w' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ "version",	no_argument,	   NULL, 'V' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:g:w:hV", options, NULL)) >= 0) {
		switch (c) {
		case 's':
			free(s->socket);
			s->socket = format("%s", optarg);
			break;
		case 'g':
			s->group = optarg;
			break;
		case 'w':
			s->viewers = optarg;
			break;
		default:
			option_rest(c, usage);
		}
	}
	if (optind < argc)
		errx(EXIT_FAILURE, "unexpected argument '%s'", argv[optind]);
}

static gid_t find_group(const char *option, const char *name)
{
	struct group *group;

	if (!name)
		return REGISTRY_NO_GROUP;
	errno = 0;
	group = getgrnam(name);
	if (!group && errno)
		err(EXIT_FAILURE, "--%s %s", option, name);
	if (!group)
		errx(EXIT_FAILURE, "--%s %s: there is no such group", option, name);
	return group->gr_gid;
}

/* The directory of the default socket, which may not be there yet. */
static void make_directory(const char *socket)
{
	char *dir = format("%s", socket);
	char *slash = strrchr(dir, '/');

	if (slash && slash != dir) {
		*slash = '\0';
		if (mkdir(dir, 0755) && errno != EEXIST)
			err(EXIT_FAILURE, "%s: cannot create", dir);
	}
	free(dir);
}

/*
 * Whoever has the lock is the monitor there; a socket without it was left by
 * one that was killed.
 */
static void listen_there(struct registry *r, const char *socket)
{
	char *lock = format("%s.lock", socket);
	int fd;

	make_directory(socket);
	fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		err(EXIT_FAILURE, "%s: cannot create", lock);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno == EWOULDBLOCK)
			errx(EXIT_FAILURE, "%s: another resmond listens there",
			     socket);
		err(EXIT_FAILURE, "%s: cannot lock", lock);
	}
	unlink(socket);
	r->listener = wire_listen(socket);
	if (r->listener < 0)
		errx(EXIT_FAILURE, "%s: cannot listen: %s", socket,
		     strerror(-r->listener));
	/* All may connect; who may do what is decided then, and said. */
	if (chmod(socket, 0666))
		err(EXIT_FAILURE, "%s", socket);
	free(lock);
}

int main(int argc, char **argv)
{
	static struct registry r = { .listener = -1, .store = store_keep };
	struct sigaction action = { .sa_handler = on_signal };
	struct settings s = { 0 };
	sigset_t blocked, before;
	bool inherited;

	parse(argc, argv, &s);
	r.group = find_group("group", s.group);
	r.anyone_views = s.viewers && !strcmp(s.viewers, "all");
	r.viewers = r.anyone_views ? REGISTRY_NO_GROUP :
				     find_group("viewers", s.viewers);
	if (!s.socket)
		s.socket = wire_default_listener();
	if (!s.socket)
		err(EXIT_FAILURE, "cannot allocate memory");

	store_take(&r);
	inherited = r.listener >= 0;
	if (!inherited)
		listen_there(&r, s.socket);

	/* Signals arrive while it waits, at no other time. */
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	service_notify("READY=1", -1);
	while (!stop)
		registry_run(&r, &before);

	service_notify("STOPPING=1", -1);
	if (!inherited)
		unlink(s.socket);
	registry_free(&r);
	close(r.listener);
	free(s.socket);
	return EXIT_SUCCESS;
}
