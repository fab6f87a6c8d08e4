/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtualized event counters: what this (virtual) CPU alone consumed.
 *
 * arch/pmc is mechanism only.  It knows where the counters of the physical CPU
 * are and how to factor out of them what other virtual machines did there; it
 * does not know whom to charge.  A back end fills in a struct pmc_ops.
 */
#ifndef _LINUX_PMC_H
#define _LINUX_PMC_H

#include <linux/static_call.h>
#include <linux/types.h>
#include <uapi/linux/pvenergy.h>

#define PMC_MAX_EVENTS	PVENERGY_MAX_EVENTS

struct seq_file;

/**
 * struct pmc_ops - a source of virtual event counters
 * @name: lower-case name, shown in info/backend
 * @charge: add to @sum what each of this CPU's counters advanced since @last,
 *	and move @last there.  All PMC_MAX_EVENTS are processed, unused ones stay
 *	zero.  Called with interrupts off from any context but NMI, the
 *	scheduler's switch path included: no locks, no allocation, no waiting,
 *	bounded time.  Where the counters can't be read just now @last and @sum
 *	stay as they are, and the next call catches up.
 * @start: begin to count, with the first container, or NULL if the counters
 *	count at any time.  Called once at most; until then @charge must add
 *	nothing.  Process context, may sleep.  Return: 0, or a negative errno
 *	if nothing can be counted; then struct pmc_backend.next is tried.
 * @reweigh: if the events' weights have changed since the last call, or the
 *	registration, fill in all of them and return true.  Or NULL.  Process
 *	context, one caller at a time.
 * @show: print flat-keyed lines about the back end's state, or NULL.  Process
 *	context, may sleep.
 */
struct pmc_ops {
	const char	*name;
	void		(*charge)(u64 *last, u64 *sum);
	int		(*start)(void);
	bool		(*reweigh)(u64 *weight_pj);
	void		(*show)(struct seq_file *m);
};

/**
 * struct pmc_backend - what a back end registers
 * @ops: its operations
 * @nr_events: number of events, 1 to PMC_MAX_EVENTS
 * @events: name, weight and flags of each
 * @meter: read the energy meter of base cost, in nanojoules; false where it
 *	can't be read just now.  What it shows is checked by the caller.  Process
 *	context, may sleep, one caller at a time.  NULL if there is no meter.
 *	With one, events of base cost have no price: it is in the meter.
 * @next: takes its place where @ops->start fails, or NULL
 */
struct pmc_backend {
	const struct pmc_ops	*ops;
	unsigned int		nr_events;
	struct pvenergy_event	events[PMC_MAX_EVENTS];
	bool			(*meter)(u64 *nj);
	const struct pmc_backend	*next;
};

int pmc_register(const struct pmc_backend *backend);
void pmc_unregister(const struct pmc_backend *backend);
const struct pmc_backend *pmc_backend(void);
void pmc_start(void);

void pmc_charge_none(u64 *last, u64 *sum);
DECLARE_STATIC_CALL(pmc_charge, pmc_charge_none);

/**
 * pmc_charge() - take what this CPU's counters advanced
 * @last: the previous reading of this CPU, PMC_MAX_EVENTS counts
 * @sum: where to add the difference, PMC_MAX_EVENTS counts
 *
 * Context: interrupts off; see struct pmc_ops.
 */
static __always_inline void pmc_charge(u64 *last, u64 *sum)
{
	static_call(pmc_charge)(last, sum);
}

/* A back end for tests: its counters advance when the test says so. */
int pmc_fake_register(void);
void pmc_fake_advance(const u64 *delta);
void pmc_fake_reweigh(const u64 *weight_pj);
void pmc_fake_meter(const u64 *nj);

#endif /* _LINUX_PMC_H */
