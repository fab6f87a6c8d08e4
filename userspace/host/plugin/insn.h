/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the bytes of an x86 instruction say.
 *
 * The plugin interface tells neither registers nor the CPU's mode, but the
 * exact length of an instruction.  That is enough: no opcode that is looked at
 * means something else in another mode, the displacement is what is left after
 * the opcode, and a byte 40 to 4f that has a successor is a REX prefix, since as
 * INC or DEC it would be the last.
 *
 * All functions take the instruction's bytes, and their number as the CPU
 * decoded it.
 */
#ifndef RCONTAINER_INSN_H
#define RCONTAINER_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Index of the opcode, behind prefixes; the last byte's if all look like that. */
size_t insn_opcode(const uint8_t *insn, size_t len);

/**
 * insn_string_accesses() - memory accesses of each iteration
 *
 * Return: 1 or 2 for a string instruction with a repeat prefix, 0 for all others.
 */
unsigned int insn_string_accesses(const uint8_t *insn, size_t len);

/**
 * insn_may_access() - may the instruction access memory?
 *
 * Return: false for common instructions between registers, or with constants;
 * true for all that do access memory, and for whatever is not known.
 */
bool insn_may_access(const uint8_t *insn, size_t len);

#endif /* RCONTAINER_INSN_H */
