// SPDX-License-Identifier: GPL-2.0-or-later
/* Host-level CPU accounting; the essay is in account.h. */
#include <string.h>

#include "account.h"

static bool is_base(const struct account *a, unsigned int event)
{
	return a->model.event[event].flags & PVENERGY_EVENT_BASE;
}

/* Energy of @counts: of the base events, or of the others. */
static energy_t price(const struct account *a, const uint64_t *counts, bool base)
{
	energy_t pj = 0;

	for (unsigned int e = 0; e < a->model.nr_events; e++)
		if (is_base(a, e) == base)
			pj += (energy_t)counts[e] * a->model.event[e].weight_pj;
	return pj;
}

static void add(struct account_sum *to, const struct account_sum *sum)
{
	for (unsigned int e = 0; e < PVENERGY_MAX_EVENTS; e++)
		to->counts[e] += sum->counts[e];
	to->base_pj += sum->base_pj;
	to->access_pj += sum->access_pj;
}

/* Slots come from shared memory: any that does not exist means nobody. */
static unsigned int valid_slot(uint32_t slot)
{
	return slot < MACHINE_MAX_VMS ? slot : ACCOUNT_NOBODY;
}

static void charge(struct account *a, struct account_cpu *cpu,
		   unsigned int slot, const uint64_t *counts)
{
	struct account_sum *sum;

	sum = slot == ACCOUNT_NOBODY ? &a->nobody : &a->vm[slot].sum;
	for (unsigned int e = 0; e < PVENERGY_MAX_EVENTS; e++) {
		cpu->charged[slot][e] += counts[e];
		sum->counts[e] += counts[e];
	}
	sum->access_pj += price(a, counts, false);
	a->base_pj += price(a, counts, true);
}

/* A turn, or a part of it: what the counters advanced until @counters. */
static void add_turn(struct account *a, struct account_cpu *cpu,
		     unsigned int slot, const uint64_t *counters)
{
	uint64_t *turns = a->turns[slot];

	for (unsigned int e = 0; e < PVENERGY_MAX_EVENTS; e++) {
		turns[e] += counters[e] - cpu->counters[e];
		cpu->counters[e] = counters[e];
	}
	if (slot != ACCOUNT_NOBODY)
		machine_set_add(&a->has_turns, slot);
}

static void charge_turns_of(struct account *a, struct account_cpu *cpu,
			    unsigned int slot)
{
	charge(a, cpu, slot, a->turns[slot]);
	memset(a->turns[slot], 0, sizeof(a->turns[slot]));
}

static void charge_turns(struct account *a, struct account_cpu *cpu)
{
	unsigned int slot;

	machine_set_for_each(slot, &a->has_turns)
		charge_turns_of(a, cpu, slot);
	charge_turns_of(a, cpu, ACCOUNT_NOBODY);
	memset(&a->has_turns, 0, sizeof(a->has_turns));
}

/*
 * The log ran over, so there was at least one switch: the turn that was under
 * way at the last cut is over, and the totals include all that was charged.
 */
static void add_totals(struct account *a, struct account_cpu *cpu,
		       const struct account_cut *cut)
{
	unsigned int slot;

	machine_set_for_each(slot, &cut->known) {
		for (unsigned int e = 0; e < PVENERGY_MAX_EVENTS; e++) {
			uint64_t count = cut->total[slot][e] - cpu->charged[slot][e];

			a->turns[slot][e] += count;
			cpu->counters[e] += count;
		}
		machine_set_add(&a->has_turns, slot);
	}
	/* What is left of the finished turns was nobody's. */
	add_turn(a, cpu, ACCOUNT_NOBODY, cut->at_switch);
	a->overruns++;
}

static unsigned int compare_totals(const struct account_cpu *cpu,
				   const struct account_cut *cut)
{
	unsigned int differ = 0, slot;

	machine_set_for_each(slot, &cut->known) {
		bool owner = slot == cut->owner;

		for (unsigned int e = 0; e < PVENERGY_MAX_EVENTS; e++) {
			uint64_t turn = owner ? cut->now[e] - cut->at_switch[e] : 0;

			if (cpu->charged[slot][e] != cut->total[slot][e] + turn) {
				differ++;
				break;
			}
		}
	}
	return differ;
}

