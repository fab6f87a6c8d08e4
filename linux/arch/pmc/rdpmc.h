/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _PMC_RDPMC_H
#define _PMC_RDPMC_H

#include "backend.h"
#include "page.h"

/* Instead of a counter's number: the time stamp counter. */
#define RDPMC_TSC	U32_MAX

/**
 * struct rdpmc_counter - where an event is counted
 * @index: what RDPMC calls it, or RDPMC_TSC
 * @mask: the bits that it has
 */
struct rdpmc_counter {
	u32	index;
	u64	mask;
};

/**
 * struct rdpmc_reader - how counters are read
 * @read: false if the counter can't be read
 */
struct rdpmc_reader {
	bool	(*read)(u32 index, u64 *value);
};

/**
 * struct rdpmc_cpu - a CPU's readings
 * @previous: raw - foreign, modulo the counter's width
 * @faults: readings that failed
 * @started: there was one that did not
 */
struct rdpmc_cpu {
	u64	previous[PMC_MAX_EVENTS];
	u64	faults;
	bool	started;
};

/*
 * All values before any is used.  What RDPMC and RDTSC read is not ordered
 * with the loads, but against an absence it is: nothing is carried over a VM
 * exit that has not retired.
 */
static __always_inline bool
rdpmc_read_all(const struct rdpmc_reader *reader,
	       const struct rdpmc_counter *counters, unsigned int nr,
	       const struct pvenergy_vcpu *v, struct pmc_page_stats *stats, u64 *now)
{
	unsigned int turns, i;
	u32 seq = 0;

	for (turns = PMC_PAGE_TURNS; turns; turns--) {
		if (v)
			seq = pmc_page_read(v->seq);
		/* Pairs with the host's release store that makes the count even. */
		virt_rmb();
		for (i = 0; i < nr; i++) {
			if (!reader->read(counters[i].index, &now[i]))
				return false;
			if (v)
				now[i] -= pmc_page_read(v->foreign[i]);
		}
		/* Pairs with the host's release fence after it made the count odd. */
		virt_rmb();
		if (!v || (!(seq & 1) && seq == pmc_page_read(v->seq)))
			return true;
		stats->retries++;
		cpu_relax();
	}
	stats->gave_up++;
	return false;
}

/**
 * rdpmc_charge_from() - charge from counters of limited width
 * @reader: how to read them
 * @counters: where they are
 * @nr: how many
 * @v: this CPU in the energy page, NULL if nothing is to be factored out
 * @c: this CPU's state, zero at first
 * @stats: this CPU's statistics of the page
 * @last: previous virtual counts, of 64 bits
 * @sum: where to add the difference
 *
 * Difference before width: a move to another physical CPU, whose counters are
 * others, is in the foreign counts with 64 bits, and both agree modulo the
 * width.  The virtual counts begin at zero with the first reading.
 *
 * Context: as struct pmc_ops.charge.
 */
static __always_inline void
rdpmc_charge_from(const struct rdpmc_reader *reader,
		  const struct rdpmc_counter *counters, unsigned int nr,
		  const struct pvenergy_vcpu *v, struct rdpmc_cpu *c,
		  struct pmc_page_stats *stats, u64 *last, u64 *sum)
{
	u64 now[PMC_MAX_EVENTS], delta;
	unsigned int i;

	if (!rdpmc_read_all(reader, counters, nr, v, stats, now)) {
		c->faults++;
		return;
	}
	for (i = 0; i < nr; i++) {
		delta = (now[i] - c->previous[i]) & counters[i].mask;
		c->previous[i] = now[i];
		/* The first reading, or backwards: somebody set the counter. */
		if (!c->started || delta > counters[i].mask >> 1)
			continue;
		pmc_advance(last[i] + delta, &last[i], &sum[i]);
	}
	c->started = true;
}

/**
 * rdpmc_probe() - can all these counters be read?
 * @reader: how to read them
 * @counters: where they are
 * @nr: how many
 *
 * Context: any.
 * Return: whether they all can.
 */
static inline bool rdpmc_probe(const struct rdpmc_reader *reader,
			       const struct rdpmc_counter *counters, unsigned int nr)
{
	unsigned int i;
	u64 value;

	for (i = 0; i < nr; i++)
		if (!reader->read(counters[i].index, &value))
			return false;
	return true;
}

#endif /* _PMC_RDPMC_H */
