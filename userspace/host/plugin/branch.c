// SPDX-License-Identifier: GPL-2.0-or-later
/* See branch.h. */
#include "branch.h"
#include "insn.h"

static unsigned int kind_0f(uint8_t op)
{
	switch (op) {
	case 0x80 ... 0x8f:		/* jcc rel16, rel32 */
		return BRANCH | BRANCH_COND;
	case 0x05: case 0x07:		/* syscall, sysret */
	case 0x34: case 0x35:		/* sysenter, sysexit */
		return BRANCH;
	}
	return BRANCH_NONE;
}

static unsigned int kind_ff(uint8_t modrm)
{
	switch (modrm >> 3 & 7) {
	case 2:
		return BRANCH | BRANCH_INDIRECT | BRANCH_CALL;
	case 4:
		return BRANCH | BRANCH_INDIRECT;
	case 3: case 5:			/* far */
		return BRANCH;
	}
	return BRANCH_NONE;
}

static unsigned int kind_one(uint8_t op)
{
	switch (op) {
	case 0x70 ... 0x7f:		/* jcc rel8 */
	case 0xe0 ... 0xe3:		/* loopcc, loop, jcxz */
		return BRANCH | BRANCH_COND;
	case 0xe8:
		return BRANCH | BRANCH_CALL;
	case 0xc2: case 0xc3:
		return BRANCH | BRANCH_RET;
	case 0xe9: case 0xeb:		/* jmp */
	case 0x9a: case 0xea:		/* far call, far jmp */
	case 0xca: case 0xcb:		/* far ret */
	case 0xcc ... 0xcf:		/* int3, int, into, iret */
	case 0xf1:			/* int1 */
		return BRANCH;
	}
	return BRANCH_NONE;
}

static int64_t displacement(const uint8_t *p, size_t len)
{
	switch (len) {
	case 1:
		return (int8_t)p[0];
	case 2:
		return (int16_t)(p[0] | p[1] << 8);
	case 4:
		return (int32_t)(p[0] | p[1] << 8 | p[2] << 16 |
				 (uint32_t)p[3] << 24);
	}
	return 0;
}

void branch_decode(struct branch *b, uint64_t pc, const uint8_t *insn,
		   size_t len)
{
	size_t i = insn_opcode(insn, len);

	b->kind = BRANCH_NONE;
	b->index = (pc ^ pc >> 12) % BRANCH_PREDICTORS;
	b->pc = pc;
	b->next = pc + len;
	b->target = 0;
	if (i == len)
		return;
	if (insn[i] == 0x0f && i + 1 < len)
		b->kind = kind_0f(insn[++i]);
	else if (insn[i] == 0xff && i + 1 < len)
		b->kind = kind_ff(insn[i + 1]);
	else
		b->kind = kind_one(insn[i]);
	i++;
	if (b->kind & BRANCH_COND)
		b->target = b->next + displacement(insn + i, len - i);
}
