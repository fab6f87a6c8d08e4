/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop: everything that takes time is an io_uring request, and each of
 * them ends in one call.
 */
#ifndef PVBLKD_IO_H
#define PVBLKD_IO_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct io_op - something under way
 * @done: called at its end, with what the system call would have returned, or a
 *	negative errno
 */
struct io_op {
	void (*done)(struct io_op *op, int res);
};

/**
 * struct io - the event loop
 * @ring: of the kernel
 * @pending: operations under way
 */
struct io {
	struct io_uring ring;
	unsigned int pending;
};

/* Return: 0 or a negative errno. */
int io_init(struct io *io);
void io_exit(struct io *io);

/* Room for an operation; to be filled by io_uring_prep_*() at once. */
struct io_uring_sqe *io_start(struct io *io, struct io_op *op);

/* Ask that an operation end soon; it ends as always. */
void io_cancel(struct io *io, struct io_op *op);

/* Whether guests' requests should wait, so that their ends find room. */
static inline bool io_full(const struct io *io)
{
	return io->pending >= 4096;
}

/**
 * io_run() - start what was prepared, call what has ended
 * @io: the event loop
 * @wait: for something to end
 *
 * Return: how many have ended, or a negative errno.
 */
int io_run(struct io *io, bool wait);

/**
 * struct watch - a file that something comes from, again and again
 * @op: under way as long as it is watched
 * @io: the event loop
 * @fd: the file
 * @ready: called when there is something
 * @owner: the caller's
 * @len: what to read into @data, zero to look only
 * @events: of poll(), if @len is zero
 * @paused: what is there stays there for now
 * @armed: @op is under way, or its end is just being told
 * @stopped: it is not of interest any more
 * @data: what was read
 */
struct watch {
	struct io_op op;
	struct io *io;
	int fd;
	void (*ready)(struct watch *watch);
	void *owner;
	unsigned int len;
	short events;
	bool paused;
	bool armed;
	bool stopped;
	union {
		uint64_t count;
		char bytes[128];
	} data;
};

/**
 * watch_start() - watch a file
 * @io: the event loop
 * @fd: the file, which is the watch's from now on
 * @len: bytes to read each time, zero for none
 * @ready: see struct watch
 * @owner: see struct watch
 *
 * A read does not stop us, whatever the file is.
 *
 * Return: the watch.
 */
struct watch *watch_start(struct io *io, int fd, unsigned int len,
			  void (*ready)(struct watch *watch), void *owner);

/* What there is after watch_pause() is told after watch_resume(); not for reads. */
static inline void watch_pause(struct watch *watch)
{
	watch->paused = true;
}

void watch_resume(struct watch *watch);

/* Look for other events from now on.  What had happened before may still be told. */
void watch_for(struct watch *watch, short events);

/* End it, and close the file.  A null pointer is none. */
void watch_stop(struct watch *watch);

/**
 * struct signal - an event that the other side waits for
 * @op: the write under way
 * @io: the event loop
 * @fd: an eventfd
 * @busy: it is being signalled
 * @again: it is to be signalled once more after that
 * @stopped: it is not of interest any more
 * @one: what is written
 */
struct signal {
	struct io_op op;
	struct io *io;
	int fd;
	bool busy;
	bool again;
	bool stopped;
	uint64_t one;
};

/* The descriptor is the signal's from now on. */
struct signal *signal_new(struct io *io, int fd);

/* Null pointers are nobody who waits. */
void signal_send(struct signal *signal);
void signal_free(struct signal *signal);

/* Whether a descriptor that somebody gave us is that of an eventfd. */
bool is_eventfd(int fd);

#endif /* PVBLKD_IO_H */
