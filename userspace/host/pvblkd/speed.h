/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks of several speeds: at which one the disk runs, and who pays for that.
 * Pure arithmetic: time is an argument.
 *
 * Time is divided into windows.  For each window the disk takes the slowest speed
 * at which the bytes of the window before would have kept it busy for no more
 * than busy_percent of the time, or the fastest one; without bytes it is the
 * slowest one.  A disk that is kept busy all the time so gets faster with each
 * window.
 *
 * The idle power of the slowest speed is shared equally by all clients, that is
 * struct cost_meter alone.  What a faster speed draws beyond that is shared
 * equally by the users of the disk: those clients who transferred data in the
 * window before, and thereby made it run so fast.  Lang, Energy Accounting for
 * Virtual Machines (Karlsruhe 2006), 3.3.2, divides the cost of a multi-speed device
 * in this way.  If the last user goes away, the disk takes its slowest speed at once:
 * there is always a user who pays for a faster one.
 *
 * The energy of changing the speed is ignored, as is that of seeks.
 */
#ifndef PVBLKD_SPEED_H
#define PVBLKD_SPEED_H

#include <stdbool.h>
#include <stdint.h>

#include "cost.h"

/**
 * struct speed_client - a client's part in it
 * @next: in the list of the disk's clients
 * @bytes: what it transferred in this window
 * @user: it pays for the speed of this window
 * @base_pj: its share, not yet taken by speed_take()
 */
struct speed_client {
	struct speed_client *next;
	uint64_t bytes;
	bool user;
	energy_t base_pj;
};

/**
 * struct speed - the speed of a physical disk
 * @model: of the disk
 * @current: index of the speed
 * @window_ns: how long it is kept
 * @end_ns: until when
 * @meter: power beyond that of the slowest speed
 * @clients: list of clients
 * @users: how many of them pay
 */
struct speed {
	const struct diskmodel *model;
	unsigned int current;
	uint64_t window_ns;
	uint64_t end_ns;
	struct cost_meter meter;
	struct speed_client *clients;
	unsigned int users;
};

/* The disk begins with its slowest speed. */
void speed_init(struct speed *speed, const struct diskmodel *model, uint64_t now_ns);

/* Whether there is anything to do at all. */
static inline bool speed_varies(const struct speed *speed)
{
	return speed->model->nr_speeds > 1;
}

/**
 * speed_advance() - let time pass
 * @speed: the disk's
 * @now_ns: up to then; what is earlier than before changes nothing
 *
 * After that, @speed->current is the speed at that time, and clients' shares are
 * those up to then.
 */
void speed_advance(struct speed *speed, uint64_t now_ns);

/* A client is there, or gone, at the time of the last speed_advance(). */
void speed_join(struct speed *speed, struct speed_client *client);
void speed_leave(struct speed *speed, struct speed_client *client);

/* A client's request has transferred data, likewise. */
static inline void speed_use(struct speed_client *client, uint64_t bytes)
{
	if (__builtin_add_overflow(client->bytes, bytes, &client->bytes))
		client->bytes = UINT64_MAX;
}

/* A client's share of what the faster speeds consumed since it was last taken. */
energy_t speed_take(struct speed_client *client);

#endif /* PVBLKD_SPEED_H */
