/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The versions of QEMU's plugin interface, and what differs between them.
 *
 *	QEMU		versions that it loads
 *	7.2 to 8.2	up to 1
 *	9.0 to 10.2	from 2 on
 *	11.0		6
 *	11.1		7
 *
 * One plugin file serves all: it declares the version that suits the QEMU that
 * loads it.  QEMU reads the declaration before it calls the plugin, so the
 * version is told by which functions QEMU has.  11.0 and 11.1 have the same
 * ones: pvlaunch, which knows QEMU's version, says INTERFACE_ENV=6 to the
 * former's plugin.
 */
#ifndef RCONTAINER_INTERFACE_H
#define RCONTAINER_INTERFACE_H

#include "qemu-plugin-api.h"

/* Environment variable that overrides the version that is declared. */
#define INTERFACE_ENV	"RCONTAINER_PLUGIN_API"

/* Longer than any x86 instruction. */
#define INTERFACE_MAX_INSN	16

/**
 * struct interface_callbacks - whom to call when something happens
 * @translate: a block was translated, and is to be instrumented
 * @release: virtual CPU @index halts, or is no more
 * @flush: all virtual CPUs are stopped, and no block is valid any more
 * @end: the process ends
 */
struct interface_callbacks {
	void (*translate)(struct qemu_plugin_tb *tb);
	void (*release)(unsigned int index);
	void (*flush)(void);
	void (*end)(void);
};

/**
 * interface_register() - have callbacks called
 * @id: the plugin's
 * @info: what QEMU said at installation
 * @cb: whom to call; stays the caller's, and must remain valid
 */
void interface_register(qemu_plugin_id_t id, const qemu_info_t *info,
			const struct interface_callbacks *cb);

/**
 * interface_insn_data() - an instruction's bytes
 * @insn: the instruction, in translation
 * @data: receives them, of INTERFACE_MAX_INSN bytes
 *
 * Return: how many there are.
 */
size_t interface_insn_data(const struct qemu_plugin_insn *insn, uint8_t *data);

/**
 * interface_read_modify_write() - an access is both load and store
 * @info: QEMU's description of the access
 *
 * From version 2 on QEMU reports a load and a store instead.
 */
bool interface_read_modify_write(qemu_plugin_meminfo_t info);

/**
 * interface_counts_iterations() - repeated string instructions need counting
 *
 * Return: false in version 1, where each iteration is a block of its own and
 * counts by itself.
 */
bool interface_counts_iterations(void);

/**
 * interface_make_counters() - counters that QEMU advances by itself
 * @nr: how many; they start at zero
 *
 * Once, in installation after interface_register().  Of several virtual CPUs in as
 * many threads, QEMU of version 1 may lose counts.
 */
void interface_make_counters(size_t nr);

/* Have an instruction's executions, or its memory accesses, counted. */
void interface_count_executions(struct qemu_plugin_insn *insn, size_t counter);
void interface_count_accesses(struct qemu_plugin_insn *insn, size_t counter);

/* Of all virtual CPUs. */
uint64_t interface_counter(size_t counter);

#endif /* RCONTAINER_INTERFACE_H */
