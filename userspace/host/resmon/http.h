/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The little of HTTP that a collector of metrics needs: GET /metrics. */
#ifndef RESMON_HTTP_H
#define RESMON_HTTP_H

#include <stdbool.h>
#include <stdio.h>

/**
 * http_listen() - open a socket
 * @address: "unix:PATH", or "HOST:PORT" as "127.0.0.1:9742" and "[::1]:9742"
 *
 * Return: the socket; or the end of the program.
 */
int http_listen(const char *address);

/**
 * http_serve() - answer requests until wait_stop
 * @listener: socket
 * @write_metrics: writes the document, in the older format if that is asked for
 * @arg: for it
 *
 * Several clients are served at a time; one that is slow, or says nothing,
 * keeps nobody waiting, and is left after a few seconds.
 */
void http_serve(int listener,
		void (*write_metrics)(FILE *out, bool prometheus, void *arg),
		void *arg);

#endif /* RESMON_HTTP_H */
