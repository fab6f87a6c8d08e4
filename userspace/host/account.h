/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU accounting at host level: who consumed what of the physical CPUs'
 * counters, and what that cost.
 *
 * Time is cut into periods.  In each, the accountant is given one cut of
 * every physical CPU (account_cpu), or what was counted otherwise
 * (account_charge), then the list of virtual machines (account_vms).
 *
 * Counts.  The host log of a physical CPU divides its counters into turns; a
 * turn belongs to the virtual machine that held the CPU.  A turn that is not
 * over yet is charged up to the cut, and later from there on.  If the log ran
 * over between two cuts, the cumulative totals beside it tell as much, but
 * for when it happened.  What was counted before the first turn belongs to
 * nobody.  So at each cut and for each counter, to the unit,
 *
 *	sum over virtual machines + nobody = sum over physical CPUs
 *
 * Energy is weights times counts.  Access cost goes to who caused the event.
 * Base cost, which the processors consume in any case, is summed over all
 * physical CPUs and divided equally among the virtual machines present at the
 * end of the period; the picojoules that do not divide are carried into the
 * next one.  Without any virtual machine, nobody pays.
 */
#ifndef RCONTAINER_ACCOUNT_H
#define RCONTAINER_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"
#include "model.h"

/* Picojoules: a counter times a weight needs up to 104 bits. */
typedef unsigned __int128 energy_t;

/**
 * struct account_sum - what was consumed since the machine was made
 * @counts: events
 * @base_pj: share of the base cost, in picojoules
 * @access_pj: access cost, in picojoules
 */
struct account_sum {
	uint64_t counts[PVENERGY_MAX_EVENTS];
	energy_t base_pj;
	energy_t access_pj;
};

/**
 * struct account_vm - a virtual machine, in the slot of the same index
 * @name: NUL-terminated
 * @generation: of the slot, 0 while nobody has been seen in it
 * @present: its process lives
 * @sum: what it consumed
 */
struct account_vm {
	char name[PVENERGY_NAME_LEN];
	uint32_t generation;
	bool present;
	struct account_sum sum;
};

/* Index in struct account_cpu.charged of what belongs to nobody. */
#define ACCOUNT_NOBODY	MACHINE_MAX_VMS

/**
 * struct account_cpu - how far a physical CPU is accounted
 * @log_head: number of switches seen
 * @counters: its counters at the last cut, all of which are charged
 * @charged: per slot, what was charged of them
 */
struct account_cpu {
	uint64_t log_head;
	uint64_t counters[PVENERGY_MAX_EVENTS];
	uint64_t charged[MACHINE_MAX_VMS + 1][PVENERGY_MAX_EVENTS];
};

/**
 * struct account - all there is to know
 * @model: weights
 * @nr_cpus: physical CPUs
 * @cpu: the physical CPUs
 * @vm: the virtual machines
 * @ended: those that ended and whose slot another has taken, together
 * @nobody: what belongs to no virtual machine
 * @base_pj: base cost of this period, so far
 * @carry_pj: base cost of earlier periods that did not divide
 * @started: a period has ended
 * @overruns: how often a log had run over
 * @turns: per slot, what is yet to be charged of a cut, else zero
 * @has_turns: the slots for which there is anything in @turns
 */
struct account {
	struct model model;
	unsigned int nr_cpus;
	struct account_cpu cpu[MACHINE_MAX_PCPUS];
	struct account_vm vm[MACHINE_MAX_VMS];
	struct account_sum ended;
	struct account_sum nobody;
	energy_t base_pj;
	energy_t carry_pj;
	bool started;
	uint64_t overruns;
	uint64_t turns[MACHINE_MAX_VMS + 1][PVENERGY_MAX_EVENTS];
	struct machine_set has_turns;
};

/**
 * struct account_cut - a physical CPU, all fields as of one moment
 * @owner: as in struct machine_pcpu
 * @log_head: as in struct machine_pcpu
 * @now: the physical CPU's counters
 * @at_switch: as in struct machine_pcpu
 * @known: the slots of which @total is filled in: those that had the CPU since
 *	the cut before, or all
 * @total: as in struct machine_pcpu
 * @log: the entries since the log head of the cut before, oldest first; not
 *	filled in if they are more than a log holds
 */
struct account_cut {
	uint32_t owner;
	uint64_t log_head;
	uint64_t now[PVENERGY_MAX_EVENTS];
	uint64_t at_switch[PVENERGY_MAX_EVENTS];
	struct machine_set known;
	uint64_t total[MACHINE_MAX_VMS][PVENERGY_MAX_EVENTS];
	struct machine_switch log[MACHINE_LOG_ENTRIES];
};

