// SPDX-License-Identifier: GPL-2.0-or-later
/* Gathering what subsystems publish; see view.h. */
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "resmond/region.h"
#include "resmond/wire.h"
#include "clock.h"
#include "view.h"

/* The monitor answers at once, or something is wrong with it. */
#define ANSWER_MS	2000
/* The service manager may have to start it first. */
#define START_MS	20000

const char *kind_name(uint32_t kind)
{
	switch (kind) {
	case RESMON_CPU:
		return "cpu";
	case RESMON_DISK:
		return "disk";
	case RESMON_NETWORK:
		return "network";
	}
	return "other";
}

const char *source_state(const struct source *s)
{
	if (!s->readable)
		return "broken";
	if (s->view->broken)
		return "broken";
	if (s->view->stale)
		return "stale";
	return s->pid ? "registered" : "ended";
}

static void *allocate(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n, size);

	if (!p && n)
		err(EXIT_FAILURE, "cannot allocate memory");
	return p;
}

static void drop_source(struct source *s)
{
	if (s->region)
		region_unmap(s->region);
	free(s->view);
}

static struct source *find_source(struct view *v, const char *name)
{
	for (size_t i = 0; i < v->nr_sources; i++)
		if (!strcmp(v->source[i].name, name))
			return &v->source[i];
	return NULL;
}

/*
 * Nothing that the monitor hands over is believed, either.  A subsystem whose
 * region is none any more is to be seen as broken, not to be missing.
 */
static void take_entry(struct view *v, const struct resmon_msg *msg, int fd)
{
	struct resmon_head head;
	struct source *s;
	bool good;

	if (!region_name_valid(msg->name, sizeof(msg->name)))
		return;
	good = fd >= 0 && !region_check(fd, &head) && !strcmp(head.name, msg->name);
	s = find_source(v, msg->name);
	if (!s) {
		v->source = allocate(v->source, v->nr_sources + 1, sizeof(*s));
		s = &v->source[v->nr_sources++];
		*s = (struct source){ .view = allocate(NULL, 1, sizeof(*s->view)) };
		strcpy(s->name, msg->name);
	}
	s->pid = msg->pid;
	if (!good || (s->region && s->id == head.id))
		return;
	if (s->region)
		region_unmap(s->region);
	s->region = region_map(fd);
	s->id = head.id;
}

/* Return: 0, or a negative errno after filling in @msg if that is an answer. */
static int exchange(struct view *v, int sock, int wait_ms, struct resmon_msg *msg)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int fd, ret;

	*msg = (struct resmon_msg){ .type = RESMON_MSG_LIST };
	ret = wire_send(sock, msg, -1);
	if (ret)
		return ret;
	for (;;) {
		ret = poll(&p, 1, wait_ms);
		if (ret <= 0)
			return ret ? -errno : -ETIMEDOUT;
		ret = wire_receive(sock, msg, &fd);
		if (ret <= 0)
			return ret ? ret : -ECONNRESET;
		if (msg->type == RESMON_MSG_ENTRY)
			take_entry(v, msg, fd);
		if (fd >= 0)
			close(fd);
		if (msg->type == RESMON_MSG_END)
			return 0;
		if (msg->type == RESMON_MSG_ERROR)
			return -EACCES;
	}
}

static int compare_sources(const void *a, const void *b)
{
	return strcmp(((const struct source *)a)->name,
		      ((const struct source *)b)->name);
}

static int ask(struct view *v, int wait_ms, struct resmon_msg *msg)
{
	int sock = wire_connect(v->socket), ret;

	msg->type = 0;
	if (sock < 0)
		return sock;
	ret = exchange(v, sock, wait_ms, msg);
	close(sock);
	if (v->nr_sources)
		qsort(v->source, v->nr_sources, sizeof(*v->source),
		      compare_sources);
	return ret;
}

__attribute__((noreturn))
static void explain(const struct view *v, int error, const struct resmon_msg *msg)
{
	if (msg->type == RESMON_MSG_ERROR)
		errx(EXIT_FAILURE, "%s: the resource monitor refuses: %s",
		     v->socket, msg->text);
	if (error == -ENOENT || error == -ECONNREFUSED)
		errx(EXIT_FAILURE, "%s: no resource monitor listens there; to start it:\n"
		     "  systemctl start resmond.socket    (or: resmond --socket %s)",
		     v->socket, v->socket);
	if (error == -EPROTO)
		errx(EXIT_FAILURE, "%s: the resource monitor is of another version",
		     v->socket);
	errx(EXIT_FAILURE, "%s: %s", v->socket, strerror(-error));
}

