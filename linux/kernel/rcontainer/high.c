// SPDX-License-Identifier: GPL-2.0
/*
 * Thresholds: who waits for a container's energy to pass a value is woken.
 *
 * Energy is known only when it is read: nothing in the switch path could tell
 * that a threshold was passed.  So as long as there are thresholds to be passed,
 * and only then, work looks at the containers that have one, and each time decides
 * when to look at that container again: after half the time that it would take to
 * consume the rest at the rate seen last, which makes for a few looks whatever
 * the distance; no later than after HIGH_MAX_MS, whatever begins to run there
 * meanwhile, and no sooner than after HIGH_MIN_MS.  So a threshold is noticed
 * HIGH_MAX_MS after it was passed at the latest, and where consumption is steady
 * after HIGH_MIN_MS.  The work takes no more than a tenth of a CPU's time, which
 * only thousands of thresholds can make it wait for.
 *
 * A threshold is passed once.  It has to be set again to be looked at again.
 */
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mutex.h>
#include <linux/sched/clock.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "internal.h"

#define HIGH_MIN_MS	20
#define HIGH_MAX_MS	1000
#define HIGH_BUSY	10

/**
 * struct rcontainer_high - a threshold; all protected by rcontainer_mutex
 * @c: whose
 * @uj: energy with all descendants, of all devices, base and access cost; U64_MAX
 *	for none
 * @passed: how often one was passed
 * @last_uj: the energy when it was looked at last
 * @last_at: when that was, in jiffies
 * @due_at: when to look again
 * @node: in @waiting, empty where it was passed
 */
struct rcontainer_high {
	struct rcontainer	*c;
	u64			uj;
	u64			passed;
	u64			last_uj;
	unsigned long		last_at;
	unsigned long		due_at;
	struct list_head	node;
};

/* Those that are not passed yet.  Protected by rcontainer_mutex. */
static LIST_HEAD(waiting);

static void look_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(look_work, look_fn);

/**
 * rcontainer_high_delay_ms() - when to look again
 * @left_uj: what has to be consumed yet
 * @used_uj: what was consumed since the last look
 * @used_ms: in which time
 *
 * Context: any.
 * Return: milliseconds.
 */
unsigned int rcontainer_high_delay_ms(u64 left_uj, u64 used_uj,
				      unsigned int used_ms)
{
	u64 ms;

	/* So that the quotient below does not exceed 64 bits. */
	if (!used_uj || div64_u64(left_uj, used_uj) >= 2 * HIGH_MAX_MS)
		return HIGH_MAX_MS;
	ms = mul_u64_u64_div_u64(left_uj, max(used_ms, 1), used_uj) / 2;
	return clamp_t(u64, ms, HIGH_MIN_MS, HIGH_MAX_MS);
}

static void changed(struct rcontainer *c)
{
	rcfs_notify(c, "energy.high");
	rcfs_notify(c, "energy.events");
}

static void look(struct rcontainer_high *high)
{
	u64 uj = rcontainer_total_uj(high->c);
	unsigned int ms;

	if (uj >= high->uj) {
		list_del_init(&high->node);
		high->passed++;
		changed(high->c);
		return;
	}
	/* All of it may be less than before: numbers are rounded down. */
	ms = rcontainer_high_delay_ms(high->uj - uj,
				      uj > high->last_uj ? uj - high->last_uj : 0,
				      jiffies_to_msecs(jiffies - high->last_at));
	high->last_uj = uj;
	high->last_at = jiffies;
	high->due_at = jiffies + msecs_to_jiffies(ms);
}

static void look_later(unsigned int at_least_ms)
{
	unsigned long delay = msecs_to_jiffies(HIGH_MAX_MS);
	struct rcontainer_high *high;

	if (list_empty(&waiting))
		return;
	list_for_each_entry(high, &waiting, node)
		delay = min_t(unsigned long, delay,
			      max_t(long, high->due_at - jiffies, 0));
	mod_delayed_work(system_wq, &look_work,
			 max(delay, msecs_to_jiffies(at_least_ms)));
}

static void look_fn(struct work_struct *work)
{
	struct rcontainer_high *high, *next;
	u64 begin_ns;

	rcontainer_refresh_meters();
	guard(mutex)(&rcontainer_mutex);
	begin_ns = local_clock();
	rcontainer_settle_if_due();
	list_for_each_entry_safe(high, next, &waiting, node)
		if (time_after_eq(jiffies, high->due_at))
			look(high);
	look_later(div_u64(local_clock() - begin_ns, NSEC_PER_MSEC) * HIGH_BUSY);
}

/**
 * rcontainer_look_at_high() - has a container passed its threshold?
 * @c: the container
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 */
void rcontainer_look_at_high(struct rcontainer *c)
{
	lockdep_assert_held(&rcontainer_mutex);
	if (c->high && !list_empty(&c->high->node))
		look(c->high);
}

/**
 * rcontainer_set_high() - set a container's threshold
 * @c: the container
 * @uj: microjoules, U64_MAX for none
 *
 * Who waits for the one before is woken, so that he sees that it is another.
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 * Return: 0 or -ENOMEM.
 */
int rcontainer_set_high(struct rcontainer *c, u64 uj)
{
	struct rcontainer_high *high = c->high;

	lockdep_assert_held(&rcontainer_mutex);
	if (!high) {
		high = kzalloc(sizeof(*high), GFP_KERNEL);
		if (!high)
			return -ENOMEM;
		high->c = c;
		INIT_LIST_HEAD(&high->node);
		c->high = high;
	}
	high->uj = uj;
	list_del_init(&high->node);
	changed(c);
	if (uj == U64_MAX)
		return 0;
	list_add_tail(&high->node, &waiting);
	high->last_uj = U64_MAX;
	look(high);
	/* How fast it is was not seen yet. */
	high->due_at = jiffies + msecs_to_jiffies(HIGH_MIN_MS);
	look_later(0);
	return 0;
}

/**
 * rcontainer_drop_high() - a container is removed
 * @c: the container
 *
 * Context: process context, rcontainer_mutex held.
 */
void rcontainer_drop_high(struct rcontainer *c)
{
	lockdep_assert_held(&rcontainer_mutex);
	changed(c);
	if (!c->high)
		return;
	list_del(&c->high->node);
	kfree(c->high);
	c->high = NULL;
}

/**
 * rcontainer_high_uj() - a container's threshold
 * @c: the container
 *
 * Context: rcontainer_mutex held.
 * Return: microjoules, U64_MAX for none.
 */
u64 rcontainer_high_uj(const struct rcontainer *c)
{
	lockdep_assert_held(&rcontainer_mutex);
	return c->high ? c->high->uj : U64_MAX;
}

/**
 * rcontainer_high_passed() - how often a threshold was passed
 * @c: the container
 *
 * Context: rcontainer_mutex held.
 * Return: the number.
 */
u64 rcontainer_high_passed(const struct rcontainer *c)
{
	lockdep_assert_held(&rcontainer_mutex);
	return c->high ? c->high->passed : 0;
}
