/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The microarchitecture of the emulated physical CPU: as much of a Pentium 4
 * (Northwood) as the events of enum pvenergy_p4_event need.
 *
 * What TCG executes is architecture: instructions, branches, memory accesses.
 * Those are counted exactly.  Whether a branch was predicted or a load found
 * its data is not architecture; for these a model decides, built so that it is
 * deterministic, costs little, and has an answer that can be worked out by
 * hand for a program that can be.  It is not built to agree with a real
 * Pentium 4 on any program to the percent.
 *
 * Branches
 *	Each block of TCG ends at its first branch.  Conditional ones share 4096
 *	predictors, by (pc ^ pc >> 12), each as the P6 has it: the last four
 *	outcomes choose one of 16 two-bit counters; 0 and 1 predict "not taken",
 *	2 and 3 "taken"; at first all are 0.  (A counter alone predicts half of
 *	an alternating branch, or none of it: forever what happened to be when
 *	it began.  What a program costs should not depend on that.)  Indirect jumps and
 *	calls are predicted by a table of 512 last targets, tagged with the
 *	whole pc.  Returns are predicted by a stack of the last 16 calls; when
 *	that is empty, they are mispredicted.  Direct jumps and calls are
 *	always right: the decoder has their targets.  Far transfers, interrupt
 *	instructions, system calls and their returns count as branches and are
 *	never mispredicted.
 *	The outcome of a branch is where the next block begins.  If that is
 *	neither successor of a conditional branch, an interrupt or fault was
 *	taken in between and the branch's outcome stays unknown: no prediction
 *	is counted.  For indirect branches and returns such a case cannot be
 *	told and counts as mispredicted.
 *	QEMU translates code once for all virtual addresses at which its page
 *	is mapped and names the first of them.  Addresses computed from a
 *	branch are therefore compared with the next block's within the page
 *	only, which is the same at all of them.
 *
 * First-level data cache
 *	8 KiB, 4 ways, lines of 64 bytes, true LRU.  Stores allocate as loads
 *	do, but only load misses are an event.  An access across two lines
 *	touches both and misses at most once.  It is indexed and tagged by
 *	virtual address and virtual machine: the plugin could ask for the
 *	physical address, but at a multiple of the price.  So the same address
 *	in two address spaces of one machine is one line here, and the same
 *	memory at two addresses is two.
 *
 * Store forwarding
 *	A load whose bytes are in the store buffer must get them from there,
 *	and can only if one store has them all; otherwise it is replayed until
 *	the store has retired.  The buffer holds 24 stores.  The model keeps,
 *	by aligned eight bytes of address, the last store there, in a table
 *	of 64 entries without chains: a load replays if it overlaps that store,
 *	the store is one of the last 24, and does not cover the load.  So an
 *	older store to other bytes of the same eight is forgotten, as is one
 *	whose entry was taken by an address 512 bytes apart.
 *
 * Repeated string instructions
 *	An instruction that is repeated counts once for each iteration, and once
 *	more.  From QEMU 9.0 on it counts once more, too, when it goes on after an
 *	interrupt: 10.0 and later execute many iterations in a block.
 *
 * Cycles
 *	unhalted cycles = instructions + 20 x mispredicted branches
 *		+ 18 x first-level load misses + 8 x replays.
 *	One instruction per cycle is what the Pentium 4 sustains at best on
 *	common integer code; 20 stages is the pipeline refilled after a
 *	misprediction; 18 cycles is the load-to-use latency of the second-level
 *	cache, and beyond that there is no model; 8 is about once around the
 *	replay loop.
 *
 * The state is per physical CPU and shared by the virtual machines that run
 * there, as on the real one: they evict each other's lines and train each
 * other's counters.  The holder of the CPU works on it without a lock.  A
 * virtual machine that was robbed of the CPU may do so too until the end of
 * its block; all that can come of it is a prediction or a line lost or gained,
 * since indices are masked where they are used and nothing here is a pointer.
 */
