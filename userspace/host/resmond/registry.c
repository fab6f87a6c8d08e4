// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who is registered; see registry.h.
 *
 * The monitor looks at a region once, when it gets it, and never maps it: what
 * the region has later is between the subsystem and the viewers.
 */
#include <err.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "region.h"
#include "registry.h"
#include "wire.h"

/* Messages of one peer before it is others' turn. */
#define TURN	16

/* Return: always false, for the connection ends. */
__attribute__((format(printf, 3, 4)))
static bool refuse(const struct registry_peer *peer, int error,
		   const char *why, ...)
{
	struct resmon_msg msg = { .type = RESMON_MSG_ERROR, .error = error };
	static uid_t last_uid = -1;
	static int last_error;
	va_list args;

	va_start(args, why);
	vsnprintf(msg.text, sizeof(msg.text), why, args);
	va_end(args);
	/* It will try again, over and over. */
	if (peer->uid != last_uid || error != last_error)
		warnx("process %d of user %u refused: %s", peer->pid, peer->uid,
		      msg.text);
	last_uid = peer->uid;
	last_error = error;
	wire_send(peer->sock, &msg, -1);
	return false;
}

static struct registry_subsystem *find(struct registry *r, const char *name)
{
	for (unsigned int i = 0; i < r->nr_subsystems; i++)
		if (!strcmp(r->subsystem[i]->head.name, name))
			return r->subsystem[i];
	return NULL;
}

static struct registry_subsystem *new_subsystem(struct registry *r)
{
	struct registry_subsystem *s;

	if (r->nr_subsystems == REGISTRY_MAX_SUBSYSTEMS)
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->region = -1;
	r->subsystem[r->nr_subsystems++] = s;
	return s;
}

static void forget(struct registry *r, const struct registry_subsystem *s)
{
	unsigned int i = 0;

	while (r->subsystem[i] != s)
		i++;
	if (s->region >= 0)
		close(s->region);
	free(r->subsystem[i]);
	r->nr_subsystems--;
	memmove(r->subsystem + i, r->subsystem + i + 1,
		(r->nr_subsystems - i) * sizeof(*r->subsystem));
}

/* May @uid have what @owner has under a name? */
static bool may_follow(uid_t uid, uid_t owner)
{
	return !uid || uid == owner;
}

const char *registry_adopt(struct registry *r, int fd)
{
	struct registry_subsystem *s;
	struct resmon_head head;
	const char *why;
	struct stat st;

	why = region_check(fd, &head);
	if (!why && fstat(fd, &st))
		why = "it cannot be looked at";
	s = why ? NULL : find(r, head.name);
	if (s && s->head.id == head.id) {
		close(fd);
		return NULL;
	}
	/* We were killed between keeping the new and dropping the old one. */
	if (s && s->head.absorbed == head.id && may_follow(s->owner, st.st_uid)) {
		if (r->store)
			r->store(NULL, &head);
		close(fd);
		return NULL;
	}
	if (s && (head.absorbed != s->head.id || !may_follow(st.st_uid, s->owner)))
		why = "there are two of this name";
	if (!why && !s)
		s = new_subsystem(r);
	if (!why && !s)
		why = "there is no room";
	if (why) {
		close(fd);
		return why;
	}
	if (s->region >= 0) {
		if (r->store)
			r->store(NULL, &s->head);
		close(s->region);
	}
	s->head = head;
	s->region = fd;
	s->owner = st.st_uid;
	return NULL;
}

static bool has_hung_up(const struct registry_peer *peer)
{
	struct pollfd p = { .fd = peer->sock };

	return poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLERR);
}

/* A subsystem that has no region yet leaves nothing behind. */
static void leave(struct registry *r, struct registry_peer *peer)
{
	struct registry_subsystem *s = peer->subsystem;

	peer->subsystem = NULL;
	s->peer = NULL;
	if (s->region < 0)
		forget(r, s);
	else
		warnx("%s: process %d has ended", s->head.name, peer->pid);
}

static bool has_unread(const struct registry_peer *peer)
{
	int bytes;

	return !ioctl(peer->sock, SIOCOUTQ, &bytes) && bytes;
}

static void free_peer(struct registry *r, unsigned int index)
{
	struct registry_peer *peer = r->peer[index];

	if (peer->subsystem)
		leave(r, peer);
	close(peer->sock);
	free(peer);
	r->peer[index] = r->peer[--r->nr_peers];
}

