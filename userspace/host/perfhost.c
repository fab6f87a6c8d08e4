// SPDX-License-Identifier: GPL-2.0-or-later
/* See perfhost.h. */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <perfmon/pfmlib_perf_event.h>

#include "cli.h"
#include "clock.h"
#include "perfhost.h"
#include "perfsource.h"
#include "qemuproc.h"
#include "textfile.h"

#define CGROUP_ROOT	"/sys/fs/cgroup"
/* A cgroup's directory is deeper than that only to annoy. */
#define CGROUP_DEPTH	32
/* What of a command line is looked at. */
#define CMDLINE_MAX	65536

static struct host {
	struct perf_select select;
	struct perf_event_attr attr[PVENERGY_MAX_EVENTS];
	bool said_exe;
	bool said_cgroup;
} host;

/* --------------------------------------------------------------------- events */

static void common_attr(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED |
			    PERF_FORMAT_TOTAL_TIME_RUNNING;
}

void perf_host_clock(struct perf_event_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->type = PERF_TYPE_SOFTWARE;
	attr->config = PERF_COUNT_SW_TASK_CLOCK;
	common_attr(attr);
}

const char *perf_host_encode(const char *name, struct perf_event_attr *attr)
{
	pfm_perf_encode_arg_t arg = { .attr = attr, .size = sizeof(arg) };
	int ret;

	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	ret = pfm_initialize();
	if (ret == PFM_SUCCESS)
		ret = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3,
						PFM_OS_PERF_EVENT_EXT, &arg);
	if (ret != PFM_SUCCESS)
		return pfm_strerror(ret);
	/* libpfm4 leaves out what runs in a guest, unless it is told to. */
	if (!strstr(name, ":mh"))
		attr->exclude_guest = 0;
	common_attr(attr);
	return NULL;
}

