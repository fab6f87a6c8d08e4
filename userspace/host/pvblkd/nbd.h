/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storage behind a network: a disk's requests as commands to an NBD server.
 *
 * The data goes between the server's socket and the guest's memory, a command for
 * each piece of that.  Replies are without structure, so that it is known what
 * the headers are (net.h).
 *
 * If the connection is lost, it is made anew.  Requests wait for that, and are
 * done from their beginning then; but none of them waits longer than it was told
 * to, and no new one once the server has been away for so long: they fail.
 */
#ifndef PVBLKD_NBD_H
#define PVBLKD_NBD_H

#include <stdbool.h>
#include <stdint.h>

struct disk;
struct nbd_conn;
struct nbd_timer;
struct nbd_work;
struct request;

/**
 * struct nbd_link - a disk's server
 * @disk: whose
 * @uri: where the server is
 * @wait_ns: how long requests wait for it
 * @conn: the connection, or the attempt to make one; NULL between attempts
 * @connected: it can be used
 * @lost_ns: since when not
 * @ended: it is of no use any more
 * @timer: wakes us up while it is not, or somebody waits
 * @done: commands that the library has ended, in order; see nbd.c
 * @done_tail: where the next one goes
 * @following: somebody looks after @done already
 * @waiting: requests that wait for a connection, in order
 * @waiting_tail: where the next one goes
 * @size: of the export, in bytes
 * @align: of offsets and lengths
 * @max: bytes of a command
 * @readonly: the server refuses to write
 * @can_flush: the server has a command to make data stable
 * @can_fua: it has a flag for writes that are stable
 * @can_trim: it has a command to discard
 * @can_zero: it has a command to write zeroes
 */
struct nbd_link {
	struct disk *disk;
	const char *uri;
	uint64_t wait_ns;
	struct nbd_conn *conn;
	bool connected;
	uint64_t lost_ns;
	bool ended;
	struct nbd_timer *timer;
	struct nbd_work *done;
	struct nbd_work **done_tail;
	bool following;
	struct nbd_work *waiting;
	struct nbd_work **waiting_tail;
	uint64_t size;
	uint32_t align;
	uint32_t max;
	bool readonly;
	bool can_flush;
	bool can_fua;
	bool can_trim;
	bool can_zero;
};

/**
 * nbd_open() - connect to a disk's server
 * @disk: which; not served yet
 * @uri: where the server is, as libnbd understands it
 * @wait_s: how long requests wait for a server that is lost
 *
 * Return: the link; an error is the end.
 */
struct nbd_link *nbd_open(struct disk *disk, const char *uri, unsigned int wait_s);

/* Virtio features that need what the server does not have. */
uint64_t nbd_lacks(const struct nbd_link *link);

/* Say goodbye; nothing is in flight, and the link is not the caller's any more. */
void nbd_end(struct nbd_link *link);

/**
 * nbd_begin() - start what a request wants
 * @link: the disk's
 * @request: of which @op, @data or @bounce say what; ends with a call of @op.done,
 *	at once if there is nobody to ask
 * @offset: where on the disk
 * @len: bytes to transfer, of a read or write: those of @data or @bounce
 */
void nbd_begin(struct nbd_link *link, struct request *request, uint64_t offset,
	       uint64_t len);

#endif /* PVBLKD_NBD_H */
