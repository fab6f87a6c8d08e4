// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "pvblkd.h"

#define AGE_NS		(10 * NSEC_PER_SEC)

/* A divisor of zero shares nothing. */
static energy_t divide(energy_t a, energy_t b)
{
	return b ? (a + b / 2) / b : 0;
}

void params_format(const struct params_of *of, char text[PARAMS_TEXT_LEN])
{
	const struct diskmodel_speed *low = &of->model->speed[0];
	const struct diskmodel_speed *speed = &of->model->speed[of->speed];
	uint64_t idle, active, more = speed->idle_power_mw - low->idle_power_mw;
	/* Microwatts, or three shares would each be rounded. */
	energy_t uw = divide((energy_t)low->idle_power_mw * 1000, of->clients) +
		      divide((energy_t)of->cpu_mw * 1000, of->cpu_clients);

	if (of->user)
		uw += divide((energy_t)more * 1000, of->users);
	idle = divide(uw, 1000);
	active = idle + speed->active_power_mw - speed->idle_power_mw +
		 divide(of->overhead_pj * speed->transfer_rate,
			(energy_t)of->bytes * COST_PJ_PER_MW_S);
	snprintf(text, PARAMS_TEXT_LEN,
		 "# virtual disk %s\n# clients %u\n# speed %s\n"
		 "name %s\nidle_power_mw %" PRIu64 "\nactive_power_mw %" PRIu64
		 "\ntransfer_rate %" PRIu64 "\n", of->disk, of->clients,
		 *speed->name ? speed->name : "only", of->model->name, idle, active,
		 speed->transfer_rate);
}

static bool replace(const char *path, const char *text)
{
	char *new = format("%s.new", path);
	int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	ssize_t len = strlen(text);
	bool good = false;

	if (fd >= 0) {
		good = write(fd, text, len) == len;
		good &= !close(fd);
		good = good && !rename(new, path);
	}
	free(new);
	return good;
}

static energy_t consumed(const struct state_totals *t, enum device device)
{
	return state_pj(t->returned[device]) + state_pj(t->unreported[device]);
}

static void describe(const struct disk *disk, struct params_of *of)
{
	const struct physical *p = disk->physical;
	struct state_view view;

	state_look(disk->state, &view);
	*of = (struct params_of){
		.disk = disk->name,
		.model = &p->model,
		.speed = p->speed.current,
		.clients = p->clients,
		.users = p->speed.users,
		.user = disk->speed.user,
		.overhead_pj = consumed(&view.totals, DEVICE_NET),
		.bytes = view.totals.read_bytes + view.totals.written_bytes,
	};
	if (disk->overhead == OVERHEAD_BALLOON)
		return;
	of->cpu_mw = disk->server->cpu_meter.power_mw;
	of->cpu_clients = disk->server->clients;
	of->overhead_pj += consumed(&view.totals, DEVICE_CPU);
}

static bool is_due(const struct disk *disk, uint64_t now)
{
	const struct params *params = &disk->params;
	const struct physical *p = disk->physical;

	return !*params->text || params->clients != p->clients ||
	       params->speed != p->speed.current || params->user != disk->speed.user ||
	       now - params->last_ns >= AGE_NS;
}

static void publish(struct disk *disk, uint64_t now)
{
	struct params *params = &disk->params;
	char text[PARAMS_TEXT_LEN];
	struct params_of of;

	if (!is_due(disk, now))
		return;
	describe(disk, &of);
	params_format(&of, text);
	params->clients = of.clients;
	params->speed = of.speed;
	params->user = of.user;
	params->last_ns = now;
	if (!strcmp(text, params->text))
		return;
	memcpy(params->text, text, sizeof(text));
	if (!replace(params->path, text) && !params->failed) {
		warn("%s: cannot write %s", disk->name, params->path);
		params->failed = true;
	}
}

void params_publish(struct server *server)
{
	uint64_t now = monotonic_ns();

	for (struct disk *d = server->disks; d; d = d->next) {
		if (!d->params.path)
			continue;
		if (d->client) {
			publish(d, now);
		} else if (*d->params.text) {
			unlink(d->params.path);
			*d->params.text = '\0';
		}
	}
}
