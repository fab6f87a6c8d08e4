// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qemuversion.h"

unsigned int qemu_version_parse(const char *text)
{
	unsigned int major, minor;

	if (sscanf(text, "QEMU emulator version %3u.%2u", &major, &minor) != 2)
		return 0;
	return QEMU_VERSION(major, minor);
}

unsigned int qemu_version(const char *program)
{
	unsigned int version = 0;
	char line[256];
	int output[2];
	FILE *f;
	pid_t pid;

	if (pipe2(output, O_CLOEXEC))
		return 0;
	pid = fork();
	if (!pid) {
		dup2(output[1], STDOUT_FILENO);
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDERR_FILENO);
		execlp(program, program, "--version", NULL);
		_exit(127);
	}
	close(output[1]);
	f = fdopen(output[0], "r");
	if (f && pid > 0 && fgets(line, sizeof(line), f))
		version = qemu_version_parse(line);
	if (f)
		fclose(f);
	else
		close(output[0]);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return version;
}
