/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A monitor to be tested, in this process, and a subsystem to be registered. */
#ifndef RESMOND_TEST_FIXTURE_H
#define RESMOND_TEST_FIXTURE_H

#include <stdbool.h>

#include "resmond/registry.h"
#include "resmond/subsystem.h"
#include "util.h"

/* The monitor's socket, which is the default one for subsystems. */
extern char *path;
extern struct registry registry;
extern const struct subsystem_config vda;

/* Of a group of tests. */
int setup(void **state);
int teardown(void **state);

void start_registry(void);
void stop_registry(void);

/* Have both run until the subsystem is registered, or not; false if in vain. */
bool pump(struct subsystem *s, bool registered);

/* All that the registry's only region has; it is in @view then. */
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

#endif /* RESMOND_TEST_FIXTURE_H */
