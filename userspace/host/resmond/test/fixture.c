// SPDX-License-Identifier: GPL-2.0-or-later
/* A monitor to be tested; see fixture.h. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"
#include "resmond/wire.h"
#include "util.h"

static char dir[] = "/tmp/test_resmond.XXXXXX";
char *path;
struct registry registry;

const struct subsystem_config vda = {
	.name = "vda",
	.version = 7,
	.nr_devices = 2,
	.device = { { "vda", RESMON_DISK, 0 }, { "cpu", RESMON_CPU, 0 } },
};

void start_registry(void)
{
	registry = (struct registry){ .group = REGISTRY_NO_GROUP,
				      .viewers = REGISTRY_NO_GROUP };
	unlink(path);
	registry.listener = wire_listen(path);
	assert_true(registry.listener >= 0);
}

void stop_registry(void)
{
	registry_free(&registry);
	close(registry.listener);
	unlink(path);
}

int setup(void **state)
{
	assert_non_null(mkdtemp(dir));
	assert_true(asprintf(&path, "%s/sock", dir) > 0);
	return setenv("RESMOND_SOCKET", path, 1);
}

int teardown(void **state)
{
	free(path);
	return rmdir(dir);
}

/* The last one that is told waits for two attempts to connect, at most. */
bool pump(struct subsystem *s, bool registered)
{
	for (int i = 0; i < 150; i++) {
		registry_run(&registry, NULL);
		subsystem_poll(s);
		if (subsystem_registered(s) == registered)
			return true;
		usleep(10000);
	}
	return false;
}
