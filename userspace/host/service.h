/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RCONTAINER_SERVICE_H
#define RCONTAINER_SERVICE_H

/**
 * service_notify() - tell the service manager
 * @state: as "READY=1"; see sd_notify(3), which describes the protocol so that
 *	programs need no library for it
 * @fd: goes along; negative for none
 *
 * Does nothing where no service manager wants to know.
 */
void service_notify(const char *state, int fd);

#endif /* RCONTAINER_SERVICE_H */
