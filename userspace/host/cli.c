// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli.h"
#include "model.h"

int exit_failure = EXIT_FAILURE;

uint64_t option_number(const char *option, const char *arg, uint64_t min,
		       uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end)
		errx(exit_failure, "--%s: '%s' is not a number", option, arg);
	if (errno || value < min || value > max)
		errx(exit_failure, "--%s: %s is not from %ju to %ju", option, arg,
		     (uintmax_t)min, (uintmax_t)max);
	return value;
}

uint64_t option_milliseconds(const char *option, const char *arg)
{
	unsigned int seconds = 0;
	char fraction[4] = "";
	uint64_t ms;
	int end = 0;

	if (*arg < '0' || *arg > '9' ||
	    sscanf(arg, "%7u%n.%3[0-9]%n", &seconds, &end, fraction, &end) < 1 ||
	    arg[end])
		errx(exit_failure, "--%s: '%s' is no number of seconds", option, arg);
	for (size_t len = strlen(fraction); len < 3; len++)
		fraction[len] = '0';
	ms = seconds * 1000ULL + strtoul(fraction, NULL, 10);
	if (!ms)
		errx(exit_failure, "--%s: must not be zero", option);
	return ms;
}

void option_rest(int c, void (*usage)(void))
{
	switch (c) {
	case 'h':
		usage();
		exit(EXIT_SUCCESS);
	case 'V':
		printf("%s from %s\n", program_invocation_short_name, PACKAGE_STRING);
		exit(EXIT_SUCCESS);
	}
	fprintf(stderr, "Try '%s --help' for more information.\n",
		program_invocation_short_name);
	exit(exit_failure);
}

char *format(const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		err(exit_failure, "cannot allocate memory");
	return text;
}

char *default_machine_dir(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (runtime && *runtime == '/')
		return format("%s/rcontainer", runtime);
	return format("/dev/shm/rcontainer-%u", geteuid());
}

char *data_file(const char *name)
{
	static const char *const dirs[] = {
		"", "../share/rcontainer/", "../lib/rcontainer/",
	};
	char self[PATH_MAX];
	ssize_t len;
	char *slash;

	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len < 0)
		err(exit_failure, "/proc/self/exe");
	self[len] = '\0';
	slash = strrchr(self, '/');
	slash[1] = '\0';
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		char *path = format("%s%s%s", self, dirs[i], name);

		if (!access(path, F_OK))
			return path;
		free(path);
	}
	return format("%s%s", self, name);
}

void raise_fd_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void option_model(const char *file, struct model *model)
{
	char *path = file ? NULL : data_file("models/pentium4.model");
	char message[MODEL_ERR_LEN];
	int event;

	if (!file)
		file = path;
	if (model_load(file, model, message))
		errx(exit_failure, "%s", message);
	event = model_fits_machine(model);
	if (event >= 0)
		errx(exit_failure, "%s: event %d is '%s', the machine's is '%s'",
		     file, event + 1, model->event[event].name,
		     model_machine_event(event));
	free(path);
}
