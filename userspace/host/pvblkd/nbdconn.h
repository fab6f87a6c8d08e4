/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection to an NBD server: libnbd's handle, and the event loop's operations
 * that wait for its socket.
 */
#ifndef PVBLKD_NBDCONN_H
#define PVBLKD_NBDCONN_H

#include <stdbool.h>
#include <stdint.h>

#include "io.h"

struct nbd_handle;
struct nbd_link;

/* Waiting for the socket to be readable, or writable. */
struct nbd_poll {
	struct io_op op;
	struct nbd_conn *conn;
	bool armed;
};

/**
 * struct nbd_conn - a connection
 * @link: whose; NULL once it is given up
 * @nbd: the library's
 * @since_ns: when it was begun
 * @in: for what the server says
 * @out: for room for what it is told
 */
struct nbd_conn {
	struct nbd_link *link;
	struct nbd_handle *nbd;
	uint64_t since_ns;
	struct nbd_poll in;
	struct nbd_poll out;
};

/* Return: the attempt to connect, or NULL: the library knows why. */
struct nbd_conn *nbd_conn_start(struct nbd_link *link);

/* Give it up, whatever its state; the link has none then. */
void nbd_conn_close(struct nbd_conn *conn);

/* Wait for what the library waits for; then nbd_follow() is called. */
void nbd_conn_arm(struct nbd_conn *conn);

/* It will not be of use any more. */
bool nbd_conn_dead(const struct nbd_conn *conn);

/* It takes commands. */
bool nbd_conn_usable(const struct nbd_conn *conn);

/* nbd.c: the library was called, and some commands may have ended. */
void nbd_follow(struct nbd_link *link);

#endif /* PVBLKD_NBDCONN_H */
