// SPDX-License-Identifier: GPL-2.0
/*
 * Virtualized event counters: the one back end in use.
 */
#define pr_fmt(fmt) "pmc: " fmt

#include <linux/array_size.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/pmc.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "backend.h"

void pmc_charge_none(u64 *last, u64 *sum)
{
}

DEFINE_STATIC_CALL(pmc_charge, pmc_charge_none);

/* Protects pmc_started and changes of pmc_current. */
static DEFINE_MUTEX(pmc_mutex);
static const struct pmc_backend *pmc_current;
static bool pmc_started;

static const char * const pmc_choices[] = {
	[PMC_AUTO]	= "auto",
	[PMC_NONE]	= "none",
	[PMC_PVPAGE]	= "pvpage",
	[PMC_RDPMC]	= "rdpmc",
	[PMC_PERF]	= "perf",
};

static enum pmc_choice pmc_chosen __ro_after_init;

/**
 * pmc_choice_parse() - a value of the boot parameter
 * @name: the value
 *
 * Context: any.
 * Return: an enum pmc_choice or -EINVAL.
 */
int pmc_choice_parse(const char *name)
{
	return match_string(pmc_choices, ARRAY_SIZE(pmc_choices), name);
}

/**
 * pmc_choice_allows() - may a back end serve, given the boot parameter?
 * @choice: the boot parameter
 * @backend: a back end
 *
 * The automatic choice is the energy page, where there is one, then perf.
 * RDPMC needs counters that somebody programmed, and is often slower than
 * either: only who names it gets it.
 *
 * Context: any.
 * Return: whether it may.
 */
bool pmc_choice_allows(enum pmc_choice choice, enum pmc_choice backend)
{
	return choice == PMC_AUTO ? backend != PMC_RDPMC : choice == backend;
}

/**
 * pmc_allowed() - may a back end serve on this system?
 * @backend: a back end
 *
 * For back ends to ask before they set themselves up.
 *
 * Context: any, from the initcalls on.
 * Return: whether it may.
 */
bool pmc_allowed(enum pmc_choice backend)
{
	return pmc_choice_allows(pmc_chosen, backend);
}

static int pmc_choice_set(const char *val, const struct kernel_param *kp)
{
	int choice = pmc_choice_parse(val);

	if (choice >= 0)
		pmc_chosen = choice;
	else
		pr_err("pmc=%s is none of auto, none, pvpage, rdpmc, perf: using auto\n",
		       val);
	return 0;
}

static int pmc_choice_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s\n", pmc_choices[pmc_chosen]);
}

static const struct kernel_param_ops param_ops_pmc_choice = {
	.set	= pmc_choice_set,
	.get	= pmc_choice_get,
};

#define param_check_pmc_choice(name, p) __param_check(name, p, enum pmc_choice)
core_param(pmc, pmc_chosen, pmc_choice, 0444);

/**
 * pmc_register() - offer a source of counters
 * @backend: stays valid until pmc_unregister()
 *
 * The first one wins.  Once accounting has begun it is too late: the first
 * reading comprises all that the counters counted so far, which must not go to
 * whoever happens to run.
 *
 * Context: process context, may sleep.
 * Return: 0, -EBUSY if there is another back end or accounting has begun.
 */
int pmc_register(const struct pmc_backend *backend)
{
	guard(mutex)(&pmc_mutex);
	if (pmc_current || pmc_started)
		return -EBUSY;
	/* Pairs with READ_ONCE() in pmc_backend(): what @backend points to comes first. */
	smp_store_release(&pmc_current, backend);
	static_call_update(pmc_charge, backend->ops->charge);
	pr_info("%s: %u events\n", backend->ops->name, backend->nr_events);
	return 0;
}
EXPORT_SYMBOL_GPL(pmc_register);

/**
 * pmc_unregister() - withdraw a source of counters
 * @backend: as registered; another one is ignored
 *
 * Nothing is counted from now on.  Once accounting has begun it stays the back
 * end, since what was counted by it is to be priced.
 *
 * Context: process context, may sleep.  On return no CPU is in the back end.
 */
void pmc_unregister(const struct pmc_backend *backend)
{
	guard(mutex)(&pmc_mutex);
	if (pmc_current != backend)
		return;
	static_call_update(pmc_charge, pmc_charge_none);
	if (!pmc_started)
		WRITE_ONCE(pmc_current, NULL);
	/* The callers of pmc_charge() have interrupts off. */
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(pmc_unregister);

/**
 * pmc_backend() - the back end in use, or that was when accounting began
 *
 * Context: any.  The result stays valid where the back end can't go away, that
 * is for every back end but a device that is unplugged: those keep their
 * struct pmc_backend in static memory.
 * Return: the back end, or NULL.
 */
const struct pmc_backend *pmc_backend(void)
{
	return READ_ONCE(pmc_current);
}

/**
 * pmc_first_started() - start a back end, or the next one that starts
 * @backend: the back end to try first, or NULL
 *
 * Context: process context, may sleep.
 * Return: the back end that counts from now on, or NULL.
 */
const struct pmc_backend *pmc_first_started(const struct pmc_backend *backend)
{
	int ret;

	for (; backend; backend = backend->next) {
		ret = backend->ops->start ? backend->ops->start() : 0;
		if (!ret)
			break;
		pr_warn("%s: %u events can't be counted now: error %d\n",
			backend->ops->name, backend->nr_events, ret);
	}
	return backend;
}

/**
 * pmc_start() - accounting begins: no back end can register any more
 *
 * Context: process context, may sleep.
 */
void pmc_start(void)
{
	const struct pmc_backend *backend;

	guard(mutex)(&pmc_mutex);
	if (pmc_started)
		return;
	pmc_started = true;
	backend = pmc_first_started(pmc_current);
	if (backend != pmc_current) {
		/* Pairs with READ_ONCE() in pmc_backend(). */
		smp_store_release(&pmc_current, backend);
		static_call_update(pmc_charge, backend ? backend->ops->charge :
				   pmc_charge_none);
	}
	if (backend)
		return;
	if (pmc_chosen == PMC_AUTO)
		pr_warn("no energy page and no other counters: resource containers will count nothing\n");
	else
		pr_warn("no counters with pmc=%s: resource containers will count nothing\n",
			pmc_choices[pmc_chosen]);
}
