// SPDX-License-Identifier: GPL-2.0
/*
 * Event counters read with RDPMC, for hardware and for hypervisors that let
 * the guest read the physical CPU's.  Used with pmc=rdpmc only.
 *
 * With an energy page, that has the events' names and weights and the foreign
 * counts.  Its event "tsc" is the time stamp counter; the others are the
 * counters 0, 1, 2... in the page's order, which the hypervisor programmed.
 * Without one there are the time stamp counter and those of the architectural
 * fixed counters (instructions, unhalted cycles) that somebody enabled.
 *
 * What follows from the readings is tested with counters in memory.  The
 * instruction itself was run where it faults, under emulation, and not yet on
 * hardware.
 */
#define pr_fmt(fmt) "rdpmc: " fmt

#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/init.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <asm/asm.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "rdpmc.h"

#define RDPMC_FIXED		BIT(30)
#define CPUID_PMU		0xa
#define DEFAULT_WIDTH		40	/* of the first CPUs with the instruction */

static DEFINE_PER_CPU(struct rdpmc_cpu, rdpmc_cpu);
static struct rdpmc_counter rdpmc_counters[PMC_MAX_EVENTS];
static unsigned int rdpmc_nr;
static bool rdpmc_page;
static struct pmc_backend rdpmc_backend;

/* Where the instruction faults, execution goes on behind the assignment. */
static __always_inline bool rdpmc_read(u32 index, u64 *value)
{
	u32 low = 0, high = 0, done = 0;

	if (index == RDPMC_TSC) {
		*value = rdtsc();
		return true;
	}
	asm volatile("1:	rdpmc\n"
		     "	movl	$1, %[done]\n"
		     "2:\n"
		     _ASM_EXTABLE(1b, 2b)
		     : "+a" (low), "+d" (high), [done] "+r" (done)
		     : "c" (index));
	*value = (u64)high << 32 | low;
	return done;
}

static const struct rdpmc_reader rdpmc_reader = {
	.read	= rdpmc_read,
};

static void rdpmc_charge(u64 *last, u64 *sum)
{
	struct pmc_page_cpu *p = this_cpu_ptr(&pmc_page_cpu);

	/* A CPU that the page does not have isn't counted. */
	if (rdpmc_page && unlikely(!p->vcpu))
		return;
	rdpmc_charge_from(&rdpmc_reader, rdpmc_counters, rdpmc_nr,
			  rdpmc_page ? p->vcpu : NULL, this_cpu_ptr(&rdpmc_cpu),
			  &p->stats, last, sum);
}

static void rdpmc_show(struct seq_file *m)
{
	u64 failed = 0, retries = 0;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		failed += READ_ONCE(per_cpu(rdpmc_cpu.faults, cpu));
		retries += READ_ONCE(per_cpu(pmc_page_cpu.stats.retries, cpu));
	}
	seq_printf(m, "page %s\n", rdpmc_page ? "yes" : "no");
	seq_printf(m, "read_retries %llu\nreads_failed %llu\n", retries, failed);
}

static const struct pmc_ops rdpmc_ops = {
	.name	= "rdpmc",
	.charge	= rdpmc_charge,
	.show	= rdpmc_show,
};

static u64 rdpmc_mask(bool fixed)
{
	u32 eax, ebx, ecx, edx, width = 0;

	if (boot_cpu_data.cpuid_level >= CPUID_PMU) {
		cpuid(CPUID_PMU, &eax, &ebx, &ecx, &edx);
		width = fixed ? edx >> 5 & 0xff : eax >> 16 & 0xff;
	}
	if (!width || width > 64)
		width = DEFAULT_WIDTH;
	return GENMASK_ULL(width - 1, 0);
}

/**
 * pmc_rdpmc_ops() - count the events of an energy page with RDPMC
 * @h: its header, which was checked
 *
 * Context: process context.
 * Return: the operations, NULL if one of the counters can't be read.
 */
const struct pmc_ops *pmc_rdpmc_ops(const struct pvenergy_header *h)
{
	u64 mask = rdpmc_mask(false);
	u32 index = 0;

	for (rdpmc_nr = 0; rdpmc_nr < h->nr_events; rdpmc_nr++) {
		bool tsc = !strcmp(h->events[rdpmc_nr].name, "tsc");

		rdpmc_counters[rdpmc_nr] = (struct rdpmc_counter){
			.index	= tsc ? RDPMC_TSC : index++,
			.mask	= tsc ? U64_MAX : mask,
		};
	}
	rdpmc_page = true;
	if (rdpmc_probe(&rdpmc_reader, rdpmc_counters, rdpmc_nr))
		return &rdpmc_ops;
	pr_err("the instruction faults here: not used\n");
	return NULL;
}

/*
 * Weights of a Pentium 4: Lang, Energy Accounting for Virtual Machines (Karlsruhe
 * 2006), Table 4.1.  An instruction has the weight of a micro-operation there, since
 * it is at least one.
 */
static const struct pvenergy_event rdpmc_fixed[] = {
	{ .name = "instructions", .weight_pj = 4750 },
	{ .name = "unhalted_cycles", .weight_pj = 7120 },
};

static bool __init rdpmc_advances(u32 index)
{
	u64 first, second;

	return rdpmc_read(index, &first) && rdpmc_read(index, &second) &&
	       first != second;
}

/* After the energy page was looked for, when PCI devices are probed. */
static int __init rdpmc_init(void)
{
	unsigned int i;

	/* Not named, or it serves with the page, or that was refused. */
	if (!pmc_allowed(PMC_RDPMC) || rdpmc_page)
		return 0;
	rdpmc_backend.ops = &rdpmc_ops;
	rdpmc_backend.events[0] = (struct pvenergy_event){
		.name = "tsc", .weight_pj = 6170, .flags = PVENERGY_EVENT_BASE,
	};
	rdpmc_counters[0] = (struct rdpmc_counter){ RDPMC_TSC, U64_MAX };
	rdpmc_nr = 1;
	for (i = 0; i < ARRAY_SIZE(rdpmc_fixed); i++) {
		if (!rdpmc_advances(RDPMC_FIXED | i)) {
			pr_info("fixed counter %u faults or stands still: not used\n", i);
			continue;
		}
		rdpmc_backend.events[rdpmc_nr] = rdpmc_fixed[i];
		rdpmc_counters[rdpmc_nr].index = RDPMC_FIXED | i;
		rdpmc_counters[rdpmc_nr++].mask = rdpmc_mask(true);
	}
	rdpmc_backend.nr_events = rdpmc_nr;
	return pmc_register(&rdpmc_backend);
}
late_initcall(rdpmc_init);
