/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU accountant as a device subsystem: what it accounts goes to the
 * resource monitor, each period.
 *
 * The accountant takes all that was consumed since the machine was made from
 * the machine's totals, also after a restart; the monitor keeps what a former
 * accountant published.  Both have the same history, so one of them counts: if
 * it is of this machine at these weights, the accountant goes on from what was
 * published (account_resume()), for it was there when virtual machines came and
 * went.  At other weights, the machine's history is counted anew.  What was
 * published of another machine is kept as it is, as energy of virtual machines
 * that are gone; the region says how much that is (struct resmon_added).
 */
#ifndef RCONTAINER_PUBLISH_H
#define RCONTAINER_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"

struct publisher;

/**
 * publish_open() - become a subsystem
 * @name: its name
 * @socket: the monitor's, NULL for the default
 * @a: what will be published; begun, and for as long as the publisher exists
 * @machine_id: tells this machine from others, such as the time it was made
 * @run: for each slot, tells the run of the virtual machine there from others,
 *	whatever the machine is; 0 if its slot and the slot's generation do
 *
 * Return: the publisher; or the end of the program.
 */
struct publisher *publish_open(const char *name, const char *socket,
			       struct account *a, uint64_t machine_id,
			       const uint64_t run[MACHINE_MAX_VMS]);

/**
 * publish() - publish what is new
 * @p: the publisher
 *
 * To be called after account_vms(); and before it if account_changes_hands(),
 * since then account_vms() forgets whom the events of a slot belonged to.
 */
void publish(struct publisher *p);

/* Look after the connection, without waiting; says in the log what is new. */
void publish_poll(struct publisher *p);

/*
 * Whether the monitor has been found, or looked for in vain for a second, so
 * that it is unlikely that sums will yet go on from others (account_resume()).
 */
bool publish_settled(const struct publisher *p);

void publish_close(struct publisher *p);

#endif /* RCONTAINER_PUBLISH_H */
