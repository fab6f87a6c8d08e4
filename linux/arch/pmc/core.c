// SPDX-License-Identifier: GPL-2.0
/*
 * Virtualized event counters: the one back end in use.
 */
#define pr_fmt(fmt) "pmc: " fmt

#include <linux/export.h>
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/pmc.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>

void pmc_charge_none(u64 *last, u64 *sum)
{
}

DEFINE_STATIC_CALL(pmc_charge, pmc_charge_none);

/* Protects pmc_started and changes of pmc_current. */
static DEFINE_MUTEX(pmc_mutex);
static const struct pmc_backend *pmc_current;
static bool pmc_started;

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
	WRITE_ONCE(pmc_current, backend);
	static_call_update(pmc_charge, backend->ops->charge);
	pr_info("%s: %u events\n", backend->ops->name, backend->nr_events);
	return 0;
}
EXPORT_SYMBOL_GPL(pmc_register);

/**
 * pmc_unregister() - withdraw a source of counters
 * @backend: as registered; another one is ignored
 *
 * What was counted stays; nothing is counted from now on.
 *
 * Context: process context, may sleep.  On return no CPU is in the back end.
 */
void pmc_unregister(const struct pmc_backend *backend)
{
	guard(mutex)(&pmc_mutex);
	if (pmc_current != backend)
		return;
	static_call_update(pmc_charge, pmc_charge_none);
	WRITE_ONCE(pmc_current, NULL);
	/* The callers of pmc_charge() have interrupts off. */
	synchronize_rcu();
}
EXPORT_SYMBOL_GPL(pmc_unregister);

/**
 * pmc_backend() - the back end in use
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
 * pmc_start() - accounting begins: no back end can register any more
 *
 * Context: process context, may sleep.
 */
void pmc_start(void)
{
	guard(mutex)(&pmc_mutex);
	if (!pmc_started && !pmc_current)
		pr_warn("no energy page and no other counters: resource containers will count nothing\n");
	pmc_started = true;
}
