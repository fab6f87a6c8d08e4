// SPDX-License-Identifier: GPL-2.0
/*
 * Reading: sums over CPUs and subtrees, snapshots, and the price of counts.
 */
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "internal.h"

/* In force since the last change; protected by rcontainer_mutex. */
static u64 current_weight_pj[PMC_MAX_EVENTS];
/* The back end they are of, whose own they were at first. */
static const struct pmc_backend *weights_of;
/* Those it had last. */
static u64 own_weight_pj[PMC_MAX_EVENTS];

/* Of all containers, the freed ones too; protected by rcontainer_mutex. */
static struct rcontainer_counts all_priced_counts;
static struct rcontainer_energy all_priced[RCONTAINER_MAX_DEVICES];

void rcontainer_add_counts(struct rcontainer_counts *sum,
			   const struct rcontainer_counts *counts)
{
	unsigned int i;

	for (i = 0; i < PMC_MAX_EVENTS; i++)
		sum->event[i] += READ_ONCE(counts->event[i]);
	/* Most often there are few. */
	for (i = 0; rcontainer_device_name(i); i++)
		sum->device_pj[i] += READ_ONCE(counts->device_pj[i]);
}

static void subtract_counts(struct rcontainer_counts *from,
			    const struct rcontainer_counts *counts)
{
	unsigned int i;

	for (i = 0; i < PMC_MAX_EVENTS; i++)
		from->event[i] -= counts->event[i];
	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++)
		from->device_pj[i] -= counts->device_pj[i];
}

static void add_container(struct rcontainer *c, struct rcontainer_counts *sum)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		rcontainer_add_counts(sum, per_cpu_ptr(c->counts, cpu));
	if (c->has_past)
		rcontainer_add_counts(sum, &c->inherited);
}

/**
 * rcontainer_add_energy() - add to one cost
 * @energy: of a device
 * @cost: access or base
 * @uj: microjoules
 * @rest_pj: picojoules beyond that, below a million
 *
 * Context: any, @energy protected by the caller.
 */
void rcontainer_add_energy(struct rcontainer_energy *energy,
			   enum rcontainer_cost cost, u64 uj, u32 rest_pj)
{
	energy->uj[cost] += uj;
	energy->rest_pj[cost] += rest_pj;
	if (energy->rest_pj[cost] >= PJ_PER_UJ) {
		energy->rest_pj[cost] -= PJ_PER_UJ;
		energy->uj[cost]++;
	}
}

static void add_energy(struct rcontainer_energy *sum,
		       const struct rcontainer_energy *energy)
{
	unsigned int i;

	for (i = 0; i < NR_RCONTAINER_COSTS; i++)
		rcontainer_add_energy(sum, i, energy->uj[i], energy->rest_pj[i]);
}

static void add_energies(struct rcontainer_energy *sum,
			 const struct rcontainer_energy *energy)
{
	unsigned int i;

	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++)
		add_energy(&sum[i], &energy[i]);
}

/**
 * rcontainer_pay_base() - charge a part of base cost
 * @c: who pays
 * @device: for which device
 * @uj: microjoules
 * @rest_pj: picojoules beyond that, below a million
 *
 * Context: rcontainer_mutex held.
 */
void rcontainer_pay_base(struct rcontainer *c, unsigned int device, u64 uj,
			 u32 rest_pj)
{
	lockdep_assert_held(&rcontainer_mutex);
	rcontainer_add_energy(&c->priced[device], RCONTAINER_BASE, uj, rest_pj);
	rcontainer_add_energy(&all_priced[device], RCONTAINER_BASE, uj, rest_pj);
	c->has_past = true;
}

