// SPDX-License-Identifier: GPL-2.0-or-later
/* See turn.h. */
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "turn.h"

/* How long a waiter sleeps before it looks at the holder's health. */
#define WAIT_NS		1000000

const struct block no_block;
struct vcpu vcpus[MACHINE_MAX_PCPUS];
unsigned int nr_vcpus;

static cpu_set_t allowed;
static bool stopping;

/* What a waiter has seen of the holder, and since when nothing new. */
struct watch {
	uint64_t log_head;
	uint64_t heartbeat;
	uint64_t since;
};

void turn_init(void)
{
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		CPU_ZERO(&allowed);
}

void turn_stop(void)
{
	__atomic_store_n(&stopping, true, __ATOMIC_RELAXED);
}

static void pin(unsigned int pcpu)
{
	int n, cpu, count = CPU_COUNT(&allowed);
	cpu_set_t set;

	if (!count)
		return;
	n = pcpu % count;
	for (cpu = 0; !CPU_ISSET(cpu, &allowed) || n--; cpu++)
		;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* Failure costs smoothness only. */
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * Before the first block.  Only now the thread is known; with round-robin TCG
 * several virtual CPUs have the same.
 */
static void start(struct vcpu *v)
{
	struct machine_pcpu *p = v->p;
	unsigned int i;

	v->tid = gettid();
	for (i = 0; i < nr_vcpus; i++) {
		if (&vcpus[i] == v ||
		    __atomic_load_n(&vcpus[i].tid, __ATOMIC_RELAXED) != v->tid)
			continue;
		vcpus[i].shared = true;
		v->shared = true;
	}
	if (v->shared)
		sched_setaffinity(0, sizeof(allowed), &allowed);
	else
		pin(v->pcpu);

	/* The last turn of whoever had our slot before us ends here. */
	machine_pcpu_lock(v->machine, v->pcpu);
	if (p->owner == v->slot)
		machine_pcpu_switch(v->machine, v->pcpu, v->slot);
	for (i = 0; i < PVENERGY_MAX_EVENTS; i++)
		v->total_zero[i] = p->total[v->slot][i];
	machine_pcpu_unlock(v->machine, v->pcpu);
	v->started = true;
}

/* The first one from @slot on, up to @end.  Who died waiting is forgotten. */
static unsigned int waiter_in(struct vcpu *v, unsigned int slot, unsigned int end)
{
	struct machine_set *waiting = &v->p->waiting;

	for (;;) {
		slot = machine_set_next(waiting, slot);
		if (slot >= end)
			return MACHINE_NO_VM;
		if (machine_vm_alive(v->machine, slot))
			return slot;
		machine_set_remove(waiting, slot);
	}
}

/* Round-robin, from our slot on. */
static unsigned int next_waiter(struct vcpu *v)
{
	unsigned int slot = waiter_in(v, v->slot + 1, MACHINE_MAX_VMS);

	return slot == MACHINE_NO_VM ? waiter_in(v, 0, v->slot) : slot;
}

static void set_tsc(struct vcpu *v, uint64_t tsc)
{
	v->base[PVENERGY_TSC] = tsc;
	__atomic_store_n(&v->raw[PVENERGY_TSC], tsc, __ATOMIC_RELAXED);
}

/* Switch to a waiter, on its behalf.  Return: there was one. */
static bool grant_next(struct vcpu *v)
{
	struct machine_pcpu *p = v->p;
	unsigned int slot = next_waiter(v);

	if (slot == MACHINE_NO_VM)
		return false;
	machine_pcpu_switch(v->machine, v->pcpu, slot);
	set_tsc(v, p->at_switch[PVENERGY_TSC]);
	machine_set_remove(&p->waiting, slot);
	p->running = 1;
	__atomic_store_n(&p->turn, p->turn + 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &p->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	return true;
}

/* CPU time of this thread, in time stamps. */
static uint64_t cpu_time(const struct machine *m)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * m->tsc_khz * 1000 +
	       ts.tv_nsec * m->tsc_khz / 1000000;
}

/* Has the holder shown no sign of life for too long? */
static bool stalled(struct vcpu *v, struct watch *w)
{
	uint64_t now = machine_tsc(v->machine);
	uint64_t heartbeat = __atomic_load_n(&v->p->heartbeat,
					     __ATOMIC_RELAXED);

	if (w->since && w->log_head == v->p->log_head &&
	    w->heartbeat == heartbeat)
		return now - w->since >= v->machine->tsc_khz * TURN_STALL_MS;
	w->log_head = v->p->log_head;
	w->heartbeat = heartbeat;
	w->since = now;
	return false;
}

static bool take(struct vcpu *v, struct watch *w)
{
	struct machine_pcpu *p = v->p;

	if (p->owner != v->slot) {
		if (p->running && !stalled(v, w) && p->owner < MACHINE_MAX_VMS &&
		    machine_vm_alive(v->machine, p->owner)) {
			machine_set_add(&p->waiting, v->slot);
			return false;
		}
		machine_pcpu_switch(v->machine, v->pcpu, v->slot);
	}
	p->running = 1;
	machine_set_remove(&p->waiting, v->slot);
	return true;
}

/*
 * Show the guest its absence, which ended with the last switch.  The virtual
 * counters at switch-in are, by definition, the sum of our turns.  If we were
 * robbed of a turn before we noticed that we had it, what the entry shows as
 * one absence is two, less that turn.
 */
static void switch_in(struct vcpu *v)
{
	const uint64_t *total = v->p->total[v->slot];
	const uint64_t *in = v->p->at_switch;
	struct pvenergy_vcpu *page = v->page;
	struct pvenergy_log_entry *entry;
	uint64_t foreign;
	unsigned int i;

	__atomic_store_n(&page->seq, page->seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	entry = &page->log[page->log_head % PVENERGY_LOG_ENTRIES];
	for (i = 0; i < PVENERGY_MAX_EVENTS; i++) {
		v->base[i] = in[i] - v->own[i];
		page->raw[i] = in[i];
		if (!v->subtract)
			continue;
		foreign = in[i] - (total[i] - v->total_zero[i]);
		entry->in[i] = in[i];
		entry->out[i] = in[i] - (foreign - page->foreign[i]);
		page->foreign[i] = foreign;
	}
	if (v->subtract)
		page->log_head++;
	page->pcpu = v->pcpu;
	__atomic_store_n(&page->seq, page->seq + 1, __ATOMIC_RELEASE);
}

/* One thread for all: what it does not execute now, others may have. */
static void release_siblings(struct vcpu *v)
{
	unsigned int i;

	for (i = 0; i < nr_vcpus; i++)
		if (&vcpus[i] != v && vcpus[i].tid == v->tid)
			turn_release(&vcpus[i]);
}

void turn_acquire(struct vcpu *v)
{
	static const struct timespec timeout = { .tv_nsec = WAIT_NS };
	struct machine_pcpu *p = v->p;
	struct watch w = { 0 };
	uint32_t turn;

	if (!v->started)
		start(v);
	if (v->shared)
		release_siblings(v);
	machine_pcpu_lock(v->machine, v->pcpu);
	while (__atomic_load_n(&stopping, __ATOMIC_RELAXED) || !take(v, &w)) {
		turn = p->turn;
		machine_pcpu_unlock(v->machine, v->pcpu);
		syscall(SYS_futex, &p->turn, FUTEX_WAIT, turn, &timeout,
			NULL, 0);
		machine_pcpu_lock(v->machine, v->pcpu);
	}
	if (p->log_head != v->log_seen) {
		v->log_seen = p->log_head;
		switch_in(v);
	}
	machine_pcpu_unlock(v->machine, v->pcpu);

	v->cpu_granted = cpu_time(v->machine);
	v->granted = machine_tsc(v->machine);
	set_tsc(v, v->granted);
	v->tick = TICK_BLOCKS;
	v->holding = true;
}

static void not_holding(struct vcpu *v)
{
	v->holding = false;
	v->tick = 0;
}

static void hand_over(struct vcpu *v)
{
	machine_pcpu_lock(v->machine, v->pcpu);
	if (!vcpu_is_owner(v) || grant_next(v))
		not_holding(v);
	machine_pcpu_unlock(v->machine, v->pcpu);
}

/*
 * A slice is of CPU time: on a busy host, the real time may be over before we
 * got to do anything.  Asking for it is a system call, so that is put off
 * until so much real time has passed.
 */
static bool slice_over(struct vcpu *v, uint64_t now)
{
	uint64_t used;

	if (now - v->granted < v->slice)
		return false;
	used = cpu_time(v->machine) - v->cpu_granted;
	if (used >= v->slice)
		return true;
	v->granted = now - used;
	return false;
}

void turn_tick(struct vcpu *v)
{
	struct machine_pcpu *p = v->p;
	uint64_t now = machine_tsc(v->machine);

	vcpu_settle(v);
	set_tsc(v, now);
	v->tick = TICK_BLOCKS;
	__atomic_store_n(&p->heartbeat, p->heartbeat + 1, __ATOMIC_RELAXED);
	if (likely(!machine_set_has_other(&p->waiting, v->slot)) ||
	    !slice_over(v, now))
		return;
	hand_over(v);
	if (!v->holding)
		turn_acquire(v);
}

void turn_release(struct vcpu *v)
{
	if (!v->holding)
		return;
	not_holding(v);
	machine_pcpu_lock(v->machine, v->pcpu);
	/* If robbed, what is not yet settled counts in our next turn. */
	if (vcpu_is_owner(v)) {
		vcpu_settle(v);
		if (!grant_next(v))
			v->p->running = 0;
	}
	machine_pcpu_unlock(v->machine, v->pcpu);
}
