/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client's energy as the resource monitor has it: base cost of the first
 * device, access cost of all.  Pure arithmetic, in picojoules.
 *
 * Only the device that a subsystem drives has base cost there (resmond/abi.h).
 * What the process itself consumes without requests is access cost of the CPU,
 * whose subsystem accounts the base cost of that.
 */
#ifndef PVBLKD_FIGURES_H
#define PVBLKD_FIGURES_H

#include <stdbool.h>

#include "state.h"

struct region_view;

struct figures {
	energy_t base;
	energy_t access[PVBLK_MAX_DEVICES];
};

/* All that the client was ever charged, whether it wanted to know or not. */
void figures_of_state(const struct state_view *view, struct figures *figures);

/**
 * figures_of_region() - what was published of a client
 * @region: where
 * @view: name, identity and devices of the client
 * @figures: set, to zero if the client is not there
 */
void figures_of_region(const struct region_view *region,
		       const struct state_view *view, struct figures *figures);

/**
 * figures_beyond() - what is to be published
 * @now: what there is
 * @published: what was published
 * @new: set to the difference, zero where there was more, as if the state file
 *	is an old copy: what is published does not go back
 *
 * Return: whether it is not zero.
 */
bool figures_beyond(const struct figures *now, const struct figures *published,
		    struct figures *new);

void figures_add(struct figures *to, const struct figures *add);

#endif /* PVBLKD_FIGURES_H */
