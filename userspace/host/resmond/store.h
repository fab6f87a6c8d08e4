/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager: what it hands over at the start, what it keeps for the
 * next start.  See sd_listen_fds(3), which describes the protocol so that programs
 * need no library for it.
 */
#ifndef RESMOND_STORE_H
#define RESMOND_STORE_H

#include "registry.h"

/**
 * store_take() - take what the service manager hands over
 * @r: regions are adopted, and a listening socket becomes @r->listener.  Regions
 *	that are of no use are not kept any longer.
 *
 * To be called once, before anything else is opened.
 */
void store_take(struct registry *r);

/* For struct registry: have the service manager keep a region, and drop one. */
void store_keep(const struct registry_subsystem *new,
		const struct resmon_head *old);

#endif /* RESMOND_STORE_H */
