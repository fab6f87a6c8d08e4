// SPDX-License-Identifier: GPL-2.0
/*
 * Devices other than the CPU: who serves them says what each service cost.
 *
 * A device is a name and a column in the counts of each container.  What was
 * returned for it is added up twice: once as it arrives, once to whom it is
 * charged.  The two sums are equal in every snapshot, because a CPU does both
 * with interrupts off.
 *
 * The columns are picojoules modulo 2^64, which a device of 5 kW takes an hour
 * to wrap.  Within the hour they are put aside, as at the end of an epoch.
 *
 * Devices stay known when they are gone: so does what they consumed.
 */
#define pr_fmt(fmt) "rcontainer: " fmt

#include <linux/atomic.h>
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "internal.h"

#define FOLD_INTERVAL	(30 * 60 * HZ)

static struct {
	char		name[RCONTAINER_DEVICE_NAME];
	atomic64_t	refused;
} devices[RCONTAINER_MAX_DEVICES] = {
	[RCONTAINER_CPU] = { .name = "cpu" },
};

/* Protects registration; the first so many devices are there for readers. */
static DEFINE_MUTEX(devices_mutex);
static unsigned int nr_devices = 1;

static void fold_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(fold_work, fold_fn);

static void fold_fn(struct work_struct *work)
{
	rcontainer_end_epoch();
	schedule_delayed_work(&fold_work, FOLD_INTERVAL);
}

/* It becomes a word in files. */
static bool valid_name(const char *name)
{
	size_t len = strnlen(name, RCONTAINER_DEVICE_NAME), i;

	if (len == RCONTAINER_DEVICE_NAME || !islower(name[0]))
		return false;
	for (i = 1; i < len; i++)
		if (!islower(name[i]) && !isdigit(name[i]) && name[i] != '-' &&
		    name[i] != '_')
			return false;
	return true;
}

/**
 * rcontainer_register_device() - a device will return costs
 * @name: as files show it: letters in lower case, digits, '-' and '_', a
 *	letter first; who registers the same name means the same device
 *
 * Context: process context, may sleep.
 * Return: the device's index; -EINVAL for a bad name, or that of the CPU;
 * -ENOSPC if there are RCONTAINER_MAX_DEVICES already.
 */
int rcontainer_register_device(const char *name)
{
	unsigned int i;

	if (!valid_name(name) || !strcmp(name, devices[RCONTAINER_CPU].name))
		return -EINVAL;
	guard(mutex)(&devices_mutex);
	for (i = 0; i < nr_devices; i++)
		if (!strcmp(devices[i].name, name))
			return i;
	if (nr_devices == RCONTAINER_MAX_DEVICES)
		return -ENOSPC;
	strscpy(devices[i].name, name);
	/* The name before it counts: see rcontainer_device_name(). */
	smp_store_release(&nr_devices, i + 1);
	schedule_delayed_work(&fold_work, FOLD_INTERVAL);
	return i;
}
EXPORT_SYMBOL_GPL(rcontainer_register_device);

/**
 * rcontainer_device_name() - the name of a device
 * @device: its index
 *
 * Context: any.
 * Return: the name; NULL if there are not so many devices.
 */
const char *rcontainer_device_name(unsigned int device)
{
	/* Pairs with the release in rcontainer_register_device(). */
	if (device >= smp_load_acquire(&nr_devices))
		return NULL;
	return devices[device].name;
}

/**
 * rcontainer_device_refused() - a device returned a cost that can't be
 * @device: its index
 *
 * Counted in info/devices.
 *
 * Context: any.
 */
void rcontainer_device_refused(unsigned int device)
{
	atomic64_inc(&devices[device].refused);
}
EXPORT_SYMBOL_GPL(rcontainer_device_refused);

static void add_costs(u64 *sum, const unsigned int *device, const u64 *access_pj,
		      unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		sum[device[i]] += access_pj[i];
}

/**
 * rcontainer_costs_returned() - devices returned what something cost
 * @device: the devices
 * @access_pj: what each returned, to be charged with rcontainer_charge_share()
 *	before interrupts are on again
 * @nr: how many
 *
 * Context: interrupts off.
 */
