// SPDX-License-Identifier: GPL-2.0-or-later
/* The library of device subsystems; see subsystem.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "region.h"
#include "subsystem.h"
#include "wire.h"

/* After a connection that was refused or lost. */
#define RETRY_MS	500

enum state { AWAY, ASKED, SHOWN, REGISTERED };

/**
 * struct subsystem - a subsystem
 * @region: where it publishes
 * @region_fd: for the monitor
 * @next_generation: of the next client
 * @former: see struct subsystem_config
 * @arg: see struct subsystem_config
 * @path: the monitor's socket
 * @sock: connection, or -1
 * @state: how far registering is
 * @retry: timer, armed while there is no connection
 * @epoll: of @sock and @retry
 * @status: for people
 * @news: @status has changed
 */
struct subsystem {
	struct resmon_region *region;
	int region_fd;
	uint64_t next_generation;
	enum subsystem_former (*former)(void *arg, const struct region_view *v);
	void *arg;
	char *path;
	int sock;
	enum state state;
	int retry;
	int epoll;
	char status[RESMON_TEXT_LEN + 128];
	bool news;
};

static struct resmon_slot *slot_of(struct subsystem *s, int client)
{
	if (client == SUBSYSTEM_ENDED)
		return &s->region->ended;
	return client < 0 ? &s->region->nobody : &s->region->client[client];
}

static void write_info(struct resmon_slot *slot, struct resmon_client_info *info)
{
	info->updated_ns = monotonic_ns();
	region_write(slot, info);
}

/*
 * Add to the sum of clients that left.  If @info is that of an entry, its
 * generation tells readers, and the next life, that this has happened, so that
 * it happens in one step.
 */
static void add_to_ended(struct subsystem *s, const struct resmon_cost *cost,
			 uint64_t generation)
{
	struct resmon_client_info ended = *region_peek(&s->region->ended);

	region_add_cost(&ended.cost, cost);
	if (generation)
		ended.generation = generation;
	write_info(&s->region->ended, &ended);
}

/* A free entry, or that of the client that has been gone for longest. */
static int find_place(struct subsystem *s)
{
	uint64_t oldest = UINT64_MAX;
	int place = -ENOSPC;

	for (int i = 0; i < RESMON_MAX_CLIENTS; i++) {
		const struct resmon_client_info *info =
			region_peek(&s->region->client[i]);

		if (!info->generation)
			return i;
		if (!(info->flags & RESMON_PRESENT) && info->updated_ns < oldest) {
			oldest = info->updated_ns;
			place = i;
		}
	}
	return place;
}

static int find_name(struct subsystem *s, const char *name)
{
	for (int i = 0; i < RESMON_MAX_CLIENTS; i++) {
		const struct resmon_client_info *info =
			region_peek(&s->region->client[i]);

		if (info->generation && !strcmp(info->name, name))
			return i;
	}
	return -ENOENT;
}

int subsystem_client_add(struct subsystem *s, const char *name, uint64_t cookie)
{
	struct resmon_client_info info = { .cookie = cookie,
					   .flags = RESMON_PRESENT };
	int client = find_name(s, name);

	if (!region_name_valid(name, RESMON_NAME_LEN))
		return -EINVAL;
	if (client >= 0 && region_peek(slot_of(s, client))->cookie == cookie) {
		info = *region_peek(slot_of(s, client));
		/* What was added to it is not apart from what follows. */
		info.flags = RESMON_PRESENT;
		write_info(slot_of(s, client), &info);
		return client;
	}
	if (client < 0)
		client = find_place(s);
	if (client < 0)
		return client;
	if (region_peek(slot_of(s, client))->generation)
		add_to_ended(s, &region_peek(slot_of(s, client))->cost,
			     region_peek(slot_of(s, client))->generation);
	info.generation = s->next_generation++;
	strcpy(info.name, name);
	write_info(slot_of(s, client), &info);
	return client;
}

int subsystem_client_gone(struct subsystem *s, const char *name, uint64_t cookie)
{
	int client = find_name(s, name);

	if (client >= 0 && region_peek(slot_of(s, client))->cookie != cookie)
		return SUBSYSTEM_ENDED;
	client = subsystem_client_add(s, name, cookie);
	if (client >= 0)
		subsystem_client_remove(s, client);
	return client;
}

