// SPDX-License-Identifier: GPL-2.0
/*
 * Base cost: energy meters, and who pays for what they show.
 *
 * Model
 * -----
 *
 * No request causes what a device consumes while it is idle, so no request can
 * return that base cost.  The host apportions base cost to its virtual machines and
 * shows this one its share on a meter, one for each device.  These are the energy
 * meters of Lang, Energy Accounting for Virtual Machines (Karlsruhe 2006), 3.4.2, but
 * for what they show: there a share in all that the device consumes, here in its base
 * cost alone.  What the meters advanced is divided among the containers now and then:
 * base cost is settled.  Each policy gives a container a weight:
 *
 *	equal	1 if it had tasks at some time since the last settling
 *	access	what it was charged since then for the use of that device
 *	root	none
 *
 * and what nobody has a weight for is the root's.  A device's parts are
 *
 *	part[k] = floor(E x W[k] / W[n]) - floor(E x W[k - 1] / W[n])
 *
 * where E is what the meter advanced and W[k] is the sum of the first k
 * weights; so they add up to E, to the picojoule, and nothing has to be carried.
 *
 * When
 * ----
 *
 * When somebody reads energy, when a container without tasks gets one, when the
 * policy changes, and once a second as long as there are meters and the policy
 * is one that divides.  Nothing is done when something is charged, in the switch
 * path or at fork.  To settle takes some walks over the containers, and with the
 * policy "equal" one over the tasks; so readers settle again only after
 * FRESH_MS.
 *
 * Equal parts go by struct rcontainer.shares.  Who is bound to a container gives
 * it a share; his children need not, since he was there.  At a settling those
 * keep theirs that have tasks still.  Who is freed leaves it to his parent, as
 * the access cost that counts for "access".
 *
 * Meters
 * ------
 *
 * The CPU's is read from the back end of arch/pmc, when it is needed.  Others
 * have to be asked for by a request to the host, which may be away: so a reader
 * has their sources begin, waits for no longer than REFRESH_WAIT_MS, and for none
 * that did not answer the last time.  Whatever was shown last holds until then.
 *
 * A meter only grows.  One that steps back began anew: it counts from there.
 * A CPU's meter counts from zero, like the counters: what they say first is the
 * root's.  Other devices' count from when their driver found them.
 */
#define pr_fmt(fmt) "rcontainer: " fmt

#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "internal.h"

#define SETTLE_INTERVAL	HZ
/* As often as the host writes the CPU's meter. */
#define FRESH_MS	20
#define REFRESH_WAIT_MS	100

/* So many picojoules are a number; more was certainly not used meanwhile. */
#define MAX_SPLIT_UJ	(U64_MAX / PJ_PER_UJ - 1)

enum base_policy {
	BASE_EQUAL,
	BASE_ACCESS,
	BASE_ROOT,
};

static const char *const policy_names[] = {
	[BASE_EQUAL]	= "equal",
	[BASE_ACCESS]	= "access",
	[BASE_ROOT]	= "root",
};

/* Protected by rcontainer_mutex. */
static enum base_policy policy = BASE_EQUAL;
static unsigned long settled_at = INITIAL_JIFFIES;

/**
 * struct device_meter - all meters of a device
 * @shown: there is one, or was
 * @steps_back: how often one began anew
 * @pending: what they advanced since the last settling
 * @settled: what they advanced before; protected by rcontainer_mutex
 */
struct device_meter {
	bool				shown;
	u64				steps_back;
	struct rcontainer_energy	pending;
	struct rcontainer_energy	settled;
};

/* Protects all but what is said to be protected otherwise. */
static DEFINE_SPINLOCK(meters_lock);
static struct device_meter meters[RCONTAINER_MAX_DEVICES];
static u64 cpu_last_nj;

/* Protects the list, and has one refresh them at a time. */
static DEFINE_MUTEX(sources_mutex);
static LIST_HEAD(sources);
static unsigned long refreshed_at = INITIAL_JIFFIES;
static DECLARE_WAIT_QUEUE_HEAD(refreshed);

static void settle_fn(struct work_struct *work);
static DECLARE_DEFERRABLE_WORK(settle_work, settle_fn);

static bool is_fresh(unsigned long at)
{
	return time_before(jiffies, at + msecs_to_jiffies(FRESH_MS));
}

/* Meters */

static u64 advance(unsigned int device, u64 now, u64 *last)
{
	u64 before = *last;

	lockdep_assert_held(&meters_lock);
	*last = now;
	meters[device].shown = true;
	if (likely(now >= before))
		return now - before;
	meters[device].steps_back++;
	return 0;
}

static void complain(unsigned int device)
{
	if (unlikely(READ_ONCE(meters[device].steps_back)))
		pr_warn_once("an energy meter of %s stepped back: counting goes on from there\n",
			     rcontainer_device_name(device));
}

