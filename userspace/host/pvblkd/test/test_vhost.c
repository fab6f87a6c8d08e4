// SPDX-License-Identifier: GPL-2.0-or-later
/* The protocol: negotiation, rings that start and stop, what must not be. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/virtio_config.h>

#include "client.h"

static void test_negotiation(void **state)
{
	uint64_t features = get_u64(VHOST_GET_FEATURES);

	assert_true(features >> VIRTIO_F_VERSION_1 & 1);
	assert_true(features >> VIRTIO_BLK_F_MQ & 1);
	assert_false(features >> VIRTIO_BLK_F_RO & 1);
	assert_int_equal(get_u64(VHOST_GET_PROTOCOL_FEATURES), 0x1229);
	assert_int_equal(set_u64(VHOST_SET_PROTOCOL_FEATURES, 0x1229), 0);
	assert_int_equal(set_u64(VHOST_SET_PROTOCOL_FEATURES, 0x1228 | 2), 1);
	assert_int_equal(set_u64(VHOST_SET_FEATURES, features), 0);
	assert_int_equal(set_u64(VHOST_SET_FEATURES, 1ULL << 63), 1);
	assert_int_equal(get_u64(VHOST_GET_QUEUE_NUM), 2);
	assert_int_equal(acknowledge(message(VHOST_SET_OWNER, 0), NULL, 0), 0);
	/* What is not known is refused, if an answer is wanted. */
	assert_int_equal(set_u64(99, 0), 1);
	assert_int_equal(set_u64(UINT32_MAX, 0), 1);
	assert_int_equal(set_u64(4, 0), 1);
}

static void test_config(void **state)
{
	struct virtio_blk_config *config;
	struct vhost_msg msg = message(VHOST_GET_CONFIG, 12 + 57);

	msg.config.size = 57;
	send_with(&msg, NULL, 0);
	receive(&msg, VHOST_GET_CONFIG, 12 + 57);
	config = (struct virtio_blk_config *)msg.config.region;
	assert_int_equal(config->capacity, FIXTURE_BYTES / 512);
	assert_int_equal(config->num_queues, 2);
	assert_int_equal(config->wce, 1);
	assert_int_equal(msg.config.region[PVBLK_MARK_OFFSET], 0xe1);
}

static void test_bad_config(void **state)
{
	static const uint32_t bad[][2] = {
		{ 0, 257 }, { 256, 1 }, { 255, 2 }, { UINT32_MAX, 2 },
		{ 2, UINT32_MAX }, { UINT32_MAX, UINT32_MAX },
	};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct vhost_msg msg = message(VHOST_GET_CONFIG, 12 + 57);

		msg.config.offset = bad[i][0];
		msg.config.size = bad[i][1];
		send_with(&msg, NULL, 0);
		dropped();
	}
}

static uint64_t set_config(uint32_t offset, uint32_t size, uint8_t value)
{
	struct vhost_msg msg = message(VHOST_SET_CONFIG, 12 + size);

	msg.config.offset = offset;
	msg.config.size = size;
	msg.config.region[0] = value;
	return acknowledge(msg, NULL, 0);
}

static void test_set_config(void **state)
{
	assert_int_equal(set_config(32, 1, 0), 0);
	assert_false(fixture.disk.writeback);
	assert_int_equal(set_config(32, 1, 1), 0);
	assert_true(fixture.disk.writeback);
	assert_int_equal(set_config(32, 1, 2), 1);
	assert_int_equal(set_config(0, 8, 1), 1);
	assert_int_equal(set_config(33, 1, 0), 1);
	assert_int_equal(set_config(32, 0, 0), 1);
}

static void test_garbage(void **state)
{
	struct vhost_msg msg = message(VHOST_GET_FEATURES, 0);

	msg.flags = 2;
	send_with(&msg, NULL, 0);
	dropped();
	msg = message(VHOST_GET_FEATURES, 0);
	msg.size = UINT32_MAX;
	assert_int_equal(send(client, &msg, VHOST_HEADER_SIZE, 0), VHOST_HEADER_SIZE);
	dropped();
	/* Too short for what they say. */
	for (uint32_t request = 0; request < 45; request++) {
		msg = message(request, 7);
		send_with(&msg, NULL, 0);
		if (request == VHOST_GET_FEATURES || request == VHOST_SET_OWNER ||
		    request == VHOST_GET_PROTOCOL_FEATURES ||
		    request == VHOST_GET_QUEUE_NUM)
			while (recv(client, &msg, sizeof(msg), 0) > 0)
				;
		else
			dropped();
	}
	/* A byte at a time is fine. */
	msg = message(VHOST_GET_QUEUE_NUM, 0);
	for (int i = 0; i < VHOST_HEADER_SIZE; i++) {
		silence();
		assert_int_equal(send(client, (char *)&msg + i, 1, 0), 1);
		pump();
	}
	receive(&msg, VHOST_GET_QUEUE_NUM, 8);
}

