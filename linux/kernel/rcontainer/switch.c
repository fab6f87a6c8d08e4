// SPDX-License-Identifier: GPL-2.0
/*
 * The switch path: whom this CPU's counters are charged to.
 *
 * Each CPU has one active container.  When it changes, what the counters
 * advanced since the last change is added to the container that was active,
 * on this CPU alone: no lock, no atomic operation, no division, and nothing
 * read where it does not change.  All of it runs with interrupts off.
 *
 * The active container is recomputed from current at each way out of an
 * interrupt and never restored from a saved pointer, so that a task that was
 * bound anew in between is charged in its new container from there on.
 */
#include <linux/cpu.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "internal.h"

#include <trace/events/rcontainer.h>

DEFINE_STATIC_KEY_FALSE(rcontainer_enabled);
/* File systems test the key in inline functions of <linux/writeback.h>. */
EXPORT_SYMBOL_GPL(rcontainer_enabled);

/*
 * Whom this CPU is charged to, and all that was charged here: what its virtual
 * counters said last, and what devices returned.
 */
DEFINE_PER_CPU(struct rcontainer *, rcontainer_active) = &rcontainer_root;
DEFINE_PER_CPU_ALIGNED(struct rcontainer_counts, rcontainer_total);

/* With the charge recorded. */
static noinline void rcontainer_switch_traced(struct rcontainer *from,
					      struct rcontainer *to)
{
	u64 *sum = this_cpu_ptr(from->counts)->event;
	u64 charge[PMC_MAX_EVENTS];
	unsigned int i;

	memcpy(charge, sum, sizeof(charge));
	pmc_charge(this_cpu_ptr(&rcontainer_total)->event, sum);
	for (i = 0; i < PMC_MAX_EVENTS; i++)
		charge[i] = sum[i] - charge[i];
	trace_rcontainer_charge(from, charge);
	if (from != to)
		trace_rcontainer_switch(from, to);
	__this_cpu_write(rcontainer_active, to);
}

/**
 * __rcontainer_switch() - another container becomes active on this CPU
 * @to: the container
 *
 * Context: interrupts off, any but NMI; the runqueue lock may be held.
 */
void __rcontainer_switch(struct rcontainer *to)
{
	struct rcontainer *from = __this_cpu_read(rcontainer_active);

	if (trace_rcontainer_charge_enabled() || trace_rcontainer_switch_enabled()) {
		rcontainer_switch_traced(from, to);
		return;
	}
	pmc_charge(this_cpu_ptr(&rcontainer_total)->event,
		   this_cpu_ptr(from->counts)->event);
	__this_cpu_write(rcontainer_active, to);
}

static __always_inline void rcontainer_switch(struct rcontainer *to)
{
	if (__this_cpu_read(rcontainer_active) != to)
		__rcontainer_switch(to);
}

void __rcontainer_hardirq_enter(void)
{
	rcontainer_switch(&rcontainer_interrupt);
}

/* Softirqs that ksoftirqd handles are that thread's own work. */
static bool in_softirq_of_interrupt(void)
{
	return in_serving_softirq() && current != this_cpu_ksoftirqd();
}

/*
 * Will current be preempted as soon as this interrupt, which has added @mine to
 * the preempt count, is left?  Then the interrupt's container stays active until
 * the next dispatch: the task would pay for its own displacement otherwise, and
 * the counters be read on its account in vain.
 *
 * Or nearly so: a task that was interrupted when it was just dispatched, the idle
 * task, or one with a lock, has preemption off.  What is left of that is not long,
 * and then comes the way through the scheduler.
 */
static bool preempts_current(int mine)
{
	return preempt_model_preemptible() &&
	       (should_resched(mine) || should_resched(mine + PREEMPT_DISABLE_OFFSET));
}

void __rcontainer_hardirq_exit(void)
{
	if (in_softirq_of_interrupt() ||
	    (preempt_count() & HARDIRQ_MASK) != HARDIRQ_OFFSET)
		return;
	/* The softirqs that follow at once switch back when they are done. */
	if (!softirq_count() && local_softirq_pending() && !force_irqthreads())
		return;
	if (!preempts_current(HARDIRQ_OFFSET))
		rcontainer_switch(READ_ONCE(current->rcontainer));
}

void __rcontainer_softirq_enter(void)
{
	if (current != this_cpu_ksoftirqd())
		rcontainer_switch(&rcontainer_interrupt);
}

/* ksoftirqd is not left for __schedule() here; there may be more to do. */
void __rcontainer_softirq_exit(void)
{
	if (!preempts_current(SOFTIRQ_OFFSET) || current == this_cpu_ksoftirqd())
		rcontainer_switch(READ_ONCE(current->rcontainer));
}

/* Runs as a function call interrupt or, on the own CPU, in a task. */
static void rcontainer_resync_local(void *unused)
{
	if (!in_hardirq() && !in_softirq_of_interrupt())
		rcontainer_switch(READ_ONCE(current->rcontainer));
}

