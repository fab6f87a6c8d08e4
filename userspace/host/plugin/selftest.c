// SPDX-License-Identifier: GPL-2.0-or-later
/* See selftest.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "insn.h"
#include "selftest.h"
#include "vcpu.h"

#define MARKER		0x50560000U
#define MARKER_MASK	0xffffff00U

static const uint8_t marker_opcode[] = { 0x0f, 0x1f, 0x84, 0x00 };

/*
 * Counted in other ways; the self-test has one virtual CPU.  A repeated string
 * instruction counts when the instruction before is another one, and with
 * each iteration, of which it says by its accesses how many halves there were.
 */
static uint64_t nr_insns;
static uint64_t nr_halves;
static uint64_t nr_both;	/* accesses that load and store */
static const void *last_string;

static void insn_exec(unsigned int index, void *udata)
{
	nr_insns++;
	last_string = NULL;
}

static void string_exec(unsigned int index, void *udata)
{
	nr_insns += last_string != udata;
	last_string = udata;
}

static void access_exec(unsigned int index, qemu_plugin_meminfo_t info,
			uint64_t vaddr, void *udata)
{
	nr_halves += (uintptr_t)udata;
	nr_both += interface_read_modify_write(info);
}

static void marker_exec(unsigned int index, void *udata)
{
	struct vcpu *v = &vcpus[index];
	unsigned int i;

	vcpu_settle(v);
	printf("phase %u insns %" PRIu64 " accesses %" PRIu64 " counters",
	       (unsigned int)(uintptr_t)udata, nr_insns + nr_halves / 2,
	       interface_counter(0) + nr_both);
	for (i = PVENERGY_TSC + 1; i < PVENERGY_MAX_EVENTS; i++)
		printf(" %" PRIu64, v->own[i]);
	printf("\n");
	fflush(stdout);
	memset(v->uarch, 0, sizeof(*v->uarch));
}

static int marker_phase(const struct qemu_plugin_insn *insn)
{
	uint8_t data[INTERFACE_MAX_INSN];
	uint32_t value;

	if (interface_insn_data(insn, data) != sizeof(marker_opcode) + 4 ||
	    memcmp(data, marker_opcode, sizeof(marker_opcode)))
		return -1;
	memcpy(&value, data + sizeof(marker_opcode), sizeof(value));
	return (value & MARKER_MASK) == MARKER ? (int)(value & 0xff) : -1;
}

static void insn_translate(struct qemu_plugin_insn *insn)
{
	uint8_t data[INTERFACE_MAX_INSN];
	size_t len = interface_insn_data(insn, data);
	unsigned int accesses = interface_counts_iterations() ?
				insn_string_accesses(data, len) : 0;

	qemu_plugin_register_vcpu_insn_exec_cb(insn, accesses ? string_exec : insn_exec,
					       QEMU_PLUGIN_CB_NO_REGS,
					       (void *)qemu_plugin_insn_vaddr(insn));
	qemu_plugin_register_vcpu_mem_cb(insn, access_exec, QEMU_PLUGIN_CB_NO_REGS,
					 QEMU_PLUGIN_MEM_RW,
					 (void *)(uintptr_t)(accesses ? 2 / accesses : 0));
	interface_count_accesses(insn, 0);
}

void selftest_translate(struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	int phase;

	phase = marker_phase(qemu_plugin_tb_get_insn(tb, 0));
	if (phase >= 0)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, marker_exec,
						     QEMU_PLUGIN_CB_NO_REGS,
						     (void *)(uintptr_t)phase);
	for (i = 0; i < n; i++)
		insn_translate(qemu_plugin_tb_get_insn(tb, i));
}
