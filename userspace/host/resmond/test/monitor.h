/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of subsystems: a monitor in the same process. */
#ifndef RESMOND_TEST_MONITOR_H
#define RESMOND_TEST_MONITOR_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "resmond/registry.h"
#include "resmond/subsystem.h"
#include "resmond/wire.h"
#include "util.h"

static char dir[] = "/tmp/test_monitor.XXXXXX";
static char *path;
static struct registry registry;

static const struct subsystem_config vda = {
	.name = "vda",
	.version = 7,
	.nr_devices = 2,
	.device = { { "vda", RESMON_DISK, 0 }, { "cpu", RESMON_CPU, 0 } },
};

static inline void start_registry(void)
{
	registry = (struct registry){ .group = REGISTRY_NO_GROUP,
				      .viewers = REGISTRY_NO_GROUP };
	unlink(path);
	registry.listener = wire_listen(path);
	assert_true(registry.listener >= 0);
}

static inline void stop_registry(void)
{
	registry_free(&registry);
	close(registry.listener);
	unlink(path);
}

static inline int setup(void **state)
{
	assert_non_null(mkdtemp(dir));
	assert_true(asprintf(&path, "%s/sock", dir) > 0);
	return setenv("RESMOND_SOCKET", path, 1);
}

static inline int teardown(void **state)
{
	free(path);
	return rmdir(dir);
}

/* The last one that is told waits for two attempts to connect, at most. */
static inline bool pump(struct subsystem *s, bool registered)
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

/* All that the registry's only region has. */
static inline unsigned __int128 total_pj(void)
{
	const struct resmon_region *map = region_map(registry.subsystem[0]->region);
	unsigned __int128 sum;

	assert_non_null(map);
	assert_true(region_view(map, &view));
	region_unmap(map);
	assert_false(view.stale);
	assert_int_equal(view.broken, 0);
	sum = cost_pj(&view.ended) + cost_pj(&view.nobody);
	for (unsigned int i = 0; i < view.nr_clients; i++)
		sum += cost_pj(&view.client[i].cost);
	return sum;
}

#endif /* RESMOND_TEST_MONITOR_H */