#ifndef RCONTAINER_UARCH_H
#define RCONTAINER_UARCH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "branch.h"
#include "machine.h"

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define UARCH_MISPREDICT_CYCLES		20
#define UARCH_L1_MISS_CYCLES		18
#define UARCH_REPLAY_CYCLES		8

/* Four outcomes, twice, since what they choose has two bits. */
#define UARCH_HISTORY_SHIFT		32
#define UARCH_HISTORY_MASK		30
#define UARCH_TARGET_ENTRIES		512
#define UARCH_RETURN_DEPTH		16
#define UARCH_L1_WAYS			4
#define UARCH_L1_SETS			32
#define UARCH_L1_LINE_SHIFT		6
#define UARCH_L1_LINE			(1 << UARCH_L1_LINE_SHIFT)
#define UARCH_STORE_BUFFER		24
#define UARCH_STORE_ENTRIES		64

#define UARCH_PAGE_MASK			0xfff

/*
 * With the usual four levels of page tables, virtual addresses have copies of the
 * sign bit from here on, up to bit 63, beside the sign bit itself.  (A guest with
 * five levels may find another one's line in the cache where it has none.)
 */
#define UARCH_SLOT_SHIFT		48

_Static_assert(MACHINE_MAX_VMS <= 1 << (64 - UARCH_SLOT_SHIFT), "slots in addresses");

/**
 * struct uarch_store - last store to eight aligned bytes
 * @granule: address / 8, with the virtual machine mixed in
 * @number: of the store, counted from 1; 0 if there was none
 * @mask: bytes written, bit 0 the lowest
 */
struct uarch_store {
	uint64_t granule;
	uint32_t number;
	uint32_t mask;
};

/**
 * struct uarch - state of one physical CPU; all zero is a fresh one
 * @cond: of conditional branches: 16 two-bit counters and, from
 *	UARCH_HISTORY_SHIFT on, where in them the last four outcomes point to
 * @targets: last targets of indirect branches
 * @returns: return stack, circular
 * @return_top: index of the next call's entry
 * @return_depth: number of valid entries
 * @nr_stores: number of stores so far
 * @l1: tags, the most recently used first; 0 is empty
 * @stores: by granule
 */
struct uarch {
	uint64_t cond[BRANCH_PREDICTORS];
	struct {
		uint64_t pc;
		uint64_t target;
	} targets[UARCH_TARGET_ENTRIES];
	uint64_t returns[UARCH_RETURN_DEPTH];
	uint32_t return_top;
	uint32_t return_depth;
	uint32_t nr_stores;
	uint64_t l1[UARCH_L1_SETS][UARCH_L1_WAYS] __attribute__((aligned(64)));
	struct uarch_store stores[UARCH_STORE_ENTRIES];
};

_Static_assert(sizeof(struct uarch) <= MACHINE_UARCH_SIZE, "uarch size");

/* An address in virtual machine @slot, as the model wants it. */
static inline uint64_t uarch_addr(unsigned int slot, uint64_t vaddr)
{
	return vaddr ^ (uint64_t)slot << UARCH_SLOT_SHIFT;
}

static inline uint64_t *uarch_l1_set(struct uarch *u, uint64_t addr)
{
	return u->l1[addr >> UARCH_L1_LINE_SHIFT & (UARCH_L1_SETS - 1)];
}

/* The line's last address: never 0, which is an empty way's. */
static inline uint64_t uarch_l1_tag(uint64_t addr)
{
	return addr | (UARCH_L1_LINE - 1);
}

static inline struct uarch_store *uarch_store_entry(struct uarch *u,
						    uint64_t granule)
{
	return &u->stores[granule % UARCH_STORE_ENTRIES];
}

/* Is a store still in the buffer, and has some of the bytes in @granule? */
static inline bool uarch_overlaps(const struct uarch *u,
				  const struct uarch_store *s,
				  uint64_t granule, uint32_t mask)
{
	return s->granule == granule && (s->mask & mask) &&
	       u->nr_stores - s->number < UARCH_STORE_BUFFER;
}

