// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests that a server behind a network does, which is Debian's nbdkit. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "client.h"

#define FLUSH	(1ULL << VIRTIO_BLK_F_FLUSH)

/* A packet has 1000 bytes: whatever is looked up below was reckoned by hand. */
static const struct netmodel net = { "net", 10, 1000000, 1000 };
#define HEADERS_PJ	(44 * 10 + 2 * 1000000ULL)

static char image[200], sock[200], ready[200], uri[300];
static pid_t server;

/* Serve the image in some seconds, with more arguments; NULL for none. */
static void serve(unsigned int delay_ms, const char *arg, const char *parameter)
{
	unlink(ready);
	server = fork();
	assert_true(server >= 0);
	if (!server) {
		usleep(delay_ms * 1000);
		unlink(sock);
		execlp("nbdkit", "nbdkit", "-f", "--exit-with-parent", "-U", sock,
		       "-P", ready, "file", image, arg ? arg : NULL, parameter, NULL);
		_exit(127);
	}
	/* That is written when it listens. */
	for (int i = 0; !delay_ms && access(ready, F_OK) && i < 1000; i++)
		usleep(10000);
}

/* Likewise, by one that writes at once, and takes long to flush. */
static void serve_slow_flush(void)
{
	unlink(ready);
	server = fork();
	assert_true(server >= 0);
	if (!server) {
		setenv("image", image, 1);
		execlp("nbdkit", "nbdkit", "-f", "--exit-with-parent", "-U", sock,
		       "-P", ready, "eval", "get_size=stat -c %s \"$image\"",
		       "pread=dd if=\"$image\" iflag=skip_bytes,count_bytes skip=$4 count=$3 status=none",
		       "pwrite=dd of=\"$image\" conv=notrunc oflag=seek_bytes seek=$4 status=none",
		       "can_write=exit 0", "can_flush=exit 0", "can_fua=echo none",
		       "flush=sleep 1", NULL);
		_exit(127);
	}
	for (int i = 0; access(ready, F_OK) && i < 1000; i++)
		usleep(10000);
}

static void stop(int signal)
{
	kill(server, signal);
	waitpid(server, NULL, 0);
}

/* In some milliseconds. */
static pid_t stop_later(unsigned int delay_ms)
{
	pid_t pid = server, child = fork();

	if (!child) {
		usleep(delay_ms * 1000);
		kill(pid, SIGKILL);
		_exit(0);
	}
	return child;
}

static void make_image(void)
{
	int fd;

	setup(NULL);
	/* The connection that the client has is about the file. */
	leave();
	snprintf(image, sizeof(image), "%s/export", fixture.dir);
	snprintf(sock, sizeof(sock), "%s/nbd", fixture.dir);
	snprintf(ready, sizeof(ready), "%s/ready", fixture.dir);
	snprintf(uri, sizeof(uri), "nbd+unix:///?socket=%s", sock);
	fd = open(image, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, FIXTURE_BYTES), 0);
	close(fd);
}

static int connect_both(unsigned int wait_s)
{
	fixture_behind(&net, uri, wait_s);
	join();
	return 0;
}

static int begin_with(unsigned int wait_s, const char *arg, const char *parameter)
{
	make_image();
	serve(0, arg, parameter);
	return connect_both(wait_s);
}

static int begin_slow_flush(void **state)
{
	make_image();
	serve_slow_flush();
	return connect_both(10);
}

static int begin(void **state)
{
	return begin_with(10, NULL, NULL);
}

static int begin_impatient(void **state)
{
	return begin_with(0, NULL, NULL);
}

static int begin_patient(void **state)
{
	return begin_with(1, NULL, NULL);
}

static int begin_error(void **state)
{
	return begin_with(10, "--filter=error", "error-pread-rate=1");
}

static int begin_slow(void **state)
{
	return begin_with(10, "--filter=delay", "wdelay=600ms");
}

static int begin_slow_read(void **state)
{
	return begin_with(1, "--filter=delay", "rdelay=200ms");
}

static int begin_plain(void **state)
{
	return begin_with(10, "--filter=fua", NULL);
}

static int begin_no_zero(void **state)
{
	return begin_with(10, "--filter=nozero", "zeromode=none");
}

static int end(void **state)
{
	stop(SIGKILL);
	unlink(image);
	unlink(sock);
	unlink(ready);
	return teardown(NULL);
}

static void begin_read(uint32_t len)
{
	offer(0, VIRTIO_BLK_T_IN, 0, len, false);
	assert_int_equal(write(kick[0], &(uint64_t){ 1 }, 8), 8);
	while (!fixture.disk.in_flight)
		server_step(&fixture.server, true);
}