/*
 * The kernel limits how many descriptors of our user are on their way, and those
 * that a peer does not take still are when we have closed the connection.  So it
 * remains one of those that there may be, until they are taken or the peer closes
 * it, too.
 */
static void drop_peer(struct registry *r, unsigned int index)
{
	struct registry_peer *peer = r->peer[index];

	if (!peer->handed || !has_unread(peer)) {
		free_peer(r, index);
		return;
	}
	if (peer->subsystem)
		leave(r, peer);
	shutdown(peer->sock, SHUT_RDWR);
	peer->ended = true;
}

static void free_ended(struct registry *r)
{
	for (unsigned int i = r->nr_peers; i-- > 0;)
		if (r->peer[i]->ended && !has_unread(r->peer[i]))
			free_peer(r, i);
}

static bool name_subsystem(struct registry *r, struct registry_peer *peer,
			   const struct resmon_msg *msg)
{
	struct resmon_msg answer = { .type = RESMON_MSG_FORMER };
	struct registry_subsystem *s;

	if (!peer->may_register)
		return refuse(peer, EPERM,
			      "only root, the monitor's own user and the group given to it may register");
	if (peer->subsystem)
		return refuse(peer, EINVAL, "registered already");
	if (!region_name_valid(msg->name, sizeof(msg->name)))
		return refuse(peer, EINVAL, "bad name");
	s = find(r, msg->name);
	if (s && s->peer && has_hung_up(s->peer))
		leave(r, s->peer);
	s = find(r, msg->name);
	if (s && s->peer)
		return refuse(peer, EBUSY, "'%s' is registered by process %d",
			      msg->name, s->peer->pid);
	if (s && !may_follow(peer->uid, s->owner))
		return refuse(peer, EPERM, "'%s' belongs to user %u", msg->name,
			      s->owner);
	if (!s) {
		s = new_subsystem(r);
		if (!s)
			return refuse(peer, ENOSPC, "no room for more than %d subsystems",
				      REGISTRY_MAX_SUBSYSTEMS);
		s->owner = peer->uid;
		strcpy(s->head.name, msg->name);
	}
	s->peer = peer;
	peer->subsystem = s;
	peer->handed |= s->region >= 0;
	return !wire_send(peer->sock, &answer, s->region);
}

/* Return: NULL, or why the region is not the one to have. */
static const char *check_region(const struct registry_peer *peer, int fd,
				struct resmon_head *head)
{
	const struct resmon_head *old = &peer->subsystem->head;
	const char *why = region_check(fd, head);

	if (!why && strcmp(head->name, old->name))
		why = "it has another name";
	if (!why && old->id && head->id != old->id && head->absorbed != old->id)
		why = "the former figures are not included";
	return why;
}

static bool take_region(struct registry *r, struct registry_peer *peer, int *fd)
{
	struct resmon_msg answer = { .type = RESMON_MSG_WELCOME };
	struct registry_subsystem *s = peer->subsystem;
	struct resmon_head head, old;
	const char *why;

	if (!s || peer->shown)
		return refuse(peer, EINVAL, s ? "registered already" : "no name");
	why = *fd < 0 ? "there is none" : check_region(peer, *fd, &head);
	if (why)
		return refuse(peer, EINVAL, "the region: %s", why);
	old = s->head;
	if (s->region >= 0)
		close(s->region);
	s->head = head;
	s->region = *fd;
	s->owner = peer->uid;
	*fd = -1;
	peer->shown = true;
	if (r->store)
		r->store(s, old.id && old.id != head.id ? &old : NULL);
	warnx("%s: registered by process %d", s->head.name, peer->pid);
	return !wire_send(peer->sock, &answer, -1);
}

static bool list(struct registry *r, struct registry_peer *peer)
{
	struct resmon_msg msg = { .type = RESMON_MSG_ENTRY };

	if (!peer->may_view)
		return refuse(peer, EPERM, "you may not view energy figures (see --viewers of resmond(8))");
	if (has_unread(peer))
		return refuse(peer, EBUSY, "there are answers to be read first");
	peer->handed = true;
	for (unsigned int i = 0; i < r->nr_subsystems; i++) {
		const struct registry_subsystem *s = r->subsystem[i];

		if (s->region < 0)
			continue;
		memcpy(msg.name, s->head.name, sizeof(msg.name));
		msg.pid = s->peer ? s->peer->pid : 0;
		/* Who does not read what he asked for is not waited for. */
		if (wire_send(peer->sock, &msg, s->region))
			return false;
	}
	msg = (struct resmon_msg){ .type = RESMON_MSG_END };
	return !wire_send(peer->sock, &msg, -1);
}

