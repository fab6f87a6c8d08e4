// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The TCG plugin: counts the events of the emulated physical CPUs and lets the
 * virtual machines take turns on them.
 *
 * The instructions of a block are counted when it begins, what depends on its
 * execution - memory accesses, the outcome of its branch - when the next one
 * begins.  A block that a fault ends early therefore counts whole, and its
 * tail again when it is re-entered; the same with an access to a device under
 * -icount, which QEMU restarts in the middle of the block.  Counting each
 * instruction would be exact and cost a multiple.
 *
 * An atomic read-modify-write is a load and a store, however QEMU runs it.
 */
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "insn.h"
#include "interface.h"
#include "options.h"
#include "selftest.h"
#include "turn.h"

static struct options options;

static inline void count_block(struct vcpu *v, const struct block *block,
			       bool mispredicted)
{
	/* From memory: compilers take a detour to put one into a vector. */
	static const vcpu_pair penalty[] = {
		{ 0, 0 }, { 0, UARCH_MISPREDICT_CYCLES },
	};
	const vcpu_pair *count = (const vcpu_pair *)block->count;
	uint64_t memory = v->memory, *own = v->own;
	__u64 *raw = v->raw;

	v->prev = block;
	v->memory = 0;
	vcpu_add_pair(own, raw, v->base, PVENERGY_TSC, count[0] + penalty[mispredicted]);
	vcpu_add_pair(own, raw, v->base, PVENERGY_UOP_QUEUE_WRITES,
		      count[1] + (vcpu_pair){ memory, 0 });
	vcpu_add_pair(own, raw, v->base, PVENERGY_MISPRED_BRANCHES,
		      (vcpu_pair){ mispredicted, memory });
}

_Static_assert(PVENERGY_TSC == 0 && PVENERGY_UNHALTED_CYCLES == 1 &&
	       PVENERGY_UOP_QUEUE_WRITES == 2 &&
	       PVENERGY_RETIRED_BRANCHES == 3 &&
	       PVENERGY_MISPRED_BRANCHES == 4 &&
	       PVENERGY_MEMORY_RETIRED == 5, "pairs of counters");

/* Whatever block_exec() leaves over, so that it needs no stack frame. */
static __attribute__((noinline)) void block_exec_slow(struct vcpu *v,
						      const struct block *block)
{
	const struct branch *b = &v->prev->branch;
	bool mispredicted;

	if (!v->holding || !vcpu_is_owner(v))
		turn_acquire(v);
	else if (!v->tick)
		turn_tick(v);
	v->tick--;
	mispredicted = b->kind & BRANCH_COND ?
		       uarch_cond_mispredicts(v->uarch, b, block->pc) :
		       uarch_other_mispredicts(v->uarch, b, block->pc);
	if (v->rare)
		vcpu_add_rare(v);
	count_block(v, block, mispredicted);
}

static void block_exec(unsigned int index, void *udata)
{
	const struct block *block = udata;
	struct vcpu *v = &vcpus[index];
	bool mispredicted = false;

	if (unlikely(!v->tick || !vcpu_is_owner(v) || v->rare)) {
		block_exec_slow(v, block);
		return;
	}
	if (likely(v->prev->branch.kind == (BRANCH | BRANCH_COND))) {
		mispredicted = uarch_cond_mispredicts(v->uarch,
						      &v->prev->branch,
						      block->pc);
	} else if (v->prev->branch.kind > BRANCH) {
		block_exec_slow(v, block);
		return;
	}
	v->tick--;
	count_block(v, block, mispredicted);
}

/* A block that begins with a repeated string instruction. */
static void string_exec(unsigned int index, void *udata)
{
	const struct block *block = udata, *prev = vcpus[index].prev;

	if (prev->repeats && uarch_same_place(prev->branch.pc, block->pc))
		block = block->again;
	block_exec(index, (void *)block);
}

/*
 * QEMU describes an access by an opaque number, of which few are in use; to
 * ask it for their meaning each time would cost more than all the rest.  An
 * entry has the number in its upper half, below it ACCESS_STORE and the mask
 * of bytes.  Several threads may fill the same entry, each with something
 * true.
 */
#define ACCESS_BYTES	0xff
#define ACCESS_STORE	0x100
static uint64_t access_cache[256];

static uint64_t *access_entry(qemu_plugin_meminfo_t info)
{
	/* Direction is above the lower 16 bits. */
	return &access_cache[(info ^ info >> 10) % 256];
}

/* An access that uarch_easy() leaves over. */
static __attribute__((noinline)) void
memory_access_slow(struct vcpu *v, uint64_t addr, uint32_t bytes, bool store)
{
	if (store) {
		uarch_store(v->uarch, addr, bytes);
		return;
	}
	v->misses += uarch_load(v->uarch, addr, bytes, &v->replays);
	v->rare |= v->misses | v->replays;
}

/* An access whose description is not in access_cache. */
static __attribute__((noinline)) void
memory_access_first(struct vcpu *v, qemu_plugin_meminfo_t info, uint64_t addr)
{
	unsigned int shift = qemu_plugin_mem_size_shift(info);
	bool store = qemu_plugin_mem_is_store(info);
	uint32_t bytes = (1U << (1U << (shift < 3 ? shift : 3))) - 1;
	uint64_t value = (uint64_t)info << 32 | bytes;

	if (store)
		value |= ACCESS_STORE;
	if (interface_read_modify_write(info)) {
		v->memory++;
		memory_access_slow(v, addr, bytes, false);
	} else {
		__atomic_store_n(access_entry(info), value, __ATOMIC_RELAXED);
	}
	memory_access_slow(v, addr, bytes, store);
}

