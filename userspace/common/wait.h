/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting, and the signals that end it. */
#ifndef COMMON_WAIT_H
#define COMMON_WAIT_H

#include <poll.h>
#include <signal.h>
#include <stdint.h>

#include "clock.h"

/* Set by SIGINT and SIGTERM after wait_catch_signals(). */
extern volatile sig_atomic_t wait_stop;
void wait_catch_signals(void);

/**
 * wait_poll() - poll(2) which those signals end, whenever they come
 * @p: see poll(2)
 * @n: see poll(2)
 * @timeout: NULL to wait for ever
 *
 * Return: as poll(2); negative, too, if there was one already.
 */
int wait_poll(struct pollfd *p, nfds_t n, const struct timespec *timeout);

/**
 * wait_until() - sleep
 * @ns: until monotonic_ns() is that
 * @fd: or until this is readable; negative for none
 *
 * Return: 0 when it is time; 1 if @fd is readable; negative on any signal.
 */
int wait_until(uint64_t ns, int fd);

#endif /* COMMON_WAIT_H */
