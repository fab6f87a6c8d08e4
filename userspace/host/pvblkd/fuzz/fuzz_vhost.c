// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzzing of the protocol.  The input is a row of messages, each
 *
 *	request	1 byte
 *	flags	1 byte: bit 3 as in the message; bits 0-2 how many descriptors
 *		come with it; bits 4-5 of which kind
 *	size	1 byte: of the payload in 4 bytes
 *	payload
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../test/driver.h"
#include "../test/fixture.h"

#define QUEUE_SIZE	16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct driver driver;
static int client, eventfd_fd, inflight_fd, null_fd;

static void init(void)
{
	fixture_init(true);
	atexit(fixture_exit);
	driver_init(&driver, QUEUE_SIZE);
	eventfd_fd = eventfd(0, EFD_NONBLOCK);
	inflight_fd = inflight_create(FIXTURE_QUEUES, QUEUE_SIZE);
	null_fd = open("/dev/null", O_RDWR);
}

static void join(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
		abort();
	client = fds[0];
	disk_connect(&fixture.disk, fds[1]);
}

static void leave(void)
{
	if (fixture.disk.conn)
		disk_disconnect(&fixture.disk);
	/* The timer remains. */
	while (fixture.server.clients || fixture.server.io.pending > 1)
		server_step(&fixture.server, true);
	close(client);
}

static size_t message(struct vhost_rx *rx, const uint8_t *data, size_t size)
{
	const int kinds[] = { driver.fd, eventfd_fd, inflight_fd, null_fd };
	size_t len = data[2] * 4;

	if (len > size - 3)
		len = size - 3;
	if (len > sizeof(rx->msg) - VHOST_HEADER_SIZE)
		len = sizeof(rx->msg) - VHOST_HEADER_SIZE;
	memset(rx, 0, sizeof(*rx));
	rx->msg.request = data[0];
	rx->msg.flags = VHOST_VERSION | (data[1] & VHOST_NEED_REPLY);
	rx->msg.size = len;
	memcpy((char *)&rx->msg + VHOST_HEADER_SIZE, data + 3, len);
	for (rx->nr_fds = 0; rx->nr_fds < (data[1] & 7); rx->nr_fds++)
		rx->fds[rx->nr_fds] = dup(kinds[data[1] >> 4 & 3]);
	return 3 + len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk *disk = &fixture.disk;
	char answer[512];

	if (!driver.memory)
		init();
	join();
	while (size >= 3) {
		enum vhost_outcome outcome;
		size_t n = message(&disk->rx, data, size);

		data += n;
		size -= n;
		while ((outcome = vhost_handle(disk, &disk->rx)) == VHOST_LATER)
			server_step(&fixture.server, true);
		vhost_rx_reset(&disk->rx);
		server_step(&fixture.server, false);
		while (recv(client, answer, sizeof(answer), MSG_DONTWAIT) > 0)
			;
		if (outcome == VHOST_DROP)
			break;
	}
	leave();
	return 0;
}
