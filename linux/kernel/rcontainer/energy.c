// SPDX-License-Identifier: GPL-2.0
/*
 * Reading: sums over CPUs and subtrees, snapshots, and the price of counts.
 */
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

#define PJ_PER_UJ	1000000

/* In force since the last change; protected by rcontainer_mutex. */
static u64 current_weight_pj[PMC_MAX_EVENTS];
/* The back end they are of, whose own they were at first. */
static const struct pmc_backend *weights_of;

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

static void add_energy(struct rcontainer_energy *sum,
		       const struct rcontainer_energy *energy)
{
	unsigned int i;

	for (i = 0; i < NR_RCONTAINER_COSTS; i++) {
		sum->uj[i] += energy->uj[i];
		sum->rest_pj[i] += energy->rest_pj[i];
		if (sum->rest_pj[i] >= PJ_PER_UJ) {
			sum->rest_pj[i] -= PJ_PER_UJ;
			sum->uj[i]++;
		}
	}
}

/**
 * rcontainer_price() - the energy of event counts
 * @backend: says how many events there are and which are base cost
 * @weight_pj: energy of one event each
 * @counts: how many of each
 * @energy: to add to: the sums of weight x count, exact
 *
 * Thesis, 4.3.1.
 *
 * Context: any.
 */
void rcontainer_price(const struct pmc_backend *backend, const u64 *weight_pj,
		      const u64 *counts, struct rcontainer_energy *energy)
{
	unsigned int i;

	for (i = 0; i < backend->nr_events; i++) {
		bool base = backend->events[i].flags & PVENERGY_EVENT_BASE;
		unsigned int cost = base ? RCONTAINER_BASE : RCONTAINER_ACCESS;
		struct rcontainer_energy e = {};
		u64 weight_uj, whole;
		u32 rest_pj;

		/* Apart, so that no quotient exceeds 64 bits. */
		weight_uj = div_u64_rem(weight_pj[i], PJ_PER_UJ, &rest_pj);
		whole = mul_u64_u64_div_u64(counts[i], rest_pj, PJ_PER_UJ);
		e.uj[cost] = counts[i] * weight_uj + whole;
		/* Below 10^6, so the low halves of the products tell it. */
		e.rest_pj[cost] = counts[i] * rest_pj - whole * PJ_PER_UJ;
		add_energy(energy, &e);
	}
}

/* Removed ones count with whom they left their charges to. */
static struct rcontainer *payer(struct rcontainer *c)
{
	while (c->offline)
		c = c->parent;
	return c;
}

/**
 * rcontainer_read() - what a container was charged up to now
 * @c: the container
 * @subtree: with all its descendants
 * @sum: receives PMC_MAX_EVENTS counts
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 */
void rcontainer_read(struct rcontainer *c, bool subtree, u64 *sum)
{
	struct rcontainer *pos;

	lockdep_assert_held(&rcontainer_mutex);
	rcontainer_fold(c);
	memset(sum, 0, sizeof(*sum) * PMC_MAX_EVENTS);
	for (pos = c; pos; pos = rcontainer_next_descendant(pos, c))
		if (subtree || payer(pos) == c)
			add_container(pos, sum);
}

/* What was counted up to now is of the weights up to now. */
static void end_epoch(const struct pmc_backend *backend)
{
	struct rcontainer *c;
	unsigned int i;

	rcontainer_fold(&rcontainer_root);
	for (c = &rcontainer_root; c;
	     c = rcontainer_next_descendant(c, &rcontainer_root)) {
		u64 counts[PMC_MAX_EVENTS] = {}, new[PMC_MAX_EVENTS];

		add_container(c, counts);
		for (i = 0; i < PMC_MAX_EVENTS; i++)
			new[i] = counts[i] - c->priced_counts[i];
		rcontainer_price(backend, current_weight_pj, new, &c->priced);
		memcpy(c->priced_counts, counts, sizeof(counts));
	}
}

/**
 * rcontainer_weights() - the energy weights in force
 * @backend: the back end in use
 *
 * The back end's own at first and whenever it has new ones, unless changed by
 * rcontainer_set_weight() since.
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 * Return: PMC_MAX_EVENTS weights in picojoules.
 */
const u64 *rcontainer_weights(const struct pmc_backend *backend)
{
	u64 weight_pj[PMC_MAX_EVENTS] = {};
	unsigned int i;

	lockdep_assert_held(&rcontainer_mutex);
	if (weights_of != backend) {
		for (i = 0; i < PMC_MAX_EVENTS; i++)
			current_weight_pj[i] = backend->events[i].weight_pj;
		weights_of = backend;
	}
	if (backend->ops->reweigh && backend->ops->reweigh(weight_pj)) {
		end_epoch(backend);
		memcpy(current_weight_pj, weight_pj, sizeof(weight_pj));
	}
	return current_weight_pj;
}

/**
 * rcontainer_read_energy() - the energy a container was charged up to now
 * @backend: the back end in use
 * @c: the container
 * @subtree: with all its descendants
 * @energy: receives it
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 */
void rcontainer_read_energy(const struct pmc_backend *backend,
			    struct rcontainer *c, bool subtree,
			    struct rcontainer_energy *energy)
{
	u64 counts[PMC_MAX_EVENTS];
	struct rcontainer *pos;
	const u64 *weight_pj;
	unsigned int i;

	/* First: it may end an epoch. */
	weight_pj = rcontainer_weights(backend);
	*energy = (struct rcontainer_energy){};
	rcontainer_read(c, subtree, counts);
	for (pos = c; pos; pos = rcontainer_next_descendant(pos, c)) {
		if (!subtree && payer(pos) != c)
			continue;
		add_energy(energy, &pos->priced);
		for (i = 0; i < PMC_MAX_EVENTS; i++)
			counts[i] -= pos->priced_counts[i];
	}
	rcontainer_price(backend, weight_pj, counts, energy);
}

/**
 * rcontainer_set_weight() - change an event's energy from now on
 * @backend: the back end in use
 * @event: the event's name
 * @weight_pj: picojoules each
 *
 * What was counted before keeps its price.
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 * Return: 0; -ENOENT if there is no such event; -ERANGE for a weight above
 * PVENERGY_MAX_WEIGHT_PJ.
 */
int rcontainer_set_weight(const struct pmc_backend *backend, const char *event,
			  u64 weight_pj)
{
	unsigned int i;

	lockdep_assert_held(&rcontainer_mutex);
	if (weight_pj > PVENERGY_MAX_WEIGHT_PJ)
		return -ERANGE;
	for (i = 0; i < backend->nr_events; i++) {
		if (strcmp(backend->events[i].name, event))
			continue;
		rcontainer_weights(backend);
		end_epoch(backend);
		current_weight_pj[i] = weight_pj;
		return 0;
	}
	return -ENOENT;
}

/**
 * rcontainer_bequeath() - a container's charges become its parent's
 * @c: a container to which nothing is charged any more
 *
 * Context: rcontainer_mutex held.
 */
void rcontainer_bequeath(struct rcontainer *c)
{
	struct rcontainer *parent = c->parent;

	lockdep_assert_held(&rcontainer_mutex);
	add_container(c, parent->inherited);
	add_counts(parent->priced_counts, c->priced_counts);
	add_energy(&parent->priced, &c->priced);
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