static void price_events(const struct pmc_backend *backend, const u64 *weight_pj,
			 const u64 *counts, struct rcontainer_energy *energy)
{
	unsigned int i;

	for (i = 0; i < backend->nr_events; i++) {
		bool base = backend->events[i].flags & PVENERGY_EVENT_BASE;
		unsigned int cost = base ? RCONTAINER_BASE : RCONTAINER_ACCESS;
		struct rcontainer_energy e = {};
		u64 weight_uj, whole;
		u32 rest_pj;

		if (!counts[i] || (base && backend->meter))
			continue;
		/* Apart, so that no quotient exceeds 64 bits. */
		weight_uj = div_u64_rem(weight_pj[i], PJ_PER_UJ, &rest_pj);
		whole = mul_u64_u64_div_u64(counts[i], rest_pj, PJ_PER_UJ);
		e.uj[cost] = counts[i] * weight_uj + whole;
		/* Below 10^6, so the low halves of the products tell it. */
		e.rest_pj[cost] = counts[i] * rest_pj - whole * PJ_PER_UJ;
		add_energy(energy, &e);
	}
}

/**
 * rcontainer_price() - the energy of counts
 * @backend: says how many events there are and which are base cost; NULL
 *	without counters
 * @weight_pj: energy of one event each
 * @counts: how many of each, and what devices cost
 * @energy: to add to, by device: the sums of weight x count, exact
 *
 * Events have weights, base and access cost apart, as in Lang, Energy Accounting for
 * Virtual Machines (Karlsruhe 2006), 4.3.1.  The cost of other devices is energy
 * already.  Where base cost has a meter, events of base cost have no price.
 *
 * Context: any.
 */
void rcontainer_price(const struct pmc_backend *backend, const u64 *weight_pj,
		      const struct rcontainer_counts *counts,
		      struct rcontainer_energy *energy)
{
	unsigned int i;

	if (backend)
		price_events(backend, weight_pj, counts->event,
			     &energy[RCONTAINER_CPU]);
	for (i = 0; rcontainer_device_name(i); i++) {
		struct rcontainer_energy e = {};

		if (!counts->device_pj[i])
			continue;
		e.uj[RCONTAINER_ACCESS] =
			div_u64_rem(counts->device_pj[i], PJ_PER_UJ,
				    &e.rest_pj[RCONTAINER_ACCESS]);
		add_energy(&energy[i], &e);
	}
}

/* Removed ones count with whom they left their charges to. */
static struct rcontainer *payer(struct rcontainer *c)
{
	while (c->offline)
		c = c->parent;
	return c;
}

/* Whatever was charged, was charged to one of them. */
static void add_all(struct rcontainer_counts *sum)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		rcontainer_add_counts(sum, per_cpu_ptr(&rcontainer_total, cpu));
}

/**
 * rcontainer_read() - what a container was charged up to now
 * @c: the container
 * @subtree: with all its descendants
 * @sum: receives the counts
 *
 * All that there are takes no longer than one.
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 */
void rcontainer_read(struct rcontainer *c, bool subtree,
		     struct rcontainer_counts *sum)
{
	struct rcontainer *pos;

	lockdep_assert_held(&rcontainer_mutex);
	rcontainer_fold(c);
	*sum = (struct rcontainer_counts){};
	if (subtree && c == &rcontainer_root) {
		add_all(sum);
		return;
	}
	for (pos = c; pos; pos = rcontainer_next_descendant(pos, c))
		if (subtree || payer(pos) == c)
			add_container(pos, sum);
}

/* As a weight, so the largest number stands for what is larger. */
static void add_recent(u64 *recent_pj, u64 pj)
{
	*recent_pj = size_add(*recent_pj, pj);
}

static void put_aside(struct rcontainer *c, const struct rcontainer_energy *energy)
{
	unsigned int i;

	add_energies(c->priced, energy);
	add_energies(all_priced, energy);
	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++)
		add_recent(&c->recent_pj[i],
			   size_add(size_mul(energy[i].uj[RCONTAINER_ACCESS], PJ_PER_UJ),
				    energy[i].rest_pj[RCONTAINER_ACCESS]));
}

