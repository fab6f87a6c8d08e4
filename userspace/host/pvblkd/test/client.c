// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/virtio_config.h>

#include "client.h"

struct driver d;
int client = -1;
int kick[2], call[2];

/* Until nothing happens any more; files are on the way for a moment. */
void pump(void)
{
	for (int i = 0; i < 30; i++) {
		server_step(&fixture.server, false);
		if (fixture.disk.in_flight)
			i = 0;
		usleep(10);
	}
}

void join(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	client = fds[0];
	disk_connect(&fixture.disk, fds[1]);
	pump();
}

void leave(void)
{
	close(client);
	pump();
}

void send_with(struct vhost_msg *msg, const int *fds, unsigned int nr)
{
	char control[CMSG_SPACE(16 * sizeof(int))] = "";
	struct iovec iov = { msg, VHOST_HEADER_SIZE + msg->size };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (nr) {
		hdr.msg_control = control;
		hdr.msg_controllen = CMSG_SPACE(nr * sizeof(int));
		cmsg = CMSG_FIRSTHDR(&hdr);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(nr * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, nr * sizeof(int));
	}
	assert_int_equal(sendmsg(client, &hdr, MSG_NOSIGNAL), iov.iov_len);
	pump();
}

struct vhost_msg message(uint32_t request, uint32_t size)
{
	return (struct vhost_msg){
		.request = request, .flags = VHOST_VERSION, .size = size,
	};
}

void receive(struct vhost_msg *msg, uint32_t request, uint32_t size)
{
	memset(msg, 0xee, sizeof(*msg));
	assert_int_equal(recv(client, msg, sizeof(*msg), 0), VHOST_HEADER_SIZE + size);
	assert_int_equal(msg->request, request);
	assert_int_equal(msg->flags, VHOST_VERSION | VHOST_REPLY);
	assert_int_equal(msg->size, size);
}

/* Nothing is said, and the connection stands. */
void silence(void)
{
	char c;

	assert_int_equal(recv(client, &c, 1, 0), -1);
	assert_int_equal(errno, EAGAIN);
}

void dropped(void)
{
	char c;

	pump();
	assert_true(!recv(client, &c, 1, 0) || errno == ECONNRESET);
	leave();
	join();
}

/* Who demands it is told whether it was done. */
uint64_t acknowledge(struct vhost_msg msg, const int *fds, unsigned int nr)
{
	uint32_t request = msg.request;

	msg.flags |= VHOST_NEED_REPLY;
	send_with(&msg, fds, nr);
	receive(&msg, request, 8);
	return msg.u64;
}

uint64_t set_u64(uint32_t request, uint64_t value)
{
	struct vhost_msg msg = message(request, 8);

	msg.u64 = value;
	return acknowledge(msg, NULL, 0);
}

uint64_t set_state(uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_msg msg = message(request, 8);

	msg.state.index = index;
	msg.state.num = num;
	return acknowledge(msg, NULL, 0);
}

uint64_t set_fd(uint32_t request, uint64_t value, int fd)
{
	struct vhost_msg msg = message(request, 8);

	msg.u64 = value;
	return acknowledge(msg, &fd, fd >= 0);
}

uint64_t get_u64(uint32_t request)
{
	struct vhost_msg msg = message(request, 0);

	send_with(&msg, NULL, 0);
	receive(&msg, request, 8);
	return msg.u64;
}

uint64_t set_memory(unsigned int nr)
{
	struct vhost_msg msg = message(VHOST_SET_MEM_TABLE, 8 + nr * 32);

	msg.memory.nr = nr;
	memcpy(msg.memory.area, d.area, nr * sizeof(d.area[0]));
	return acknowledge(msg, d.fds, nr);
}

uint64_t set_place(unsigned int ring, struct vring_place place)
{
	struct vhost_msg msg = message(VHOST_SET_VRING_ADDR, 40);

	msg.addr.index = ring;
	msg.addr.place = place;
	return acknowledge(msg, NULL, 0);
}

