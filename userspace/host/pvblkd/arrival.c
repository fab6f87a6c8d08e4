// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "arrival.h"
#include "cli.h"
#include "io.h"

#define EVENTS	(IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

/**
 * struct arrival - what looks for a file
 * @path: the file
 * @fd: of inotify; the watch's
 * @directory: the watched directory, the lowest that there is
 * @watch: in the event loop
 * @there: to be told
 * @owner: for @there
 */
struct arrival {
	char *path;
	int fd;
	int directory;
	struct watch *watch;
	void (*there)(void *owner);
	void *owner;
};

/* Return: whether there is a directory that can be watched. */
static bool watch_lowest(struct arrival *a)
{
	char *directory = format("%s", a->path);
	int wd = -1;

	while (wd < 0 && *directory) {
		char *slash = strrchr(directory, '/');

		if (!slash)
			break;
		*slash = '\0';
		wd = inotify_add_watch(a->fd, *directory ? directory : "/", EVENTS);
	}
	free(directory);
	if (a->directory >= 0 && a->directory != wd)
		inotify_rm_watch(a->fd, a->directory);
	a->directory = wd;
	return wd >= 0;
}

static void on_event(struct watch *watch)
{
	struct arrival *a = watch->owner;
	char events[4096];

	while (read(a->fd, events, sizeof(events)) > 0)
		;
	watch_lowest(a);
	/* It was made before its directory was watched, or has just been. */
	if (!access(a->path, F_OK))
		a->there(a->owner);
}

struct arrival *arrival_watch(struct io *io, const char *path,
			      void (*there)(void *owner), void *owner)
{
	struct arrival *a = calloc(1, sizeof(*a));

	if (!a)
		err(exit_failure, "cannot allocate memory");
	a->path = format("%s", path);
	a->directory = -1;
	a->there = there;
	a->owner = owner;
	a->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (a->fd < 0 || !watch_lowest(a)) {
		if (a->fd >= 0)
			close(a->fd);
		free(a->path);
		free(a);
		return NULL;
	}
	a->watch = watch_start(io, a->fd, 0, on_event, a);
	return a;
}

void arrival_stop(struct arrival *a)
{
	if (!a)
		return;
	watch_stop(a->watch);
	free(a->path);
	free(a);
}