/**
 * rcontainer_meter_start() - begin with a meter
 * @meter: the meter
 * @device: as returned by rcontainer_register_device()
 * @uj: what it shows, from which it counts
 *
 * Context: any; calls for the same meter are serialized by the caller.
 */
void rcontainer_meter_start(struct rcontainer_meter *meter, unsigned int device,
			    u64 uj)
{
	guard(spinlock_irqsave)(&meters_lock);
	meter->device = device;
	meter->last_uj = uj;
	meters[device].shown = true;
}
EXPORT_SYMBOL_GPL(rcontainer_meter_start);

/**
 * rcontainer_meter_show() - say what a meter shows
 * @meter: the meter
 * @uj: what it shows
 *
 * Context: any; calls for the same meter are serialized by the caller.
 */
void rcontainer_meter_show(struct rcontainer_meter *meter, u64 uj)
{
	scoped_guard(spinlock_irqsave, &meters_lock)
		rcontainer_add_energy(&meters[meter->device].pending, RCONTAINER_BASE,
				      advance(meter->device, uj, &meter->last_uj), 0);
	complain(meter->device);
}
EXPORT_SYMBOL_GPL(rcontainer_meter_show);

static void read_cpu_meter(const struct pmc_backend *backend)
{
	u32 rest_nj;
	u64 nj, uj;

	if (!backend || !backend->meter || !backend->meter(&nj))
		return;
	scoped_guard(spinlock_irqsave, &meters_lock) {
		uj = div_u64_rem(advance(RCONTAINER_CPU, nj, &cpu_last_nj), 1000,
				 &rest_nj);
		rcontainer_add_energy(&meters[RCONTAINER_CPU].pending,
				      RCONTAINER_BASE, uj, rest_nj * 1000);
	}
	complain(RCONTAINER_CPU);
}

/**
 * rcontainer_has_meter() - is a device's base cost metered?
 * @device: its index
 *
 * Context: any.
 * Return: whether it is.
 */
bool rcontainer_has_meter(unsigned int device)
{
	const struct pmc_backend *backend = pmc_backend();

	if (device == RCONTAINER_CPU)
		return backend && backend->meter;
	return READ_ONCE(meters[device].shown);
}

/* Sources */

/**
 * rcontainer_add_meter_source() - there are meters that can be read anew
 * @source: valid until removed, and as long as it is busy
 *
 * Context: process context, may sleep.
 */
void rcontainer_add_meter_source(struct rcontainer_meter_source *source)
{
	scoped_guard(mutex, &sources_mutex)
		list_add_tail(&source->list, &sources);
	guard(mutex)(&rcontainer_mutex);
	rcontainer_begin_settling();
}
EXPORT_SYMBOL_GPL(rcontainer_add_meter_source);

/**
 * rcontainer_remove_meter_source() - there are no longer
 * @source: the source; what it has begun may still be under way
 *
 * Context: process context, may sleep.  On return its refresh() is not running.
 */
void rcontainer_remove_meter_source(struct rcontainer_meter_source *source)
{
	guard(mutex)(&sources_mutex);
	list_del(&source->list);
}
EXPORT_SYMBOL_GPL(rcontainer_remove_meter_source);

/**
 * rcontainer_meters_refreshed() - a source's refresh() has come to an end
 * @source: the source
 *
 * Context: any.
 */
void rcontainer_meters_refreshed(struct rcontainer_meter_source *source)
{
	/* Pairs with all_refreshed() and begin_refresh(): the meters are shown before. */
	smp_store_release(&source->busy, false);
	wake_up(&refreshed);
}
EXPORT_SYMBOL_GPL(rcontainer_meters_refreshed);

/* Who did not answer the last time is not asked again, nor waited for. */
static bool begin_refresh(struct rcontainer_meter_source *source)
{
	/* Pairs with rcontainer_meters_refreshed(): the source reuses its buffer. */
	if (smp_load_acquire(&source->busy))
		return false;
	source->busy = true;
	if (source->refresh(source))
		return true;
	source->busy = false;
	return false;
}

static bool all_refreshed(void)
{
	struct rcontainer_meter_source *s;

	list_for_each_entry(s, &sources, list)
		if (s->awaited && smp_load_acquire(&s->busy))
			return false;
	return true;
}

/**
 * rcontainer_refresh_meters() - read meters that have to be asked for
 *
 * For who settles afterwards and wants it to be up to date.
 *
 * Context: process context, waits for the host, but not for long.
 */
void rcontainer_refresh_meters(void)
{
	struct rcontainer_meter_source *s;

	guard(mutex)(&sources_mutex);
	if (list_empty(&sources) || is_fresh(refreshed_at))
		return;
	list_for_each_entry(s, &sources, list)
		s->awaited = begin_refresh(s);
	wait_event_timeout(refreshed, all_refreshed(),
			   msecs_to_jiffies(REFRESH_WAIT_MS));
	refreshed_at = jiffies;
}

