// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The service manager; see store.h.  With its store of file descriptors, nothing
 * is lost even if the monitor and a subsystem are killed at the same time.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service.h"
#include "store.h"

/* The first descriptor handed over. */
#define FIRST_FD	3
#define MAX_FDS		1024

/* Of what is kept under a name. */
static void tell_store(const char *what, const char *name, int fd)
{
	char state[320];

	snprintf(state, sizeof(state), "%s=1\nFDNAME=%s", what, name);
	service_notify(state, fd);
}

static void tell_of_region(const char *what, const struct resmon_head *head, int fd)
{
	char name[32];

	snprintf(name, sizeof(name), "region-%016" PRIx64, (uint64_t)head->id);
	tell_store(what, name, fd);
}

void store_keep(const struct registry_subsystem *new,
		const struct resmon_head *old)
{
	/* Both at first: the new one says which one it replaces. */
	if (new)
		tell_of_region("FDSTORE", &new->head, new->region);
	if (old)
		tell_of_region("FDSTOREREMOVE", old, -1);
}

static int handed_over(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");

	if (!pid || !fds || strtol(pid, NULL, 10) != getpid())
		return 0;
	return strtoul(fds, NULL, 10) <= MAX_FDS ? strtoul(fds, NULL, 10) : 0;
}

void store_take(struct registry *r)
{
	int n = handed_over(), listens;
	socklen_t size = sizeof(listens);
	char *names = getenv("LISTEN_FDNAMES"), *name;
	const char *why;

	for (int fd = FIRST_FD; fd < FIRST_FD + n; fd++) {
		name = strsep(&names, ":");
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (!getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) &&
		    listens && r->listener < 0) {
			fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
			r->listener = fd;
			continue;
		}
		why = registry_adopt(r, fd);
		if (!why)
			continue;
		warnx("a region that was kept is of no use: %s", why);
		/* Nor later, when it might seem to be. */
		if (name)
			tell_store("FDSTOREREMOVE", name, -1);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}
