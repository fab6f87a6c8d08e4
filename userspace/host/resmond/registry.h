/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is registered with the resource monitor, and who talks to it. */
#ifndef RESMOND_REGISTRY_H
#define RESMOND_REGISTRY_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "abi.h"

#define REGISTRY_MAX_SUBSYSTEMS	64
/* Connections at a time; those who may not register get no more than some. */
#define REGISTRY_MAX_PEERS	256
#define REGISTRY_MAX_STRANGERS	64

#define REGISTRY_NO_GROUP	((gid_t)-1)

/**
 * struct registry_peer - a connection
 * @sock: socket
 * @uid: the peer's
 * @pid: the peer's
 * @may_register: as a subsystem
 * @may_view: what subsystems publish
 * @subsystem: which one it is, or NULL
 * @shown: it has shown its region
 * @handed: it was handed a region, or more
 * @ended: it is only there until it has taken what it was handed
 */
struct registry_peer {
	int sock;
	uid_t uid;
	pid_t pid;
	bool may_register;
	bool may_view;
	struct registry_subsystem *subsystem;
	bool shown;
	bool handed;
	bool ended;
};

/**
 * struct registry_subsystem - a subsystem that is or was there
 * @head: of its region; all zero while there is none yet
 * @region: its region, or -1
 * @owner: user who owns the name
 * @peer: its connection; NULL when it has ended
 */
struct registry_subsystem {
	struct resmon_head head;
	int region;
	uid_t owner;
	struct registry_peer *peer;
};

/**
 * struct registry - the monitor's state
 * @listener: listening socket
 * @group: may register, besides root and the monitor's user
 * @viewers: group that may view, besides those who may register
 * @anyone_views: everybody may
 * @subsystem: in the order in which they came
 * @nr_subsystems: how many
 * @peer: connections
 * @nr_peers: how many
 * @store: told of a region that shall outlive the monitor, and of one that
 *	shall not any more; either may be NULL, and so may this
 */
struct registry {
	int listener;
	gid_t group;
	gid_t viewers;
	bool anyone_views;
	struct registry_subsystem *subsystem[REGISTRY_MAX_SUBSYSTEMS];
	unsigned int nr_subsystems;
	struct registry_peer *peer[REGISTRY_MAX_PEERS];
	unsigned int nr_peers;
	void (*store)(const struct registry_subsystem *new,
		      const struct resmon_head *old);
};

/**
 * registry_adopt() - take a region over from a former life of the monitor
 * @r: the registry
 * @fd: the region; closed if it is not taken
 *
 * To be called for all such regions before the first connection.  Of two of which
 * one has the other's figures, @r->store is told to drop the other.
 *
 * Return: NULL, or why it is of no use.
 */
const char *registry_adopt(struct registry *r, int fd);

/**
 * registry_add_peer() - begin to serve a connection
 * @r: the registry
 * @sock: connected socket
 */
void registry_add_peer(struct registry *r, int sock);

/**
 * registry_run() - serve whoever has something to say
 * @r: the registry
 * @mask: signals that are blocked meanwhile, while it waits for somebody; NULL
 *	not to wait
 */
void registry_run(struct registry *r, const sigset_t *mask);

void registry_free(struct registry *r);

#endif /* RESMOND_REGISTRY_H */
