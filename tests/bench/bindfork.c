// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bindfork.so - preloaded into a program, puts each process that it forks into
 * a resource container of its own, before the program's code goes on there.
 *
 * The containers are children of the one that $BINDFORK names, called after
 * the process ids.  Without $BINDFORK nothing is bound: what a benchmark is
 * compared with runs the same code.
 */
#include <dlfcn.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static pid_t (*libc_fork)(void);
static const char *parent;

__attribute__((constructor))
static void set_up(void)
{
	libc_fork = dlsym(RTLD_NEXT, "fork");
	parent = getenv("BINDFORK");
}

static void bind_self(void)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%d", parent, getpid());
	if (mkdir(path, 0755))
		err(127, "bindfork: mkdir %s", path);
	snprintf(path, sizeof(path), "%s/%d/tasks", parent, getpid());
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		err(127, "bindfork: %s", path);
	close(fd);
}

pid_t fork(void)
{
	pid_t pid = libc_fork();

	if (!pid && parent)
		bind_self();
	return pid;
}
