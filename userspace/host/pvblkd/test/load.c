// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pvblkd_load - a guest without QEMU, for tests: reads from its disk.
 *
 *	pvblkd_load SOCKET [REQUESTS]
 *
 * Connects to pvblkd, again whenever that was killed, and reads, one request
 * after the other, until it is terminated; or only so many, and stays there.  Of
 * two rings one wants to know what requests cost, the other does not.  What was in
 * flight at a kill is offered again.
 */
#include <err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/pvblk.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>

#include "driver.h"
#include "vhost.h"

#define NUM		16
#define RINGS		2
#define DATA(ring)	(DRIVER_GPA + DRIVER_DATA + (ring) * 0x10000)
#define REPLY(ring)	(DATA(ring) + 64)
#define BUFFER(ring)	(DATA(ring) + 4096)
#define MAX_BYTES	32768

static struct driver d;
static int sock = -1, kick[RINGS], call[RINGS];

/* Return: whether the server is still there, and agreed. */
static bool ask(struct vhost_msg *msg, uint32_t size, const int *fds, unsigned int nr)
{
	char control[CMSG_SPACE(2 * sizeof(int))] = "";
	struct iovec iov = { msg, VHOST_HEADER_SIZE + size };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	msg->flags = VHOST_VERSION | VHOST_NEED_REPLY;
	msg->size = size;
	if (nr) {
		hdr.msg_control = control;
		hdr.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
	}
	return sendmsg(sock, &hdr, MSG_NOSIGNAL) == (ssize_t)iov.iov_len &&
	       recv(sock, msg, VHOST_HEADER_SIZE + 8, MSG_WAITALL) ==
	       VHOST_HEADER_SIZE + 8 && !msg->u64;
}

static bool set_state(uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_msg msg = { .request = request, .state = { index, num } };

	return ask(&msg, 8, NULL, 0);
}

static bool set_fd(uint32_t request, uint32_t index, int fd)
{
	struct vhost_msg msg = { .request = request, .u64 = index };

	return ask(&msg, 8, &fd, 1);
}

static bool start_ring(unsigned int i)
{
	struct vhost_msg place = { .request = VHOST_SET_VRING_ADDR };

	place.addr.index = i;
	place.addr.place = driver_place(i);
	return set_state(VHOST_SET_VRING_NUM, i, NUM) &&
	       set_state(VHOST_SET_VRING_BASE, i, d.ring[i].used->idx) &&
	       ask(&place, 40, NULL, 0) &&
	       set_fd(VHOST_SET_VRING_CALL, i, call[i]) &&
	       set_fd(VHOST_SET_VRING_KICK, i, kick[i]) &&
	       set_state(VHOST_SET_VRING_ENABLE, i, 1);
}

static bool start(void)
{
	struct vhost_msg features = {
		.request = VHOST_SET_FEATURES,
		.u64 = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VHOST_F_PROTOCOL_FEATURES,
	};
	struct vhost_msg memory = { .request = VHOST_SET_MEM_TABLE };

	memory.memory.nr = 2;
	memcpy(memory.memory.area, d.area, sizeof(d.area));
	if (!ask(&features, 8, NULL, 0) || !ask(&memory, 8 + sizeof(d.area), d.fds, 2))
		return false;
	for (unsigned int i = 0; i < RINGS; i++)
		if (!start_ring(i))
			return false;
	return true;
}

static void join(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	for (;;) {
		sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (sock < 0)
			err(EXIT_FAILURE, "socket");
		if (!connect(sock, (struct sockaddr *)&addr, sizeof(addr)) && start())
			return;
		close(sock);
		usleep(10000);
	}
}

static void offer(unsigned int ring, unsigned int count)
{
	uint32_t bytes = (count * 7 % (MAX_BYTES / 512) + 1) * 512;
	struct virtio_blk_outhdr header = {
		.type = VIRTIO_BLK_T_IN | (ring ? PVBLK_T_COST : 0),
		.sector = count % 64,
	};
	struct driver_ring *r = &d.ring[ring];

	memcpy(driver_at(&d, DATA(ring)), &header, sizeof(header));
	driver_desc(r, 0, DATA(ring), sizeof(header), VRING_DESC_F_NEXT, 1);
	driver_desc(r, 1, BUFFER(ring), bytes, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
	driver_desc(r, 2, REPLY(ring), ring ? 65 : 1, VRING_DESC_F_WRITE, 0);
	driver_offer(r, 0);
}

/* Return: whether all that was offered is done; otherwise the server is gone. */
static bool wait_for(unsigned int ring)
{
	struct driver_ring *r = &d.ring[ring];
	struct pollfd p[2] = { { sock, POLLIN, 0 }, { call[ring], POLLIN, 0 } };
	uint64_t one = 1;

	if (write(kick[ring], &one, sizeof(one)) < 0)
		err(EXIT_FAILURE, "kick");
	while (__atomic_load_n(&r->used->idx, __ATOMIC_ACQUIRE) != r->avail->idx) {
		poll(p, 2, -1);
		if (p[0].revents)
			return false;
		if (read(call[ring], &one, sizeof(one)) < 0)
			continue;
	}
	return true;
}

int main(int argc, char **argv)
{
	unsigned long requests = argc > 2 ? strtoul(argv[2], NULL, 0) : ~0UL;
	unsigned int count = 0;

	if (argc < 2)
		errx(EXIT_FAILURE, "usage: pvblkd_load SOCKET [REQUESTS]");
	driver_init(&d, NUM);
	for (int i = 0; i < RINGS; i++) {
		kick[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		call[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	}
	join(argv[1]);
	while (count < requests) {
		offer(count % RINGS, count);
		while (!wait_for(count % RINGS)) {
			close(sock);
			join(argv[1]);
		}
		count++;
	}
	for (;;) {
		struct pollfd p = { sock, POLLIN, 0 };

		poll(&p, 1, -1);
		close(sock);
		join(argv[1]);
	}
}