static void memory_access(unsigned int index, qemu_plugin_meminfo_t info,
			  uint64_t vaddr, void *udata)
{
	uint64_t value = __atomic_load_n(access_entry(info), __ATOMIC_RELAXED);
	struct vcpu *v = &vcpus[index];
	uint64_t addr = vaddr ^ v->addr_mix;
	uint32_t bytes = value & ACCESS_BYTES;
	bool store = value & ACCESS_STORE;

	v->memory++;
	if (unlikely(value >> 32 != info))
		memory_access_first(v, info, addr);
	else if (unlikely(!uarch_easy(v->uarch, addr, bytes, store)))
		memory_access_slow(v, addr, bytes, store);
}

/* Accesses of a repeated string instruction: @udata halves of an iteration each. */
static void string_iterate(unsigned int index, qemu_plugin_meminfo_t info,
			   uint64_t vaddr, void *udata)
{
	vcpus[index].string_halves += (uintptr_t)udata;
	vcpus[index].rare = true;
}

static void string_access(unsigned int index, qemu_plugin_meminfo_t info,
			  uint64_t vaddr, void *udata)
{
	string_iterate(index, info, vaddr, udata);
	memory_access(index, info, vaddr, udata);
}

/* Accesses of each iteration that the instruction counts, 0 for most instructions. */
static unsigned int string_accesses(const uint8_t *data, size_t len)
{
	return interface_counts_iterations() ? insn_string_accesses(data, len) : 0;
}

/* Return: the instruction repeats itself. */
static bool insn_translate(struct qemu_plugin_insn *insn, const uint8_t *data,
			   size_t len)
{
	unsigned int accesses = string_accesses(data, len);
	qemu_plugin_vcpu_mem_cb_t cb = NULL;

	if (accesses)
		cb = options.memory ? string_access : string_iterate;
	else if (options.memory && insn_may_access(data, len))
		cb = memory_access;
	if (cb)
		qemu_plugin_register_vcpu_mem_cb(insn, cb, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW,
						 (void *)(uintptr_t)(accesses ? 2 / accesses : 0));
	return accesses;
}

/* Describe a block of @n instructions that begins at @pc and ends with @branch. */
static struct block *block_make(uint64_t pc, const struct branch *branch,
				size_t n, bool repeats)
{
	struct block *block = arena_block();

	block->pc = pc;
	block->branch = *branch;
	block->count[PVENERGY_TSC] = 0;
	block->count[PVENERGY_UNHALTED_CYCLES] = n;
	block->count[PVENERGY_UOP_QUEUE_WRITES] = n;
	block->count[PVENERGY_RETIRED_BRANCHES] = branch->kind & BRANCH;
	block->again = NULL;
	block->repeats = repeats;
	return block;
}

static void block_translate(struct qemu_plugin_tb *tb)
{
	size_t i, len, n = qemu_plugin_tb_n_insns(tb);
	uint64_t pc = qemu_plugin_tb_vaddr(tb);
	bool first_repeats = false, repeats = false;
	uint8_t data[INTERFACE_MAX_INSN];
	struct qemu_plugin_insn *insn;
	struct branch branch = { 0 };
	struct block *block;

	if (options.selftest)
		selftest_translate(tb);
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		len = interface_insn_data(insn, data);
		repeats = insn_translate(insn, data, len);
		if (!i)
			first_repeats = repeats;
		if (i + 1 == n)
			branch_decode(&branch, qemu_plugin_insn_vaddr(insn), data, len);
	}
	block = block_make(pc, &branch, n, repeats);
	if (first_repeats)
		block->again = block_make(pc, &branch, n - 1, repeats);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, first_repeats ? string_exec : block_exec,
					     QEMU_PLUGIN_CB_NO_REGS, block);
}

/* All virtual CPUs are stopped, outside of blocks. */
static void flush(void)
{
	unsigned int i;

	for (i = 0; i < nr_vcpus; i++)
		vcpus[i].prev = &no_block;
	arena_free();
}

static void vcpu_release(unsigned int index)
{
	turn_release(&vcpus[index]);
}

static void at_exit(void)
{
	turn_stop();
	machine_vm_remove(vcpus[0].machine, vcpus[0].slot);
}

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
			char **argv)
{
	static const struct interface_callbacks callbacks = {
		.translate = block_translate,
		.release = vcpu_release,
		.flush = flush,
		.end = at_exit,
	};

	if (!info->system_emulation ||
	    (strcmp(info->target_name, "x86_64") &&
	     strcmp(info->target_name, "i386"))) {
		fprintf(stderr, "pvplugin: x86 system emulation only\n");
		return -1;
	}
	if (options_parse(&options, argc, argv) ||
	    options_attach(&options, info->system.smp_vcpus))
		return -1;
	turn_init();
	interface_register(id, info, &callbacks);
	if (options.selftest)
		interface_make_counters(1);
	return 0;
}
