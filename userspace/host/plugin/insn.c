// SPDX-License-Identifier: GPL-2.0-or-later
/* See insn.h. */
#include "insn.h"

static bool is_prefix(uint8_t c)
{
	switch (c) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:	/* segments, hints */
	case 0x40 ... 0x4f:				/* REX */
	case 0x64: case 0x65: case 0x66: case 0x67:
	case 0xf0: case 0xf2: case 0xf3:
		return true;
	}
	return false;
}

size_t insn_opcode(const uint8_t *insn, size_t len)
{
	size_t i = 0;

	while (i + 1 < len && is_prefix(insn[i]))
		i++;
	return i;
}

unsigned int insn_string_accesses(const uint8_t *insn, size_t len)
{
	size_t i, op = insn_opcode(insn, len);
	bool repeated = false;

	for (i = 0; i < op; i++)
		repeated |= insn[i] == 0xf2 || insn[i] == 0xf3;
	if (!repeated || op + 1 != len)
		return 0;
	switch (insn[op]) {
	case 0xa4 ... 0xa7:		/* movs, cmps */
		return 2;
	case 0x6c ... 0x6f:		/* ins, outs */
	case 0xaa ... 0xaf:		/* stos, lods, scas */
		return 1;
	}
	return 0;
}

/* Two registers, or a register and a constant. */
static bool modrm_is_register(uint8_t modrm)
{
	return modrm >= 0xc0;
}

static bool may_access_0f(uint8_t op, uint8_t modrm)
{
	switch (op) {
	case 0x1f:			/* nop */
	case 0x80 ... 0x8f:		/* jcc */
		return false;
	case 0x40 ... 0x4f:		/* cmov */
	case 0x90 ... 0x9f:		/* setcc */
	case 0xaf:			/* imul */
	case 0xb6: case 0xb7: case 0xbe: case 0xbf:	/* movzx, movsx */
		return !modrm_is_register(modrm);
	}
	return true;
}

bool insn_may_access(const uint8_t *insn, size_t len)
{
	size_t op = insn_opcode(insn, len);
	size_t left = len - op;

	if (left < 2)
		return !left || insn[op] != 0x90;	/* nop */
	if (insn[op] == 0x0f)
		return left < 3 || may_access_0f(insn[op + 1], insn[op + 2]);
	switch (insn[op]) {
	case 0x70 ... 0x7f:		/* jcc */
	case 0x8d:			/* lea */
	case 0xa8: case 0xa9:		/* test with a constant */
	case 0xb0 ... 0xbf:		/* mov of a constant */
	case 0xe9: case 0xeb:		/* jmp */
		return false;
	case 0x00 ... 0x3f:		/* add, or, adc, sbb, and, sub, xor, cmp */
		/* By the last three bits: four with operands, two with a constant. */
		if ((insn[op] & 7) >= 6)
			return true;
		return (insn[op] & 7) < 4 && !modrm_is_register(insn[op + 1]);
	case 0x63:			/* movsxd */
	case 0x69: case 0x6b:		/* imul */
	case 0x80: case 0x81: case 0x83:	/* add ... cmp of a constant */
	case 0x84 ... 0x8b:		/* test, xchg, mov */
	case 0xc0: case 0xc1: case 0xd0 ... 0xd3:	/* shifts */
	case 0xc6: case 0xc7:		/* mov of a constant */
	case 0xf6: case 0xf7:		/* test, not, neg, mul, div */
		return !modrm_is_register(insn[op + 1]);
	}
	return true;
}