/**
 * rcontainer_resync() - a task that may be running was bound anew
 * @p: the task
 *
 * On return no CPU has the task's former container active on behalf of @p.
 *
 * A CPU that dispatches @p finds task_cpu() set before it reads the binding; the
 * binding was stored before task_cpu() is read here.  With a full barrier on both
 * sides, either that CPU sees the new binding or it is the one that is interrupted.
 * __schedule() has smp_mb__after_spinlock() for a task that was in the runqueue.
 * A task that is pulled later, by an idle CPU, is behind a full barrier before its
 * dispatch is finished: on x86 that of a runqueue lock, on arm64 that of
 * __switch_to(), upon which membarrier() relies, too.
 *
 * Context: process context, waits for another CPU.
 */
void rcontainer_resync(struct task_struct *p)
{
	/* The binding before task_cpu(): pairs with the barriers named above. */
	smp_mb();
	smp_call_function_single(task_cpu(p), rcontainer_resync_local, NULL, true);
}

/**
 * rcontainer_resync_current() - current changed its own binding
 *
 * Context: any but NMI.
 */
void rcontainer_resync_current(void)
{
	unsigned long flags;

	local_irq_save(flags);
	rcontainer_resync_local(NULL);
	local_irq_restore(flags);
}

/*
 * All built-in sources of counters have registered, as far as they are there.
 * Protected by rcontainer_mutex.
 */
static bool rcontainer_counters_found;

/**
 * rcontainer_enable() - begin to account per container
 *
 * Until now all belonged to the root, which each CPU's first switch charges
 * with everything that its counters counted so far.
 *
 * A driver may create a container before the initcalls have found the counters,
 * and no counters can be added once accounting has begun.  So accounting begins
 * after the initcalls at the earliest.
 *
 * Context: process context, rcontainer_mutex held, may sleep.
 */
void rcontainer_enable(void)
{
	lockdep_assert_held(&rcontainer_mutex);
	if (!rcontainer_counters_found || static_key_enabled(&rcontainer_enabled))
		return;
	pmc_start();
	/* So is what the meters showed. */
	rcontainer_refresh_meters();
	rcontainer_settle();
	static_branch_enable(&rcontainer_enabled);
	on_each_cpu(rcontainer_resync_local, NULL, true);
	rcontainer_begin_settling();
}

/* After the late initcalls, in which the perf subsystem is asked for counters. */
static int __init rcontainer_begin(void)
{
	struct rcontainer *c;

	guard(mutex)(&rcontainer_mutex);
	rcontainer_counters_found = true;
	list_for_each_entry(c, &rcontainer_root.children, sibling) {
		if (c->builtin)
			continue;
		rcontainer_enable();
		break;
	}
	return 0;
}
late_initcall_sync(rcontainer_begin);

static void rcontainer_fold_local(void *unused)
{
	__rcontainer_switch(__this_cpu_read(rcontainer_active));
}

/* Is a container of the subtree active on this CPU? */
static bool rcontainer_active_below(int cpu, void *info)
{
	struct rcontainer *top = info, *c;

	for (c = READ_ONCE(per_cpu(rcontainer_active, cpu)); c; c = c->parent)
		if (c == top)
			return true;
	return false;
}

/**
 * rcontainer_fold() - charge what runs right now
 * @top: a container; only CPUs active in its subtree are disturbed
 *
 * Context: process context, waits for other CPUs.
 */
void rcontainer_fold(struct rcontainer *top)
{
	on_each_cpu_cond_mask(rcontainer_active_below, rcontainer_fold_local,
			      top, true, cpu_online_mask);
}

struct snapshot_cpu {
	struct rcontainer_counts	*rows;
	struct rcontainer_counts	*total;
};

static void snapshot_add(const struct snapshot_cpu *s, unsigned int cpu)
{
	struct rcontainer *c;

	for (c = &rcontainer_root; c;
	     c = rcontainer_next_descendant(c, &rcontainer_root))
		rcontainer_add_counts(&s->rows[c->row],
				      per_cpu_ptr(c->counts, cpu));
	rcontainer_add_counts(s->total, per_cpu_ptr(&rcontainer_total, cpu));
}

static void snapshot_local(void *info)
{
	rcontainer_fold_local(NULL);
	snapshot_add(info, smp_processor_id());
}

/**
 * rcontainer_snapshot_cpus() - all containers' counts at one moment per CPU
 * @rows: indexed by struct rcontainer.row, to add to
 * @total: the virtual counters' values and what devices returned, to add to
 *
 * While a CPU copies, nothing is charged there; so on each CPU, and then over
 * all, the sum of the containers is the total.  One CPU after the other, since
 * they add to the same rows.
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 */
void rcontainer_snapshot_cpus(struct rcontainer_counts *rows,
			      struct rcontainer_counts *total)
{
	struct snapshot_cpu s = { .rows = rows, .total = total };
	unsigned int cpu;

	guard(cpus_read_lock)();
	for_each_possible_cpu(cpu) {
		if (cpu_online(cpu))
			smp_call_function_single(cpu, snapshot_local, &s, true);
		else
			snapshot_add(&s, cpu);
	}
}