static void test_bad_memory(void **state)
{
	struct vhost_msg msg = message(VHOST_SET_MEM_TABLE, 8 + 8 * 32);

	msg.memory.nr = 9;
	assert_int_equal(acknowledge(message(VHOST_SET_MEM_TABLE, 8 + 32), d.fds, 0), 1);
	d.area[1].gpa = DRIVER_GPA + 1;
	assert_int_equal(set_memory(2), 1);
	assert_int_equal(fixture.disk.mem.nr, 0);
	d.area[1].gpa = DRIVER_HIGH;
	assert_int_equal(set_memory(2), 0);
	assert_int_equal(fixture.disk.mem.nr, 2);
	send_with(&msg, d.fds, 2);
	dropped();
}

static void test_bad_rings(void **state)
{
	int pipe_fds[2], file = memfd_create("no eventfd", 0);

	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(set_memory(2), 0);
	assert_int_equal(set_state(VHOST_SET_VRING_NUM, 2, NUM), 1);
	assert_int_equal(set_state(VHOST_SET_VRING_NUM, UINT32_MAX, NUM), 1);
	assert_int_equal(set_state(VHOST_SET_VRING_NUM, 0, 0), 1);
	assert_int_equal(set_state(VHOST_SET_VRING_NUM, 0, 3), 1);
	assert_int_equal(set_state(VHOST_SET_VRING_NUM, 0, 65536 + 16), 1);
	assert_int_equal(set_state(VHOST_SET_VRING_BASE, 0, 65536), 1);
	assert_int_equal(set_state(VHOST_SET_VRING_ENABLE, 0, 2), 1);
	assert_int_equal(set_fd(VHOST_SET_VRING_KICK, 0, file), 1);
	assert_int_equal(set_fd(VHOST_SET_VRING_KICK, 0, pipe_fds[0]), 1);
	assert_int_equal(set_fd(VHOST_SET_VRING_KICK, 0, -1), 1);
	assert_int_equal(set_fd(VHOST_SET_VRING_KICK, VHOST_VRING_NO_FD, -1), 1);
	assert_int_equal(set_fd(VHOST_SET_VRING_CALL, 0, pipe_fds[1]), 1);
	assert_int_equal(set_fd(VHOST_SET_VRING_CALL, VHOST_VRING_NO_FD, -1), 0);
	assert_int_equal(set_fd(VHOST_SET_VRING_CALL, 2, call[0]), 1);
	assert_int_equal(set_fd(VHOST_SET_VRING_CALL, 1ULL << 63, call[0]), 1);
	/* A ring that is nowhere does not start. */
	assert_int_equal(set_fd(VHOST_SET_VRING_KICK, 0, kick[0]), 1);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	close(file);
}

static int get_inflight(struct vhost_msg *msg)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { msg, sizeof(*msg) };
	struct msghdr hdr = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	*msg = message(VHOST_GET_INFLIGHT_FD, 20);
	msg->inflight.num_queues = 2;
	msg->inflight.queue_size = NUM;
	send_with(msg, NULL, 0);
	assert_int_equal(recvmsg(client, &hdr, 0), VHOST_HEADER_SIZE + 20);
	assert_non_null(CMSG_FIRSTHDR(&hdr));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&hdr)), sizeof(fd));
	return fd;
}

static uint64_t set_inflight(struct vhost_msg msg, int fd)
{
	msg.request = VHOST_SET_INFLIGHT_FD;
	msg.flags = VHOST_VERSION;
	return acknowledge(msg, &fd, 1);
}

