// SPDX-License-Identifier: GPL-2.0
/*
 * Event counters from the perf subsystem, for systems without an energy page:
 * bare metal, and virtual machines whose virtual PMU already counts only what
 * they did.
 *
 * Events are pinned to each CPU and counted in all modes.  Which events count
 * is tried at the end of the boot; the PMU's counters are taken when accounting
 * begins, and are free until then.  What the CPU has no counter for is left out.
 * Where there is no PMU at all, energy goes by CPU time; time in which a
 * hypervisor ran others is not factored out then.
 */
#define pr_fmt(fmt) "pmc: perf: " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/perf_event.h>
#include <linux/pmc.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <asm/sections.h>

#include "backend.h"
#include "perf.h"

#define L1D(op, result)							\
	(PERF_COUNT_HW_CACHE_L1D | PERF_COUNT_HW_CACHE_OP_##op << 8 |	\
	 PERF_COUNT_HW_CACHE_RESULT_##result << 16)

/*
 * The model: a Pentium 4 of 1.5 GHz, with the weights of Lang, Energy Accounting
 * for Virtual Machines (Karlsruhe 2006), Table 4.1, and the generic event that comes
 * nearest to each event there.
 * It is right about which program costs more, and not about other processors'
 * watts.
 *
 *	cpu_clock	time stamp counter, 6.17 nJ x 1.5 ticks in a nanosecond.
 *			Base cost: unlike perf's ref-cycles, it advances while
 *			the CPU is halted.
 *	cycles		unhalted cycles
 *	instructions	uop queue writes: at least one per instruction
 *	branches	retired branches
 *	branch_misses	mispredicted branches
 *	l1d_loads	memory retired
 *	l1d_load_misses	L1 load misses retired
 *	l1d_stores	memory retired
 *
 * There is no generic event for MOB load replays.  Where counters are few the last
 * events are left out: the clock, cycles and instructions come first, since most of
 * the energy is theirs.
 */
static const struct pmc_perf_event pmc_perf_model[] = {
	{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK,
	  { .name = "cpu_clock", .weight_pj = 9255, .flags = PVENERGY_EVENT_BASE } },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES,
	  { .name = "cycles", .weight_pj = 7120 } },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS,
	  { .name = "instructions", .weight_pj = 4750 } },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES,
	  { .name = "branch_misses", .weight_pj = 340460 } },
	{ PERF_TYPE_HW_CACHE, L1D(READ, MISS),
	  { .name = "l1d_load_misses", .weight_pj = 13550 } },
	{ PERF_TYPE_HW_CACHE, L1D(READ, ACCESS),
	  { .name = "l1d_loads", .weight_pj = 1730 } },
	{ PERF_TYPE_HW_CACHE, L1D(WRITE, ACCESS),
	  { .name = "l1d_stores", .weight_pj = 1730 } },
	{ PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
	  { .name = "branches", .weight_pj = 560 } },
};

static_assert(ARRAY_SIZE(pmc_perf_model) <= PMC_MAX_EVENTS);

/*
 * Where only the clock is counted, a second row with the same counts has the
 * access cost of that Pentium 4 when it is busy: in each cycle the cycle and
 * one uop, 1.5 x (7.12 + 4.75) nJ in a nanosecond.  With the base cost these are
 * 27 W.  Idle time has the same price here, since the clock does not know it;
 * it is the idle container's.
 */
static const struct pvenergy_event pmc_perf_busy = {
	.name = "cpu_clock_access", .weight_pj = 17805,
};

/**
 * struct pmc_perf_cpu - this CPU's events
 * @event: NULL while the CPU is offline, or where it has no such counter
 * @before: what former events counted, until the CPU went offline
 * @unread: readings that failed
 *
 * Written by the CPU itself with interrupts off.
 */
struct pmc_perf_cpu {
	struct perf_event	*event[PMC_MAX_EVENTS];
	u64			before[PMC_MAX_EVENTS];
	u64			unread;
};

static DEFINE_PER_CPU_ALIGNED(struct pmc_perf_cpu, pmc_perf_cpu);
/* Set up before anybody charges. */
static const struct pmc_perf_event *pmc_perf_events[PMC_MAX_EVENTS] __read_mostly;
static unsigned int pmc_perf_nr __read_mostly;
static bool pmc_perf_by_clock __read_mostly;
/* The clock advances with timer ticks only; known when events are created. */
static bool pmc_perf_by_ticks;
/* The events that pmc_perf_setup() tried. */
static const struct pmc_perf_event *pmc_perf_tried;
static unsigned int pmc_perf_nr_tried;
/* Of CPU hotplug; none before the events are created. */
static enum cpuhp_state pmc_perf_state;

