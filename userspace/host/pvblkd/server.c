// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "monitor.h"
#include "pvblkd.h"

#define METER_S		1
#define ASLEEP_S	60
#define RETRY_S		5

static uint64_t nap(uint64_t ns)
{
	const struct timespec ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	nanosleep(&ts, NULL);
	return monotonic_ns();
}

/* Somebody pays for that, and is told when it ends. */
static bool is_fast(const struct server *server)
{
	for (const struct physical *p = server->physicals; p; p = p->next)
		if (p->speed.current)
			return true;
	return false;
}

static void on_timer(struct watch *watch)
{
	struct server *server = watch->owner;

	server_meter(server);
	monitor_retry(server);
	conn_listen_again(server);
	server_set_timer(server);
	server->active = is_fast(server);
}

/*
 * Who looks at the state files or at the resource monitor shall see meters that are
 * not too old.  With no monitor to look at them, and nothing done for anybody, it
 * is enough that a killed one's successor knows how far they went.
 */
static time_t interval(const struct server *server)
{
	bool away = monitor_away(server);

	if (server->active || (server->clients && monitor_present(server)))
		return METER_S;
	if (away && !server->arrival)
		return RETRY_S;
	/* A monitor that is away may be there, and have refused us. */
	return server->clients || away ? ASLEEP_S : 0;
}

void server_set_timer(struct server *server)
{
	time_t seconds = interval(server);
	const struct itimerspec its = {
		.it_interval.tv_sec = seconds,
		.it_value.tv_sec = seconds,
	};

	if (seconds == server->timer_s)
		return;
	server->timer_s = seconds;
	timerfd_settime(server->timer->fd, 0, &its, NULL);
}

void server_wake(struct server *server)
{
	if (server->active)
		return;
	server->active = true;
	server_set_timer(server);
}

void server_init(struct server *server, struct cpu_source *source)
{
	int ret = io_init(&server->io);
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	if (ret)
		errx(exit_failure, "cannot use io_uring: %s", strerror(-ret));
	if (fd < 0)
		err(exit_failure, "cannot create timer");
	server->timer = watch_start(&server->io, fd, sizeof(uint64_t), on_timer,
				    server);
	mem_init();
	server->cpu_source = source;
	server->cpu_meter.power_mw = cpu_base_mw(source, nap);
	server->cpu_meter.last_ns = monotonic_ns();
	cost_cpu_init(&server->cpu, server->cpu_meter.power_mw, monotonic_ns(),
		      source->consumed(source));
}

void server_meter(struct server *server)
{
	uint64_t now = monotonic_ns();
	/* The network's base cost is for its own subsystem to account. */
	energy_t share[NR_DEVICES] = { 0 };

	share[DEVICE_CPU] = cost_meter_share(&server->cpu_meter, now,
					     server->clients);
	for (struct physical *p = server->physicals; p; p = p->next) {
		energy_t low = cost_meter_share(&p->meter, now, p->clients);

		speed_advance(&p->speed, now);
		for (struct disk *d = server->disks; d; d = d->next) {
			if (!d->client || d->physical != p)
				continue;
			share[DEVICE_DISK] = low + speed_take(&d->speed);
			state_add_base(d->state, share, now);
		}
	}
	params_publish(server);
	monitor_publish(server);
}

/* From when on a disk's base cost is to be made good, if we are killed; 0 for none. */
static void mark(struct disk *disk, uint64_t from_ns)
{
	const energy_t nothing[NR_DEVICES] = { 0 };

	state_add_base(disk->state, nothing, from_ns);
}

void server_join(struct server *server, struct disk *disk)
{
	server_meter(server);
	mark(disk, server->cpu_meter.last_ns);
	disk->client = true;
	disk->physical->clients++;
	speed_join(&disk->physical->speed, &disk->speed);
	server->clients++;
	params_publish(server);
	monitor_publish(server);
	server_set_timer(server);
}

void server_take_over(struct server *server)
{
	uint64_t now = monotonic_ns();

	for (struct physical *p = server->physicals; p; p = p->next) {
		struct cost_meter meter = { .power_mw = p->meter.power_mw };
		energy_t share[NR_DEVICES] = { 0 };
		uint64_t until = 0, gap_ns;
		unsigned int clients = 0;

		for (struct disk *d = server->disks; d; d = d->next) {
			if (d->physical != p || !state_metered_until(d->state))
				continue;
			until = state_metered_until(d->state);
			clients++;
		}
		gap_ns = now > until ? now - until : 0;
		if (gap_ns > ASLEEP_S * NSEC_PER_SEC)
			gap_ns = ASLEEP_S * NSEC_PER_SEC;
		share[DEVICE_DISK] = cost_meter_share(&meter, gap_ns, clients);
		for (struct disk *d = server->disks; d; d = d->next)
			if (d->physical == p && state_metered_until(d->state))
				state_add_base(d->state, share, 0);
	}
}

void server_leave(struct server *server, struct disk *disk)
{
	if (!disk->client)
		return;
	server_meter(server);
	mark(disk, 0);
	disk->client = false;
	disk->physical->clients--;
	speed_leave(&disk->physical->speed, &disk->speed);
	server->clients--;
	params_publish(server);
	monitor_publish(server);
	server_set_timer(server);
}

/* There was no room for some requests, which may be there now. */
static void feed(struct server *server)
{
	if (!server->starved || io_full(&server->io))
		return;
	server->starved = false;
	for (struct disk *d = server->disks; d; d = d->next) {
		for (unsigned int i = 0; i < d->nr_queues; i++) {
			struct queue *q = &d->queue[i];

			if (q->starved) {
				q->starved = false;
				queue_process(q);
			}
		}
	}
}

static void check_memory(struct disk *disk)
{
	if (disk->lost || !mem_lost(&disk->mem))
		return;
	disk->lost = true;
	for (unsigned int i = 0; i < disk->nr_queues; i++)
		if (disk->queue[i].started)
			queue_break(&disk->queue[i], "memory was truncated");
}

void server_step(struct server *server, bool wait)
{
	int ret = io_run(&server->io, wait);
	struct queue *q;

	if (ret < 0)
		errx(exit_failure, "io_uring: %s", strerror(-ret));
	do {
		while ((q = server->dirty)) {
			server->dirty = q->next_dirty;
			q->dirty = false;
			queue_commit(q);
			server_wake(server);
		}
		feed(server);
		for (struct disk *d = server->disks; d; d = d->next) {
			check_memory(d);
			if (!d->in_flight && (d->hold || d->closing))
				disk_idle(d);
		}
	} while (server->dirty);
}

static bool busy(const struct server *server)
{
	for (const struct disk *d = server->disks; d; d = d->next)
		if (d->in_flight)
			return true;
	return false;
}

void server_stop(struct server *server)
{
	server->stopping = true;
	while (busy(server))
		server_step(server, true);
	/* The last signals are not on their way yet. */
	server_step(server, false);
	for (struct disk *d = server->disks; d; d = d->next)
		server_leave(server, d);
}
