// SPDX-License-Identifier: GPL-2.0-or-later
/* Cuts of an emulated machine; see source.h. */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "source.h"

/**
 * struct process - a virtual machine's process
 * @pid: its id, 0 if none is watched
 * @generation: of its slot
 * @fd: of the process, or -1 if it can only be asked for
 * @ended: it has ended
 */
struct process {
	pid_t pid;
	uint32_t generation;
	int fd;
	bool ended;
};

/**
 * struct log_source - an emulated machine as a source
 * @source: what others see
 * @m: the machine
 * @cut: of the physical CPU that is looked at
 * @st: the machine's file, to see when another has taken its place
 * @epoll: tells of which of @process have ended, all at once
 * @process: per slot
 */
struct log_source {
	struct source source;
	struct machine *m;
	struct account_cut cut;
	struct stat st;
	int epoll;
	struct process process[MACHINE_MAX_VMS];
};

static struct log_source *log_source(const struct source *s)
{
	return (struct log_source *)s;
}

static void unwatch(struct process *p)
{
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct process){ .fd = -1 };
}

/* Ids are used again, so it takes the generation to tell one from another. */
static void watch(struct log_source *l, unsigned int slot,
		  const struct machine_vm *vm)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = slot };
	struct process *p = &l->process[slot];

	if (p->pid == (pid_t)vm->pid && p->generation == vm->generation)
		return;
	unwatch(p);
	p->pid = vm->pid;
	p->generation = vm->generation;
	if (!p->pid)
		return;
	p->fd = pidfd_open(p->pid, 0);
	if (p->fd < 0) {
		p->ended = errno == ESRCH;
	} else if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, p->fd, &event)) {
		close(p->fd);
		p->fd = -1;
	}
}

/* Those that have ended since; they are not watched any longer. */
static void take_ends(struct log_source *l)
{
	struct epoll_event event[64];
	int n;

	do {
		n = epoll_wait(l->epoll, event, 64, 0);
		for (int i = 0; i < n; i++) {
			struct process *p = &l->process[event[i].data.u32];

			close(p->fd);
			p->fd = -1;
			p->ended = true;
		}
	} while (n == 64);
}

static void look_who_is_there(struct log_source *l, unsigned int slots)
{
	struct source *s = &l->source;

	for (unsigned int slot = 0; slot < slots; slot++)
		watch(l, slot, &s->vm[slot]);
	take_ends(l);
	for (unsigned int slot = 0; slot < slots; slot++) {
		const struct process *p = &l->process[slot];

		/* Whoever owns it, it exists unless it does not. */
		if (p->pid && !p->ended &&
		    (p->fd >= 0 || !kill(p->pid, 0) || errno != ESRCH))
			machine_set_add(&s->alive, slot);
		else
			machine_set_remove(&s->alive, slot);
	}
}

/*
 * The locks are held for a copy only, so that virtual CPUs, which take them at
 * each switch, do not feel it.
 */
static void log_look(struct source *s, struct account *a, bool thorough)
{
	struct log_source *l = log_source(s);
	uint64_t now[PVENERGY_MAX_EVENTS];
	struct machine *m = l->m;
	unsigned int differ = 0, slots;

	for (unsigned int cpu = 0; cpu < a->nr_cpus; cpu++) {
		machine_pcpu_lock(m, cpu);
		machine_pcpu_counters(m, cpu, now);
		account_take_cut(&l->cut, &m->pcpu[cpu], now,
				 a->cpu[cpu].log_head, thorough);
		machine_pcpu_unlock(m, cpu);
		differ += account_cpu(a, cpu, &l->cut);
	}
	if (differ && !s->damaged) {
		warnx("%s: log and totals disagree", s->name);
		s->damaged = true;
	}

	machine_lock(&m->lock);
	slots = machine_slots(m);
	memcpy(s->vm, m->vm, slots * sizeof(*s->vm));
	machine_unlock(&m->lock);
	look_who_is_there(l, slots);
}

/* The machine's directory was removed, or is another one's now. */
static bool log_gone(const struct source *s)
{
	const struct log_source *l = log_source(s);
	struct stat st;

	return stat(s->name, &st) || st.st_ino != l->st.st_ino ||
	       st.st_dev != l->st.st_dev;
}

static void log_close(struct source *s)
{
	struct log_source *l = log_source(s);

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		unwatch(&l->process[slot]);
	close(l->epoll);
	machine_close(l->m);
	free(s->name);
	free(s);
}

static const struct source_ops log_ops = {
	.look = log_look,
	.gone = log_gone,
	.close = log_close,
};

struct source *log_source_open(const char *dir, unsigned int wait_ms,
			       const volatile sig_atomic_t *stop)
{
	struct timespec nap = { wait_ms / 1000, wait_ms % 1000 * NSEC_PER_MSEC };
	struct log_source *l = calloc(1, sizeof(*l));
	int error;

	if (!l)
		err(exit_failure, "cannot allocate memory");
	l->source.ops = &log_ops;
	l->source.name = format("%s/" MACHINE_FILE, dir);
	while (!(l->m = machine_open(dir, 1, &error)) ||
	       stat(l->source.name, &l->st)) {
		if (!l->m && (error == -EPROTO || error == -EINVAL))
			errx(exit_failure, "%s: not a machine, or of another version",
			     l->source.name);
		if (!l->m && (error != -ENOENT || !wait_ms))
			errx(exit_failure, "%s: %s", l->source.name, strerror(-error));
		if (l->m)
			machine_close(l->m);
		if (*stop) {
			free(l->source.name);
			free(l);
			return NULL;
		}
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	}
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		err(exit_failure, "epoll_create1");
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		l->process[slot].fd = -1;
	l->source.id = l->m->tsc_zero_ns;
	l->source.zero_ns = l->m->tsc_zero_ns;
	l->source.nr_cpus = l->m->nr_pcpus;
	return &l->source;
}
