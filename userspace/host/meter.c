// SPDX-License-Identifier: GPL-2.0-or-later
/* Energy meters; see meter.h. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "meter.h"
#include "page.h"

#define PJ_PER_NJ	1000

/**
 * struct meter - a virtual machine's page
 * @generation: of the slot when the page was looked for, 0 if it was not
 * @page: the page, if @page.header is not NULL
 * @metered: it has a meter
 * @begun: @before is known
 * @before: what the meter had shown, in nanojoules, that is not in the sum
 */
struct meter {
	uint32_t generation;
	struct energy_page page;
	bool metered;
	bool begun;
	uint64_t before;
};

/**
 * struct meters - all of them
 * @dir: the machine's directory
 * @lock: the machine's file, locked
 * @reweigh: write @model's weights
 * @model: see meters_open()
 * @meter: per slot
 */
struct meters {
	const char *dir;
	int lock;
	bool reweigh;
	struct model model;
	struct meter meter[MACHINE_MAX_VMS];
};

struct meters *meters_open(const char *dir, const struct model *model)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char *path = format("%s/" MACHINE_FILE, dir);
	struct meters *ms = calloc(1, sizeof(*ms));

	if (!ms)
		err(exit_failure, "cannot allocate memory");
	ms->dir = dir;
	if (model) {
		ms->reweigh = true;
		ms->model = *model;
	}
	ms->lock = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (ms->lock < 0)
		err(exit_failure, "%s", path);
	if (fcntl(ms->lock, F_OFD_SETLK, &whole)) {
		if (errno != EAGAIN && errno != EACCES)
			err(exit_failure, "%s: cannot lock", path);
		warnx("%s: another accountant writes the energy meters", path);
		close(ms->lock);
		free(ms);
		ms = NULL;
	}
	free(path);
	return ms;
}

static void close_page(struct meter *meter)
{
	if (meter->page.header)
		page_close(&meter->page);
	memset(meter, 0, sizeof(*meter));
}

static void open_page(struct meters *ms, struct meter *meter,
		      const struct machine_vm *vm)
{
	const char *name = vm->name, *why;
	char *path;
	int ret;

	meter->generation = vm->generation;
	if (!memchr(name, '\0', sizeof(vm->name)) || !page_vm_name_valid(name)) {
		warnx("%s: a virtual machine has a bad name", ms->dir);
		return;
	}
	path = format("%s/%s" MACHINE_PAGE_SUFFIX, ms->dir, name);
	ret = page_open_writable(path, &meter->page, &why);
	if (ret) {
		if (ret != -ENOENT)
			warnx("%s: no meter: %s", path, why);
		goto out;
	}
	if (strcmp(meter->page.header->vm_name, name)) {
		warnx("%s: no meter: it is another virtual machine's", path);
		page_close(&meter->page);
		goto out;
	}
	meter->metered = meter->page.header->flags & PVENERGY_METER;
	if (ms->reweigh && page_set_weights(&meter->page, &ms->model) < 0)
		warnx("%s: no new weights: it has other events than the model", path);
out:
	free(path);
}

void meters_find(struct meters *ms, const struct machine_vm vm[MACHINE_MAX_VMS],
		 const struct machine_set *alive)
{
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		struct meter *meter = &ms->meter[slot];
		bool there = machine_set_has(alive, slot);

		if (meter->generation &&
		    (!there || meter->generation != vm[slot].generation))
			close_page(meter);
		if (there && !meter->generation)
			open_page(ms, meter, &vm[slot]);
	}
}

void meters_known(const struct meters *ms, energy_t base_pj[MACHINE_MAX_VMS])
{
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		const struct meter *meter = &ms->meter[slot];

		base_pj[slot] = meter->metered ?
			(energy_t)meter->page.header->base_nj * PJ_PER_NJ : 0;
	}
}

static void write_meter(struct meter *meter, energy_t base_pj)
{
	energy_t nj = base_pj / PJ_PER_NJ;

	if (!meter->begun) {
		uint64_t shown = meter->page.header->base_nj;

		/* The page has been another run's, or its story is not ours. */
		meter->before = shown > nj ? shown - nj : 0;
		meter->begun = true;
	}
	nj += meter->before;
	page_set_base(&meter->page, nj > UINT64_MAX ? UINT64_MAX : nj);
}

void meters_write(struct meters *ms, const struct account *a)
{
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		struct meter *meter = &ms->meter[slot];

		if (meter->metered && meter->generation == a->vm[slot].generation)
			write_meter(meter, a->vm[slot].sum.base_pj);
	}
}

void meters_close(struct meters *ms)
{
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		close_page(&ms->meter[slot]);
	close(ms->lock);
	free(ms);
}