/* What was counted up to now is of the weights up to now. */
static void end_epoch(const struct pmc_backend *backend)
{
	struct rcontainer *c;

	rcontainer_fold(&rcontainer_root);
	for (c = &rcontainer_root; c;
	     c = rcontainer_next_descendant(c, &rcontainer_root)) {
		struct rcontainer_energy energy[RCONTAINER_MAX_DEVICES] = {};
		struct rcontainer_counts counts = {}, new;

		add_container(c, &counts);
		new = counts;
		subtract_counts(&new, &c->priced_counts);
		/* As with most of many. */
		if (!memchr_inv(&new, 0, sizeof(new)))
			continue;
		rcontainer_price(backend, current_weight_pj, &new, energy);
		put_aside(c, energy);
		c->priced_counts = counts;
		rcontainer_add_counts(&all_priced_counts, &new);
		c->has_past = true;
	}
}

/**
 * rcontainer_put_aside() - put the energy of all counts aside
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 */
void rcontainer_put_aside(void)
{
	const struct pmc_backend *backend = pmc_backend();

	lockdep_assert_held(&rcontainer_mutex);
	if (backend)
		rcontainer_weights(backend);
	end_epoch(backend);
}

/**
 * rcontainer_end_epoch() - likewise, before counts of energy wrap
 *
 * Context: process context, may sleep.
 */
void rcontainer_end_epoch(void)
{
	guard(mutex)(&rcontainer_mutex);
	rcontainer_put_aside();
}

/**
 * rcontainer_weights() - the energy weights in force
 * @backend: the back end in use
 *
 * The back end's own at first, whenever it has new ones and after
 * rcontainer_reset_weights(), unless changed by rcontainer_set_weight() since.
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
			own_weight_pj[i] = backend->events[i].weight_pj;
		memcpy(current_weight_pj, own_weight_pj, sizeof(own_weight_pj));
		weights_of = backend;
	}
	if (backend->ops->reweigh && backend->ops->reweigh(weight_pj)) {
		end_epoch(backend);
		memcpy(own_weight_pj, weight_pj, sizeof(weight_pj));
		memcpy(current_weight_pj, weight_pj, sizeof(weight_pj));
	}
	return current_weight_pj;
}

static void add_past(struct rcontainer *c, struct rcontainer_counts *counts,
		     struct rcontainer_energy *energy)
{
	if (!c->has_past)
		return;
	add_energies(energy, c->priced);
	subtract_counts(counts, &c->priced_counts);
}

/**
 * rcontainer_read_energy() - the energy a container was charged up to now
 * @backend: the back end in use, or NULL
 * @c: the container
 * @subtree: with all its descendants
 * @energy: receives it, RCONTAINER_MAX_DEVICES of them
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 */
void rcontainer_read_energy(const struct pmc_backend *backend,
			    struct rcontainer *c, bool subtree,
			    struct rcontainer_energy *energy)
{
	struct rcontainer_counts counts;
	const u64 *weight_pj = NULL;
	struct rcontainer *pos;

	/* First: it may end an epoch. */
	if (backend)
		weight_pj = rcontainer_weights(backend);
	memset(energy, 0, RCONTAINER_MAX_DEVICES * sizeof(*energy));
	rcontainer_read(c, subtree, &counts);
	if (subtree && c == &rcontainer_root) {
		add_energies(energy, all_priced);
		subtract_counts(&counts, &all_priced_counts);
	} else {
		for (pos = c; pos; pos = rcontainer_next_descendant(pos, c))
			if (subtree || payer(pos) == c)
				add_past(pos, &counts, energy);
	}
	rcontainer_price(backend, weight_pj, &counts, energy);
}

/**
 * rcontainer_add_own_energy() - add what one container was charged
 * @backend: the back end in use, or NULL
 * @weight_pj: as rcontainer_weights() returned
 * @c: the container, without descendants, offline or not
 * @energy: to add to, RCONTAINER_MAX_DEVICES of them
 *
 * For who walks over all, after rcontainer_fold().
 *
 * Context: rcontainer_mutex held.
 */