void subsystem_client_remove(struct subsystem *s, int client)
{
	struct resmon_client_info info = *region_peek(slot_of(s, client));

	info.flags &= ~RESMON_PRESENT;
	write_info(slot_of(s, client), &info);
}

void subsystem_charge(struct subsystem *s, int client, uint64_t base_pj,
		      const uint64_t access_pj[RESMON_MAX_DEVICES])
{
	struct resmon_client_info info = *region_peek(slot_of(s, client));
	struct resmon_cost *cost = &info.cost;

	region_charge(&cost->base_nj, &cost->base_rest_pj, base_pj);
	for (unsigned int i = 0; i < s->region->head.nr_devices; i++)
		region_charge(&cost->access_nj[i], &cost->access_rest_pj[i],
			      access_pj[i]);
	write_info(slot_of(s, client), &info);
}

void subsystem_charge_base(struct subsystem *s, int client, uint64_t pj)
{
	static const uint64_t none[RESMON_MAX_DEVICES];

	subsystem_charge(s, client, pj, none);
}

void subsystem_charge_access(struct subsystem *s, int client,
			     unsigned int device, uint64_t pj)
{
	uint64_t access_pj[RESMON_MAX_DEVICES] = { 0 };

	access_pj[device] = pj;
	subsystem_charge(s, client, 0, access_pj);
}

static void set_sum(struct resmon_slot *slot, const struct resmon_cost *cost)
{
	region_write(slot, &(struct resmon_client_info){ .cost = *cost });
}

/*
 * Those that are gone leave their entries to those that the former life has.
 * What was added to this one's figures stays.
 */
static void clear_costs(struct subsystem *s)
{
	struct resmon_cost ended = region_added_cost(&s->region->ended.added);
	struct resmon_cost nobody = region_added_cost(&s->region->nobody.added);

	for (int i = 0; i < RESMON_MAX_CLIENTS; i++) {
		struct resmon_client_info info = *region_peek(slot_of(s, i));

		if (info.flags & RESMON_PRESENT)
			memset(&info.cost, 0, sizeof(info.cost));
		else
			memset(&info, 0, sizeof(info));
		region_write(slot_of(s, i), &info);
	}
	set_sum(&s->region->ended, &ended);
	set_sum(&s->region->nobody, &nobody);
}

static void note_added(struct resmon_slot *slot, const struct resmon_added *added)
{
	struct resmon_cost cost = region_added_cost(added);

	region_note_added(&slot->added, &cost);
}

/*
 * Where devices of the former life are in this one's list.  Without room for
 * another one, its figures go to the subsystem's own.
 */
static void map_devices(struct subsystem *s, const struct resmon_head *former,
			unsigned int map[RESMON_MAX_DEVICES])
{
	struct resmon_head *head = &s->region->head;
	unsigned int to;

	for (unsigned int i = 0; i < former->nr_devices; i++) {
		for (to = 0; to < head->nr_devices; to++)
			if (!strcmp(head->device[to].name, former->device[i].name))
				break;
		if (to == RESMON_MAX_DEVICES)
			to = 0;
		else if (to == head->nr_devices)
			head->device[head->nr_devices++] = former->device[i];
		map[i] = to;
	}
}

static void map_cost(struct resmon_cost *cost, unsigned int nr_devices,
		     const unsigned int map[RESMON_MAX_DEVICES])
{
	struct resmon_cost mapped = { .base_nj = cost->base_nj,
				      .base_rest_pj = cost->base_rest_pj };

	for (unsigned int i = 0; i < nr_devices; i++) {
		struct resmon_cost one = { 0 };

		one.access_nj[map[i]] = cost->access_nj[i];
		one.access_rest_pj[map[i]] = cost->access_rest_pj[i];
		region_add_cost(&mapped, &one);
	}
	*cost = mapped;
}

/* Figures of a former life's client: to that of this life, or kept as gone. */
static void absorb_client(struct subsystem *s,
			  const struct resmon_client_info *former)
{
	int client = find_name(s, former->name);
	struct resmon_client_info info;

	if (client < 0) {
		client = find_place(s);
		/* Nobody leaves its entry for one that is gone as well. */
		if (client < 0 || region_peek(slot_of(s, client))->generation) {
			add_to_ended(s, &former->cost, 0);
			return;
		}
		info = *former;
		info.flags &= ~RESMON_PRESENT;
	} else {
		info = *region_peek(slot_of(s, client));
		if (info.cookie != former->cookie) {
			add_to_ended(s, &former->cost, 0);
			return;
		}
		region_add_cost(&info.cost, &former->cost);
		info.generation = former->generation;
	}
	region_write(slot_of(s, client), &info);
}

