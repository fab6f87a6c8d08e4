// SPDX-License-Identifier: GPL-2.0-or-later
/* The client's connection. */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"
#include "pvblkd.h"

static void take_fds(struct vhost_rx *rx, struct msghdr *hdr)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		size_t len = c->cmsg_len - CMSG_LEN(0);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i + sizeof(fd) <= len; i += sizeof(fd)) {
			memcpy(&fd, CMSG_DATA(c) + i, sizeof(fd));
			if (rx->nr_fds < MEM_MAX_REGIONS)
				rx->fds[rx->nr_fds++] = fd;
			else
				close(fd);
		}
	}
}

/* Return: as read(). */
static ssize_t receive(struct disk *disk, unsigned int want)
{
	char control[CMSG_SPACE(MEM_MAX_REGIONS * sizeof(int))];
	struct vhost_rx *rx = &disk->rx;
	struct iovec iov = { (char *)&rx->msg + rx->len, want - rx->len };
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(disk->conn->fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_fds(rx, &hdr);
	if (n > 0 && hdr.msg_flags & MSG_CTRUNC) {
		warnx("%s: a message's file descriptors are too many for it, or for the limit (ulimit -n)",
		      disk->name);
		return 0;
	}
	if (n > 0)
		rx->len += n;
	return n;
}

/* Return: 1 if a message is complete, 0 if not yet, -1 if there will be none. */
static int receive_message(struct disk *disk)
{
	struct vhost_rx *rx = &disk->rx;
	unsigned int want;
	ssize_t n;

	for (;;) {
		want = VHOST_HEADER_SIZE;
		if (rx->len >= want) {
			if ((rx->msg.flags & VHOST_VERSION_MASK) != VHOST_VERSION ||
			    rx->msg.size > sizeof(rx->msg) - VHOST_HEADER_SIZE) {
				warnx("%s: not a vhost-user message", disk->name);
				return -1;
			}
			want += rx->msg.size;
		}
		if (rx->len >= want)
			return 1;
		n = receive(disk, want);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -1;
	}
}

/* Return: whether there may be more messages. */
static bool handle(struct disk *disk)
{
	enum vhost_outcome outcome = vhost_handle(disk, &disk->rx);

	disk->hold = outcome == VHOST_LATER;
	if (disk->hold) {
		watch_for(disk->conn, POLLRDHUP);
		return false;
	}
	vhost_rx_reset(&disk->rx);
	if (outcome == VHOST_DROP)
		disk_disconnect(disk);
	return outcome == VHOST_DONE;
}

static bool hung_up(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLRDHUP };

	return poll(&poll_fd, 1, 0) > 0;
}

static void on_message(struct watch *watch)
{
	struct disk *disk = watch->owner;
	int ret;

	if (disk->hold) {
		if (hung_up(watch->fd))
			disk_disconnect(disk);
		return;
	}
	while ((ret = receive_message(disk)) > 0)
		if (!handle(disk))
			return;
	if (ret < 0)
		disk_disconnect(disk);
}

void disk_connect(struct disk *disk, int fd)
{
	for (unsigned int i = 0; i < disk->nr_queues; i++)
		queue_init(&disk->queue[i], disk, i);
	disk->features = 0;
	disk->protocol_features = 0;
	disk->writeback = true;
	disk->backend_fd = -1;
	disk->conn = watch_start(&disk->server->io, fd, 0, on_message, disk);
	server_join(disk->server, disk);
}

void disk_disconnect(struct disk *disk)
{
	/* The client sees it at once, whatever is still in flight. */
	shutdown(disk->conn->fd, SHUT_RDWR);
	watch_stop(disk->conn);
	disk->conn = NULL;
	disk->closing = true;
	disk->hold = false;
	vhost_rx_reset(&disk->rx);
}

static void forget_client(struct disk *disk)
{
	int next = disk->waiting_fd;

	for (unsigned int i = 0; i < disk->nr_queues; i++) {
		struct queue *q = &disk->queue[i];

		queue_stop(q);
		signal_free(q->call);
		signal_free(q->error);
		q->call = NULL;
		q->error = NULL;
	}
	if (disk->backend_fd >= 0)
		close(disk->backend_fd);
	disk->backend_fd = -1;
	mem_unmap(&disk->mem);
	inflight_unmap(&disk->inflight);
	disk->closing = false;
	disk->lost = false;
	server_leave(disk->server, disk);
	disk->waiting_fd = -1;
	conn_listen_again(disk->server);
	if (next >= 0)
		disk_connect(disk, next);
}

void disk_idle(struct disk *disk)
{
	if (disk->closing) {
		forget_client(disk);
	} else if (disk->hold) {
		if (handle(disk))
			watch_for(disk->conn, POLLIN);
		for (unsigned int i = 0; i < disk->nr_queues; i++)
			queue_process(&disk->queue[i]);
	}
}

/* Until something is closed, or at least until the meters are looked at. */
static void pause_listening(struct disk *disk)
{
	warn("%s: cannot take a client; raise the limit (ulimit -n)", disk->name);
	watch_pause(disk->listener);
	disk->server->deaf = true;
	server_wake(disk->server);
}

void conn_listen_again(struct server *server)
{
	if (!server->deaf)
		return;
	server->deaf = false;
	for (struct disk *d = server->disks; d; d = d->next)
		watch_resume(d->listener);
}

static void on_connection(struct watch *watch)
{
	struct disk *disk = watch->owner;
	int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			pause_listening(disk);
		return;
	}
	if (disk->conn || disk->waiting_fd >= 0) {
		warnx("%s: one more client: refused", disk->name);
		close(fd);
	} else if (disk->closing) {
		disk->waiting_fd = fd;
	} else {
		disk_connect(disk, fd);
	}
}

/* A socket that nobody listens to is left of a process that was killed. */
static void remove_stale(const struct disk *disk, const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		err(exit_failure, "cannot create socket");
	if (!lstat(disk->socket, &st) && S_ISSOCK(st.st_mode) &&
	    connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) &&
	    errno == ECONNREFUSED && unlink(disk->socket))
		err(exit_failure, "cannot remove %s", disk->socket);
	close(fd);
}

void disk_listen(struct disk *disk)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(disk->socket) >= sizeof(addr.sun_path))
		errx(exit_failure, "%s: the path of a socket has up to %zu bytes",
		     disk->socket, sizeof(addr.sun_path) - 1);
	strcpy(addr.sun_path, disk->socket);
	remove_stale(disk, &addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 4))
		err(exit_failure, "cannot listen at %s", disk->socket);
	disk->listener = watch_start(&disk->server->io, fd, 0, on_connection, disk);
}