void account_init(struct account *a, const struct model *model,
		  unsigned int nr_cpus)
{
	memset(a, 0, sizeof(*a));
	a->model = *model;
	a->nr_cpus = nr_cpus;
}

static void know(struct account_cut *cut, uint32_t slot)
{
	if (slot < MACHINE_MAX_VMS)
		machine_set_add(&cut->known, slot);
}

void account_take_cut(struct account_cut *cut, const struct machine_pcpu *p,
		      const uint64_t now[PVENERGY_MAX_EVENTS], uint64_t since,
		      bool all)
{
	uint64_t entries = p->log_head - since;
	unsigned int slot;

	cut->owner = p->owner;
	cut->log_head = p->log_head;
	memcpy(cut->now, now, sizeof(cut->now));
	memcpy(cut->at_switch, p->at_switch, sizeof(cut->at_switch));
	if (all || entries > MACHINE_LOG_ENTRIES) {
		memset(&cut->known, 0xff, sizeof(cut->known));
	} else {
		memset(&cut->known, 0, sizeof(cut->known));
		know(cut, cut->owner);
	}
	for (uint64_t i = 0; i < entries && entries <= MACHINE_LOG_ENTRIES; i++) {
		cut->log[i] = p->log[(since + i) % MACHINE_LOG_ENTRIES];
		know(cut, cut->log[i].from);
		know(cut, cut->log[i].to);
	}
	machine_set_for_each(slot, &cut->known)
		memcpy(cut->total[slot], p->total[slot], sizeof(p->total[slot]));
}

unsigned int account_cpu(struct account *a, unsigned int index,
			 const struct account_cut *cut)
{
	struct account_cpu *cpu = &a->cpu[index];
	uint64_t entries = cut->log_head - cpu->log_head;

	if (entries > MACHINE_LOG_ENTRIES)
		add_totals(a, cpu, cut);
	else
		for (uint64_t i = 0; i < entries; i++)
			add_turn(a, cpu, valid_slot(cut->log[i].from),
				 cut->log[i].counters);
	add_turn(a, cpu, valid_slot(cut->owner), cut->now);
	charge_turns(a, cpu);
	cpu->log_head = cut->log_head;
	return compare_totals(cpu, cut);
}

void account_charge(struct account *a, unsigned int slot,
		    const uint64_t counts[PVENERGY_MAX_EVENTS])
{
	for (unsigned int e = 0; e < PVENERGY_MAX_EVENTS; e++)
		a->cpu[0].counters[e] += counts[e];
	charge(a, &a->cpu[0], slot, counts);
}

/* A new virtual machine in a slot starts from zero. */
static void enter(struct account *a, struct account_vm *vm,
		  const struct machine_vm *new)
{
	if (vm->generation) {
		add(&a->ended, &vm->sum);
		memset(&vm->sum, 0, sizeof(vm->sum));
	}
	vm->generation = new->generation;
	memcpy(vm->name, new->name, sizeof(vm->name));
	vm->name[sizeof(vm->name) - 1] = '\0';
}

static void divide_base(struct account *a, const struct machine_set *payers)
{
	unsigned int nr = machine_set_count(payers), slot;
	energy_t base_pj = a->base_pj + a->carry_pj;
	energy_t share;

	a->base_pj = 0;
	a->carry_pj = 0;
	if (!nr) {
		a->nobody.base_pj += base_pj;
		return;
	}
	a->carry_pj = base_pj % nr;
	share = base_pj / nr;
	machine_set_for_each(slot, payers)
		a->vm[slot].sum.base_pj += share;
}

bool account_known_base(struct account *a,
			const energy_t base_pj[MACHINE_MAX_VMS])
{
	energy_t known = 0;

	/* Each is below 2^74, a meter in picojoules: the sum is no problem. */
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		known += base_pj[slot];
	if (known > a->base_pj)
		return false;
	a->base_pj -= known;
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		a->vm[slot].sum.base_pj += base_pj[slot];
	return true;
}

