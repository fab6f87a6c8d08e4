// SPDX-License-Identifier: GPL-2.0-or-later
/* See perfsource.h. */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "model.h"
#include "page.h"
#include "perfsource.h"

/**
 * struct group - events of a thread that are counted together
 * @first: index in the model of the first
 * @nr: how many
 * @handle: of each
 * @last: the reading up to which all is charged
 * @seen_ns: @enabled of the last reading
 */
struct group {
	unsigned int first;
	unsigned int nr;
	int handle[PVENERGY_MAX_EVENTS];
	struct perf_reading last;
	uint64_t seen_ns;
};

/**
 * struct thread - a thread that is counted
 * @tid: its id
 * @there: it was found by the scan under way
 * @nr_groups: of @group; 0 if it cannot be counted
 * @group: its events
 */
struct thread {
	pid_t tid;
	bool there;
	unsigned int nr_groups;
	struct group group[PVENERGY_MAX_EVENTS];
};

/**
 * struct vm - a process, in the slot of the same index
 * @start: see struct perf_process; 0 if the slot is free
 * @there: it was found by the scan under way
 * @nr_threads: of @thread
 * @thread: its threads
 * @counts: what they did, not charged yet
 */
struct vm {
	uint64_t start;
	bool there;
	unsigned int nr_threads;
	struct thread *thread;
	uint64_t counts[PVENERGY_MAX_EVENTS];
};

/**
 * struct perf_source - the source
 * @source: what others see
 * @ops: the host
 * @arg: for @ops
 * @nr_events: see perf_source_new()
 * @ends: likewise
 * @last_ns: up to when base cost is charged
 * @nr_cpus: CPUs on line since
 * @next_slot: where to look for a free slot
 * @doubts: see struct perf_doubts
 * @said: what was said already, which is said once
 * @vm: the processes
 */
struct perf_source {
	struct source source;
	const struct perf_ops *ops;
	void *arg;
	unsigned int nr_events;
	bool ends;
	uint64_t last_ns;
	unsigned int nr_cpus;
	unsigned int next_slot;
	struct perf_doubts doubts;
	struct {
		bool scaled;
		bool refused;
		bool full;
		bool threads;
	} said;
	struct vm vm[MACHINE_MAX_VMS];
};

static struct perf_source *perf_source(const struct source *s)
{
	return (struct perf_source *)s;
}

static void set_event(struct pvenergy_event *event, const char *name,
		      uint64_t weight_pj, uint32_t flags)
{
	snprintf(event->name, sizeof(event->name), "%s", name);
	event->weight_pj = weight_pj;
	event->flags = flags;
}

const char *perf_model(const struct model *model, bool clock, struct model *out)
{
	memset(out, 0, sizeof(*out));
	if (!model->active_mw)
		return "it has no idle_power_mw and active_power_mw";
	out->idle_mw = model->idle_mw;
	out->active_mw = model->active_mw;
	out->nr_events = 1;
	set_event(&out->event[PERF_TIME], "cpu_time", model->idle_mw,
		  PVENERGY_EVENT_BASE);
	if (clock) {
		set_event(&out->event[out->nr_events++], "task_clock",
			  model->active_mw - model->idle_mw, 0);
		return NULL;
	}
	for (unsigned int e = 0; e < model->nr_events; e++) {
		if (model->event[e].flags & PVENERGY_EVENT_BASE)
			continue;
		if (!*model->perf[e])
			return "not all of its events have a perf line";
		if (out->nr_events == PVENERGY_MAX_EVENTS)
			return "it has too many events beside the time";
		memcpy(out->perf[out->nr_events], model->perf[e], MODEL_PERF_LEN);
		out->event[out->nr_events++] = model->event[e];
	}
	return out->nr_events > 1 ? NULL : "it has no events of access cost";
}

const char *perf_strerror(int ret)
{
	if (ret == -EACCES || ret == -EPERM)
		return "it takes CAP_PERFMON, and CAP_SYS_ADMIN where kernel.perf_event_paranoid is above 2";
	return strerror(-ret);
}

/* ------------------------------------------------------------------ counting */

/* Charge what a group counted since the last time. */
static void take_group(struct perf_source *p, struct vm *vm, struct group *g)
{
	struct perf_reading now = { 0 };
	uint64_t enabled, running;

	if (p->ops->read(p->arg, g->handle[0], g->nr, &now))
		return;
	g->seen_ns = now.enabled;
	enabled = now.enabled - g->last.enabled;
	running = now.running - g->last.running;
	/* What cannot be scaled yet waits. */
	if (!running)
		return;
	for (unsigned int i = 0; i < g->nr; i++) {
		uint64_t count = now.count[i] - g->last.count[i];

		if (running < enabled)
			count = (energy_t)count * enabled / running;
		vm->counts[g->first + i] += count;
	}
	g->last = now;
	if (running >= enabled)
		return;
	p->doubts.scaled_ns += enabled;
	if (!p->said.scaled)
		warnx("%s: events take turns on the counters: counts are scaled",
		      p->source.name);
	p->said.scaled = true;
}

