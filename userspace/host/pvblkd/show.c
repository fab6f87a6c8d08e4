// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdio.h>

#include "pvblkd.h"

#define PJ_PER_UJ	1000000

static void print_energy(const char *prefix, const char *device,
			 const char *unit, energy_t value)
{
	char text[40], *digit = text + sizeof(text) - 1;

	*digit = '\0';
	do {
		*--digit = '0' + value % 10;
		value /= 10;
	} while (value);
	printf("%s%s.%s %s\n", prefix, device, unit, digit);
}

void show_state(const struct state_view *view)
{
	const struct state_totals *t = &view->totals;

	printf("name %s\n", view->name);
	printf("requests %" PRIu64 "\n", t->requests);
	printf("errors %" PRIu64 "\n", t->errors);
	printf("read_bytes %" PRIu64 "\n", t->read_bytes);
	printf("written_bytes %" PRIu64 "\n", t->written_bytes);
	for (unsigned int i = 0; i < view->nr_devices; i++) {
		print_energy("", view->device[i], "access_pj",
			     state_pj(t->returned[i]) + state_pj(t->unreported[i]));
		print_energy("", view->device[i], "base_uj",
			     view->base[i] / PJ_PER_UJ);
	}
	for (unsigned int i = 0; i < view->nr_devices; i++)
		print_energy("returned.", view->device[i], "access_pj",
			     state_pj(t->returned[i]));
	for (unsigned int i = 0; i < view->nr_devices; i++)
		print_energy("unreported.", view->device[i], "access_pj",
			     state_pj(t->unreported[i]));
	printf("unreported.requests %" PRIu64 "\n", t->unreported_requests);
	printf("uncertain_batches %" PRIu64 "\n", view->uncertain);
}
