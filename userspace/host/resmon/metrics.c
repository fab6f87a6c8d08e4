// SPDX-License-Identifier: GPL-2.0-or-later
/* Figures as metrics; see metrics.h. */
#include <inttypes.h>
#include <string.h>

#include "metrics.h"
#include "resmond/region.h"

#define NJ_PER_J	UINT64_C(1000000000)

static void put_head(FILE *out, bool prometheus, const char *name,
		     const char *type, const char *unit, const char *help)
{
	/* The older format names the samples, not the family of metrics. */
	const char *total = prometheus && !strcmp(type, "counter") ? "_total" : "";

	fprintf(out, "# TYPE %s%s %s\n", name, total, type);
	if (unit && !prometheus)
		fprintf(out, "# UNIT %s %s\n", name, unit);
	fprintf(out, "# HELP %s%s %s\n", name, total, help);
}

/* Names have no character that would have to be quoted in a label. */
static void put_energy(FILE *out, const struct figure *f, const char *cost,
		       uint64_t nj)
{
	fprintf(out, "rcontainer_energy_joules_total{vm=\"%s\",subsystem=\"%s\","
		"device=\"%s\",kind=\"%s\",cost=\"%s\"} %" PRIu64 ".%09" PRIu64
		"\n", f->vm, f->subsystem, f->device, kind_name(f->kind), cost,
		nj / NJ_PER_J, nj % NJ_PER_J);
}

void metrics_write(FILE *out, const struct view *v, bool prometheus, bool up)
{
	put_head(out, prometheus, "rcontainer_energy_joules", "counter", "joules",
		 "Energy of a virtual machine on a physical device.");
	for (size_t i = 0; i < v->nr_figures; i++) {
		const struct figure *f = &v->figure[i];

		if (f->has_base)
			put_energy(out, f, "base", f->base_nj);
		put_energy(out, f, "access", f->access_nj);
	}

	put_head(out, prometheus, "rcontainer_vm_present", "gauge", NULL,
		 "Whether the virtual machine is there.");
	for (size_t i = 0; i < v->nr_figures; i++) {
		const struct figure *f = &v->figure[i];

		if (f->generation && !f->index)
			fprintf(out, "rcontainer_vm_present{vm=\"%s\",subsystem=\"%s\"} %d\n",
				f->vm, f->subsystem, f->present);
	}

	put_head(out, prometheus, "rcontainer_subsystem_up", "gauge", NULL,
		 "Whether the device subsystem is registered and its figures are sound.");
	for (size_t i = 0; i < v->nr_sources; i++)
		fprintf(out, "rcontainer_subsystem_up{subsystem=\"%s\"} %d\n",
			v->source[i].name,
			!strcmp(source_state(&v->source[i]), "registered"));

	put_head(out, prometheus, "rcontainer_resmond_up", "gauge", NULL,
		 "Whether the resource monitor answers.");
	fprintf(out, "rcontainer_resmond_up %d\n", up);
	if (!prometheus)
		fputs("# EOF\n", out);
}