/*
 * perf_event_read_local() takes no lock: with interrupts off, nothing else on
 * this CPU can be scheduling its events.
 */
static void pmc_perf_charge(u64 *last, u64 *sum)
{
	struct pmc_perf_cpu *c = this_cpu_ptr(&pmc_perf_cpu);
	unsigned int i;
	u64 count;

	for (i = 0; i < pmc_perf_nr; i++) {
		if (unlikely(!c->event[i]))
			continue;
		if (unlikely(perf_event_read_local(c->event[i], &count, NULL, NULL)))
			c->unread++;
		else
			pmc_advance(c->before[i] + count, &last[i], &sum[i]);
	}
	if (pmc_perf_by_clock)
		pmc_advance(last[0], &last[1], &sum[1]);
}

static bool pmc_perf_is_counted(const struct pmc_perf_event *e)
{
	unsigned int i;

	for (i = 0; i < pmc_perf_nr; i++)
		if (pmc_perf_events[i] == e)
			return true;
	return false;
}

/* On how many online CPUs does event @i not count?  With cpus_read_lock held. */
static unsigned int pmc_perf_stopped(unsigned int i)
{
	const struct perf_event *event;
	unsigned int cpu, nr = 0;

	for_each_online_cpu(cpu) {
		/* Pairs with the release in pmc_perf_online(). */
		event = READ_ONCE(per_cpu(pmc_perf_cpu.event[i], cpu));
		nr += !event || READ_ONCE(event->state) < PERF_EVENT_STATE_INACTIVE;
	}
	return nr;
}

static void pmc_perf_show_stopped(struct seq_file *m)
{
	unsigned int i, nr;

	guard(cpus_read_lock)();
	for (i = 0; i < pmc_perf_nr; i++) {
		nr = pmc_perf_stopped(i);
		if (nr)
			seq_printf(m, "stopped.%s %u\n",
				   pmc_perf_events[i]->event.name, nr);
	}
}

static void pmc_perf_show_left_out(struct seq_file *m)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < pmc_perf_nr_tried; i++) {
		if (pmc_perf_is_counted(&pmc_perf_tried[i]))
			continue;
		seq_printf(m, "%s %s", any ? "" : "left_out",
			   pmc_perf_tried[i].event.name);
		any = true;
	}
	if (any)
		seq_putc(m, '\n');
}

static void pmc_perf_show(struct seq_file *m)
{
	bool counting = READ_ONCE(pmc_perf_state);
	unsigned int cpu;
	u64 unread = 0;

	for_each_possible_cpu(cpu)
		unread += READ_ONCE(per_cpu(pmc_perf_cpu.unread, cpu));
	seq_printf(m, "counting %s\n", counting ? "yes" : "no");
	seq_printf(m, "clock %s\n", pmc_perf_by_clock ? "software" : "hardware");
	if (counting)
		seq_printf(m, "resolution %s\n", pmc_perf_by_ticks ? "tick" : "fine");
	seq_printf(m, "reads_failed %llu\n", unread);
	if (!pmc_perf_by_clock)
		pmc_perf_show_left_out(m);
	if (counting)
		pmc_perf_show_stopped(m);
}

/*
 * Work in which each hardware event of the model occurs: reads of a line each, of
 * more memory than a first-level cache has, in an order that is not prefetched,
 * and branches and stores by what is there.
 */
static noinline void pmc_perf_work(void)
{
	size_t i, lines = min_t(size_t, __end_rodata - __start_rodata, SZ_256K) / 64;
	u32 odd = 0;

	for (i = 0; i < lines; i++)
		if (READ_ONCE(__start_rodata[i * 1019 % lines * 64]) & 1)
			WRITE_ONCE(odd, odd + 1);
}

/*
 * Runs on the event's CPU.  An event that can't be read has found all counters
 * taken; one that stands still counts nothing, though a virtual PMU has it.
 */
static bool pmc_perf_advances(struct perf_event *event, const char *name)
{
	unsigned int turns;
	u64 first, now;

	if (perf_event_read_local(event, &first, NULL, NULL))
		return false;
	for (turns = 8; turns; turns--) {
		pmc_perf_work();
		if (perf_event_read_local(event, &now, NULL, NULL))
			return false;
		if (now != first)
			return true;
	}
	pr_warn_once("%s stands still on CPU %u: such events are left out, see info/backend\n",
		     name, event->cpu);
	return false;
}