/*
 * A memory access is described by its address, from uarch_addr(), and the
 * bytes it touches from there on as a mask, (1 << size) - 1.  Longer ones than
 * eight bytes are taken for eight.
 */

/**
 * uarch_load() - a load
 * @u: the CPU
 * @addr: where
 * @bytes: how many, as a mask
 * @replays: incremented if a store blocks it
 *
 * Return: it missed the cache.
 */
bool uarch_load(struct uarch *u, uint64_t addr, uint32_t bytes,
		uint64_t *replays);

/* A store, likewise. */
void uarch_store(struct uarch *u, uint64_t addr, uint32_t bytes);

/**
 * uarch_easy() - the frequent case of uarch_load() and uarch_store()
 * @u: the CPU
 * @addr: where
 * @bytes: how many, as a mask
 * @store: it is a store
 *
 * Return: the access is done, and there was neither a miss nor a replay.
 * Otherwise nothing was done but to make its line the most recent one.
 */
static inline bool uarch_easy(struct uarch *u, uint64_t addr, uint32_t bytes,
			      bool store)
{
	uint32_t mask = bytes << (addr & 7);
	uint64_t granule = addr >> 3;
	struct uarch_store *s = uarch_store_entry(u, granule);
	uint64_t *set = uarch_l1_set(u, addr);
	uint64_t tag = uarch_l1_tag(addr);

	if (unlikely(mask > 0xff))
		return false;
	if (unlikely(set[0] != tag)) {
		if (set[1] != tag)
			return false;
		set[1] = set[0];
		set[0] = tag;
	}
	if (!store)
		return !uarch_overlaps(u, s, granule, mask) ||
		       !(mask & ~s->mask);
	s->granule = granule;
	s->number = ++u->nr_stores;
	s->mask = mask;
	return true;
}

static inline bool uarch_same_place(uint64_t a, uint64_t b)
{
	return !((a ^ b) & UARCH_PAGE_MASK);
}

/**
 * uarch_cond_mispredicts() - a conditional branch has gone somewhere
 * @u: the CPU; its predictor learns
 * @b: the branch
 * @pc: linear address of what was executed next
 *
 * Computed without branches on the outcome: those that the guest's processor cannot predict,
 * ours cannot either.
 *
 * Return: it was mispredicted.
 */
static inline bool uarch_cond_mispredicts(struct uarch *u,
					  const struct branch *b, uint64_t pc)
{
	/*
	 * Three bits for each outcome (fell through, taken) and old counter: what
	 * the counter is changed by (xor), and whether it was wrong.
	 */
	static const uint64_t step =
		0ULL | 1ULL << 3 | 7ULL << 6 | 5ULL << 9 |
		5ULL << 12 | 7ULL << 15 | 1ULL << 18 | 0ULL << 21;
	unsigned int from_target = (pc ^ b->target) & UARCH_PAGE_MASK;
	unsigned int from_next = (pc ^ b->next) & UARCH_PAGE_MASK;
	unsigned int taken = !from_target;
	uint64_t counters = u->cond[b->index];
	unsigned int history = counters >> UARCH_HISTORY_SHIFT;
	unsigned int old = counters >> history & 3;
	unsigned int change = step >> (3 * (old + 4 * taken));

	/* The product makes one branch of two tests, which would be predicted as badly as @b. */
	if (unlikely(from_target * from_next != 0))
		return false;
	history = (2 * history + 2 * taken) & UARCH_HISTORY_MASK;
	counters ^= (uint64_t)(change & 3) << (counters >> UARCH_HISTORY_SHIFT);
	u->cond[b->index] = (uint32_t)counters | (uint64_t)history << UARCH_HISTORY_SHIFT;
	return change & 4;
}

/* The same for any other branch. */
bool uarch_other_mispredicts(struct uarch *u, const struct branch *b,
			     uint64_t pc);

#endif /* RCONTAINER_UARCH_H */
