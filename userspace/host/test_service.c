// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "service.h"

/* A service manager's socket, at an abstract address that no other process has. */
static int manager(struct sockaddr_un *address)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(*address);
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(sock >= 0);
	assert_int_equal(bind(sock, (void *)&any, sizeof(any.sun_family)), 0);
	memset(address, 0, sizeof(*address));
	assert_int_equal(getsockname(sock, (void *)address, &len), 0);
	address->sun_path[0] = '@';
	return sock;
}

/* Return: the descriptor that came along, or -1. */
static int said(int sock, const char *state)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	char text[64] = "";
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr hdr = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	int fd = -1;

	assert_true(recvmsg(sock, &hdr, 0) >= 0);
	assert_string_equal(text, state);
	if (CMSG_FIRSTHDR(&hdr))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&hdr)), sizeof(fd));
	return fd;
}

static void test_notify(void **state)
{
	struct sockaddr_un address;
	int sock = manager(&address), fd;
	int ends[2];
	char c;

	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	service_notify("READY=1", -1);
	assert_int_equal(said(sock, "READY=1"), -1);
	assert_int_equal(pipe(ends), 0);
	service_notify("FDSTORE=1\nFDNAME=one", ends[1]);
	fd = said(sock, "FDSTORE=1\nFDNAME=one");
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(ends[0], &c, 1), 1);
	close(fd);
	close(ends[0]);
	close(ends[1]);
	close(sock);
}

/* Nobody wants to know, or is there. */
static void test_nobody(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	service_notify("READY=1", -1);
	setenv("NOTIFY_SOCKET", "", 1);
	service_notify("READY=1", -1);
	setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
	service_notify("READY=1", -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
