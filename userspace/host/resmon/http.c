// SPDX-License-Identifier: GPL-2.0-or-later
/* A minimal HTTP server; see http.h. */
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"
#include "cmd.h"
#include "http.h"
#include "metrics.h"
#include "wait.h"

#define MAX_CLIENTS	16
#define MAX_REQUEST	8192
#define PATIENCE_NS	5000000000ULL
#define UNIX_PREFIX	"unix:"

/**
 * struct client - a connection
 * @sock: socket, -1 if this is free
 * @deadline: CLOCK_MONOTONIC
 * @request: what came so far, NUL-terminated
 * @len: of @request
 * @answer: what is to be sent, NULL before the request is complete
 * @size: of @answer
 * @sent: how much of it was
 */
struct client {
	int sock;
	uint64_t deadline;
	char request[MAX_REQUEST + 1];
	size_t len;
	char *answer;
	size_t size;
	size_t sent;
};

struct server {
	int listener;
	void (*write_metrics)(FILE *out, bool prometheus, void *arg);
	void *arg;
	struct client client[MAX_CLIENTS];
};

static int listen_unix(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		errx(EXIT_FAILURE, "--listen: '%s' is too long or too short for a socket's name",
		     path);
	strcpy(address.sun_path, path);
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		err(EXIT_FAILURE, "--listen %s", path);
	/* One that nobody listens to any more was left by a killed one. */
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) &&
	    errno == ECONNREFUSED)
		unlink(path);
	if (bind(sock, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(sock, MAX_CLIENTS))
		err(EXIT_FAILURE, "--listen %s", path);
	return sock;
}

static int listen_at(const struct addrinfo *a)
{
	int on = 1;
	int sock = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			  a->ai_protocol);

	if (sock < 0)
		return -1;
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(sock, a->ai_addr, a->ai_addrlen) || listen(sock, MAX_CLIENTS)) {
		close(sock);
		return -1;
	}
	return sock;
}

static int listen_tcp(const char *address)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_PASSIVE };
	char *host = format("%s", address), *name = host;
	char *port = strrchr(host, ':');
	struct addrinfo *list;
	int ret, sock = -1;

	if (!port || !port[1] || port == host)
		errx(EXIT_FAILURE, "--listen: '%s' is neither unix:PATH nor HOST:PORT",
		     address);
	*port++ = '\0';
	if (*name == '[' && port[-2] == ']') {
		port[-2] = '\0';
		name++;
	}
	ret = getaddrinfo(name, port, &hints, &list);
	if (ret)
		errx(EXIT_FAILURE, "--listen %s: %s", address, gai_strerror(ret));
	for (struct addrinfo *a = list; a && sock < 0; a = a->ai_next)
		sock = listen_at(a);
	if (sock < 0)
		err(EXIT_FAILURE, "--listen %s", address);
	freeaddrinfo(list);
	free(host);
	return sock;
}

int http_listen(const char *address)
{
	if (!strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)))
		return listen_unix(address + strlen(UNIX_PREFIX));
	return listen_tcp(address);
}

static void close_client(struct client *c)
{
	close(c->sock);
	free(c->answer);
	c->answer = NULL;
	c->sock = -1;
}

static void set_answer(struct client *c, const char *status, const char *type,
		       const char *body, size_t size, bool head_only)
{
	char *head = format("HTTP/1.1 %s\r\nContent-Type: %s\r\n"
			    "Content-Length: %zu\r\nConnection: close\r\n\r\n",
			    status, type, size);

	c->size = strlen(head);
	c->answer = realloc(head, c->size + size);
	if (!c->answer)
		err(EXIT_FAILURE, "cannot allocate memory");
	if (!head_only) {
		memcpy(c->answer + c->size, body, size);
		c->size += size;
	}
}

static void refuse(struct client *c, const char *status)
{
	char *body = format("%s\n", status);

	set_answer(c, status, "text/plain", body, strlen(body), false);
	free(body);
}

