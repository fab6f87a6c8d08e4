// SPDX-License-Identifier: GPL-2.0-or-later
#include "clock.h"
#include "speed.h"

void speed_init(struct speed *speed, const struct diskmodel *model, uint64_t now_ns)
{
	*speed = (struct speed){
		.model = model,
		.window_ns = model->window_ms * NSEC_PER_MSEC,
		.meter.last_ns = now_ns,
	};
	speed->end_ns = now_ns + speed->window_ns;
}

static void set(struct speed *speed, unsigned int current)
{
	const struct diskmodel_speed *s = speed->model->speed;

	speed->current = current;
	speed->meter.power_mw = s[current].idle_power_mw - s[0].idle_power_mw;
}

/* Up to @now_ns, in which nothing has changed. */
static void share(struct speed *speed, uint64_t now_ns)
{
	energy_t pj = cost_meter_share(&speed->meter, now_ns, speed->users);

	for (struct speed_client *c = speed->clients; c; c = c->next)
		if (c->user)
			c->base_pj += pj;
}

static bool suffices(const struct speed *speed, unsigned int i, energy_t bytes)
{
	energy_t room = (energy_t)speed->model->speed[i].transfer_rate *
			speed->window_ns * speed->model->busy_percent;

	return bytes * NSEC_PER_SEC * 100 <= room;
}

static void next_window(struct speed *speed)
{
	unsigned int i = 0;
	energy_t bytes = 0;

	speed->users = 0;
	for (struct speed_client *c = speed->clients; c; c = c->next) {
		c->user = c->bytes;
		speed->users += c->user;
		bytes += c->bytes;
		c->bytes = 0;
	}
	while (i < speed->model->nr_speeds - 1 && !suffices(speed, i, bytes))
		i++;
	set(speed, i);
}

void speed_advance(struct speed *speed, uint64_t now_ns)
{
	uint64_t windows;

	/* Of a longer time, the third window is like the second: nobody used it. */
	for (int i = 0; i < 2 && speed->end_ns <= now_ns; i++) {
		share(speed, speed->end_ns);
		next_window(speed);
		speed->end_ns += speed->window_ns;
	}
	if (speed->end_ns <= now_ns) {
		windows = (now_ns - speed->end_ns) / speed->window_ns + 1;
		speed->end_ns += windows * speed->window_ns;
	}
	if (now_ns > speed->meter.last_ns)
		share(speed, now_ns);
}

void speed_join(struct speed *speed, struct speed_client *client)
{
	*client = (struct speed_client){
		.next = speed->clients,
		.base_pj = client->base_pj,
	};
	speed->clients = client;
}

void speed_leave(struct speed *speed, struct speed_client *client)
{
	struct speed_client **p = &speed->clients;

	while (*p != client)
		p = &(*p)->next;
	*p = client->next;
	speed->users -= client->user;
	client->user = false;
	if (!speed->users)
		set(speed, 0);
}

energy_t speed_take(struct speed_client *client)
{
	energy_t pj = client->base_pj;

	client->base_pj = 0;
	return pj;
}
