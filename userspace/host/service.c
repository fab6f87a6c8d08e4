// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "service.h"

void service_notify(const char *state, int fd)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (char *)state, strlen(state) };
	struct msghdr hdr = {
		.msg_name = &address,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	int sock;

	if (!path || !*path || strlen(path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, strlen(path));
	hdr.msg_namelen = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	/* An abstract address; its first byte is a zero. */
	if (*path == '@')
		address.sun_path[0] = '\0';
	if (fd >= 0) {
		hdr.msg_control = control.buf;
		hdr.msg_controllen = sizeof(control.buf);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(int));
	}
	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || sendmsg(sock, &hdr, MSG_NOSIGNAL) < 0)
		warn("cannot tell the service manager");
	if (sock >= 0)
		close(sock);
}