void rcontainer_costs_returned(const unsigned int *device, const u64 *access_pj,
			       unsigned int nr)
{
	lockdep_assert_irqs_disabled();
	add_costs(this_cpu_ptr(&rcontainer_total)->device_pj, device, access_pj, nr);
}
EXPORT_SYMBOL_GPL(rcontainer_costs_returned);

/*
 * Who was charged last here: mostly it is the same again.  Of no use once a
 * container was removed since.
 */
struct last_charged {
	u32			id;
	unsigned int		removals;
	struct rcontainer	*c;
};

static DEFINE_PER_CPU(struct last_charged, last_charged) = {
	.c = &rcontainer_root,
};

static __always_inline bool charged_last(u32 id)
{
	/* Before the look at who it is: pairs with rcontainer_remove(). */
	unsigned int removals = smp_load_acquire(&rcontainer_removals);

	return __this_cpu_read(last_charged.removals) == removals &&
	       __this_cpu_read(last_charged.id) == id;
}

static noinline void find_whom_to_charge(u32 id)
{
	struct last_charged *last = this_cpu_ptr(&last_charged);

	/* Before the look into the table: pairs with rcontainer_remove(). */
	last->removals = smp_load_acquire(&rcontainer_removals);
	last->c = rcontainer_by_id(id);
	last->id = id;
}

/**
 * rcontainer_charge_share() - charge a container for a part of what devices did
 * @id: who pays, a weak reference, see rcontainer_by_id()
 * @device: the devices
 * @access_pj: a part of the costs given to rcontainer_costs_returned()
 * @nr: how many
 *
 * That interrupts are off keeps the container: it is freed a grace period after
 * its id became a tombstone.
 *
 * Context: interrupts off.
 */
void rcontainer_charge_share(u32 id, const unsigned int *device,
			     const u64 *access_pj, unsigned int nr)
{
	lockdep_assert_irqs_disabled();
	if (unlikely(!charged_last(id)))
		find_whom_to_charge(id);
	add_costs(this_cpu_ptr(__this_cpu_read(last_charged.c)->counts)->device_pj,
		  device, access_pj, nr);
}
EXPORT_SYMBOL_GPL(rcontainer_charge_share);

static noinline void charge_another(u32 id, const unsigned int *device,
				    const u64 *access_pj, unsigned int nr)
{
	guard(irqsave)();
	rcontainer_costs_returned(device, access_pj, nr);
	rcontainer_charge_share(id, device, access_pj, nr);
}

/**
 * rcontainer_charge_costs() - devices returned what one has to pay for alone
 * @id: who pays, a weak reference, see rcontainer_by_id()
 * @device: the devices
 * @access_pj: what each returned
 * @nr: how many
 *
 * The same as rcontainer_costs_returned() and rcontainer_charge_share() of all,
 * in fewer instructions.
 *
 * Context: any but NMI.
 */
void rcontainer_charge_costs(u32 id, const unsigned int *device,
			     const u64 *access_pj, unsigned int nr)
{
	u64 *total, *counts;
	unsigned long flags;
	unsigned int i;

	local_irq_save(flags);
	if (unlikely(!charged_last(id))) {
		local_irq_restore(flags);
		charge_another(id, device, access_pj, nr);
		return;
	}
	total = this_cpu_ptr(&rcontainer_total)->device_pj;
	counts = this_cpu_ptr(__this_cpu_read(last_charged.c)->counts)->device_pj;
	for (i = 0; i < nr; i++) {
		u64 pj = access_pj[i];

		total[device[i]] += pj;
		counts[device[i]] += pj;
	}
	local_irq_restore(flags);
}
EXPORT_SYMBOL_GPL(rcontainer_charge_costs);

/* Flat-keyed lines for info/devices. */
void rcontainer_show_devices(struct seq_file *m)
{
	const char *name;
	unsigned int i;

	for_each_rcontainer_device(i, name)
		seq_printf(m, "%s.refused %lld\n", name,
			   atomic64_read(&devices[i].refused));
}
