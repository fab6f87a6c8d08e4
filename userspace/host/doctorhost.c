// SPDX-License-Identifier: GPL-2.0-or-later
/* See doctor.h: the running host. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "doctor.h"
#include "perfhost.h"
#include "perfsource.h"
#include "qemuversion.h"
#include "resmond/wire.h"

/* For how long events are counted: less than the time after which they take turns. */
#define COUNT_NS	(2 * NSEC_PER_MSEC)

static int host_open_kvm(void *arg)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static const char *host_encode(void *arg, const char *name, struct perf_event_attr *attr)
{
	return perf_host_encode(name, attr);
}

static int host_open_event(void *arg, pid_t pid)
{
	struct perf_event_attr attr;
	int fd;

	perf_host_clock(&attr);
	fd = perf_host_open(&attr, pid, -1);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Events of a thread are counted only while it runs. */
static void keep_busy(void)
{
	struct timespec start, now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	} while ((now.tv_sec - start.tv_sec) * NSEC_PER_SEC + now.tv_nsec - start.tv_nsec <
		 COUNT_NS);
}

static int host_count(void *arg, const struct perf_event_attr *attr, unsigned int nr,
		      struct perf_reading *reading)
{
	const struct perf_ops *host = arg;
	int fd[DOCTOR_MAX_EVENTS], ret = 0;
	unsigned int opened;

	for (opened = 0; opened < nr; opened++) {
		struct perf_event_attr copy = attr[opened];

		fd[opened] = perf_host_open(&copy, 0, -1);
		if (fd[opened] < 0) {
			ret = fd[opened];
			break;
		}
	}
	if (!ret)
		keep_busy();
	for (unsigned int i = 0; i < opened; i++) {
		if (!ret)
			ret = host->read(NULL, fd[i], 1, &reading[i]);
		close(fd[i]);
	}
	return ret;
}

static unsigned int host_qemu_version(void *arg, const char *program)
{
	return qemu_version(program);
}

static const struct doctor_ops host_ops = {
	.open_kvm = host_open_kvm,
	.encode = host_encode,
	.open_event = host_open_event,
	.count = host_count,
	.qemu_version = host_qemu_version,
};

bool doctor_host(const struct model *model, const char *model_file, const char *cgroup,
		 const char *resmond, bool json)
{
	const struct perf_select all = { .qemu = true };
	const struct perf_ops *host = perf_host_ops(&all);
	struct doctor d = {
		.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
		.ops = &host_ops,
		.host = host,
		.arg = (void *)host,
		.model = model,
		.model_file = model_file,
		.cgroup = cgroup ? cgroup : "machine.slice",
		.resmond = resmond,
	};
	struct doctor_report report;
	char *socket = NULL;
	bool able;

	if (d.root < 0)
		err(exit_failure, "/");
	if (!resmond) {
		socket = wire_default_socket();
		d.resmond = socket;
	} else if (!strcmp(resmond, "none")) {
		d.resmond = NULL;
	}
	able = doctor_look(&d, &report);
	if (!doctor_print(&report, json))
		err(exit_failure, "cannot write");
	doctor_free(&report);
	free(socket);
	close(d.root);
	return able;
}
