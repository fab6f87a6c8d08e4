// SPDX-License-Identifier: GPL-2.0
/*
 * Energy for programs that read /sys/class/powercap: a zone for the machine, and
 * below it one for each container right below the root.
 *
 * A zone is a device with a directory of files in sysfs.  That costs more time
 * and memory than a container does, so there are no more than max_zones of them:
 * those containers have one that were made while there were fewer.  There is no
 * power to be capped: zones only show.
 *
 * The driver core removes a zone's files when nobody reads them any more, and who
 * reads them takes rcontainer_mutex.  So zones come and go in a work item without
 * that mutex; a container has its zone, and is without it, a moment later.
 */
#define pr_fmt(fmt) "rcontainer: " fmt

#include <linux/err.h>
#include <linux/init.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/powercap.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "internal.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX "rcontainer."

static unsigned int max_zones = 64;
module_param_named(powercap_zones, max_zones, uint, 0444);
MODULE_PARM_DESC(powercap_zones, "containers that are shown as powercap zones (default 64)");

/**
 * struct rcontainer_zone - a zone, wanted, there or no longer wanted
 * @c: whose, with a reference
 * @name: of the zone; the container may be renamed
 * @zone: the device, NULL until it is there
 * @node: in @coming, @going or none
 */
struct rcontainer_zone {
	struct rcontainer	*c;
	const char		*name;
	struct powercap_zone	*zone;
	struct list_head	node;
};

static struct powercap_control_type *control_type;
static struct powercap_zone *machine_zone;

/* Protected by rcontainer_mutex. */
static unsigned int nr_zones;
static LIST_HEAD(coming);
static LIST_HEAD(going);

static void zones_fn(struct work_struct *work);
static DECLARE_WORK(zones_work, zones_fn);

static int get_energy_uj(struct powercap_zone *zone, u64 *uj)
{
	struct rcontainer *c = powercap_get_zone_data(zone);

	/* Just being registered. */
	if (!c)
		return -EAGAIN;
	rcontainer_refresh_meters();
	guard(mutex)(&rcontainer_mutex);
	if (c->offline)
		return -ENODEV;
	rcontainer_settle_if_due();
	*uj = rcontainer_total_uj(c);
	return 0;
}

/* It is not reached; but some programs have no larger numbers. */
static int get_max_energy_range_uj(struct powercap_zone *zone, u64 *uj)
{
	*uj = S64_MAX;
	return 0;
}

static const struct powercap_zone_ops zone_ops = {
	.get_energy_uj			= get_energy_uj,
	.get_max_energy_range_uj	= get_max_energy_range_uj,
};

/* There is nothing to set, but powercap wants to know how: never called. */
static int set_nothing(struct powercap_zone *zone, int id, u64 value)
{
	return -EOPNOTSUPP;
}

static int get_nothing(struct powercap_zone *zone, int id, u64 *value)
{
	return -EOPNOTSUPP;
}

static const struct powercap_zone_constraint_ops no_constraints = {
	.set_power_limit_uw	= set_nothing,
	.get_power_limit_uw	= get_nothing,
	.set_time_window_us	= set_nothing,
	.get_time_window_us	= get_nothing,
};

static struct powercap_zone *make_zone(const char *name,
				       struct powercap_zone *parent,
				       struct rcontainer *c)
{
	struct powercap_zone *zone;

	zone = powercap_register_zone(NULL, control_type, name, parent, &zone_ops,
				      0, &no_constraints);
	if (IS_ERR(zone)) {
		pr_warn_once("no powercap zone '%s': error %ld\n", name,
			     PTR_ERR(zone));
		return NULL;
	}
	powercap_set_zone_data(zone, c);
	return zone;
}

static struct rcontainer_zone *take_first(struct list_head *list)
{
	struct rcontainer_zone *z;

	guard(mutex)(&rcontainer_mutex);
	z = list_first_entry_or_null(list, struct rcontainer_zone, node);
	if (z)
		list_del_init(&z->node);
	return z;
}

/* The only one that registers and unregisters. */
static void zones_fn(struct work_struct *work)
{
	struct rcontainer_zone *z;

	while ((z = take_first(&going))) {
		if (z->zone)
			powercap_unregister_zone(control_type, z->zone);
		rcontainer_put(z->c);
		kfree_const(z->name);
		kfree(z);
	}
	/* Who is dropped meanwhile is put into the other list, and seen next. */
	while (machine_zone && (z = take_first(&coming)))
		z->zone = make_zone(z->name, machine_zone, z->c);
}

/**
 * rcontainer_add_zone() - a container may have a zone
 * @c: the container, with a name
 *
 * Context: process context, rcontainer_mutex held, may sleep.
 */
void rcontainer_add_zone(struct rcontainer *c)
{
	struct rcontainer_zone *z;

	lockdep_assert_held(&rcontainer_mutex);
	if (c->parent != &rcontainer_root || nr_zones >= max_zones)
		return;
	z = kzalloc(sizeof(*z), GFP_KERNEL);
	if (!z)
		return;
	z->name = kstrdup_const(c->name, GFP_KERNEL);
	if (!z->name || !rcontainer_tryget(c)) {
		kfree_const(z->name);
		kfree(z);
		return;
	}
	z->c = c;
	c->zone = z;
	nr_zones++;
	list_add_tail(&z->node, &coming);
	if (machine_zone)
		schedule_work(&zones_work);
}

/**
 * rcontainer_drop_zone() - a container is to have its zone no longer
 * @c: the container
 *
 * Context: process context, rcontainer_mutex held.
 */
void rcontainer_drop_zone(struct rcontainer *c)
{
	lockdep_assert_held(&rcontainer_mutex);
	if (!c->zone)
		return;
	list_move_tail(&c->zone->node, &going);
	c->zone = NULL;
	nr_zones--;
	schedule_work(&zones_work);
}

/* Drivers may have made containers before. */
static int __init zones_init(void)
{
	struct powercap_zone *zone;

	control_type = powercap_register_control_type(NULL, "rcontainer", NULL);
	if (IS_ERR(control_type))
		return PTR_ERR(control_type);
	zone = make_zone("machine", NULL, &rcontainer_root);
	if (!zone) {
		powercap_unregister_control_type(control_type);
		return -ENODEV;
	}
	guard(mutex)(&rcontainer_mutex);
	machine_zone = zone;
	schedule_work(&zones_work);
	return 0;
}
late_initcall(zones_init);