/* Settling */

/**
 * struct settlement - what is divided
 * @advanced: bitmap of the devices whose meters advanced
 * @divided: those among them whose energy is divided
 * @pj: of each, what is divided, in picojoules
 * @shift: weights of access cost are taken without so many lower bits
 * @weights: their sum
 * @weights_done: sum of those who have their part
 * @pj_done: sum of these parts
 */
struct settlement {
	unsigned long	advanced;
	unsigned long	divided;
	u64		pj[RCONTAINER_MAX_DEVICES];
	unsigned int	shift;
	u64		weights[RCONTAINER_MAX_DEVICES];
	u64		weights_done[RCONTAINER_MAX_DEVICES];
	u64		pj_done[RCONTAINER_MAX_DEVICES];
};

static void pay(struct rcontainer *c, unsigned int device, u64 pj)
{
	u32 rest_pj;
	u64 uj = div_u64_rem(pj, PJ_PER_UJ, &rest_pj);

	rcontainer_pay_base(c, device, uj, rest_pj);
}

static void take_pending(struct settlement *s)
{
	struct rcontainer_energy e;
	unsigned int i;
	u32 rest_pj;
	u64 uj;

	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++) {
		scoped_guard(spinlock_irqsave, &meters_lock) {
			e = meters[i].pending;
			meters[i].pending = (struct rcontainer_energy){};
		}
		uj = e.uj[RCONTAINER_BASE];
		rest_pj = e.rest_pj[RCONTAINER_BASE];
		if (!uj && !rest_pj)
			continue;
		__set_bit(i, &s->advanced);
		rcontainer_add_energy(&meters[i].settled, RCONTAINER_BASE, uj, rest_pj);
		if (policy == BASE_ROOT || uj > MAX_SPLIT_UJ) {
			rcontainer_pay_base(&rcontainer_root, i, uj, rest_pj);
			continue;
		}
		__set_bit(i, &s->divided);
		s->pj[i] = uj * PJ_PER_UJ + rest_pj;
	}
}

static u64 weight(const struct settlement *s, const struct rcontainer *c,
		  unsigned int device)
{
	if (policy == BASE_EQUAL)
		return c->shares;
	return c->recent_pj[device] >> s->shift;
}

static bool add_up_weights(struct settlement *s)
{
	struct rcontainer *c;
	unsigned int i;

	memset(s->weights, 0, sizeof(s->weights));
	for_each_rcontainer(c)
		for_each_set_bit(i, &s->divided, RCONTAINER_MAX_DEVICES)
			if (check_add_overflow(s->weights[i], weight(s, c, i),
					       &s->weights[i]))
				return false;
	return true;
}

static void divide(struct settlement *s)
{
	struct rcontainer *c;
	unsigned int i;
	u64 until_now;

	if (!add_up_weights(s)) {
		/* 2^31 containers at most. */
		s->shift = 32;
		add_up_weights(s);
	}
	for_each_set_bit(i, &s->divided, RCONTAINER_MAX_DEVICES) {
		if (s->weights[i])
			continue;
		pay(&rcontainer_root, i, s->pj[i]);
		__clear_bit(i, &s->divided);
	}
	for_each_rcontainer(c) {
		for_each_set_bit(i, &s->divided, RCONTAINER_MAX_DEVICES) {
			if (!weight(s, c, i))
				continue;
			s->weights_done[i] += weight(s, c, i);
			until_now = mul_u64_u64_div_u64(s->pj[i], s->weights_done[i],
							s->weights[i]);
			pay(c, i, until_now - s->pj_done[i]);
			s->pj_done[i] = until_now;
		}
	}
}

/* Who has tasks now.  Kernel threads, all the root's, are none of anybody's. */
static void count_shares(void)
{
	struct task_struct *p, *t;
	struct rcontainer *c;

	for_each_rcontainer(c)
		c->shares = 0;
	guard(rcu)();
	for_each_process_thread(p, t)
		if (!(READ_ONCE(t->flags) & (PF_EXITING | PF_KTHREAD)))
			READ_ONCE(t->rcontainer)->shares = 1;
}

static void forget_recent(unsigned long devices)
{
	struct rcontainer *c;
	unsigned int i;

	for_each_rcontainer(c)
		for_each_set_bit(i, &devices, RCONTAINER_MAX_DEVICES)
			c->recent_pj[i] = 0;
}

/**
 * rcontainer_settle() - divide what the meters advanced
 *
 * Context: process context, rcontainer_mutex held; waits for other CPUs.
 */