void view_open(struct view *v, const char *socket)
{
	struct resmon_msg msg;
	int ret;

	*v = (struct view){
		.socket = socket ? strdup(socket) : wire_default_socket(),
	};
	if (!v->socket)
		err(EXIT_FAILURE, "cannot allocate memory");
	ret = ask(v, START_MS, &msg);
	if (ret)
		explain(v, ret, &msg);
}

static struct figure *add_figure(struct view *v, const char *vm,
				 const struct region_view *from,
				 const struct resmon_cost *cost, unsigned int device)
{
	const struct resmon_head *head = &from->head;
	struct figure *f;

	v->figure = allocate(v->figure, v->nr_figures + 1, sizeof(*f));
	f = &v->figure[v->nr_figures++];
	*f = (struct figure){
		.index = device,
		.kind = head->device[device].kind,
		.has_base = !device,
		.base_nj = device ? 0 : cost->base_nj,
		.access_nj = cost->access_nj[device],
	};
	strcpy(f->vm, vm);
	strcpy(f->subsystem, head->name);
	strcpy(f->device, head->device[device].name);
	return f;
}

static void add_sum(struct view *v, const char *vm,
		    const struct region_view *from, const struct resmon_cost *cost)
{
	for (unsigned int i = 0; i < from->head.nr_devices; i++)
		if (cost->access_nj[i] || (!i && cost->base_nj))
			add_figure(v, vm, from, cost, i);
}

static void add_source(struct view *v, const struct source *s)
{
	const struct region_view *from = s->view;

	for (unsigned int i = 0; i < from->nr_clients; i++) {
		const struct resmon_client_info *client = &from->client[i];

		for (unsigned int d = 0; d < from->head.nr_devices; d++) {
			struct figure *f = add_figure(v, client->name, from,
						      &client->cost, d);

			f->present = client->flags & RESMON_PRESENT;
			f->generation = client->generation;
			f->updated_ns = client->updated_ns;
		}
	}
	add_sum(v, FIGURE_ENDED, from, &from->ended);
	add_sum(v, FIGURE_NOBODY, from, &from->nobody);
}

/* Those in brackets are the last ones. */
static int compare_figures(const void *a, const void *b)
{
	const struct figure *fa = a, *fb = b;
	int order = (*fa->vm == '(') - (*fb->vm == '(');

	if (!order)
		order = strcmp(fa->vm, fb->vm);
	if (!order)
		order = strcmp(fa->subsystem, fb->subsystem);
	return order ? order : (int)fa->index - (int)fb->index;
}

const struct figure *view_find(const struct view *v, const struct figure *f)
{
	const struct figure *found = NULL;

	if (v->nr_figures)
		found = bsearch(f, v->figure, v->nr_figures, sizeof(*f),
				compare_figures);
	return found && found->generation == f->generation ? found : NULL;
}

bool view_read(struct view *v)
{
	struct resmon_msg msg;
	bool answered = !ask(v, ANSWER_MS, &msg);

	v->nr_figures = 0;
	v->time_ns = monotonic_ns();
	for (size_t i = 0; i < v->nr_sources; i++) {
		struct source *s = &v->source[i];

		s->readable = s->region && region_view(s->region, s->view) &&
			      !strcmp(s->view->head.name, s->name);
		if (s->readable)
			add_source(v, s);
	}
	if (v->nr_figures)
		qsort(v->figure, v->nr_figures, sizeof(*v->figure),
		      compare_figures);
	return answered;
}

bool view_incomplete(const struct view *v)
{
	bool incomplete = false;

	for (size_t i = 0; i < v->nr_sources; i++) {
		const struct source *s = &v->source[i];

		if (!s->readable)
			warnx("%s: what it publishes cannot be read", s->name);
		else if (s->view->broken)
			warnx("%s: %u entries left out, which are broken",
			      s->name, s->view->broken);
		else if (s->view->stale)
			warnx("%s: entries left out, which did not keep still",
			      s->name);
		else
			continue;
		incomplete = true;
	}
	return incomplete;
}

void view_close(struct view *v)
{
	for (size_t i = 0; i < v->nr_sources; i++)
		drop_source(&v->source[i]);
	free(v->source);
	free(v->figure);
	free(v->socket);
}
