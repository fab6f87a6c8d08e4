/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server of one disk, for tests, with files in a directory of its own. */
#ifndef PVBLKD_TEST_FIXTURE_H
#define PVBLKD_TEST_FIXTURE_H

#include "../pvblkd.h"

#define FIXTURE_BYTES	(1 << 20)
#define FIXTURE_QUEUES	2

/**
 * struct fixture - the server
 * @server: it
 * @physical: a disk at 46157.89... pJ a byte
 * @disk: of FIXTURE_BYTES and FIXTURE_QUEUES
 * @source: of consumption
 * @consumed: what that says
 * @dir: where the files are: in $TMPDIR
 * @file: the image
 * @state: the state file
 */
struct fixture {
	struct server server;
	struct physical physical;
	struct disk disk;
	struct cpu_source source;
	energy_t consumed;
	char dir[128];
	char file[160];
	char state[160];
};

extern struct fixture fixture;

/* Without an event loop, if the test does not need one. */
void fixture_init(bool io);
void fixture_exit(void);

/* Have the data from a server, behind a network, in place of the file. */
void fixture_behind(const struct netmodel *net, const char *uri, unsigned int wait_s);

#endif /* PVBLKD_TEST_FIXTURE_H */
