// SPDX-License-Identifier: GPL-2.0
/*
 * Event counters from the perf subsystem, for systems without an energy page:
 * bare metal, and virtual machines whose virtual PMU already counts only what
 * they did.
 *
 * Events are pinned to each CPU and counted in all modes.  What the CPU has no
 * counter for is left out.  Where there is no PMU at all, energy goes by CPU
 * time; time in which a hypervisor ran others is not factored out then.
 */
#define pr_fmt(fmt) "pmc: perf: " fmt

#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/irqflags.h>
#include <linux/perf_event.h>
#include <linux/pmc.h>
#include <linux/printk.h>
#include <linux/seq_file.h>

#include "backend.h"

/**
 * struct pmc_perf_event - an event that may be counted
 * @type: of the perf event
 * @config: of the perf event
 * @event: its name and weight here
 */
struct pmc_perf_event {
	u32			type;
	u64			config;
	struct pvenergy_event	event;
};

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
/* Set up when the first CPU is, before anybody charges. */
static const struct pmc_perf_event *pmc_perf_events[PMC_MAX_EVENTS] __ro_after_init;
static unsigned int pmc_perf_nr __ro_after_init;
static bool pmc_perf_by_clock __ro_after_init;
static struct pmc_backend pmc_perf_backend __ro_after_init;

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

static void pmc_perf_show(struct seq_file *m)
{
	unsigned int cpu;
	u64 unread = 0;

	for_each_possible_cpu(cpu)
		unread += READ_ONCE(per_cpu(pmc_perf_cpu.unread, cpu));
	seq_printf(m, "clock %s\n", pmc_perf_by_clock ? "software" : "hardware");
	seq_printf(m, "reads_failed %llu\n", unread);
}

static const struct pmc_ops pmc_perf_ops = {
	.name	= "perf",
	.charge	= pmc_perf_charge,
	.show	= pmc_perf_show,
};

/*
 * Runs on @cpu.  An event that was created and does not count has found all
 * counters taken.
 */
static struct perf_event *pmc_perf_create(const struct pmc_perf_event *e,
					  unsigned int cpu)
{
	struct perf_event_attr attr = {
		.type	= e->type,
		.size	= sizeof(attr),
		.config	= e->config,
		.pinned	= 1,
	};
	struct perf_event *event;
	u64 count;

	event = perf_event_create_kernel_counter(&attr, cpu, NULL, NULL, NULL);
	if (IS_ERR(event))
		return NULL;
	if (!perf_event_read_local(event, &count, NULL, NULL))
		return event;
	perf_event_release_kernel(event);
	return NULL;
}

/* The first CPU says what there is. */
static void pmc_perf_probe(unsigned int cpu)
{
	struct pmc_perf_cpu *c = per_cpu_ptr(&pmc_perf_cpu, cpu);
	struct perf_event *event;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pmc_perf_model); i++) {
		event = pmc_perf_create(&pmc_perf_model[i], cpu);
		if (!event)
			continue;
		c->event[pmc_perf_nr] = event;
		pmc_perf_events[pmc_perf_nr] = &pmc_perf_model[i];
		pmc_perf_backend.events[pmc_perf_nr++] = pmc_perf_model[i].event;
	}
	pmc_perf_backend.nr_events = pmc_perf_nr;
	if (pmc_perf_nr == 1 && pmc_perf_events[0] == &pmc_perf_model[0]) {
		pmc_perf_by_clock = true;
		pmc_perf_backend.events[pmc_perf_backend.nr_events++] = pmc_perf_busy;
	}
}

/* A new event begins at zero, on top of what was counted before. */
static int pmc_perf_online(unsigned int cpu)
{
	struct pmc_perf_cpu *c = per_cpu_ptr(&pmc_perf_cpu, cpu);
	struct perf_event *event;
	unsigned int i;

	if (!pmc_perf_nr) {
		pmc_perf_probe(cpu);
		return 0;
	}
	for (i = 0; i < pmc_perf_nr; i++) {
		event = pmc_perf_create(pmc_perf_events[i], cpu);
		if (!event)
			pr_warn("CPU %u has no counter for %s\n", cpu,
				pmc_perf_events[i]->event.name);
		WRITE_ONCE(c->event[i], event);
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

/*
 * After pvpage, by link order, so that an energy page has been found; and before
 * drivers, whose containers begin accounting.
 */
static int __init pmc_perf_init(void)
{
	int state, ret;

	if (!pmc_allowed(PMC_PERF) || pmc_backend())
		return 0;
	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "pmc/perf:online",
				  pmc_perf_online, pmc_perf_offline);
	if (state < 0)
		return state;
	pmc_perf_backend.ops = &pmc_perf_ops;
	ret = pmc_perf_nr ? pmc_register(&pmc_perf_backend) : -ENODEV;
	if (ret)
		cpuhp_remove_state(state);
	else if (pmc_perf_by_clock)
		pr_info("no PMU: energy goes by CPU time\n");
	return ret;
}
device_initcall(pmc_perf_init);
