// SPDX-License-Identifier: GPL-2.0-or-later
/* pvblkd and the resource monitor; see monitor.h. */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "arrival.h"
#include "cli.h"
#include "monitor.h"
#include "pvblkd.h"
#include "resmond/subsystem.h"
#include "resmond/wire.h"

#define SUBSYSTEM_VERSION	1

/* A library's call takes what fits; a state file's whole history may be more. */
static uint64_t take(energy_t *energy)
{
	uint64_t part = *energy > UINT64_MAX ? UINT64_MAX : *energy;

	*energy -= part;
	return part;
}

static void charge(struct subsystem *s, int client, struct figures new)
{
	static const struct figures nothing;
	struct figures rest;
	bool more;

	do {
		uint64_t access[RESMON_MAX_DEVICES] = { 0 };
		uint64_t base = take(&new.base);

		for (unsigned int i = 0; i < RESMON_MAX_DEVICES; i++)
			access[i] = take(&new.access[i]);
		subsystem_charge(s, client, base, access);
		more = figures_beyond(&new, &nothing, &rest);
	} while (more);
}

static void publish_disk(struct disk *disk)
{
	struct subsystem *s = disk->physical->subsystem;
	struct published *published = &disk->published;
	struct figures now, new;
	struct state_view view;
	bool any;

	state_look(disk->state, &view);
	figures_of_state(&view, &now);
	any = figures_beyond(&now, &published->sum, &new);
	if (!published->present) {
		if (!any && !disk->client)
			return;
		published->client = subsystem_client_add(s, disk->name, view.id);
		/* There are fewer disks than places, and the name is checked. */
		if (published->client < 0)
			return;
		published->present = true;
	}
	if (any)
		charge(s, published->client, new);
	figures_add(&published->sum, &new);
	if (!disk->client) {
		subsystem_client_remove(s, published->client);
		published->present = false;
	}
}

void monitor_publish(struct server *server)
{
	for (struct disk *d = server->disks; d; d = d->next)
		if (d->physical->subsystem)
			publish_disk(d);
}

static enum subsystem_former on_former(void *arg, const struct region_view *v)
{
	struct physical *p = arg;
	struct state_view view;

	for (struct disk *d = p->server->disks; d; d = d->next) {
		if (d->physical != p)
			continue;
		state_look(d->state, &view);
		figures_of_region(v, &view, &d->published.sum);
	}
	return SUBSYSTEM_INSTEAD;
}

static void look_after(struct physical *p)
{
	bool news = subsystem_poll(p->subsystem);
	bool away = subsystem_away(p->subsystem);

	/* Without having been asked for, its absence is not worth a word. */
	p->expected |= !away;
	if (news && p->expected)
		warnx("subsystem %s: %s", p->subsystem_name,
		      subsystem_status(p->subsystem));
	/* Or we would be woken twice a second to try again. */
	if (away)
		watch_pause(p->monitor);
	else
		watch_resume(p->monitor);
}

static void on_ready(struct watch *watch)
{
	struct physical *p = watch->owner;

	look_after(p);
	/* A former life's figures have come, and are behind. */
	monitor_publish(p->server);
	/* If it is gone, its successor's socket may be there already. */
	if (monitor_away(p->server))
		server_wake(p->server);
	server_set_timer(p->server);
}

void monitor_retry(struct server *server)
{
	for (struct physical *p = server->physicals; p; p = p->next)
		if (p->subsystem && subsystem_away(p->subsystem))
			look_after(p);
}

bool monitor_away(const struct server *server)
{
	for (struct physical *p = server->physicals; p; p = p->next)
		if (p->subsystem && subsystem_away(p->subsystem))
			return true;
	return false;
}

bool monitor_present(const struct server *server)
{
	for (struct physical *p = server->physicals; p; p = p->next)
		if (p->subsystem && subsystem_registered(p->subsystem))
			return true;
	return false;
}

/* The socket is there, but perhaps nobody listens yet: in a second. */
static void on_arrival(void *owner)
{
	server_wake(owner);
}

static void open_one(struct server *server, struct physical *p,
		     const char *name, const char *socket)
{
	struct subsystem_config config = {
		.name = name ? name : p->model.name,
		.version = SUBSYSTEM_VERSION,
		.nr_devices = p->net ? NR_DEVICES : NR_DEVICES - 1,
		.device = {
			[DEVICE_DISK].kind = RESMON_DISK,
			[DEVICE_CPU] = { .name = CPU_DEVICE_NAME, .kind = RESMON_CPU },
			[DEVICE_NET].kind = RESMON_NETWORK,
		},
		.socket = socket,
		.former = on_former,
		.arg = p,
	};
	int fd;

	_Static_assert(sizeof(p->model.name) <= RESMON_DEVICE_NAME_LEN, "");
	_Static_assert(MAX_DISKS <= RESMON_MAX_CLIENTS, "");
	_Static_assert(RESMON_MAX_DEVICES <= PVBLK_MAX_DEVICES, "");
	strcpy(config.device[DEVICE_DISK].name, p->model.name);
	if (p->net)
		strcpy(config.device[DEVICE_NET].name, p->net->name);
	p->server = server;
	p->subsystem_name = config.name;
	p->expected = socket;
	p->subsystem = subsystem_open(&config);
	if (!p->subsystem)
		err(exit_failure, "cannot publish as subsystem '%s'", config.name);
	fd = fcntl(subsystem_fd(p->subsystem), F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		err(exit_failure, "cannot watch for the resource monitor");
	p->monitor = watch_start(&server->io, fd, 0, on_ready, p);
}

void monitor_open(struct server *server, const char *name, const char *socket)
{
	char *path;

	if (name && server->physicals->next)
		errx(exit_failure, "--subsystem: there is more than one physical disk");
	for (struct physical *p = server->physicals; p; p = p->next)
		open_one(server, p, name, socket);
	/* The monitor shall see all that there was at once. */
	monitor_publish(server);
	path = socket ? format("%s", socket) : wire_default_socket();
	if (path && *path == '/')
		server->arrival = arrival_watch(&server->io, path, on_arrival, server);
	free(path);
	server_wake(server);
}

void monitor_close(struct server *server)
{
	arrival_stop(server->arrival);
	server->arrival = NULL;
	for (struct physical *p = server->physicals; p; p = p->next) {
		if (!p->subsystem)
			continue;
		watch_stop(p->monitor);
		subsystem_close(p->subsystem);
		p->subsystem = NULL;
	}
}
