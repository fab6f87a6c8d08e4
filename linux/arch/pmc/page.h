/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PMC_PAGE_H
#define _PMC_PAGE_H

#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/pmc.h>
#include <asm/barrier.h>

/*
 * How often a reader starts anew before it leaves the counts to the next
 * reading.  The host's update takes a few hundred instructions; a host that
 * was preempted in one takes milliseconds, and waiting for it with a runqueue
 * locked would help nobody.
 */
#define PMC_PAGE_TURNS	16

/* What went wrong while reading, per CPU. */
struct pmc_page_stats {
	u64	retries;
	u64	gave_up;
};

/*
 * A host value is one of the page's fields, read once.  The page is writable
 * for the host alone, which need not be well-behaved.
 */
#define pmc_page_read(field)	READ_ONCE(field)

/**
 * pmc_page_try_charge() - charge from one virtual CPU's part of an energy page
 * @v: the virtual CPU that this CPU is
 * @last: previous virtual counts
 * @sum: where to add the difference
 *
 * virtual = raw - foreign, see <uapi/linux/pvenergy.h>.
 *
 * All differences are taken before the first is added, since a torn reading
 * must not be seen in @sum.  The two barriers see to it that each field is read
 * once, in between; plain reads, so that the compiler can make them operands:
 * this is the switch path.
 *
 * Context: as struct pmc_ops.charge.
 * Return: false if the host was changing it, and nothing was charged; see
 * pmc_page_charge_slow().
 */
static __always_inline bool
pmc_page_try_charge(const struct pvenergy_vcpu *v, u64 *last, u64 *sum)
{
	u64 delta[PMC_MAX_EVENTS];
	unsigned int i;
	u32 seq;

	seq = pmc_page_read(v->seq);
	/* Pairs with the host's release store that makes the count even. */
	virt_rmb();
#pragma GCC unroll 8
	for (i = 0; i < PMC_MAX_EVENTS; i++)
		delta[i] = v->raw[i] - v->foreign[i] - last[i];
	/* Pairs with the host's release fence after it made the count odd. */
	virt_rmb();
	if (unlikely((seq & 1) || seq != v->seq))
		return false;
#pragma GCC unroll 8
	for (i = 0; i < PMC_MAX_EVENTS; i++) {
		/* One instruction each: readers see the sum before or after. */
		sum[i] += delta[i];
		last[i] += delta[i];
	}
	return true;
}

void pmc_page_charge_slow(const struct pvenergy_vcpu *v, u64 *last, u64 *sum,
			  struct pmc_page_stats *stats);

int pmc_page_check(const void *page, u64 size, struct pvenergy_header *h,
		   const char **why);

bool pmc_page_reweigh(const struct pvenergy_header *h, u32 *seq, u64 *weight_pj);

/**
 * pmc_page_meter() - read the energy meter of base cost
 * @h: the page's header itself, not a copy
 * @nj: receives what it shows, in nanojoules
 *
 * The host writes it as one word, so there is nothing to begin anew for.
 *
 * Context: any.
 * Return: there is a meter.
 */
static inline bool pmc_page_meter(const struct pvenergy_header *h, u64 *nj)
{
	if (!(pmc_page_read(h->flags) & PVENERGY_METER))
		return false;
	*nj = pmc_page_read(h->base_nj);
	return true;
}

/* What a virtual CPU's log says, for one who looks now and then. */
struct pmc_page_log {
	u64	seen;		/* absences looked at so far */
	u64	overrun;	/* absences overwritten before that */
	u64	mismatches;	/* looks in which log and foreign counts differed */
	u64	foreign[PMC_MAX_EVENTS];	/* at the last look */
};

void pmc_page_log_check(const struct pvenergy_vcpu *v, struct pmc_page_log *log);

/**
 * struct pmc_page_cpu - this CPU in the page
 * @vcpu: its part, NULL if the page has none
 * @stats: written by this CPU alone
 * @log: protected by the owner of the page
 */
struct pmc_page_cpu {
	const struct pvenergy_vcpu	*vcpu;
	struct pmc_page_stats		stats;
	struct pmc_page_log		log;
};

DECLARE_PER_CPU_ALIGNED(struct pmc_page_cpu, pmc_page_cpu);

#ifdef CONFIG_PMC_RDPMC
const struct pmc_ops *pmc_rdpmc_ops(const struct pvenergy_header *h);
#else
static inline const struct pmc_ops *pmc_rdpmc_ops(const struct pvenergy_header *h)
{
	return NULL;
}
#endif

#endif /* _PMC_PAGE_H */