void rcontainer_settle(void)
{
	struct settlement s = {};

	lockdep_assert_held(&rcontainer_mutex);
	read_cpu_meter(pmc_backend());
	take_pending(&s);
	settled_at = jiffies;
	if (!s.advanced || policy == BASE_ROOT)
		return;
	if (policy == BASE_ACCESS)
		rcontainer_put_aside();
	divide(&s);
	if (policy == BASE_ACCESS)
		forget_recent(s.advanced);
	else
		count_shares();
}

/**
 * rcontainer_settle_if_due() - likewise, unless that was done just now
 *
 * Context: as rcontainer_settle().
 */
void rcontainer_settle_if_due(void)
{
	lockdep_assert_held(&rcontainer_mutex);
	if (!is_fresh(settled_at))
		rcontainer_settle();
}

/* The root pays at any time as much. */
static void settle_later(void)
{
	if (policy != BASE_ROOT && static_key_enabled(&rcontainer_enabled) &&
	    (rcontainer_has_meter(RCONTAINER_CPU) || !list_empty_careful(&sources)))
		schedule_delayed_work(&settle_work, SETTLE_INTERVAL);
}

static void settle_fn(struct work_struct *work)
{
	/* It was chosen since: then nobody is asked without need. */
	if (READ_ONCE(policy) == BASE_ROOT)
		return;
	rcontainer_refresh_meters();
	guard(mutex)(&rcontainer_mutex);
	rcontainer_settle_if_due();
	settle_later();
}

/**
 * rcontainer_begin_settling() - from now on parts may differ
 *
 * There are containers now, or meters, or another policy.
 *
 * Context: process context, rcontainer_mutex held.
 */
void rcontainer_begin_settling(void)
{
	lockdep_assert_held(&rcontainer_mutex);
	if (policy == BASE_EQUAL)
		count_shares();
	settle_later();
}

/**
 * rcontainer_gets_task() - a task is about to be bound to a container
 * @c: the container
 *
 * What the meters advanced before is none of its.
 *
 * Context: process context, rcontainer_mutex held.
 */
void rcontainer_gets_task(struct rcontainer *c)
{
	lockdep_assert_held(&rcontainer_mutex);
	if (c->shares)
		return;
	if (policy == BASE_EQUAL)
		rcontainer_settle_if_due();
	c->shares = 1;
}

/**
 * rcontainer_set_base_policy() - divide base cost otherwise from now on
 * @name: of the policy
 *
 * Context: process context, rcontainer_mutex held, waits for other CPUs.
 * Return: 0; -EINVAL if there is no such policy.
 */
int rcontainer_set_base_policy(const char *name)
{
	int ret = match_string(policy_names, ARRAY_SIZE(policy_names), name);

	lockdep_assert_held(&rcontainer_mutex);
	if (ret < 0)
		return -EINVAL;
	rcontainer_settle();
	policy = ret;
	if (policy == BASE_ACCESS) {
		/* What was charged before was divided for. */
		rcontainer_put_aside();
		forget_recent(GENMASK(RCONTAINER_MAX_DEVICES - 1, 0));
	}
	rcontainer_begin_settling();
	return 0;
}

/* One line for info/base_policy: all of them, the one in force in brackets. */
void rcontainer_show_base_policy(struct seq_file *m)
{
	enum base_policy now = READ_ONCE(policy);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(policy_names); i++)
		seq_printf(m, i == now ? "%s[%s]" : "%s%s", i ? " " : "",
			   policy_names[i]);
	seq_putc(m, '\n');
}

/**
 * rcontainer_metered_total() - what was settled since boot
 * @total: receives it
 *
 * Context: rcontainer_mutex held.
 * Return: bitmap of the devices that have meters.
 */
unsigned long rcontainer_metered_total(struct rcontainer_metered *total)
{
	unsigned long devices = 0;
	unsigned int i;

	lockdep_assert_held(&rcontainer_mutex);
	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++) {
		total->base_pj[i] = meters[i].settled.uj[RCONTAINER_BASE] * PJ_PER_UJ +
				    meters[i].settled.rest_pj[RCONTAINER_BASE];
		if (rcontainer_has_meter(i))
			__set_bit(i, &devices);
	}
	return devices;
}

/* Flat-keyed lines for info/devices; rcontainer_mutex held. */
void rcontainer_show_meters(struct seq_file *m)
{
	const char *name;
	unsigned int i;

	for (i = RCONTAINER_CPU; (name = rcontainer_device_name(i)); i++) {
		if (!rcontainer_has_meter(i))
			continue;
		seq_printf(m, "%s.metered_uj %llu\n", name,
			   meters[i].settled.uj[RCONTAINER_BASE]);
		seq_printf(m, "%s.meter_steps_back %llu\n", name,
			   READ_ONCE(meters[i].steps_back));
	}
}