static void take_thread(struct perf_source *p, struct vm *vm, struct thread *t)
{
	for (unsigned int i = 0; i < t->nr_groups; i++)
		take_group(p, vm, &t->group[i]);
}

static void close_thread(struct perf_source *p, struct thread *t)
{
	for (unsigned int i = 0; i < t->nr_groups; i++) {
		struct group *g = &t->group[i];

		p->doubts.lost_ns += g->seen_ns - g->last.enabled;
		for (unsigned int e = g->nr; e--;)
			p->ops->close(p->arg, g->handle[e]);
	}
	t->nr_groups = 0;
}

/* As many events in a group as can be counted together. */
static int open_thread(struct perf_source *p, struct thread *t)
{
	struct group *g = NULL;
	int handle;

	for (unsigned int e = PERF_TIME + 1; e < p->nr_events; e++) {
		handle = p->ops->open(p->arg, t->tid, e, g ? g->handle[0] : -1);
		if (handle == -EINVAL && g) {
			g = NULL;
			handle = p->ops->open(p->arg, t->tid, e, -1);
		}
		if (handle < 0) {
			close_thread(p, t);
			return handle;
		}
		if (!g) {
			g = &t->group[t->nr_groups++];
			*g = (struct group){ .first = e };
		}
		g->handle[g->nr++] = handle;
	}
	return 0;
}

/* ------------------------------------------------------------------ scanning */

static void add_thread(struct perf_source *p, struct vm *vm, pid_t tid)
{
	struct thread *t;
	int ret;

	vm->thread = realloc(vm->thread, (vm->nr_threads + 1) * sizeof(*t));
	if (!vm->thread)
		err(exit_failure, "cannot allocate memory");
	t = &vm->thread[vm->nr_threads++];
	*t = (struct thread){ .tid = tid, .there = true };
	ret = open_thread(p, t);
	if (!ret || ret == -ESRCH)
		return;
	/* It stays in the list, so that this happens once. */
	p->doubts.refused++;
	if (!p->said.refused)
		warnx("%s: cannot count thread %d: %s", p->source.name, tid,
		      perf_strerror(ret));
	p->said.refused = true;
}

static void remove_thread(struct perf_source *p, struct vm *vm, unsigned int i)
{
	take_thread(p, vm, &vm->thread[i]);
	close_thread(p, &vm->thread[i]);
	vm->thread[i] = vm->thread[--vm->nr_threads];
}

static struct thread *find_thread(struct vm *vm, pid_t tid)
{
	for (unsigned int i = 0; i < vm->nr_threads; i++)
		if (vm->thread[i].tid == tid)
			return &vm->thread[i];
	return NULL;
}

static void scan_threads(struct perf_source *p, unsigned int slot)
{
	static struct perf_thread list[PERF_MAX_THREADS];
	struct vm *vm = &p->vm[slot];
	unsigned int nr = p->ops->threads(p->arg, p->source.vm[slot].pid, list,
					  PERF_MAX_THREADS);
	bool vcpus = false;

	if (nr > PERF_MAX_THREADS) {
		if (!p->said.threads)
			warnx("%s: %s has more than %d threads: not all are counted",
			      p->source.name, p->source.vm[slot].name,
			      PERF_MAX_THREADS);
		p->said.threads = true;
		nr = PERF_MAX_THREADS;
	}
	for (unsigned int i = 0; i < nr; i++)
		vcpus |= list[i].vcpu;
	for (unsigned int i = 0; i < vm->nr_threads; i++)
		vm->thread[i].there = false;
	for (unsigned int i = 0; i < nr; i++) {
		struct thread *t = find_thread(vm, list[i].tid);

		if (vcpus && !list[i].vcpu)
			continue;
		if (t)
			t->there = true;
		else
			add_thread(p, vm, list[i].tid);
	}
	for (unsigned int i = vm->nr_threads; i--;)
		if (!vm->thread[i].there)
			remove_thread(p, vm, i);
}

static bool name_taken(const struct perf_source *p, const char *name)
{
	unsigned int slot;

	machine_set_for_each(slot, &p->source.alive)
		if (!strcmp(p->source.vm[slot].name, name))
			return true;
	return false;
}

/* Names are up to the processes: two may have the same, or none. */
static void name_vm(struct perf_source *p, pid_t pid, char name[PVENERGY_NAME_LEN])
{
	if (p->ops->name(p->arg, pid, name) && page_vm_name_valid(name) &&
	    !name_taken(p, name))
		return;
	snprintf(name, PVENERGY_NAME_LEN, "qemu-%d", pid);
	for (unsigned int i = 2; name_taken(p, name); i++)
		snprintf(name, PVENERGY_NAME_LEN, "qemu-%d.%u", pid, i);
}

/* The free slot that has been free for longest, more or less. */
static int free_slot(struct perf_source *p)
{
	for (unsigned int i = 0; i < MACHINE_MAX_VMS; i++) {
		unsigned int slot = (p->next_slot + i) % MACHINE_MAX_VMS;

		if (!p->vm[slot].start) {
			p->next_slot = slot + 1;
			return slot;
		}
	}
	return -1;
}

