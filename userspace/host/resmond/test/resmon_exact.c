// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * resmon_exact - for tests: all that subsystems publish, to the picojoule, as CSV.
 *
 * resmon(1) shows nanojoules, and leaves the rests to the next one.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "resmon/view.h"
#include "resmond/region.h"

/* Three digits of rest follow those of the nanojoules. */
static void put(uint64_t nj, uint16_t rest_pj)
{
	printf(",%" PRIu64 "%03u", nj, rest_pj);
}

static void put_cost(const struct region_view *from, const char *vm, bool present,
		     const struct resmon_cost *cost)
{
	for (unsigned int d = 0; d < from->head.nr_devices; d++) {
		printf("%s,%s,%s,%d", from->head.name, from->head.device[d].name,
		       vm, present);
		if (d)
			put(0, 0);
		else
			put(cost->base_nj, cost->base_rest_pj);
		put(cost->access_nj[d], cost->access_rest_pj[d]);
		putchar('\n');
	}
}

int main(int argc, char **argv)
{
	bool incomplete;
	struct view v;

	if (argc != 1)
		errx(EXIT_FAILURE, "usage: resmon_exact");
	view_open(&v, NULL);
	view_read(&v);
	puts("subsystem,device,vm,present,base_pj,access_pj");
	for (size_t i = 0; i < v.nr_sources; i++) {
		const struct region_view *from = v.source[i].view;

		if (!v.source[i].readable)
			continue;
		for (unsigned int c = 0; c < from->nr_clients; c++)
			put_cost(from, from->client[c].name,
				 from->client[c].flags & RESMON_PRESENT,
				 &from->client[c].cost);
		put_cost(from, FIGURE_ENDED, false, &from->ended);
		put_cost(from, FIGURE_NOBODY, false, &from->nobody);
	}
	incomplete = view_incomplete(&v);
	view_close(&v);
	return incomplete ? EXIT_FAILURE : EXIT_SUCCESS;
}