int perf_host_open(struct perf_event_attr *attr, pid_t tid, int leader)
{
	int fd = syscall(SYS_perf_event_open, attr, tid, -1, leader,
			 PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Return: 0, or a negative error. */
static int probe(struct perf_event_attr *attr)
{
	int fd = perf_host_open(attr, 0, -1);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* Errors of probe() that say that the event is unknown here, now and later. */
static bool is_uncounted(int ret)
{
	return ret == -ENOENT || ret == -ENODEV || ret == -EOPNOTSUPP || ret == -EINVAL;
}

/* Return: NULL if @ret is 0, or what that error of probe() means. */
static const char *probe_failure(int ret)
{
	if (!ret)
		return NULL;
	if (is_uncounted(ret))
		return "this host does not count it";
	return perf_strerror(ret);
}

const char *perf_host_probe(const char *name)
{
	struct perf_event_attr attr;
	const char *why = perf_host_encode(name, &attr);

	return why ? why : probe_failure(probe(&attr));
}

/* ---------------------------------------------------------------------- /proc */

/* Return: how much was read, 0 if nothing was; @text ends with a NUL beyond. */
static size_t read_proc(pid_t pid, const char *file, char *text, size_t size)
{
	char path[96];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	len = text_read(AT_FDCWD, path, text, size);
	return len > 0 ? len : 0;
}

static uint64_t start_of(pid_t pid)
{
	char stat[1024];

	return read_proc(pid, "stat", stat, sizeof(stat)) ? qemuproc_start(stat) : 0;
}

/* One that has ended has no memory to be of any program, or is not waited for. */
static bool is_qemu(pid_t pid)
{
	char path[64], exe[PATH_MAX], comm[64];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	len = readlink(path, exe, sizeof(exe) - 1);
	if (len >= 0) {
		exe[len] = '\0';
		return qemuproc_is_qemu(exe);
	}
	if (errno == EACCES && !host.said_exe &&
	    read_proc(pid, "comm", comm, sizeof(comm)) && qemuproc_is_qemu(comm)) {
		warnx("process %d may be QEMU's, but is another user's (it takes CAP_SYS_PTRACE)",
		      pid);
		host.said_exe = true;
	}
	return false;
}

struct list {
	struct perf_process *process;
	unsigned int nr;
	unsigned int max;
};

static void list_process(struct list *l, pid_t pid)
{
	uint64_t start = start_of(pid);

	if (!start)
		return;
	if (l->nr < l->max)
		l->process[l->nr] = (struct perf_process){ pid, start };
	l->nr++;
}

static pid_t parse_pid(const char *s)
{
	char *end;
	long pid = strtol(s, &end, 10);

	return *s >= '1' && *s <= '9' && !*end && pid <= INT_MAX ? pid : 0;
}

static void list_all(struct list *l)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		err(exit_failure, "/proc");
	while ((entry = readdir(dir))) {
		pid_t pid = parse_pid(entry->d_name);

		if (pid && is_qemu(pid))
			list_process(l, pid);
	}
	closedir(dir);
}

/* Return: whether the cgroup is there. */
static bool list_cgroup(struct list *l, const char *path, unsigned int depth)
{
	char *procs = format("%s/cgroup.procs", path);
	DIR *dir = opendir(path);
	struct dirent *entry;
	FILE *f;
	int pid;

	/* That of a thread's cgroup cannot be read, and need not be. */
	f = dir ? fopen(procs, "re") : NULL;
	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid > 0 && is_qemu(pid))
			list_process(l, pid);
	if (f)
		fclose(f);
	free(procs);
	if (!dir)
		return false;
	while (depth < CGROUP_DEPTH && (entry = readdir(dir))) {
		char *below;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		below = format("%s/%s", path, entry->d_name);
		list_cgroup(l, below, depth + 1);
		free(below);
	}
	closedir(dir);
	return true;
}

static unsigned int host_processes(void *arg, struct perf_process *process,
				   unsigned int max)
{
	struct list l = { .process = process, .max = max };

	if (host.select.cgroup) {
		bool there = list_cgroup(&l, host.select.cgroup, 0);

		/* systemd makes machine.slice with the first virtual machine. */
		if (!there && !host.said_cgroup)
			warn("waiting for the cgroup %s", host.select.cgroup);
		host.said_cgroup = !there;
	} else if (host.select.qemu) {
		list_all(&l);
	}
	for (unsigned int i = 0; i < host.select.nr_pids; i++)
		list_process(&l, host.select.pid[i]);
	return l.nr;
}

static bool host_name(void *arg, pid_t pid, char name[PVENERGY_NAME_LEN])
{
	static char cmdline[CMDLINE_MAX];
	size_t len = read_proc(pid, "cmdline", cmdline, sizeof(cmdline));

	return qemuproc_name(cmdline, len, name);
}

static unsigned int host_threads(void *arg, pid_t pid, struct perf_thread *thread,
				 unsigned int max)
{
	char path[64], comm[64];
	struct dirent *entry;
	unsigned int nr = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		pid_t tid = parse_pid(entry->d_name);

		if (!tid)
			continue;
		snprintf(path, sizeof(path), "task/%d/comm", tid);
		if (!read_proc(pid, path, comm, sizeof(comm)))
			continue;
		if (nr < max)
			thread[nr] = (struct perf_thread){ tid, qemuproc_is_vcpu(comm) };
		nr++;
	}
	if (dir)
		closedir(dir);
	return nr;
}

/* ----------------------------------------------------------------- the source */

static uint64_t host_now_ns(void *arg)
{
	return monotonic_ns();
}

static unsigned int host_nr_cpus(void *arg)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? n : 1;
}

static int host_open(void *arg, pid_t tid, unsigned int event, int leader)
{
	return perf_host_open(&host.attr[event], tid, leader);
}

static int host_read(void *arg, int fd, unsigned int nr,
		     struct perf_reading *reading)
{
	uint64_t data[3 + PVENERGY_MAX_EVENTS];
	ssize_t size = (3 + nr) * sizeof(*data);

	if (read(fd, data, size) != size || data[0] != nr)
		return -EIO;
	reading->enabled = data[1];
	reading->running = data[2];
	memcpy(reading->count, data + 3, nr * sizeof(*data));
	return 0;
}

static void host_close(void *arg, int fd)
{
	close(fd);
}

static const struct perf_ops host_ops = {
	.now_ns = host_now_ns,
	.nr_cpus = host_nr_cpus,
	.processes = host_processes,
	.name = host_name,
	.threads = host_threads,
	.open = host_open,
	.read = host_read,
	.close = host_close,
};