/*
 * Runs on @cpu.  The clock is not tried: it may advance with timer ticks only.
 *
 * What virtual machines execute that this kernel hosts is not in hardware
 * events: a hypervisor that lends a virtual machine the PMU refuses to, while
 * there are events that ask for it.  Accounting must not keep virtual machines
 * from starting.  Their time is in the CPU clock, whose event is not excluded.
 */
static struct perf_event *pmc_perf_create(const struct pmc_perf_event *e,
					  unsigned int cpu)
{
	struct perf_event_attr attr = {
		.type	= e->type,
		.size	= sizeof(attr),
		.config	= e->config,
		.pinned	= 1,
		.exclude_guest = e->type != PERF_TYPE_SOFTWARE,
	};
	struct perf_event *event;

	event = perf_event_create_kernel_counter(&attr, cpu, NULL, NULL, NULL);
	if (IS_ERR(event))
		return NULL;
	if (e->type == PERF_TYPE_SOFTWARE ||
	    pmc_perf_advances(event, e->event.name))
		return event;
	perf_event_release_kernel(event);
	return NULL;
}

/* A new event begins at zero, on top of what was counted before. */
static int pmc_perf_online(unsigned int cpu)
{
	struct pmc_perf_cpu *c = per_cpu_ptr(&pmc_perf_cpu, cpu);
	struct perf_event *event;
	unsigned int i;

	for (i = 0; i < pmc_perf_nr; i++) {
		event = pmc_perf_create(pmc_perf_events[i], cpu);
		if (!event)
			pr_warn_once("CPU %u does not count %s, see info/backend\n",
				     cpu, pmc_perf_events[i]->event.name);
		/* pmc_perf_stopped() looks into it from other CPUs. */
		smp_store_release(&c->event[i], event);
	}
	return 0;
}

static int pmc_perf_offline(unsigned int cpu)
{
	struct pmc_perf_cpu *c = per_cpu_ptr(&pmc_perf_cpu, cpu);
	struct perf_event *event[PMC_MAX_EVENTS];
	unsigned int i;
	u64 count;

	/* In one step, so that no reading is without both. */
	scoped_guard(irqsave) {
		for (i = 0; i < pmc_perf_nr; i++) {
			event[i] = c->event[i];
			if (!event[i])
				continue;
			if (perf_event_read_local(event[i], &count, NULL, NULL))
				count = local64_read(&event[i]->count);
			c->before[i] += count;
			c->event[i] = NULL;
		}
	}
	for (i = 0; i < pmc_perf_nr; i++)
		if (event[i])
			perf_event_release_kernel(event[i]);
	return 0;
}

/**
 * pmc_perf_is_tick_clock() - does a clock advance with timer ticks only?
 * @clock: the clock
 *
 * One that advances otherwise differs between two readings within a tick.
 *
 * Context: process context, interrupts on; three ticks long if it is so.
 * Return: whether it does.
 */
bool pmc_perf_is_tick_clock(unsigned long long (*clock)(void))
{
	unsigned long tick, end = jiffies + 3;
	unsigned long long first, second;

	do {
		tick = READ_ONCE(jiffies);
		first = clock();
		second = clock();
		if (first != second && tick == READ_ONCE(jiffies))
			return false;
		cpu_relax();
	} while (time_before(jiffies, end));
	return true;
}

/*
 * The CPU clock of perf advances as sched_clock() does.  If that is by ticks, it
 * advances in the timer's interrupt, whose container is charged with everything.
 */
static void pmc_perf_check_clock(void)
{
	pmc_perf_by_ticks = pmc_perf_is_tick_clock(sched_clock);
	if (!pmc_perf_by_ticks)
		return;
	pr_warn_once("sched_clock() advances with timer ticks only: the time of programs is charged to \"interrupt\"\n");
	if (IS_ENABLED(CONFIG_X86))
		pr_warn_once("boot with a TSC whose frequency is known (tsc_early_khz=), or under KVM a kernel with CONFIG_KVM_GUEST\n");
}

/* Create the events on each CPU, now or as soon as it is online. */
static int pmc_perf_count(void)
{
	int state;

	pmc_perf_check_clock();
	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "pmc/perf:online",
				  pmc_perf_online, pmc_perf_offline);
	if (state < 0)
		return state;
	WRITE_ONCE(pmc_perf_state, state);
	return 0;
}

/**
 * pmc_perf_stop() - release all events, and forget what they counted
 *
 * Context: process context, may sleep, nobody charging.
 */
