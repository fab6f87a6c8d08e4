/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The resource monitor's socket, and messages on it; see abi.h. */
#ifndef RESMOND_WIRE_H
#define RESMOND_WIRE_H

#include <stdbool.h>

#include "abi.h"

/**
 * wire_default_socket() - where to look for the resource monitor
 *
 * $RESMOND_SOCKET if that is set.  Otherwise the system's, which is root's, or
 * that of the user's session if there is one:
 * /run/rcontainer/resmond.sock, $XDG_RUNTIME_DIR/rcontainer/resmond.sock.
 *
 * Return: the path, to be freed; NULL without memory.
 */
char *wire_default_socket(void);

/* Where a monitor listens: its user's, though only the system's is there yet. */
char *wire_default_listener(void);

/* Connect without waiting.  Return: a socket, or a negative errno. */
int wire_connect(const char *path);

/* Listen.  Return: a socket, or a negative errno. */
int wire_listen(const char *path);

/**
 * wire_send() - send a message without waiting
 * @sock: the socket
 * @msg: its version is filled in
 * @fd: goes with it; negative for none
 *
 * Return: 0, or a negative errno; -EAGAIN if the peer does not read.
 */
int wire_send(int sock, struct resmon_msg *msg, int fd);

/**
 * wire_receive() - receive a message without waiting
 * @sock: the socket
 * @msg: filled in; its strings are NUL-terminated
 * @fd: set to what came with it, or to -1
 *
 * Return: 1; 0 at the end of the connection; a negative errno: -EAGAIN if there
 * is none yet, -EBADMSG if it is none, -EPROTO if it is of another version.
 */
int wire_receive(int sock, struct resmon_msg *msg, int *fd);

#endif /* RESMOND_WIRE_H */