const struct perf_ops *perf_host_ops(const struct perf_select *select)
{
	host.select = *select;
	return &host_ops;
}

/*
 * Remove from @m the events that this host never counts: the other ones are nearer to
 * the truth than time.  An error that may pass removes no event.
 * Return: NULL, or why @m can't be counted.
 */
static const char *set_events(struct model *m, const char *file)
{
	unsigned int nr = PERF_TIME + 1;

	for (unsigned int e = nr; e < m->nr_events; e++) {
		const char *why = perf_host_encode(m->perf[e], &host.attr[nr]);
		int ret = why ? 0 : probe(&host.attr[nr]);

		if (!why)
			why = probe_failure(ret);
		if (ret && !is_uncounted(ret))
			return why;
		if (why) {
			warnx("%s: %s is left out: %s", file, m->event[e].name, why);
			continue;
		}
		m->event[nr] = m->event[e];
		memcpy(m->perf[nr++], m->perf[e], MODEL_PERF_LEN);
	}
	m->nr_events = nr;
	return nr > PERF_TIME + 1 ? NULL : "none of its events is counted";
}

static void set_model(const struct model *model, const char *file, bool clock,
		      struct model *accounted)
{
	const char *why = NULL;

	if (!clock) {
		why = perf_model(model, false, accounted);
		if (!why)
			why = set_events(accounted, file);
		if (!why)
			return;
		warnx("%s: %s: accounting by time", file, why);
	}
	why = perf_model(model, true, accounted);
	if (why)
		errx(exit_failure, "%s: cannot account with that: %s", file, why);
	perf_host_clock(&host.attr[PERF_TIME + 1]);
	why = probe_failure(probe(&host.attr[PERF_TIME + 1]));
	if (why)
		errx(exit_failure, "cannot use perf_event_open: %s", why);
}

struct source *perf_source_open(const struct perf_select *select,
				const struct model *model, const char *file,
				bool clock, struct model *accounted)
{
	host.select = *select;
	if (select->cgroup && *select->cgroup != '/')
		host.select.cgroup = format(CGROUP_ROOT "/%s", select->cgroup);
	for (unsigned int i = 0; i < select->nr_pids; i++)
		if (!start_of(select->pid[i]))
			errx(exit_failure, "--pid %d: there is no such process",
			     select->pid[i]);
	set_model(model, file, clock, accounted);
	/* One for each event of each thread. */
	raise_fd_limit();
	return perf_source_new(&host_ops, NULL, accounted->nr_events,
			       select->nr_pids);
}

void perf_source_report(const struct source *s)
{
	struct perf_doubts doubts = perf_source_doubts(s);

	if (doubts.scaled_ns)
		warnx("%.3f s of threads' time was scaled: events took turns on the counters",
		      doubts.scaled_ns / 1e9);
	if (doubts.lost_ns)
		warnx("%.3f s of threads' time was not counted: no turn on the counters",
		      doubts.lost_ns / 1e9);
	if (doubts.refused)
		warnx("%" PRIu64 " threads could not be counted", doubts.refused);
}

void perf_host_check_model(const struct model *model, const char *file)
{
	int differs = model_fits_machine(model);

	printf("%s: a model of %u events\n", file, model->nr_events);
	for (unsigned int e = 0; e < model->nr_events; e++) {
		const struct pvenergy_event *event = &model->event[e];
		const char *why = NULL;

		if (*model->perf[e])
			why = perf_host_probe(model->perf[e]);
		printf(" %-23s %10llu.%03llu nJ  %s%s%s%s%s\n", event->name,
		       event->weight_pj / 1000, event->weight_pj % 1000,
		       event->flags & PVENERGY_EVENT_BASE ? "base" : "access",
		       *model->perf[e] ? "  " : "", model->perf[e],
		       why ? ": " : "", why ? why : "");
	}
	if (model->active_mw)
		printf(" a CPU of the host: %u mW, %u mW while it executes\n",
		       model->idle_mw, model->active_mw);
	if (differs < 0)
		puts(" it fits the emulated processor");
	else
		printf(" not for the emulated processor, whose event %d is %s\n",
		       differs + 1, model_machine_event(differs));
}