static uint64_t cost(enum device device)
{
	return ((uint64_t *)driver_at(&d, REPLY))[device];
}

static uint64_t returned_net(void)
{
	return state_pj(totals().totals.returned[DEVICE_NET]);
}

static void fill(char c)
{
	memset(driver_at(&d, BUFFER), c, 8192);
}

static void expect(char c, size_t len)
{
	const char *buffer = driver_at(&d, BUFFER);

	for (size_t i = 0; i < len; i++)
		assert_int_equal(buffer[i], c);
}

static void test_transfer(void **state)
{
	start(FLUSH);
	fill('n');
	/* 4124 bytes are five packets, 16 are one. */
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT | COST, 8, 4096, true), 0);
	assert_int_equal(cost(DEVICE_NET), 4140 * 10 + 6 * 1000000);
	assert_int_equal(cost(DEVICE_DISK), 4096 * 2631000000000 / 57000000);
	fill(0);
	/* 28 and 1040 bytes: one packet and two. */
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 9, 1024, false), 0);
	assert_int_equal(cost(DEVICE_NET), 1068 * 10 + 3 * 1000000);
	expect('n', 1024);
	assert_int_equal(returned_net(), 5208 * 10 + 9 * 1000000);
	assert_int_equal(request(0, VIRTIO_BLK_T_FLUSH | COST, 0, 0, true), 0);
	assert_int_equal(cost(DEVICE_NET), HEADERS_PJ);
	assert_int_equal(cost(DEVICE_DISK), 0);
	/* What is answered here is not the network's. */
	assert_int_equal(request(0, VIRTIO_BLK_T_GET_ID | COST, 0, 20, false), 0);
	assert_int_equal(cost(DEVICE_NET), 0);
	assert_int_equal(request(1, VIRTIO_BLK_T_IN, FIXTURE_BYTES / 512, 512, false), 1);
	assert_int_equal(state_pj(totals().totals.unreported[DEVICE_NET]), 0);
	assert_int_equal(totals().totals.read_bytes, 1024);
	assert_int_equal(totals().totals.written_bytes, 4096);
}

static void test_ranges(void **state)
{
	struct virtio_blk_discard_write_zeroes *range = driver_at(&d, BUFFER);
	uint64_t features = disk_features(&fixture.disk);

	assert_true(features >> VIRTIO_BLK_F_DISCARD & 1);
	assert_true(features >> VIRTIO_BLK_F_WRITE_ZEROES & 1);
	start(FLUSH);
	for (unsigned int flags = 0; flags < 2; flags++) {
		fill('r');
		assert_int_equal(request(0, VIRTIO_BLK_T_OUT, 0, 8192, true), 0);
		*range = (struct virtio_blk_discard_write_zeroes){ .sector = 1, .num_sectors = 8,
								   .flags = flags };
		assert_int_equal(request(0, VIRTIO_BLK_T_WRITE_ZEROES | COST, 0, 16, true), 0);
		assert_int_equal(cost(DEVICE_NET), HEADERS_PJ);
		assert_int_equal(request(0, VIRTIO_BLK_T_IN, 1, 4096, false), 0);
		expect(0, 4096);
		assert_int_equal(request(0, VIRTIO_BLK_T_IN, 9, 512, false), 0);
		expect('r', 512);
	}
	*range = (struct virtio_blk_discard_write_zeroes){ .num_sectors = 8 };
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD | COST, 0, 16, true), 0);
	assert_int_equal(cost(DEVICE_NET), HEADERS_PJ);
	range->sector = FIXTURE_BYTES / 512;
	assert_int_equal(request(0, VIRTIO_BLK_T_DISCARD, 0, 16, true), 1);
}