static void answer_metrics(struct server *s, struct client *c, bool head_only)
{
	bool open = strcasestr(c->request, "application/openmetrics-text");
	char *body = NULL;
	size_t size;
	FILE *out = open_memstream(&body, &size);

	if (!out)
		err(EXIT_FAILURE, "cannot allocate memory");
	s->write_metrics(out, !open, s->arg);
	if (fclose(out))
		err(EXIT_FAILURE, "cannot allocate memory");
	set_answer(c, "200 OK", open ? METRICS_OPEN_TYPE : METRICS_PROMETHEUS_TYPE,
		   body, size, head_only);
	free(body);
}

static void answer(struct server *s, struct client *c)
{
	char method[8], path[64], version[16];

	if (sscanf(c->request, "%7[A-Z] %63s %15[HTTP/0-9.]", method, path,
		   version) != 3)
		refuse(c, "400 Bad Request");
	else if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		refuse(c, "405 Method Not Allowed");
	else if (strcmp(path, "/metrics") && strncmp(path, "/metrics?", 9))
		refuse(c, "404 Not Found");
	else
		answer_metrics(s, c, !strcmp(method, "HEAD"));
}

static void read_request(struct server *s, struct client *c)
{
	ssize_t n = read(c->sock, c->request + c->len, MAX_REQUEST - c->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_client(c);
		return;
	}
	c->len += n;
	c->request[c->len] = '\0';
	if (strlen(c->request) < c->len)
		refuse(c, "400 Bad Request");
	else if (strstr(c->request, "\r\n\r\n") || strstr(c->request, "\n\n"))
		answer(s, c);
	else if (c->len == MAX_REQUEST)
		refuse(c, "431 Request Header Fields Too Large");
}

static void send_answer(struct client *c)
{
	ssize_t n = send(c->sock, c->answer + c->sent, c->size - c->sent,
			 MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->sent += n;
	if (n <= 0 || c->sent == c->size)
		close_client(c);
}

/* Whoever has waited for longest makes room for one more. */
static struct client *find_room(struct server *s)
{
	struct client *oldest = &s->client[0];

	for (int i = 0; i < MAX_CLIENTS; i++) {
		if (s->client[i].sock < 0)
			return &s->client[i];
		if (s->client[i].deadline < oldest->deadline)
			oldest = &s->client[i];
	}
	close_client(oldest);
	return oldest;
}

static void accept_client(struct server *s)
{
	int sock = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *c;

	if (sock < 0)
		return;
	c = find_room(s);
	*c = (struct client){ .sock = sock, .deadline = monotonic_ns() + PATIENCE_NS };
}

static void serve_clients(struct server *s, const struct pollfd *p)
{
	uint64_t now = monotonic_ns();

	for (int i = 0; i < MAX_CLIENTS; i++) {
		struct client *c = &s->client[i];

		if (p[i].fd < 0)
			continue;
		if (p[i].revents && !c->answer)
			read_request(s, c);
		else if (p[i].revents)
			send_answer(c);
		if (c->sock >= 0 && now > c->deadline)
			close_client(c);
	}
}

void http_serve(int listener,
		void (*write_metrics)(FILE *out, bool prometheus, void *arg),
		void *arg)
{
	static const struct timespec second = { .tv_sec = 1 };
	static struct server s;
	struct pollfd p[MAX_CLIENTS + 1];
	bool any;

	s.listener = listener;
	s.write_metrics = write_metrics;
	s.arg = arg;
	for (int i = 0; i < MAX_CLIENTS; i++)
		s.client[i].sock = -1;
	while (!wait_stop) {
		any = false;
		for (int i = 0; i < MAX_CLIENTS; i++) {
			p[i].fd = s.client[i].sock;
			p[i].events = s.client[i].answer ? POLLOUT : POLLIN;
			p[i].revents = 0;
			any |= p[i].fd >= 0;
		}
		p[MAX_CLIENTS] = (struct pollfd){ listener, POLLIN, 0 };
		if (wait_poll(p, MAX_CLIENTS + 1, any ? &second : NULL) < 0)
			continue;
		serve_clients(&s, p);
		if (p[MAX_CLIENTS].revents)
			accept_client(&s);
	}
	for (int i = 0; i < MAX_CLIENTS; i++)
		if (s.client[i].sock >= 0)
			close_client(&s.client[i]);
	close(listener);
}