static void test_stop(void **state)
{
	struct vhost_msg msg = message(VHOST_SET_VRING_NUM, 8);

	start(0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	/* What belongs to a running ring stays as it is. */
	assert_int_equal(set_state(VHOST_SET_VRING_NUM, 0, NUM), 1);
	assert_int_equal(set_state(VHOST_SET_VRING_BASE, 0, 0), 1);
	assert_int_equal(set_place(0, driver_place(0)), 1);
	assert_int_equal(set_u64(VHOST_SET_FEATURES, 1ULL << VIRTIO_F_VERSION_1), 1);
	assert_int_equal(set_state(VHOST_SET_VRING_ENABLE, 0, 0), 0);
	offer(0, VIRTIO_BLK_T_IN, 0, 512, false);
	notify(0);
	assert_int_equal(d.ring[0].used->idx, 1);
	assert_int_equal(set_state(VHOST_SET_VRING_ENABLE, 0, 1), 0);
	pump();
	assert_int_equal(d.ring[0].used->idx, 2);
	assert_int_equal(stop_ring(0), 2);
	offer(0, VIRTIO_BLK_T_IN, 0, 512, false);
	notify(0);
	assert_int_equal(d.ring[0].used->idx, 2);
	start_ring(0);
	pump();
	assert_int_equal(d.ring[0].used->idx, 3);
	msg.state.index = 7;
	msg.request = VHOST_GET_VRING_BASE;
	send_with(&msg, NULL, 0);
	dropped();
}

static void test_new_memory(void **state)
{
	start(0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	/* The same again, elsewhere in our address space. */
	assert_int_equal(set_memory(2), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	/* Without the rings. */
	d.area[0].uva = 0x1000;
	assert_int_equal(set_memory(2), 0);
	assert_false(fixture.disk.queue[0].started);
}

static void test_truncated_memory(void **state)
{
	/* In place of cmocka's own handler. */
	mem_init();
	start(0);
	assert_int_equal(ftruncate(d.fd, 0), 0);
	notify(0);
	assert_true(fixture.disk.lost);
	assert_true(fixture.disk.queue[1].broken);
	assert_int_equal(ftruncate(d.fd, 2 * DRIVER_HALF), 0);
	leave();
	join();
	start(0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	signal(SIGBUS, SIG_DFL);
}

static void test_inflight(void **state)
{
	struct inflight region = { 0 };
	struct vhost_msg msg;
	int fd = get_inflight(&msg);

	assert_int_equal(msg.inflight.mmap_size, inflight_len(2, VRING_MAX_SIZE));
	assert_int_equal(set_inflight(msg, fd), 0);
	start(0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	leave();

	/* As if we had been killed with the next one in flight. */
	assert_int_equal(inflight_map(&region, fd, 0, msg.inflight.mmap_size, 2, NUM), 0);
	inflight_take(&region, 0, 0);
	offer(0, VIRTIO_BLK_T_IN | COST, 0, 512, false);
	join();
	assert_int_equal(set_inflight(msg, fd), 0);
	start(0);
	pump();
	assert_int_equal(d.ring[0].used->idx, 2);
	assert_int_equal(status(COST), 0);
	assert_int_equal(totals().totals.requests, 2);
	assert_int_equal(stop_ring(0), 2);
	inflight_unmap(&region);
	close(fd);
}

static void test_bad_inflight(void **state)
{
	struct vhost_msg msg, bad;
	int fd = get_inflight(&msg), unsealed = memfd_create("unsealed", 0);

	assert_int_equal(ftruncate(unsealed, 1 << 20), 0);
	assert_int_equal(set_inflight(msg, unsealed), 1);
	assert_int_equal(set_inflight(msg, kick[0]), 1);
	bad = msg;
	bad.inflight.mmap_size = inflight_len(2, NUM) - 1;
	assert_int_equal(set_inflight(bad, fd), 1);
	bad = msg;
	bad.inflight.mmap_offset = 4096;
	assert_int_equal(set_inflight(bad, fd), 1);
	bad.inflight.mmap_offset = UINT64_MAX;
	assert_int_equal(set_inflight(bad, fd), 1);
	bad = msg;
	bad.inflight.num_queues = 3;
	assert_int_equal(set_inflight(bad, fd), 1);
	bad = msg;
	bad.inflight.queue_size = 1025;
	assert_int_equal(set_inflight(bad, fd), 1);
	bad.inflight.queue_size = 0;
	assert_int_equal(set_inflight(bad, fd), 1);
	/* One that does not fit the ring. */
	msg.inflight.queue_size = NUM / 2;
	bad = msg;
	bad.inflight.mmap_size = inflight_len(2, NUM / 2);
	assert_int_equal(set_inflight(bad, fd), 0);
	assert_int_equal(set_memory(2), 0);
	assert_int_equal(set_state(VHOST_SET_VRING_NUM, 0, NUM), 0);
	assert_int_equal(set_place(0, driver_place(0)), 0);
	assert_int_equal(set_fd(VHOST_SET_VRING_KICK, 0, kick[0]), 1);
	/* A ring that is longer than was said when there is room for it. */
	assert_int_equal(set_inflight(msg, fd), 0);
	assert_int_equal(set_fd(VHOST_SET_VRING_KICK, 0, kick[0]), 0);
	close(fd);
	close(unsealed);
}

static void test_totals_outlive_clients(void **state)
{
	for (int i = 1; i <= 3; i++) {
		start(0);
		assert_int_equal(request(0, VIRTIO_BLK_T_OUT | COST, 0, 512, true), 0);
		assert_int_equal(totals().totals.written_bytes, 512 * i);
		assert_int_equal(returned(), 512 * i * 2631000000000 / 57000000);
		leave();
		/* A new guest begins with new rings. */
		memset(d.memory, 0, 2 * DRIVER_HALF);
		join();
	}
	assert_int_equal(totals().uncertain, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_negotiation),
		test(test_config),
		test(test_bad_config),
		test(test_set_config),
		test(test_garbage),
		test(test_bad_memory),
		test(test_bad_rings),
		test(test_stop),
		test(test_new_memory),
		test(test_truncated_memory),
		test(test_inflight),
		test(test_bad_inflight),
		test(test_totals_outlive_clients),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