void start_ring(unsigned int i)
{
	assert_int_equal(set_state(VHOST_SET_VRING_NUM, i, NUM), 0);
	assert_int_equal(set_state(VHOST_SET_VRING_BASE, i, d.ring[i].used->idx), 0);
	assert_int_equal(set_place(i, driver_place(i)), 0);
	assert_int_equal(set_fd(VHOST_SET_VRING_CALL, i, call[i]), 0);
	assert_int_equal(set_fd(VHOST_SET_VRING_KICK, i, kick[i]), 0);
	assert_int_equal(set_state(VHOST_SET_VRING_ENABLE, i, 1), 0);
}

uint32_t stop_ring(unsigned int i)
{
	struct vhost_msg msg = message(VHOST_GET_VRING_BASE, 8);

	msg.state.index = i;
	send_with(&msg, NULL, 0);
	receive(&msg, VHOST_GET_VRING_BASE, 8);
	assert_int_equal(msg.state.index, i);
	return msg.state.num;
}

void start(uint64_t features)
{
	features |= 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VHOST_F_PROTOCOL_FEATURES;
	assert_int_equal(set_u64(VHOST_SET_FEATURES, features), 0);
	assert_int_equal(set_memory(2), 0);
	for (int i = 0; i < 2; i++)
		start_ring(i);
}

int setup(void **state)
{
	fixture_init(true);
	driver_init(&d, NUM);
	for (int i = 0; i < 2; i++) {
		kick[i] = eventfd(0, EFD_NONBLOCK);
		call[i] = eventfd(0, EFD_NONBLOCK);
	}
	join();
	return 0;
}

int teardown(void **state)
{
	leave();
	assert_int_equal(fixture.server.clients, 0);
	assert_int_equal(fixture.disk.mem.nr, 0);
	for (int i = 0; i < 2; i++) {
		close(kick[i]);
		close(call[i]);
	}
	watch_stop(fixture.server.timer);
	nbd_end(fixture.disk.nbd);
	pump();
	io_exit(&fixture.server.io);
	driver_exit(&d);
	fixture_exit();
	return 0;
}

void notify(unsigned int ring)
{
	uint64_t one = 1;

	assert_int_equal(write(kick[ring], &one, sizeof(one)), sizeof(one));
	pump();
}

bool called(unsigned int ring)
{
	uint64_t count;

	return read(call[ring], &count, sizeof(count)) == sizeof(count);
}

/* A request with header, data and reply, each in a descriptor. */
void offer(unsigned int ring, uint32_t type, uint64_t sector,
	   uint32_t len, bool write)
{
	struct virtio_blk_outhdr header = { .type = type, .sector = sector };
	struct driver_ring *r = &d.ring[ring];

	memcpy(driver_at(&d, HEADER), &header, sizeof(header));
	memset(driver_at(&d, REPLY), 0xee, 128);
	driver_desc(r, 0, HEADER, sizeof(header), NEXT, len ? 1 : 2);
	driver_desc(r, 1, BUFFER, len, NEXT | (write ? 0 : WRITE), 2);
	driver_desc(r, 2, REPLY, type & COST ? 65 : 1, WRITE, 0);
	driver_offer(r, 0);
}

uint8_t status(uint32_t type)
{
	return *(uint8_t *)driver_at(&d, REPLY + (type & COST ? 64 : 0));
}

uint8_t request(unsigned int ring, uint32_t type, uint64_t sector,
		uint32_t len, bool write)
{
	uint16_t before = d.ring[ring].used->idx;

	offer(ring, type, sector, len, write);
	notify(ring);
	assert_int_equal(d.ring[ring].used->idx, (uint16_t)(before + 1));
	assert_true(called(ring));
	return status(type);
}

struct state_view totals(void)
{
	struct state_view view;

	state_look(fixture.disk.state, &view);
	return view;
}

uint64_t returned(void)
{
	return state_pj(totals().totals.returned[0]);
}
