// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "figures.h"
#include "resmond/region.h"

void figures_of_state(const struct state_view *view, struct figures *figures)
{
	memset(figures, 0, sizeof(*figures));
	for (unsigned int i = 0; i < view->nr_devices; i++) {
		energy_t *base = i ? &figures->access[i] : &figures->base;

		figures->access[i] += state_pj(view->totals.returned[i]) +
				      state_pj(view->totals.unreported[i]);
		*base += view->base[i];
	}
}

static energy_t energy_of(uint64_t nj, uint16_t rest_pj)
{
	return (energy_t)nj * RESMON_PJ_PER_NJ + rest_pj;
}

/* The devices of a former life need not be in our order. */
static energy_t access_to(const struct region_view *region,
			  const struct resmon_cost *cost, const char *device)
{
	energy_t sum = 0;

	for (unsigned int i = 0; i < region->head.nr_devices; i++)
		if (!strcmp(region->head.device[i].name, device))
			sum += energy_of(cost->access_nj[i], cost->access_rest_pj[i]);
	return sum;
}

void figures_of_region(const struct region_view *region,
		       const struct state_view *view, struct figures *figures)
{
	memset(figures, 0, sizeof(*figures));
	for (unsigned int i = 0; i < region->nr_clients; i++) {
		const struct resmon_client_info *c = &region->client[i];

		if (c->cookie != view->id || strcmp(c->name, view->name))
			continue;
		figures->base = energy_of(c->cost.base_nj, c->cost.base_rest_pj);
		for (unsigned int d = 0; d < view->nr_devices; d++)
			figures->access[d] = access_to(region, &c->cost,
						       view->device[d]);
	}
}

static energy_t beyond(energy_t now, energy_t published)
{
	return now > published ? now - published : 0;
}

bool figures_beyond(const struct figures *now, const struct figures *published,
		    struct figures *new)
{
	bool any;

	new->base = beyond(now->base, published->base);
	any = new->base;
	for (unsigned int i = 0; i < PVBLK_MAX_DEVICES; i++) {
		new->access[i] = beyond(now->access[i], published->access[i]);
		any |= new->access[i] != 0;
	}
	return any;
}

void figures_add(struct figures *to, const struct figures *add)
{
	to->base += add->base;
	for (unsigned int i = 0; i < PVBLK_MAX_DEVICES; i++)
		to->access[i] += add->access[i];
}
