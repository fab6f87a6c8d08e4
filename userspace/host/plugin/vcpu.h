/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A virtual CPU, and its counts on the way to the machine and to the guest. */
#ifndef RCONTAINER_VCPU_H
#define RCONTAINER_VCPU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "machine.h"
#include "uarch.h"

/* Between two looks at the clock and at who else wants the physical CPU. */
#define TICK_BLOCKS	64

/**
 * struct block - what we keep of a translated block
 * @count: what it adds to PVENERGY_TSC and the next three counters
 * @pc: linear address of its first instruction
 * @branch: the one that ends it, if any; its @pc is all that is not in the
 *	first cache line that a block without string instructions needs
 * @again: this block when it only goes on with the repeated string instruction
 *	that it begins with; NULL in a block that begins with another instruction
 * @repeats: its last instruction is a repeated string instruction
 */
struct block {
	uint64_t count[4];
	uint64_t pc;
	struct branch branch;
	const struct block *again;
	bool repeats;
} __attribute__((aligned(64)));

/**
 * struct vcpu - a virtual CPU
 * @p: its physical CPU
 * @uarch: @p's
 * @prev: block executed last, its branch's outcome unknown yet; no_block if none
 * @own: @p->own of our slot
 * @raw: the energy page's
 * @memory: accesses not yet counted in @own and @raw, of @prev
 * @misses: load misses, likewise
 * @replays: load replays, likewise
 * @string_halves: iterations of string instructions, likewise, in halves
 * @addr_mix: mixed into every address, see uarch_addr()
 * @slot: of the virtual machine
 * @tick: blocks to go until the next tick; 0 where the next block must ask for
 *	the physical CPU first
 * @rare: any of @misses, @replays, @string_halves was counted
 * @holding: we were given the physical CPU and have not released it; whether
 *	we were robbed of it since is in @p->owner
 * @base: raw = own + base; own is 0 for PVENERGY_TSC, so there it is the clock
 *
 * @machine: the machine
 * @pcpu: index of @p
 * @page: this virtual CPU's part of the energy page
 * @granted: time stamp at which @p was last acquired, plus the time for which
 *	the host has not executed us since, as far as we know
 * @cpu_granted: CPU time of our thread then, in time stamps
 * @slice: how long others must leave it to us, in CPU time, in time stamps
 * @log_seen: @p->log_head at the last switch-in
 * @total_zero: @p->total of our slot before our first turn
 * @subtract: log absences, so that the guest can subtract them
 * @started: has executed code
 * @shared: its thread executes other virtual CPUs too
 * @tid: its thread
 *
 * All is private to the thread that executes the virtual CPU.  The first part
 * is what each block needs.
 */
struct vcpu {
	struct machine_pcpu *p;
	struct uarch *uarch;
	const struct block *prev;
	uint64_t *own;
	__u64 *raw;
	uint64_t memory;
	uint64_t misses;
	uint64_t replays;
	uint64_t string_halves;
	uint64_t addr_mix;
	uint32_t slot;
	uint32_t tick;
	bool rare;
	bool holding;
	uint64_t base[PVENERGY_MAX_EVENTS] __attribute__((aligned(16)));

	struct machine *machine;
	unsigned int pcpu;
	struct pvenergy_vcpu *page;
	uint64_t granted;
	uint64_t cpu_granted;
	uint64_t slice;
	uint64_t log_seen;
	uint64_t total_zero[PVENERGY_MAX_EVENTS];
	bool subtract;
	bool started;
	bool shared;
	pid_t tid;
} __attribute__((aligned(64)));

/* Stands for a block that no branch ended. */
extern const struct block no_block;

/* One per physical CPU at most, or a slot's counts would have two writers. */
extern struct vcpu vcpus[MACHINE_MAX_PCPUS];
extern unsigned int nr_vcpus;

/* Nobody robbed the virtual CPU of its physical one. */
static inline bool vcpu_is_owner(const struct vcpu *v)
{
	return __atomic_load_n(&v->p->owner, __ATOMIC_RELAXED) == v->slot;
}

/*
 * Single writer, so no atomic addition; readers in other processes and in the
 * guest see each counter whole.
 */
static inline void vcpu_add(struct vcpu *v, unsigned int event, uint64_t n)
{
	uint64_t own = v->own[event] + n;

	__atomic_store_n(&v->own[event], own, __ATOMIC_RELAXED);
	__atomic_store_n(&v->raw[event], own + v->base[event],
			 __ATOMIC_RELAXED);
}

/*
 * Two counters at once in a vector, since a block counts six of them; an
 * aligned vector is stored in units of no less than a counter.
 */
typedef uint64_t vcpu_pair __attribute__((vector_size(16), may_alias));

static inline void vcpu_add_pair(uint64_t *own, __u64 *raw, const uint64_t *base,
				 unsigned int event, vcpu_pair n)
{
	vcpu_pair sum = *(vcpu_pair *)&own[event] + n;

	*(vcpu_pair *)&own[event] = sum;
	*(vcpu_pair *)&raw[event] = sum + *(const vcpu_pair *)&base[event];
}

/*
 * Count what seldom happens in a block, for the one that has just ended: what its
 * loads had to wait for, and iterations of string instructions.
 */
static inline void vcpu_add_rare(struct vcpu *v)
{
	uint64_t iterations = v->string_halves / 2;

	vcpu_add(v, PVENERGY_UNHALTED_CYCLES,
		 v->misses * UARCH_L1_MISS_CYCLES +
		 v->replays * UARCH_REPLAY_CYCLES + iterations);
	vcpu_add(v, PVENERGY_UOP_QUEUE_WRITES, iterations);
	vcpu_add(v, PVENERGY_MOB_LOAD_REPLAYS, v->replays);
	vcpu_add(v, PVENERGY_L1_LOAD_MISSES, v->misses);
	v->misses = 0;
	v->replays = 0;
	v->string_halves %= 2;
	v->rare = false;
}

/* Count all its accesses. */
static inline void vcpu_settle(struct vcpu *v)
{
	vcpu_add(v, PVENERGY_UOP_QUEUE_WRITES, v->memory);
	vcpu_add(v, PVENERGY_MEMORY_RETIRED, v->memory);
	v->memory = 0;
	vcpu_add_rare(v);
}

#endif /* RCONTAINER_VCPU_H */