void pmc_perf_stop(void)
{
	unsigned int cpu;

	if (pmc_perf_state)
		cpuhp_remove_state(pmc_perf_state);
	WRITE_ONCE(pmc_perf_state, 0);
	for_each_possible_cpu(cpu)
		memset(per_cpu(pmc_perf_cpu.before, cpu), 0,
		       sizeof(pmc_perf_cpu.before));
}

/* Is there an event besides the clock, on any CPU? */
static bool pmc_perf_has_hardware(void)
{
	unsigned int cpu, i;

	for_each_possible_cpu(cpu)
		for (i = 1; i < pmc_perf_nr; i++)
			if (READ_ONCE(per_cpu(pmc_perf_cpu.event[i], cpu)))
				return true;
	return false;
}

static int pmc_perf_start(void)
{
	int ret = pmc_perf_count();

	if (ret || pmc_perf_has_hardware())
		return ret;
	pmc_perf_stop();
	return -EBUSY;
}

static int pmc_perf_start_clock(void)
{
	if (pmc_perf_nr > 1)
		pr_warn("no hardware event counts: energy goes by CPU time\n");
	pmc_perf_nr = 1;
	pmc_perf_by_clock = true;
	return pmc_perf_count();
}

static const struct pmc_ops pmc_perf_ops = {
	.name	= "perf",
	.charge	= pmc_perf_charge,
	.start	= pmc_perf_start,
	.show	= pmc_perf_show,
};

static const struct pmc_ops pmc_perf_clock_ops = {
	.name	= "perf",
	.charge	= pmc_perf_charge,
	.start	= pmc_perf_start_clock,
	.show	= pmc_perf_show,
};

static struct pmc_backend pmc_perf_clock = {
	.ops	= &pmc_perf_clock_ops,
};

static struct pmc_backend pmc_perf_backend = {
	.ops	= &pmc_perf_ops,
	.next	= &pmc_perf_clock,
};

/* Runs on @cpu.  All at once: it has only so many counters. */
static void pmc_perf_probe(const struct pmc_perf_event *model, unsigned int nr,
			   unsigned int cpu)
{
	struct perf_event *event[PMC_MAX_EVENTS];
	unsigned int i;

	for (pmc_perf_nr = 0, i = 0; i < nr; i++) {
		event[pmc_perf_nr] = pmc_perf_create(&model[i], cpu);
		if (!event[pmc_perf_nr])
			continue;
		pmc_perf_backend.events[pmc_perf_nr] = model[i].event;
		pmc_perf_events[pmc_perf_nr++] = &model[i];
	}
	for (i = 0; i < pmc_perf_nr; i++)
		perf_event_release_kernel(event[i]);
}

/**
 * pmc_perf_setup() - find out which events this CPU can count
 * @model: the events that count in the order of their importance, PMC_MAX_EVENTS
 *	at most, the CPU clock first; stays valid
 * @nr: how many
 *
 * Context: process context, may sleep; nothing is counted yet.
 * Return: the back end to register, or NULL without even a clock.
 */
const struct pmc_backend *pmc_perf_setup(const struct pmc_perf_event *model,
					 unsigned int nr)
{
	pmc_perf_tried = model;
	pmc_perf_nr_tried = nr;
	migrate_disable();
	pmc_perf_probe(model, nr, smp_processor_id());
	migrate_enable();
	if (!pmc_perf_nr || pmc_perf_events[0] != &model[0])
		return NULL;
	pmc_perf_backend.nr_events = pmc_perf_nr;
	pmc_perf_clock.events[0] = model[0].event;
	pmc_perf_clock.events[1] = pmc_perf_busy;
	pmc_perf_clock.nr_events = 2;
	pmc_perf_by_clock = pmc_perf_nr == 1;
	return pmc_perf_by_clock ? &pmc_perf_clock : &pmc_perf_backend;
}

/*
 * After the PMU's drivers, some of which are device initcalls, and after the
 * energy page was looked for.
 */
static int __init pmc_perf_init(void)
{
	const struct pmc_backend *backend;
	int ret;

	if (!pmc_allowed(PMC_PERF) || pmc_backend())
		return 0;
	backend = pmc_perf_setup(pmc_perf_model, ARRAY_SIZE(pmc_perf_model));
	ret = backend ? pmc_register(backend) : -ENODEV;
	if (!ret && pmc_perf_by_clock)
		pr_info("no PMU: energy goes by CPU time\n");
	return ret;
}
late_initcall(pmc_perf_init);