/*
 * Nobody has been shown this region yet, so it does not matter how long it is
 * inconsistent; and if we are killed, the monitor has the former one as it was.
 */
static void absorb(struct subsystem *s, struct region_view *former)
{
	struct resmon_client_info nobody = *region_peek(&s->region->nobody);
	unsigned int map[RESMON_MAX_DEVICES];
	uint64_t highest = 0;

	map_devices(s, &former->head, map);
	map_cost(&former->ended, former->head.nr_devices, map);
	map_cost(&former->nobody, former->head.nr_devices, map);
	for (unsigned int i = 0; i < former->nr_clients; i++) {
		map_cost(&former->client[i].cost, former->head.nr_devices, map);
		if (former->client[i].generation > highest)
			highest = former->client[i].generation;
	}
	for (int i = 0; i < RESMON_MAX_CLIENTS; i++) {
		struct resmon_client_info info = *region_peek(slot_of(s, i));

		if (info.generation)
			info.generation += highest;
		region_write(slot_of(s, i), &info);
	}
	s->next_generation += highest;

	for (unsigned int i = 0; i < former->nr_clients; i++)
		absorb_client(s, &former->client[i]);
	add_to_ended(s, &former->ended, 0);
	region_add_cost(&nobody.cost, &former->nobody);
	region_write(&s->region->nobody, &nobody);
	note_added(&s->region->ended, &former->added);
	note_added(&s->region->nobody, &former->added_nobody);
}

static void set_status(struct subsystem *s, const char *status)
{
	if (!strcmp(s->status, status))
		return;
	snprintf(s->status, sizeof(s->status), "%s", status);
	s->news = true;
}

static void disconnect(struct subsystem *s, const char *why)
{
	struct itimerspec at = { .it_value.tv_nsec = RETRY_MS * 1000000L };

	if (s->sock >= 0)
		close(s->sock);
	s->sock = -1;
	s->state = AWAY;
	timerfd_settime(s->retry, 0, &at, NULL);
	set_status(s, why);
}

static void try_connect(struct subsystem *s)
{
	static const struct itimerspec never;
	struct resmon_msg msg = { .type = RESMON_MSG_REGISTER };
	struct epoll_event event = { .events = EPOLLIN };
	char why[sizeof(s->status)];
	int sock = wire_connect(s->path);

	if (sock < 0) {
		snprintf(why, sizeof(why), "no resource monitor at %.200s: %s",
			 s->path, strerror(-sock));
		disconnect(s, why);
		return;
	}
	s->sock = sock;
	timerfd_settime(s->retry, 0, &never, NULL);
	memcpy(msg.name, s->region->head.name, sizeof(msg.name));
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, sock, &event) ||
	    wire_send(sock, &msg, -1)) {
		disconnect(s, "the resource monitor does not answer");
		return;
	}
	s->state = ASKED;
}

/* Return: NULL, or what is wrong with the former region. */
static const char *take_former(struct subsystem *s, int fd)
{
	const struct resmon_region *map;
	enum subsystem_former what = SUBSYSTEM_ADD;
	struct region_view *view;
	struct resmon_head head;
	const char *why;

	why = region_check(fd, &head);
	if (why)
		return why;
	/* The same one after a restart of the monitor; or already included. */
	if (head.id == s->region->head.id || head.id == s->region->head.absorbed)
		return NULL;
	view = malloc(sizeof(*view));
	map = region_map(fd);
	if (!view || !map || !region_view(map, view)) {
		why = "it cannot be read";
	} else {
		if (s->former)
			what = s->former(s->arg, view);
		if (what == SUBSYSTEM_INSTEAD)
			clear_costs(s);
		else if (what == SUBSYSTEM_ADD)
			region_mark_added(view);
		else
			region_keep_added(view);
		absorb(s, view);
		s->region->head.absorbed = head.id;
	}
	free(view);
	if (map)
		region_unmap(map);
	return why;
}

