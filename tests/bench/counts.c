// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Run a program, and print what this virtual machine's processor counted from
 * its start to its end, whoever it was that ran there.
 *
 *	counts NAME COMMAND [ARGUMENT...]
 *
 * Prints
 *	counts: NAME EVENT VALUE	EVENT is "instructions", too
 */
#include <sys/wait.h>

#include "raw.h"

int main(int argc, char **argv)
{
	struct raw_counts from, to;
	int status;
	pid_t pid;

	if (argc < 3)
		errx(EXIT_FAILURE, "usage: counts NAME COMMAND [ARGUMENT...]");
	raw_open();
	raw_read(&from);
	pid = fork();
	if (pid < 0)
		err(EXIT_FAILURE, "fork");
	if (!pid) {
		execvp(argv[2], argv + 2);
		err(127, "%s", argv[2]);
	}
	if (waitpid(pid, &status, 0) != pid)
		err(EXIT_FAILURE, "waitpid");
	raw_read(&to);
	for (unsigned int i = 0; i < raw_page->nr_events; i++)
		printf("counts: %s %s %llu\n", argv[1], raw_page->events[i].name,
		       (unsigned long long)(to.own[i] - from.own[i]));
	printf("counts: %s instructions %llu\n", argv[1],
	       (unsigned long long)raw_instructions(to.own, from.own));
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
