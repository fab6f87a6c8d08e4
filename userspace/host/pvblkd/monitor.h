/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The physical disks as device subsystems of the resource monitor, with the
 * served disks as clients.
 *
 * The state files are the truth: they have all that a client was ever charged,
 * and outlive us.  So what is published is the difference between them and what
 * was published before, by us or by a former life whose region the monitor has
 * kept; that region's figures take the place of ours (SUBSYSTEM_INSTEAD).
 * Whoever is killed, the next publication makes the sum that of the state file,
 * to the picojoule: nothing is published before it is in the file, and nothing
 * twice.  A state file that was made anew has another identity, so that the
 * energy of the one before stays beside it.
 *
 * It is published when the energy meters are brought up to date: once a second
 * while there are a client and a monitor, when one comes or goes, and at the end.
 */
#ifndef PVBLKD_MONITOR_H
#define PVBLKD_MONITOR_H

#include <stdbool.h>

struct server;

/**
 * monitor_open() - become subsystems, one for each physical disk
 * @server: with all of its disks
 * @name: as what, NULL for the name of the physical disk
 * @socket: the monitor's, NULL for the default
 *
 * An error is the end.
 */
void monitor_open(struct server *server, const char *name, const char *socket);

/* Publish what is new. */
void monitor_publish(struct server *server);

/* Try to connect again where there is no connection. */
void monitor_retry(struct server *server);

/* Whether some connection is missing: monitor_retry() tries to make it. */
bool monitor_away(const struct server *server);

/* Whether somebody sees what is published. */
bool monitor_present(const struct server *server);

void monitor_close(struct server *server);

#endif /* PVBLKD_MONITOR_H */
