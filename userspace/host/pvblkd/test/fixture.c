// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fixture.h"

struct fixture fixture;

static energy_t consumed(struct cpu_source *source)
{
	return fixture.consumed;
}

static void open_state(void)
{
	static char device[NR_DEVICES][PVBLK_NAME_LEN] = { "disk", CPU_DEVICE_NAME, "net" };
	char message[STATE_ERR_LEN];

	fixture.disk.state = state_open(fixture.state, "vm", device,
					disk_devices(&fixture.disk),
					fixture.physical.cost.rate, message);
	if (!fixture.disk.state)
		errx(EXIT_FAILURE, "%s", message);
}

void fixture_init(bool io)
{
	struct disk *disk = &fixture.disk;
	int fd;

	memset(&fixture, 0, sizeof(fixture));
	snprintf(fixture.dir, sizeof(fixture.dir), "%s/test_pvblkd.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(fixture.dir))
		err(EXIT_FAILURE, "mkdtemp");
	snprintf(fixture.file, sizeof(fixture.file), "%s/image", fixture.dir);
	snprintf(fixture.state, sizeof(fixture.state), "%s/vm.state", fixture.dir);
	fd = open(fixture.file, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, FIXTURE_BYTES))
		err(EXIT_FAILURE, "%s", fixture.file);
	close(fd);

	fixture.source.consumed = consumed;
	if (io)
		server_init(&fixture.server, &fixture.source);
	fixture.server.cpu_source = &fixture.source;
	fixture.physical.model = (struct diskmodel){
		.name = "disk", .window_ms = 1000, .busy_percent = 80, .nr_speeds = 1,
		.speed = { {
			.idle_power_mw = 4083, .active_power_mw = 6714,
			.transfer_rate = 57000000,
		} },
	};
	cost_disk_init(&fixture.physical.cost, &fixture.physical.model);
	fixture.physical.meter.last_ns = monotonic_ns();
	fixture.physical.meter.power_mw = 4083;
	speed_init(&fixture.physical.speed, &fixture.physical.model,
		   fixture.physical.meter.last_ns);
	fixture.server.physicals = &fixture.physical;
	fixture.server.disks = disk;
	disk->server = &fixture.server;
	disk->name = "vm";
	disk->file = fixture.file;
	disk->nr_queues = FIXTURE_QUEUES;
	disk->physical = &fixture.physical;
	for (int i = 0; i < FIXTURE_QUEUES; i++)
		queue_init(&disk->queue[i], disk, i);
	open_state();
	disk_open(disk);
}

void fixture_behind(const struct netmodel *net, const char *uri, unsigned int wait_s)
{
	struct disk *disk = &fixture.disk;

	munmap(disk->state, sizeof(*disk->state));
	unlink(fixture.state);
	fixture.physical.net = net;
	open_state();
	close(disk->fd);
	disk->file = uri;
	disk->nbd = nbd_open(disk, uri, wait_s);
	disk_open(disk);
}

void fixture_exit(void)
{
	munmap(fixture.disk.state, sizeof(*fixture.disk.state));
	if (fixture.disk.fd >= 0)
		close(fixture.disk.fd);
	unlink(fixture.file);
	unlink(fixture.state);
	rmdir(fixture.dir);
}
