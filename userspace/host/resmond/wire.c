// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages between subsystems, viewers and the monitor; see wire.h. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire.h"

#define SOCKET_NAME	"rcontainer/resmond.sock"
#define BACKLOG		64

static char *default_socket(bool listens)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const char *socket = getenv("RESMOND_SOCKET");
	char *path;

	if (socket && *socket)
		return strdup(socket);
	if (geteuid() && runtime && *runtime == '/') {
		if (asprintf(&path, "%s/" SOCKET_NAME, runtime) < 0)
			return NULL;
		if (listens || !access(path, F_OK) ||
		    access("/run/" SOCKET_NAME, F_OK))
			return path;
		free(path);
	}
	return strdup("/run/" SOCKET_NAME);
}

char *wire_default_socket(void)
{
	return default_socket(false);
}

char *wire_default_listener(void)
{
	return default_socket(true);
}

static int make_socket(struct sockaddr_un *address, const char *path)
{
	int sock;

	if (!*path || strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(address->sun_path, path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return sock < 0 ? -errno : sock;
}

static int failed(int sock)
{
	int error = errno;

	close(sock);
	return -error;
}

int wire_connect(const char *path)
{
	struct sockaddr_un address;
	int sock = make_socket(&address, path);

	if (sock < 0)
		return sock;
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)))
		return failed(sock);
	return sock;
}

int wire_listen(const char *path)
{
	struct sockaddr_un address;
	int sock = make_socket(&address, path);

	if (sock < 0)
		return sock;
	if (bind(sock, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(sock, BACKLOG))
		return failed(sock);
	return sock;
}

int wire_send(int sock, struct resmon_msg *msg, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { msg, sizeof(*msg) };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

	msg->version = RESMON_VERSION;
	if (fd >= 0) {
		struct cmsghdr *cmsg = &control.align;

		hdr.msg_control = control.buf;
		hdr.msg_controllen = sizeof(control.buf);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	if (sendmsg(sock, &hdr, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -errno;
	return 0;
}

/* Take the one descriptor; there is no room for more in the control buffer. */
static int take_fd(struct msghdr *hdr)
{
	struct cmsghdr *cmsg;
	int fd = -1;

	for (cmsg = CMSG_FIRSTHDR(hdr); cmsg; cmsg = CMSG_NXTHDR(hdr, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET &&
		    cmsg->cmsg_type == SCM_RIGHTS &&
		    cmsg->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(cmsg), sizeof(int));
	return fd;
}

int wire_receive(int sock, struct resmon_msg *msg, int *fd)
{
	union {
		/* The smallest that is large enough: CMSG_SPACE() takes two. */
		char buf[CMSG_LEN(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { msg, sizeof(*msg) };
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_LEN(sizeof(int)),
	};
	ssize_t n;

	*fd = -1;
	do {
		n = recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	*fd = take_fd(&hdr);
	/* A message of no bytes looks like the end; let it be that. */
	if (!n)
		goto refuse;
	/* Other versions may have other sizes, but this at the same place. */
	if (n >= (ssize_t)offsetof(struct resmon_msg, name) &&
	    msg->version != RESMON_VERSION) {
		n = -EPROTO;
		goto refuse;
	}
	if (n != sizeof(*msg) || hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		n = -EBADMSG;
		goto refuse;
	}
	msg->name[sizeof(msg->name) - 1] = '\0';
	msg->text[sizeof(msg->text) - 1] = '\0';
	return 1;

refuse:
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return n;
}
