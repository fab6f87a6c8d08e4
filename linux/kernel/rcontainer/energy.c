// SPDX-License-Identifier: GPL-2.0
/*
 * Reading: sums over CPUs and subtrees, snapshots, and the price of counts.
 */
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "internal.h"

#define PJ_PER_UJ	1000000

static void add_counts(u64 *sum, const u64 *counts)
{
	unsigned int i;

	for (i = 0; i < PMC_MAX_EVENTS; i++)
		sum[i] += READ_ONCE(counts[i]);
}

static void add_container(struct rcontainer *c, u64 *sum)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		add_counts(sum, per_cpu_ptr(c->counts, cpu)->event);
	add_counts(sum, c->inherited);
}

/**
 * rcontainer_read() - what a container was charged up to now
 * @c: the container
 * @subtree: with all its descendants
 * @sum: receives PMC_MAX_EVENTS counts
 *
 * Removed descendants count with the container they left their charges to, so
 * they are in even where @subtree is not set.
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 */
void rcontainer_read(struct rcontainer *c, bool subtree, u64 *sum)
{
	struct rcontainer *pos;

	lockdep_assert_held(&rcontainer_mutex);
	rcontainer_fold(c);
	memset(sum, 0, sizeof(*sum) * PMC_MAX_EVENTS);
	for (pos = c; pos; pos = rcontainer_next_descendant(pos, c)) {
		struct rcontainer *payer = pos;

		while (payer->offline)
			payer = payer->parent;
		if (subtree || payer == c)
			add_container(pos, sum);
	}
}

/**
 * rcontainer_price() - the energy of event counts
 * @backend: names the events' weights
 * @counts: nr_events counts
 * @energy: receives the sums of weight x count, in microjoules, the events of
 *	base cost apart
 *
 * Thesis, 4.3.1.  The products are exact; only the two sums are rounded down.
 * Sums wrap at 2^64 uJ, some 18 terajoules.
 *
 * Context: any.
 */
void rcontainer_price(const struct pmc_backend *backend, const u64 *counts,
		      struct rcontainer_energy *energy)
{
	u64 rest_pj[2] = {}, *uj[2] = { &energy->access_uj, &energy->base_uj };
	unsigned int i;

	*energy = (struct rcontainer_energy){};
	for (i = 0; i < backend->nr_events; i++) {
		u64 weight_pj = backend->events[i].weight_pj;
		bool base = backend->events[i].flags & PVENERGY_EVENT_BASE;
		u64 weight_uj, whole;
		u32 weight_rest_pj;

		/* Apart, so that no quotient exceeds 64 bits. */
		weight_uj = div_u64_rem(weight_pj, PJ_PER_UJ, &weight_rest_pj);
		whole = mul_u64_u64_div_u64(counts[i], weight_rest_pj, PJ_PER_UJ);
		*uj[base] += counts[i] * weight_uj + whole;
		/* Below 10^6, so the low halves of the products tell it. */
		rest_pj[base] += counts[i] * weight_rest_pj - whole * PJ_PER_UJ;
	}
	for (i = 0; i < 2; i++)
		*uj[i] += div_u64(rest_pj[i], PJ_PER_UJ);
}

/**
 * rcontainer_snapshot() - all containers' own counts, from one moment
 * @s: receives the rows, in the order of rcontainer_next_descendant() from the
 *	root without the offline ones, and the virtual counters; to be freed with
 *	rcontainer_snapshot_free()
 *
 * The sum of the rows is @s->virtual, to the unit.
 *
 * Context: process context, rcontainer_mutex held, may sleep.
 * Return: 0 or -ENOMEM.
 */
int rcontainer_snapshot(struct rcontainer_snapshot *s)
{
	struct rcontainer *c;

	lockdep_assert_held(&rcontainer_mutex);
	*s = (struct rcontainer_snapshot){};
	for (c = &rcontainer_root; c;
	     c = rcontainer_next_descendant(c, &rcontainer_root))
		c->row = c->offline ? c->parent->row : s->nr_rows++;

	s->rows = kvcalloc(s->nr_rows, sizeof(*s->rows), GFP_KERNEL);
	if (!s->rows)
		return -ENOMEM;
	for (c = &rcontainer_root; c;
	     c = rcontainer_next_descendant(c, &rcontainer_root))
		add_counts(s->rows[c->row], c->inherited);
	rcontainer_snapshot_cpus(s->rows, s->virtual);
	return 0;
}

void rcontainer_snapshot_free(struct rcontainer_snapshot *s)
{
	kvfree(s->rows);
}