/* A command for each piece of memory; what lies side by side is one. */
static void test_pieces(void **state)
{
	struct virtio_blk_outhdr header = { .type = VIRTIO_BLK_T_IN | COST };
	struct driver_ring *r = &d.ring[0];
	char *buffer = driver_at(&d, BUFFER);

	start(FLUSH);
	for (int i = 0; i < 4096; i++)
		buffer[i] = i % 251;
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT, 0, 4096, true), 0);
	memset(buffer, 0, 8192);
	memcpy(driver_at(&d, HEADER), &header, sizeof(header));
	driver_desc(r, 0, HEADER, sizeof(header), NEXT, 1);
	driver_desc(r, 1, BUFFER, 100, NEXT | WRITE, 2);
	driver_desc(r, 2, BUFFER + 100, 924, NEXT | WRITE, 3);
	driver_desc(r, 3, BUFFER + 4000, 1000, NEXT | WRITE, 4);
	driver_desc(r, 4, BUFFER + 2000, 24, NEXT | WRITE, 5);
	driver_desc(r, 5, REPLY, 65, WRITE, 0);
	driver_offer(r, 0);
	notify(0);
	assert_int_equal(status(COST), 0);
	/* 1024, 1000 and 24 bytes: 1 + 2, 1 + 2, 1 + 1 packets. */
	assert_int_equal(cost(DEVICE_NET), (2048 + 3 * 44) * 10 + 8 * 1000000);
	for (int i = 0; i < 1024; i++)
		assert_int_equal((uint8_t)buffer[i], i % 251);
	for (int i = 0; i < 1000; i++)
		assert_int_equal((uint8_t)buffer[4000 + i], (1024 + i) % 251);
	for (int i = 0; i < 24; i++)
		assert_int_equal((uint8_t)buffer[2000 + i], (2024 + i) % 251);
}

/* A guest that cannot flush: writes are stable by a flag, or by a flush. */
static void test_stable(void **state)
{
	start(0);
	assert_true(fixture.disk.nbd->can_fua);
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT | COST, 0, 512, true), 0);
	assert_int_equal(cost(DEVICE_NET), 512 * 10 + HEADERS_PJ);
}

static void test_stable_without_flag(void **state)
{
	assert_true(disk_features(&fixture.disk) & FLUSH);
	start(0);
	assert_false(fixture.disk.nbd->can_fua);
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT | COST, 0, 512, true), 0);
	assert_int_equal(cost(DEVICE_NET), 512 * 10 + 2 * HEADERS_PJ);
}

static void test_server_without_zero(void **state)
{
	struct virtio_blk_discard_write_zeroes *range = driver_at(&d, BUFFER);

	assert_false(disk_features(&fixture.disk) >> VIRTIO_BLK_F_WRITE_ZEROES & 1);
	start(FLUSH);
	*range = (struct virtio_blk_discard_write_zeroes){ .num_sectors = 8 };
	/* Unsupported. */
	assert_int_equal(request(0, VIRTIO_BLK_T_WRITE_ZEROES | COST, 0, 16, true), 2);
	assert_int_equal(cost(DEVICE_NET), 0);
}

static void test_server_fails(void **state)
{
	start(FLUSH);
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT | COST, 0, 512, true), 0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 0, 512, false), 1);
	assert_int_equal(cost(DEVICE_DISK), 0);
	/* It was asked, and has answered. */
	assert_int_equal(cost(DEVICE_NET), 512 * 10 + HEADERS_PJ);
	assert_int_equal(totals().totals.errors, 1);
}

/* The server is away for a moment: the guest only waits. */
static void test_server_restarts(void **state)
{
	start(FLUSH);
	fill('a');
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT | COST, 0, 4096, true), 0);
	stop(SIGKILL);
	serve(700, NULL, NULL);
	fill(0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 0, 512, false), 0);
	expect('a', 512);
	assert_int_equal(cost(DEVICE_NET), 512 * 10 + HEADERS_PJ);
	assert_true(fixture.disk.nbd->connected);
}

/* It is killed while it has a request, which it had not done. */
static void test_killed_while_busy(void **state)
{
	pid_t killer, slow = server;

	start(FLUSH);
	fill('b');
	killer = stop_later(200);
	serve(500, NULL, NULL);
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT | COST, 16, 512, true), 0);
	/* Only the try that was answered is charged. */
	assert_int_equal(cost(DEVICE_NET), 512 * 10 + HEADERS_PJ);
	waitpid(killer, NULL, 0);
	waitpid(slow, NULL, 0);
	fill(0);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 16, 512, false), 0);
	expect('b', 512);
}

/* It is killed when it has written, and not flushed yet. */
static void test_killed_in_flush(void **state)
{
	pid_t killer, slow = server;

	start(0);
	assert_false(fixture.disk.nbd->can_fua);
	fill('f');
	killer = stop_later(500);
	serve(700, "--filter=fua", NULL);
	assert_int_equal(request(0, VIRTIO_BLK_T_OUT | COST, 16, 512, true), 0);
	/* Both again, for what was written may be lost. */
	assert_int_equal(cost(DEVICE_NET), 512 * 10 + 2 * HEADERS_PJ);
	waitpid(killer, NULL, 0);
	waitpid(slow, NULL, 0);
}