void rcontainer_add_own_energy(const struct pmc_backend *backend,
			       const u64 *weight_pj, struct rcontainer *c,
			       struct rcontainer_energy *energy)
{
	struct rcontainer_counts counts = {};

	lockdep_assert_held(&rcontainer_mutex);
	add_container(c, &counts);
	add_past(c, &counts, energy);
	rcontainer_price(backend, weight_pj, &counts, energy);
}

/**
 * rcontainer_total_uj() - all energy that a container was charged up to now
 * @c: the container, with all its descendants
 *
 * Access and base cost of all devices: the sum of what its file shows.
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 * Return: microjoules.
 */
u64 rcontainer_total_uj(struct rcontainer *c)
{
	struct rcontainer_energy energy[RCONTAINER_MAX_DEVICES];
	unsigned int i;
	u64 uj = 0;

	rcontainer_read_energy(pmc_backend(), c, true, energy);
	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++)
		uj += energy[i].uj[RCONTAINER_ACCESS] + energy[i].uj[RCONTAINER_BASE];
	return uj;
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
 * rcontainer_reset_weights() - the back end's own from now on
 * @backend: the back end in use
 *
 * What was counted before keeps its price.
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 */
void rcontainer_reset_weights(const struct pmc_backend *backend)
{
	lockdep_assert_held(&rcontainer_mutex);
	rcontainer_weights(backend);
	end_epoch(backend);
	memcpy(current_weight_pj, own_weight_pj, sizeof(own_weight_pj));
}

/**
 * rcontainer_bequeath() - a container's charges become its parent's
 * @c: a container to which nothing is charged any more
 *
 * So is its part of base cost that is not settled yet.
 *
 * Context: rcontainer_mutex held.
 */
void rcontainer_bequeath(struct rcontainer *c)
{
	struct rcontainer *parent = c->parent;
	unsigned int i;

	lockdep_assert_held(&rcontainer_mutex);
	add_container(c, &parent->inherited);
	rcontainer_add_counts(&parent->priced_counts, &c->priced_counts);
	add_energies(parent->priced, c->priced);
	parent->has_past = true;
	parent->shares += c->shares;
	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++)
		add_recent(&parent->recent_pj[i], c->recent_pj[i]);
}

static void add_base(const struct rcontainer_energy *energy,
		     struct rcontainer_metered *sum)
{
	unsigned int i;

	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++)
		sum->base_pj[i] += energy[i].uj[RCONTAINER_BASE] * PJ_PER_UJ +
				   energy[i].rest_pj[RCONTAINER_BASE];
}

/**
 * rcontainer_snapshot() - all containers' own counts, from one moment
 * @s: receives the rows, in the order of rcontainer_next_descendant() from the
 *	root without the offline ones, and the totals: the virtual counters,
 *	what devices returned and what meters showed; to be freed with
 *	rcontainer_snapshot_free()
 *
 * The sum of the rows is the total, to the unit.
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
	s->metered = kvcalloc(s->nr_rows, sizeof(*s->metered), GFP_KERNEL);
	if (!s->rows || !s->metered) {
		rcontainer_snapshot_free(s);
		return -ENOMEM;
	}
	for (c = &rcontainer_root; c;
	     c = rcontainer_next_descendant(c, &rcontainer_root)) {
		rcontainer_add_counts(&s->rows[c->row], &c->inherited);
		add_base(c->priced, &s->metered[c->row]);
	}
	rcontainer_snapshot_cpus(s->rows, &s->total);
	s->meters = rcontainer_metered_total(&s->metered_total);
	return 0;
}

void rcontainer_snapshot_free(struct rcontainer_snapshot *s)
{
	kvfree(s->rows);
	kvfree(s->metered);
}