static void show_region(struct subsystem *s, int former)
{
	struct resmon_msg msg = { .type = RESMON_MSG_REGION };
	const char *wrong = former < 0 ? NULL : take_former(s, former);
	char why[sizeof(s->status)];

	if (wrong) {
		snprintf(why, sizeof(why),
			 "the region that the resource monitor has: %s", wrong);
		disconnect(s, why);
	} else if (wire_send(s->sock, &msg, s->region_fd)) {
		disconnect(s, "the resource monitor does not answer");
	} else {
		s->state = SHOWN;
	}
}

static void handle(struct subsystem *s, const struct resmon_msg *msg, int fd)
{
	char why[sizeof(s->status)];

	if (msg->type == RESMON_MSG_FORMER && s->state == ASKED) {
		show_region(s, fd);
	} else if (msg->type == RESMON_MSG_WELCOME && s->state == SHOWN) {
		s->state = REGISTERED;
		set_status(s, "registered with the resource monitor");
	} else if (msg->type == RESMON_MSG_ERROR) {
		snprintf(why, sizeof(why), "the resource monitor refuses: %s",
			 msg->text);
		disconnect(s, why);
	} else {
		disconnect(s, "the resource monitor sent nonsense");
	}
}

static void read_messages(struct subsystem *s)
{
	struct resmon_msg msg;
	int fd, ret;

	while (s->sock >= 0) {
		ret = wire_receive(s->sock, &msg, &fd);
		if (ret == -EAGAIN)
			return;
		if (ret == 1)
			handle(s, &msg, fd);
		else if (ret == -EPROTO)
			disconnect(s, "the resource monitor is of another version");
		else
			disconnect(s, "the resource monitor is gone");
		if (fd >= 0)
			close(fd);
	}
}

bool subsystem_poll(struct subsystem *s)
{
	uint64_t expired;
	bool news;

	if (s->sock < 0 && read(s->retry, &expired, sizeof(expired)) > 0)
		try_connect(s);
	read_messages(s);
	news = s->news;
	s->news = false;
	return news;
}

static int set_up_events(struct subsystem *s)
{
	/* The first attempt is due at once. */
	const struct itimerspec at = { .it_value.tv_nsec = 1 };
	struct epoll_event event = { .events = EPOLLIN };

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->retry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll < 0 || s->retry < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->retry, &event))
		return -1;
	return timerfd_settime(s->retry, 0, &at, NULL);
}

static void release(struct subsystem *s)
{
	const int fds[] = { s->sock, s->retry, s->epoll, s->region_fd };

	for (unsigned int i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (s->region)
		region_unmap(s->region);
	free(s->path);
	free(s);
}

struct subsystem *subsystem_open(const struct subsystem_config *config)
{
	struct resmon_head head = {
		.nr_devices = config->nr_devices,
		.origin = config->origin,
		.subsystem_version = config->version,
	};
	struct subsystem *s;
	int error;

	if (!region_name_valid(config->name, sizeof(head.name)) ||
	    config->nr_devices > RESMON_MAX_DEVICES) {
		errno = EINVAL;
		return NULL;
	}
	strcpy(head.name, config->name);
	memcpy(head.device, config->device,
	       config->nr_devices * sizeof(head.device[0]));
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->sock = s->epoll = s->retry = s->region_fd = -1;
	s->next_generation = 1;
	s->former = config->former;
	s->arg = config->arg;
	s->path = config->socket ? strdup(config->socket) : wire_default_socket();
	s->region = region_create(&head, &s->region_fd);
	if (!s->path || !s->region || set_up_events(s)) {
		error = errno;
		release(s);
		errno = error;
		return NULL;
	}
	return s;
}

void subsystem_close(struct subsystem *s)
{
	for (int i = 0; i < RESMON_MAX_CLIENTS; i++)
		if (region_peek(slot_of(s, i))->flags & RESMON_PRESENT)
			subsystem_client_remove(s, i);
	release(s);
}

int subsystem_fd(const struct subsystem *s)
{
	return s->epoll;
}

const char *subsystem_status(const struct subsystem *s)
{
	return s->status;
}

bool subsystem_registered(const struct subsystem *s)
{
	return s->state == REGISTERED;
}

bool subsystem_away(const struct subsystem *s)
{
	return s->state == AWAY;
}
