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

#include <linux/init.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <asm/asm.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "rdpmc.h"

#define RDPMC_FIXED		BIT(30)
#define CPUID_PMU		0xa
#define DEFAULT_WIDTH		40	/* of the first CPUs with the instruction */

static DEFINE_PER_CPU(struct rdpmc_cpu, rdpmc_cpu);
static struct rdpmc_counter rdpmc_counters[PMC_MAX_EVENTS] __ro_after_init;
static unsigned int rdpmc_nr __ro_after_init;
static bool rdpmc_page __ro_after_init;
static struct pmc_backend rdpmc_backend __ro_after_init;

/* Where the instruction faults, the exception table says so at no cost else. */
static __always_inline bool rdpmc_read(u32 index, u64 *value)
{
	u32 low = 0, high = 0;
	int err = 0;

	if (index == RDPMC_TSC) {
		*value = rdtsc();
		return true;
	}
	asm volatile("1:	rdpmc\n"
		     "2:\n"
		     _ASM_EXTABLE_TYPE_REG(1b, 2b, EX_TYPE_EFAULT_REG, %[err])
		     : "+a" (low), "+d" (high), [err] "+r" (err)
		     : "c" (index));
	*value = (u64)high << 32 | low;
	return !err;
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
			  p->vcpu, this_cpu_ptr(&rdpmc_cpu), &p->stats, last, sum);
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

static void __init_or_module rdpmc_dummy(void) { }
