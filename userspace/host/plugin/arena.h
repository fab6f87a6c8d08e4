/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptions of translated blocks: as many as there are, freed at once. */
#ifndef RCONTAINER_ARENA_H
#define RCONTAINER_ARENA_H

#include "vcpu.h"

/**
 * arena_block() - a new block's description
 *
 * Callable by several threads, since each virtual CPU translates its own code.
 *
 * Return: memory that stays until arena_free(); exits if there is none.
 */
struct block *arena_block(void);

/* Free all of them.  No block may be in execution. */
void arena_free(void);

#endif /* RCONTAINER_ARENA_H */