static void add_process(struct perf_source *p, const struct perf_process *process)
{
	struct source *s = &p->source;
	int slot = free_slot(p);
	struct machine_vm *vm;

	if (slot < 0) {
		if (!p->said.full)
			warnx("%s: more than %d virtual machines: process %d is not accounted",
			      s->name, MACHINE_MAX_VMS, process->pid);
		p->said.full = true;
		return;
	}
	vm = &s->vm[slot];
	vm->pid = process->pid;
	vm->generation++;
	memset(vm->name, 0, sizeof(vm->name));
	name_vm(p, process->pid, vm->name);
	s->run[slot] = process->start << 22 ^ process->pid;
	p->vm[slot].start = process->start;
	p->vm[slot].there = true;
	machine_set_add(&s->alive, slot);
	scan_threads(p, slot);
}

static void remove_process(struct perf_source *p, unsigned int slot)
{
	struct vm *vm = &p->vm[slot];

	while (vm->nr_threads)
		remove_thread(p, vm, vm->nr_threads - 1);
	free(vm->thread);
	vm->thread = NULL;
	vm->start = 0;
	p->source.vm[slot].pid = 0;
	machine_set_remove(&p->source.alive, slot);
}

static int find_process(const struct perf_source *p,
			const struct perf_process *process)
{
	unsigned int slot;

	machine_set_for_each(slot, &p->source.alive)
		if (p->source.vm[slot].pid == (uint32_t)process->pid &&
		    p->vm[slot].start == process->start)
			return slot;
	return -1;
}

static void scan(struct perf_source *p)
{
	/* Some more, so that there are too many only once. */
	struct perf_process list[MACHINE_MAX_VMS + 1];
	unsigned int nr = p->ops->processes(p->arg, list, MACHINE_MAX_VMS + 1);
	unsigned int slot;

	if (nr > MACHINE_MAX_VMS + 1)
		nr = MACHINE_MAX_VMS + 1;
	for (slot = 0; slot < MACHINE_MAX_VMS; slot++)
		p->vm[slot].there = false;
	for (unsigned int i = 0; i < nr; i++) {
		int found = find_process(p, &list[i]);

		if (found >= 0) {
			p->vm[found].there = true;
			scan_threads(p, found);
			list[i].start = 0;
		}
	}
	machine_set_for_each(slot, &p->source.alive)
		if (!p->vm[slot].there)
			remove_process(p, slot);
	for (unsigned int i = 0; i < nr; i++)
		if (list[i].start)
			add_process(p, &list[i]);
}

/* ---------------------------------------------------------------- the source */

static void charge_time(struct perf_source *p, struct account *a)
{
	uint64_t now = p->ops->now_ns(p->arg);
	uint64_t counts[PVENERGY_MAX_EVENTS] = {
		[PERF_TIME] = (now - p->last_ns) * p->nr_cpus,
	};

	p->last_ns = now;
	account_charge(a, ACCOUNT_NOBODY, counts);
}

static void perf_look(struct source *s, struct account *a, bool thorough)
{
	struct perf_source *p = perf_source(s);

	charge_time(p, a);
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		struct vm *vm = &p->vm[slot];

		for (unsigned int i = 0; i < vm->nr_threads; i++)
			take_thread(p, vm, &vm->thread[i]);
	}
	if (thorough) {
		p->nr_cpus = p->ops->nr_cpus(p->arg);
		scan(p);
	}
	/*
	 * If the scan gave a slot to another process, these counts are still
	 * those of the one before, as it is for account_vms() to see the change.
	 */
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		struct vm *vm = &p->vm[slot];

		if (!s->vm[slot].generation)
			continue;
		account_charge(a, slot, vm->counts);
		memset(vm->counts, 0, sizeof(vm->counts));
	}
}

static bool perf_gone(const struct source *s)
{
	return perf_source(s)->ends && !machine_set_count(&s->alive);
}

static void perf_close(struct source *s)
{
	struct perf_source *p = perf_source(s);
	unsigned int slot;

	machine_set_for_each(slot, &s->alive)
		remove_process(p, slot);
	free(s->name);
	free(p);
}

static const struct source_ops perf_source_ops = {
	.look = perf_look,
	.gone = perf_gone,
	.close = perf_close,
};

struct source *perf_source_new(const struct perf_ops *ops, void *arg,
			       unsigned int nr_events, bool ends)
{
	struct perf_source *p = calloc(1, sizeof(*p));

	if (!p)
		err(exit_failure, "cannot allocate memory");
	p->source.ops = &perf_source_ops;
	p->source.name = format("perf");
	p->source.nr_cpus = 1;
	p->ops = ops;
	p->arg = arg;
	p->nr_events = nr_events;
	p->ends = ends;
	p->last_ns = ops->now_ns(arg);
	p->nr_cpus = ops->nr_cpus(arg);
	p->source.id = p->last_ns;
	p->source.zero_ns = p->last_ns;
	scan(p);
	return &p->source;
}

struct perf_doubts perf_source_doubts(const struct source *s)
{
	return perf_source(s)->doubts;
}
