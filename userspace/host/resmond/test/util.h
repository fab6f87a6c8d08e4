/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of regions share. */
#ifndef RESMOND_TEST_UTIL_H
#define RESMOND_TEST_UTIL_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resmond/region.h"

static struct region_view view;

static inline unsigned int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static inline unsigned __int128 pj(uint64_t nj, uint16_t rest)
{
	return (unsigned __int128)nj * RESMON_PJ_PER_NJ + rest;
}

static inline unsigned __int128 cost_pj(const struct resmon_cost *cost)
{
	unsigned __int128 sum = pj(cost->base_nj, cost->base_rest_pj);

	for (int i = 0; i < RESMON_MAX_DEVICES; i++)
		sum += pj(cost->access_nj[i], cost->access_rest_pj[i]);
	return sum;
}

static inline const struct resmon_client_info *client(const char *name)
{
	for (unsigned int i = 0; i < view.nr_clients; i++)
		if (!strcmp(view.client[i].name, name))
			return &view.client[i];
	return NULL;
}

static inline struct resmon_head good_head(void)
{
	return (struct resmon_head){ .name = "sub", .nr_devices = 1,
				     .device = { { .name = "dev" } } };
}

static inline struct resmon_region *make_region(int *fd)
{
	struct resmon_head head = good_head();
	struct resmon_region *region = region_create(&head, fd);

	assert_non_null(region);
	return region;
}

static inline void put_client(struct resmon_region *region, int slot, const char *name,
		       uint64_t generation, uint64_t base_nj)
{
	struct resmon_client_info info = { .generation = generation,
					   .flags = RESMON_PRESENT,
					   .cost.base_nj = base_nj };

	memcpy(info.name, name, strlen(name));
	region_write(&region->client[slot], &info);
}

#endif /* RESMOND_TEST_UTIL_H */