/* Return: whether the connection goes on. */
static bool serve(struct registry *r, struct registry_peer *peer)
{
	struct resmon_msg msg;
	bool ok = true;
	int fd, ret;

	for (int i = 0; i < TURN && ok; i++) {
		ret = wire_receive(peer->sock, &msg, &fd);
		if (ret == -EAGAIN)
			return true;
		if (ret == -EPROTO)
			return refuse(peer, EPROTO, "another version: the monitor's is %d",
				      RESMON_VERSION);
		if (ret == -EBADMSG)
			return refuse(peer, EBADMSG, "that is no message");
		if (ret != 1)
			return false;
		if (msg.type == RESMON_MSG_REGISTER)
			ok = name_subsystem(r, peer, &msg);
		else if (msg.type == RESMON_MSG_REGION)
			ok = take_region(r, peer, &fd);
		else if (msg.type == RESMON_MSG_LIST)
			ok = list(r, peer);
		else
			ok = refuse(peer, EINVAL, "unknown message");
		if (fd >= 0)
			close(fd);
	}
	return ok;
}

static bool in_group(const struct registry_peer *peer, gid_t gid, gid_t group)
{
	socklen_t size = 0;
	bool found = false;
	gid_t *groups;

	if (group == REGISTRY_NO_GROUP || gid == group)
		return group != REGISTRY_NO_GROUP;
	/* The first call only says how many. */
	getsockopt(peer->sock, SOL_SOCKET, SO_PEERGROUPS, NULL, &size);
	groups = malloc(size);
	if (groups && !getsockopt(peer->sock, SOL_SOCKET, SO_PEERGROUPS, groups,
				  &size))
		for (size_t i = 0; i < size / sizeof(*groups); i++)
			found |= groups[i] == group;
	free(groups);
	return found;
}

static unsigned int count_strangers(const struct registry *r)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->nr_peers; i++)
		n += !r->peer[i]->may_register;
	return n;
}

void registry_add_peer(struct registry *r, int sock)
{
	struct registry_peer *peer = calloc(1, sizeof(*peer));
	struct ucred cred;
	socklen_t size = sizeof(cred);

	if (!peer || getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &size)) {
		close(sock);
		free(peer);
		return;
	}
	free_ended(r);
	peer->sock = sock;
	peer->uid = cred.uid;
	peer->pid = cred.pid;
	peer->may_register = !cred.uid || cred.uid == geteuid() ||
			     in_group(peer, cred.gid, r->group);
	peer->may_view = peer->may_register || r->anyone_views ||
			 in_group(peer, cred.gid, r->viewers);
	r->peer[r->nr_peers++] = peer;
	if (r->nr_peers == REGISTRY_MAX_PEERS ||
	    (!peer->may_register && count_strangers(r) > REGISTRY_MAX_STRANGERS)) {
		refuse(peer, EUSERS, "too many connections");
		drop_peer(r, r->nr_peers - 1);
	}
}

static void accept_peer(struct registry *r)
{
	int sock = accept4(r->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock >= 0)
		registry_add_peer(r, sock);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
		/* It stays to be accepted; do not spin meanwhile. */
		poll(NULL, 0, 100);
}

void registry_run(struct registry *r, const sigset_t *mask)
{
	static const struct timespec now;
	struct pollfd p[REGISTRY_MAX_PEERS + 1];
	unsigned int n = r->nr_peers;

	for (unsigned int i = 0; i < n; i++)
		p[i] = (struct pollfd){ r->peer[i]->ended ? -1 : r->peer[i]->sock,
					POLLIN, 0 };
	p[n] = (struct pollfd){ r->listener, POLLIN, 0 };
	if (ppoll(p, n + 1, mask ? NULL : &now, mask) <= 0)
		return;
	/* From the last to the first: dropping moves the last one. */
	for (unsigned int i = n; i-- > 0;)
		if (p[i].revents && !serve(r, r->peer[i]))
			drop_peer(r, i);
	if (p[n].revents)
		accept_peer(r);
}

void registry_free(struct registry *r)
{
	while (r->nr_peers)
		free_peer(r, r->nr_peers - 1);
	while (r->nr_subsystems)
		forget(r, r->subsystem[0]);
}
