// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <poll.h>
#include <stdlib.h>

#include <libnbd.h>

#include "cli.h"
#include "nbdconn.h"
#include "pvblkd.h"

static void conn_release(struct nbd_conn *conn)
{
	if (!conn->link && !conn->in.armed && !conn->out.armed)
		free(conn);
}

/* The library closes the socket; the ring has it until its operations end. */
void nbd_conn_close(struct nbd_conn *conn)
{
	struct io *io = &conn->link->disk->server->io;

	nbd_close(conn->nbd);
	conn->link->conn = NULL;
	conn->link = NULL;
	if (conn->in.armed)
		io_cancel(io, &conn->in.op);
	if (conn->out.armed)
		io_cancel(io, &conn->out.op);
	conn_release(conn);
}

static void on_poll(struct io_op *op, int res)
{
	struct nbd_poll *poll = (struct nbd_poll *)op;
	struct nbd_conn *conn = poll->conn;
	unsigned int direction;

	poll->armed = false;
	if (!conn->link) {
		conn_release(conn);
		return;
	}
	/* An error is for the library to find when it reads or writes. */
	direction = nbd_aio_get_direction(conn->nbd);
	if (poll == &conn->in && direction & LIBNBD_AIO_DIRECTION_READ)
		nbd_aio_notify_read(conn->nbd);
	else if (poll == &conn->out && direction & LIBNBD_AIO_DIRECTION_WRITE)
		nbd_aio_notify_write(conn->nbd);
	nbd_follow(conn->link);
}

static void arm(struct nbd_poll *poll, short events)
{
	struct io *io = &poll->conn->link->disk->server->io;

	if (poll->armed)
		return;
	poll->armed = true;
	io_uring_prep_poll_add(io_start(io, &poll->op),
			       nbd_aio_get_fd(poll->conn->nbd), events);
}

void nbd_conn_arm(struct nbd_conn *conn)
{
	unsigned int direction = nbd_aio_get_direction(conn->nbd);

	if (direction & LIBNBD_AIO_DIRECTION_READ)
		arm(&conn->in, POLLIN);
	if (direction & LIBNBD_AIO_DIRECTION_WRITE)
		arm(&conn->out, POLLOUT);
}

bool nbd_conn_dead(const struct nbd_conn *conn)
{
	return nbd_aio_is_dead(conn->nbd) || nbd_aio_is_closed(conn->nbd);
}

bool nbd_conn_usable(const struct nbd_conn *conn)
{
	return nbd_aio_is_ready(conn->nbd) || nbd_aio_is_processing(conn->nbd);
}

struct nbd_conn *nbd_conn_start(struct nbd_link *link)
{
	struct nbd_conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		err(exit_failure, "cannot allocate memory");
	conn->link = link;
	conn->since_ns = monotonic_ns();
	conn->in = (struct nbd_poll){ .op.done = on_poll, .conn = conn };
	conn->out = conn->in;
	conn->nbd = nbd_create();
	/* Nor shall it clear what it is about to read into. */
	if (conn->nbd && !nbd_set_request_structured_replies(conn->nbd, false) &&
	    !nbd_set_pread_initialize(conn->nbd, false) &&
	    !nbd_aio_connect_uri(conn->nbd, link->uri))
		return conn;
	if (conn->nbd)
		nbd_close(conn->nbd);
	free(conn);
	return NULL;
}