/* Begin with a machine of @nr_cpus physical CPUs. */
void account_init(struct account *a, const struct model *model,
		  unsigned int nr_cpus);

/**
 * account_take_cut() - copy what accounting needs of a physical CPU
 * @cut: filled in
 * @p: the physical CPU, its lock held
 * @now: its counters, read while the lock is held
 * @since: log head of the cut before, 0 at first
 * @all: also the totals of slots that cannot have changed, to compare them
 */
void account_take_cut(struct account_cut *cut, const struct machine_pcpu *p,
		      const uint64_t now[PVENERGY_MAX_EVENTS], uint64_t since,
		      bool all);

/**
 * account_cpu() - charge what a physical CPU did since its last cut
 * @a: the accountant
 * @cpu: the physical CPU
 * @cut: the new cut
 *
 * Weights are applied once for each slot, not for each turn.
 *
 * Return: how many of the slots known in the cut were charged something else
 * than the machine's own totals say, which are 0 unless the log or the totals
 * are damaged.
 */
unsigned int account_cpu(struct account *a, unsigned int cpu,
			 const struct account_cut *cut);

/**
 * account_charge() - charge what was counted elsewhere
 * @a: the accountant of a host without a log, which has one physical CPU that
 *	stands for all
 * @slot: of a virtual machine, or ACCOUNT_NOBODY
 * @counts: events since the last time
 */
void account_charge(struct account *a, unsigned int slot,
		    const uint64_t counts[PVENERGY_MAX_EVENTS]);

/**
 * account_known_base() - what virtual machines were told to have paid before
 * @a: the accountant, before its first account_vms()
 * @base_pj: for each slot, 0 if it was told nothing
 *
 * What is left of the base cost until now is divided as if that had not been.
 *
 * Return: false, with nothing changed, if that is more than there was.
 */
bool account_known_base(struct account *a,
			const energy_t base_pj[MACHINE_MAX_VMS]);

/* Has a slot got another virtual machine, which account_vms() is to see? */
bool account_changes_hands(const struct account *a,
			   const struct machine_vm vm[MACHINE_MAX_VMS]);

/**
 * account_vms() - end a period
 * @a: the accountant
 * @vm: the machine's slots
 * @alive: the slots whose process lives
 *
 * Takes note of virtual machines that came and went, and divides the period's
 * base cost.  In the first period, which may reach back for long, all virtual
 * machines that ever were count as present.
 */
void account_vms(struct account *a,
		 const struct machine_vm vm[MACHINE_MAX_VMS],
		 const struct machine_set *alive);

/* Has somebody else been in the slot before, who may be in its sum? */
bool account_shared_slot(const struct account *a, unsigned int slot);

/**
 * struct account_energy - energy without events
 * @base_pj: in picojoules
 * @access_pj: in picojoules
 */
struct account_energy {
	energy_t base_pj;
	energy_t access_pj;
};

/**
 * struct account_saved - what an accountant before this one had charged
 * @vm: for each slot, the virtual machine that is in it now
 * @ended: all others that ever were
 * @nobody: nobody
 */
struct account_saved {
	struct account_energy vm[MACHINE_MAX_VMS];
	struct account_energy ended;
	struct account_energy nobody;
};

/**
 * account_resume() - go on from what another accountant had charged
 * @a: the accountant, between two periods
 * @saved: of the same machine at the same weights
 *
 * An accountant that starts late does not know when virtual machines came and
 * went, nor who was in a slot before.  One that was there does.  What it had
 * charged is taken over; base cost beyond is divided with the next period's;
 * access cost beyond is that of its slot, if only one virtual machine has ever
 * been there, and is else divided equally among those in the other slots.
 * Events are left as they are.  All sums stay what they were.
 *
 * Return: false, with nothing changed, if more is saved than ever consumed.
 */
bool account_resume(struct account *a, const struct account_saved *saved);

/* Sum over the physical CPUs, from their counters: what was consumed at all. */
void account_machine(const struct account *a, struct account_sum *sum);

/**
 * account_difference() - what account_machine() has that nobody was charged
 * @a: the accountant
 * @sum: set to the difference, without what is carried; modulo its types' size
 *
 * Return: whether there is any.
 */
bool account_difference(const struct account *a, struct account_sum *sum);

#endif /* RCONTAINER_ACCOUNT_H */
