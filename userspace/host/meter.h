/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Energy meters: what the CPU accountant writes into the energy pages of the
 * virtual machines on an emulated machine.
 *
 * A meter shows the base cost that its virtual machine was charged since its
 * page was made, in whole nanojoules: picojoules that do not make one yet show
 * up later.  It only grows.  Since it stays when the accountant does not, it is
 * also what the next one knows of those who were there before, whether there is
 * a resource monitor to remember it or not.
 *
 * Pages without PVENERGY_METER get no meter, but weights as the others do.
 */
#ifndef RCONTAINER_METER_H
#define RCONTAINER_METER_H

#include "account.h"

struct meters;

/**
 * meters_open() - become the one who writes the meters of a machine
 * @dir: the machine's directory
 * @model: weights to be written into all pages; NULL to leave them alone
 *
 * Return: the meters, or NULL, after a message, if another accountant has them.
 */
struct meters *meters_open(const char *dir, const struct model *model);

/**
 * meters_find() - open the pages of virtual machines that came, close others
 * @ms: the meters
 * @vm: the machine's slots
 * @alive: the slots whose process lives
 *
 * A page that is missing is left out in silence, one that is not sound with a
 * message.  A page that is removed or replaced later does no harm.
 */
void meters_find(struct meters *ms, const struct machine_vm vm[MACHINE_MAX_VMS],
		 const struct machine_set *alive);

/* What the meters show, for account_known_base(); 0 where there is none. */
void meters_known(const struct meters *ms, energy_t base_pj[MACHINE_MAX_VMS]);

/* Write all meters, after account_vms(). */
void meters_write(struct meters *ms, const struct account *a);

void meters_close(struct meters *ms);

#endif /* RCONTAINER_METER_H */
