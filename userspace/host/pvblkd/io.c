// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "io.h"

#define SUBMISSIONS	256
/* More than can be under way: io_full(), and what is not a guest's request. */
#define COMPLETIONS	16384

int io_init(struct io *io)
{
	struct io_uring_params params = {
		.flags = IORING_SETUP_CQSIZE,
		.cq_entries = COMPLETIONS,
	};

	io->pending = 0;
	return io_uring_queue_init_params(SUBMISSIONS, &io->ring, &params);
}

void io_exit(struct io *io)
{
	io_uring_queue_exit(&io->ring);
}

struct io_uring_sqe *io_start(struct io *io, struct io_op *op)
{
	struct io_uring_sqe *sqe;
	int ret;

	while (!(sqe = io_uring_get_sqe(&io->ring))) {
		ret = io_uring_submit(&io->ring);
		if (ret < 0 && ret != -EINTR && ret != -EAGAIN)
			errx(exit_failure, "io_uring: %s", strerror(-ret));
	}
	io_uring_sqe_set_data(sqe, op);
	io->pending++;
	return sqe;
}

static void ignore(struct io_op *op, int res)
{
}

void io_cancel(struct io *io, struct io_op *op)
{
	static struct io_op cancelled = { ignore };

	io_uring_prep_cancel(io_start(io, &cancelled), op, 0);
}

int io_run(struct io *io, bool wait)
{
	struct io_uring_cqe *cqe;
	int ret, ended = 0;

	ret = io_uring_submit_and_wait(&io->ring, wait);
	if (ret < 0 && ret != -EINTR && ret != -EAGAIN)
		return ret;
	/* What comes while we are at it is for the next time. */
	for (unsigned int n = io_uring_cq_ready(&io->ring); n; n--) {
		struct io_op *op;
		int res;

		if (io_uring_peek_cqe(&io->ring, &cqe))
			break;
		op = io_uring_cqe_get_data(cqe);
		res = cqe->res;
		io_uring_cqe_seen(&io->ring, cqe);
		io->pending--;
		ended++;
		op->done(op, res);
	}
	return ended;
}

static void watch_arm(struct watch *watch)
{
	struct io_uring_sqe *sqe = io_start(watch->io, &watch->op);

	watch->armed = true;
	if (watch->len)
		io_uring_prep_read(sqe, watch->fd, &watch->data, watch->len, 0);
	else
		io_uring_prep_poll_add(sqe, watch->fd, watch->events);
}

static void watch_release(struct watch *watch)
{
	close(watch->fd);
	free(watch);
}

static void watch_done(struct io_op *op, int res)
{
	struct watch *watch = (struct watch *)op;

	if (!watch->stopped && !watch->paused && res > 0)
		watch->ready(watch);
	/* Nothing comes any more where there was an error: somebody will stop it. */
	if (watch->stopped)
		watch_release(watch);
	else if (!watch->paused && (res > 0 || res == -EINTR || res == -EAGAIN ||
				    res == -ECANCELED))
		watch_arm(watch);
	else
		watch->armed = false;
}

void watch_resume(struct watch *watch)
{
	watch->paused = false;
	if (!watch->armed)
		watch_arm(watch);
}

void watch_for(struct watch *watch, short events)
{
	watch->events = events;
	/* It is armed again when that has ended. */
	if (watch->armed)
		io_cancel(watch->io, &watch->op);
}

struct watch *watch_start(struct io *io, int fd, unsigned int len,
			  void (*ready)(struct watch *watch), void *owner)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		err(exit_failure, "cannot allocate memory");
	watch->op.done = watch_done;
	watch->io = io;
	watch->fd = fd;
	watch->len = len;
	watch->events = POLLIN;
	watch->ready = ready;
	watch->owner = owner;
	watch_arm(watch);
	return watch;
}

void watch_stop(struct watch *watch)
{
	if (!watch)
		return;
	watch->stopped = true;
	if (watch->armed)
		io_cancel(watch->io, &watch->op);
	else
		watch_release(watch);
}

static void signal_release(struct signal *signal)
{
	close(signal->fd);
	free(signal);
}

static void signal_done(struct io_op *op, int res)
{
	struct signal *signal = (struct signal *)op;

	signal->busy = false;
	if (signal->stopped)
		signal_release(signal);
	else if (signal->again)
		signal_send(signal);
}

struct signal *signal_new(struct io *io, int fd)
{
	struct signal *signal = calloc(1, sizeof(*signal));

	if (!signal)
		err(exit_failure, "cannot allocate memory");
	signal->op.done = signal_done;
	signal->io = io;
	signal->fd = fd;
	signal->one = 1;
	return signal;
}

void signal_send(struct signal *signal)
{
	if (!signal)
		return;
	/* One that is not read by anybody would be written for ever. */
	signal->again = signal->busy;
	if (signal->busy)
		return;
	signal->busy = true;
	io_uring_prep_write(io_start(signal->io, &signal->op), signal->fd,
			    &signal->one, sizeof(signal->one), 0);
}

void signal_free(struct signal *signal)
{
	if (!signal)
		return;
	signal->stopped = true;
	if (signal->busy)
		io_cancel(signal->io, &signal->op);
	else
		signal_release(signal);
}

bool is_eventfd(int fd)
{
	char link[32], target[32];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	return !strcmp(target, "anon_inode:[eventfd]");
}