/* Held back until a request has ended, whose server is away: the client's end is seen. */
static void test_client_goes_while_held(void **state)
{
	struct vhost_msg msg = message(VHOST_GET_VRING_BASE, 8);
	uint64_t begun = monotonic_ns();

	start(FLUSH);
	stop(SIGKILL);
	begin_read(512);
	msg.u64 = 0;
	assert_int_equal(write(client, &msg, VHOST_HEADER_SIZE + 8), VHOST_HEADER_SIZE + 8);
	while (!fixture.disk.hold)
		server_step(&fixture.server, true);
	leave();
	assert_null(fixture.disk.conn);
	assert_false(fixture.disk.client);
	assert_true(monotonic_ns() - begun < 5000000000);
	serve(0, NULL, NULL);
	join();
}

static void test_no_wait(void **state)
{
	uint64_t begun;

	start(FLUSH);
	stop(SIGKILL);
	begun = monotonic_ns();
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 0, 512, false), 1);
	assert_int_equal(request(0, VIRTIO_BLK_T_FLUSH | COST, 0, 0, true), 1);
	assert_true(monotonic_ns() - begun < 1000000000);
	assert_int_equal(cost(DEVICE_NET), 0);
	assert_int_equal(returned_net(), 0);
	assert_int_equal(totals().totals.errors, 2);
	/* It comes back. */
	serve(0, NULL, NULL);
	for (int i = 0; i < 500 && !fixture.disk.nbd->connected; i++) {
		pump();
		usleep(10000);
	}
	assert_int_equal(request(0, VIRTIO_BLK_T_IN | COST, 0, 512, false), 0);
}

static void test_wait_ends(void **state)
{
	uint64_t begun;

	start(FLUSH);
	stop(SIGKILL);
	begun = monotonic_ns();
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 1);
	assert_in_range(monotonic_ns() - begun, 900000000, 5000000000);
	/* From here on nobody waits. */
	begun = monotonic_ns();
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 1);
	assert_true(monotonic_ns() - begun < 700000000);
	serve(0, NULL, NULL);
}

/* Who is asked to end does not wait for a server. */
static void test_stop(void **state)
{
	uint64_t begun = monotonic_ns();

	start(FLUSH);
	stop(SIGKILL);
	begin_read(512);
	server_stop(&fixture.server);
	assert_true(monotonic_ns() - begun < 3000000000);
	assert_int_equal(status(0), 1);
	serve(0, NULL, NULL);
}

/* Where the answer goes, there is no memory any more: not the server's fault. */
static void test_memory_is_lost(void **state)
{
	uint64_t begun = monotonic_ns();

	/* In place of cmocka's own handler. */
	mem_init();
	start(FLUSH);
	begin_read(4096);
	assert_int_equal(ftruncate(d.fd, DRIVER_DATA), 0);
	pump();
	assert_int_equal(fixture.disk.in_flight, 0);
	assert_int_equal(totals().totals.errors, 1);
	assert_true(fixture.disk.lost);
	assert_true(monotonic_ns() - begun < 5000000000);
	/* The next guest's requests are done. */
	assert_int_equal(ftruncate(d.fd, 2 * DRIVER_HALF), 0);
	leave();
	join();
	for (int i = 0; i < 500 && !fixture.disk.nbd->connected; i++) {
		pump();
		usleep(10000);
	}
	start(FLUSH);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	signal(SIGBUS, SIG_DFL);
}

/* The export was made larger while nobody was connected. */
static void test_size_changes(void **state)
{
	start(FLUSH);
	assert_int_equal(fixture.disk.sectors, FIXTURE_BYTES / 512);
	stop(SIGKILL);
	assert_int_equal(truncate(image, 2 * FIXTURE_BYTES), 0);
	serve(300, NULL, NULL);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, 0, 512, false), 0);
	assert_int_equal(fixture.disk.sectors, 2 * FIXTURE_BYTES / 512);
	assert_int_equal(request(0, VIRTIO_BLK_T_IN, FIXTURE_BYTES / 512, 512, false), 0);
}

#define test(name, start) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_transfer, begin),
		test(test_ranges, begin),
		test(test_pieces, begin),
		test(test_stable, begin),
		test(test_stable_without_flag, begin_plain),
		test(test_server_without_zero, begin_no_zero),
		test(test_server_fails, begin_error),
		test(test_server_restarts, begin),
		test(test_killed_while_busy, begin_slow),
		test(test_killed_in_flush, begin_slow_flush),
		test(test_client_goes_while_held, begin),
		test(test_no_wait, begin_impatient),
		test(test_wait_ends, begin_patient),
		test(test_stop, begin),
		test(test_memory_is_lost, begin_slow_read),
		test(test_size_changes, begin),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
