// SPDX-License-Identifier: GPL-2.0-or-later
/* See selftest.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "selftest.h"
#include "vcpu.h"

#define MARKER		0x50560000U
#define MARKER_MASK	0xffffff00U

static const uint8_t marker_opcode[] = { 0x0f, 0x1f, 0x84, 0x00 };

/* Counted in other ways; the self-test has one virtual CPU. */
static uint64_t nr_insns;
static uint64_t nr_accesses;

static void insn_exec(unsigned int index, void *udata)
{
	nr_insns++;
}

static void marker_exec(unsigned int index, void *udata)
{
	struct vcpu *v = &vcpus[index];
	unsigned int i;

	vcpu_settle(v);
	printf("phase %u insns %" PRIu64 " accesses %" PRIu64 " counters",
	       (unsigned int)(uintptr_t)udata, nr_insns, nr_accesses);
	for (i = PVENERGY_TSC + 1; i < PVENERGY_MAX_EVENTS; i++)
		printf(" %" PRIu64, v->own[i]);
	printf("\n");
	fflush(stdout);
	memset(v->uarch, 0, sizeof(*v->uarch));
}

static int marker_phase(const struct qemu_plugin_insn *insn)
{
	const uint8_t *data = qemu_plugin_insn_data(insn);
	uint32_t value;

	if (qemu_plugin_insn_size(insn) != sizeof(marker_opcode) + 4 ||
	    memcmp(data, marker_opcode, sizeof(marker_opcode)))
		return -1;
	memcpy(&value, data + sizeof(marker_opcode), sizeof(value));
	return (value & MARKER_MASK) == MARKER ? (int)(value & 0xff) : -1;
}

void selftest_translate(struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;
	int phase;

	phase = marker_phase(qemu_plugin_tb_get_insn(tb, 0));
	if (phase >= 0)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, marker_exec,
						     QEMU_PLUGIN_CB_NO_REGS,
						     (void *)(uintptr_t)phase);
	for (i = 0; i < n; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, insn_exec,
						       QEMU_PLUGIN_CB_NO_REGS,
						       NULL);
		qemu_plugin_register_vcpu_mem_inline(insn, QEMU_PLUGIN_MEM_RW,
						     QEMU_PLUGIN_INLINE_ADD_U64,
						     &nr_accesses, 1);
	}
}