bool account_changes_hands(const struct account *a,
			   const struct machine_vm vm[MACHINE_MAX_VMS])
{
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		if (a->vm[slot].generation != vm[slot].generation)
			return true;
	return false;
}

void account_vms(struct account *a,
		 const struct machine_vm vm[MACHINE_MAX_VMS],
		 const struct machine_set *alive)
{
	struct machine_set payers = *alive;

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		if (a->vm[slot].generation != vm[slot].generation)
			enter(a, &a->vm[slot], &vm[slot]);
		a->vm[slot].present = machine_set_has(alive, slot);
		if (!a->started && vm[slot].generation)
			machine_set_add(&payers, slot);
	}
	divide_base(a, &payers);
	a->started = true;
}

bool account_shared_slot(const struct account *a, unsigned int slot)
{
	return a->vm[slot].generation > 1;
}

/* Access cost that is known in sum only: of @a, and of it what is saved. */
static bool access_in_doubt(const struct account *a,
			    const struct account_saved *saved, energy_t *rest)
{
	energy_t have = a->ended.access_pj + a->nobody.access_pj;
	energy_t had = saved->ended.access_pj + saved->nobody.access_pj;

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		if (account_shared_slot(a, slot)) {
			have += a->vm[slot].sum.access_pj;
			had += saved->vm[slot].access_pj;
		} else if (a->vm[slot].sum.access_pj < saved->vm[slot].access_pj) {
			return false;
		}
	}
	*rest = have - had;
	return have >= had;
}

static energy_t all_base(const struct account *a)
{
	energy_t pj = a->ended.base_pj + a->nobody.base_pj + a->carry_pj;

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		pj += a->vm[slot].sum.base_pj;
	return pj;
}

static void resume_base(struct account *a, const struct account_saved *saved)
{
	energy_t total = all_base(a);

	a->carry_pj = 0;
	a->ended.base_pj = saved->ended.base_pj;
	a->nobody.base_pj = saved->nobody.base_pj;
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		a->vm[slot].sum.base_pj = saved->vm[slot].base_pj;
	a->carry_pj = total - all_base(a);
}

static void resume_access(struct account *a, const struct account_saved *saved,
			  energy_t rest)
{
	unsigned int nr = 0;
	energy_t share;

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		nr += account_shared_slot(a, slot);
	share = nr ? rest / nr : 0;
	a->ended.access_pj = saved->ended.access_pj;
	a->nobody.access_pj = saved->nobody.access_pj + rest - share * nr;
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		if (account_shared_slot(a, slot))
			a->vm[slot].sum.access_pj = saved->vm[slot].access_pj + share;
}

bool account_resume(struct account *a, const struct account_saved *saved)
{
	energy_t had = saved->ended.base_pj + saved->nobody.base_pj;
	energy_t rest;

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		had += saved->vm[slot].base_pj;
	if (had > all_base(a) || !access_in_doubt(a, saved, &rest))
		return false;
	resume_base(a, saved);
	resume_access(a, saved, rest);
	return true;
}

void account_machine(const struct account *a, struct account_sum *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned int cpu = 0; cpu < a->nr_cpus; cpu++) {
		const uint64_t *counters = a->cpu[cpu].counters;

		for (unsigned int e = 0; e < PVENERGY_MAX_EVENTS; e++)
			sum->counts[e] += counters[e];
		sum->base_pj += price(a, counters, true);
		sum->access_pj += price(a, counters, false);
	}
}

bool account_difference(const struct account *a, struct account_sum *sum)
{
	struct account_sum charged = a->nobody;
	bool any;

	add(&charged, &a->ended);
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		add(&charged, &a->vm[slot].sum);
	charged.base_pj += a->base_pj + a->carry_pj;

	account_machine(a, sum);
	sum->base_pj -= charged.base_pj;
	sum->access_pj -= charged.access_pj;
	any = sum->base_pj || sum->access_pj;
	for (unsigned int e = 0; e < PVENERGY_MAX_EVENTS; e++) {
		sum->counts[e] -= charged.counts[e];
		any |= sum->counts[e];
	}
	return any;
}
