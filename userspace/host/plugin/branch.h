/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which x86 instructions are branches, and where they can go. */
#ifndef RCONTAINER_BRANCH_H
#define RCONTAINER_BRANCH_H

#include <stddef.h>
#include <stdint.h>

/* How many predictors the conditional branches share. */
#define BRANCH_PREDICTORS	4096

/* Bits, so that an indirect call is both a call and indirect. */
enum branch_kind {
	BRANCH_NONE	= 0,
	BRANCH		= 1,	/* set for every kind */
	BRANCH_COND	= 2,	/* jcc, loop, jcxz */
	BRANCH_INDIRECT	= 4,	/* near jmp or call through register, memory */
	BRANCH_CALL	= 8,	/* near call */
	BRANCH_RET	= 16,	/* near return */
};

/**
 * struct branch - the branch at the end of a block
 * @kind: enum branch_kind
 * @index: of the conditional branch's predictor, see uarch.h
 * @next: linear address of the instruction after it
 * @target: where it goes if taken; of conditional branches only
 * @pc: linear address of the instruction
 */
struct branch {
	uint32_t kind;
	uint32_t index;
	uint64_t next;
	uint64_t target;
	uint64_t pc;
};

/**
 * branch_decode() - classify an instruction
 * @b: result
 * @pc: linear address of the instruction
 * @insn: its bytes
 * @len: their number, as the CPU decoded it
 *
 * Far transfers, interrupts, system calls and their returns are branches of
 * no further kind: they are counted, but nothing predicts them.
 */
void branch_decode(struct branch *b, uint64_t pc, const uint8_t *insn,
		   size_t len);

#endif /* RCONTAINER_BRANCH_H */
