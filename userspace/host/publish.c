// SPDX-License-Identifier: GPL-2.0-or-later
/* The CPU accountant as a device subsystem; see publish.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "clock.h"
#include "publish.h"
#include "resmond/region.h"
#include "resmond/subsystem.h"

#define SUBSYSTEM_VERSION	1
#define DEVICE_CPU		0

/* How long to wait for the monitor before anything final is done. */
#define PATIENCE_NS		NSEC_PER_SEC

/**
 * struct published - what was published of a virtual machine
 * @generation: of the machine's slot, 0 if that was empty
 * @client: number as a client, SUBSYSTEM_NOBODY while it is none
 * @sum: its energy
 */
struct published {
	uint32_t generation;
	int client;
	struct account_energy sum;
};

struct publisher {
	struct account *a;
	struct subsystem *s;
	uint64_t machine_id;
	const uint64_t *run;
	struct published vm[MACHINE_MAX_VMS];
	struct account_energy nobody;
	/* The monitor has been seen, or asked for: its absence is worth a word. */
	bool expected;
	/* It has been seen; and since when there was something to be published. */
	bool registered;
	uint64_t opened_ns;
};

/* FNV-1a. */
static uint32_t hash(uint32_t h, const void *data, size_t size)
{
	const unsigned char *byte = data;

	while (size--)
		h = (h ^ *byte++) * 16777619U;
	return h;
}

#define HASH_BEGIN	2166136261U

static uint32_t machine_hash(const struct publisher *p)
{
	return hash(HASH_BEGIN, &p->machine_id, sizeof(p->machine_id));
}

static uint32_t model_hash(const struct model *model)
{
	uint32_t h = HASH_BEGIN;

	for (unsigned int e = 0; e < model->nr_events; e++) {
		h = hash(h, model->event[e].name, strlen(model->event[e].name));
		h = hash(h, &model->event[e].weight_pj,
			 sizeof(model->event[e].weight_pj));
		h = hash(h, &model->event[e].flags, sizeof(model->event[e].flags));
	}
	return h;
}

/* A run of a virtual machine: of this machine, in this slot, the nth there. */
static uint64_t cookie_of(const struct publisher *p, unsigned int slot)
{
	uint32_t place[2] = { slot, p->a->vm[slot].generation };

	if (p->run[slot])
		return p->run[slot];
	return (uint64_t)machine_hash(p) << 32 | hash(HASH_BEGIN, place, sizeof(place));
}

static energy_t energy_of(uint64_t nj, uint16_t rest_pj)
{
	return (energy_t)nj * RESMON_PJ_PER_NJ + rest_pj;
}

/* On all devices: what is not the CPU's was added. */
static struct account_energy saved_energy(const struct resmon_cost *cost)
{
	struct account_energy e = {
		.base_pj = energy_of(cost->base_nj, cost->base_rest_pj),
	};

	for (unsigned int i = 0; i < RESMON_MAX_DEVICES; i++)
		e.access_pj += energy_of(cost->access_nj[i],
					 cost->access_rest_pj[i]);
	return e;
}

static void add_energy(struct account_energy *to, struct account_energy e)
{
	to->base_pj += e.base_pj;
	to->access_pj += e.access_pj;
}

/* Return: whether there was as much as that. */
static bool take_added(struct account_energy *from, const struct resmon_added *added)
{
	energy_t base_pj = energy_of(added->base_nj, added->base_rest_pj);
	energy_t access_pj = energy_of(added->access_nj, added->access_rest_pj);

	if (from->base_pj < base_pj || from->access_pj < access_pj)
		return false;
	from->base_pj -= base_pj;
	from->access_pj -= access_pj;
	return true;
}

/* Return: the slot of a client, or -1 if it is in none any more. */
static int slot_of(const struct publisher *p, const struct resmon_client_info *c)
{
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		if (p->a->vm[slot].generation && c->cookie == cookie_of(p, slot) &&
		    !strcmp(c->name, p->a->vm[slot].name))
			return slot;
	return -1;
}

/*
 * An entry goes to the next virtual machine of its name, so that the figures of
 * one that is gone are in the sum.  What it accessed is known: if nobody else
 * was in its slot, that is what the slot has.  Its base cost stays in the sum.
 */
static void find_ended(const struct publisher *p, struct account_saved *saved,
		       const struct machine_set *found)
{
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		const struct account_vm *vm = &p->a->vm[slot];
		energy_t pj = vm->sum.access_pj;

		if (vm->present || machine_set_has(found, slot) ||
		    account_shared_slot(p->a, slot))
			continue;
		if (pj > saved->ended.access_pj)
			pj = saved->ended.access_pj;
		saved->ended.access_pj -= pj;
		saved->vm[slot].access_pj = pj;
	}
}

static enum subsystem_former on_former(void *arg, const struct region_view *v)
{
	struct account_saved saved = { .nobody = saved_energy(&v->nobody),
				       .ended = saved_energy(&v->ended) };
	struct machine_set found = { 0 };
	struct publisher *p = arg;

	if (v->head.origin >> 32 != machine_hash(p))
		return SUBSYSTEM_ADD;
	if ((uint32_t)v->head.origin != model_hash(&p->a->model) || v->stale ||
	    v->broken)
		return SUBSYSTEM_DROP;
	for (unsigned int i = 0; i < v->nr_clients; i++) {
		int slot = slot_of(p, &v->client[i]);

		add_energy(slot < 0 ? &saved.ended : &saved.vm[slot],
			   saved_energy(&v->client[i].cost));
		if (slot >= 0)
			machine_set_add(&found, slot);
	}
	/* Clients of another machine are in no slot. */
	if (!take_added(&saved.ended, &v->added) ||
	    !take_added(&saved.nobody, &v->added_nobody))
		return SUBSYSTEM_DROP;
	find_ended(p, &saved, &found);
	if (!account_resume(p->a, &saved))
		return SUBSYSTEM_DROP;
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		p->vm[slot].sum = saved.vm[slot];
	p->nobody = saved.nobody;
	return SUBSYSTEM_INSTEAD;
}

/* A library's call takes what fits; a machine's whole history may be more. */
static void charge(struct publisher *p, int client, struct account_energy e)
{
	do {
		uint64_t base = e.base_pj > UINT64_MAX ? UINT64_MAX : e.base_pj;
		uint64_t access[RESMON_MAX_DEVICES] = {
			[DEVICE_CPU] = e.access_pj > UINT64_MAX ? UINT64_MAX :
								  e.access_pj,
		};

		subsystem_charge(p->s, client, base, access);
		e.base_pj -= base;
		e.access_pj -= access[DEVICE_CPU];
	} while (e.base_pj || e.access_pj);
}

/* Return: what is new, which is noted as published. */
static struct account_energy take_new(struct account_energy *published,
				      const struct account_sum *sum)
{
	struct account_energy new = {
		.base_pj = sum->base_pj - published->base_pj,
		.access_pj = sum->access_pj - published->access_pj,
	};

	published->base_pj = sum->base_pj;
	published->access_pj = sum->access_pj;
	return new;
}

/* A slot that has another virtual machine now begins anew. */
static void follow_slot(struct publisher *p, unsigned int slot)
{
	uint32_t generation = p->a->vm[slot].generation;
	struct published *published = &p->vm[slot];

	if (published->generation == generation)
		return;
	if (published->client >= 0)
		subsystem_client_remove(p->s, published->client);
	*published = (struct published){ .generation = generation,
					 .client = SUBSYSTEM_NOBODY };
}

static void publish_vm(struct publisher *p, unsigned int slot)
{
	const struct account_vm *vm = &p->a->vm[slot];
	struct published *published = &p->vm[slot];
	int client = published->client;
	struct account_energy new;

	/* Of most there is nothing new. */
	if ((published->client >= 0) == vm->present &&
	    published->sum.base_pj == vm->sum.base_pj &&
	    published->sum.access_pj == vm->sum.access_pj)
		return;
	new = take_new(&published->sum, &vm->sum);
	if (published->client < 0)
		client = vm->present ?
			 subsystem_client_add(p->s, vm->name, cookie_of(p, slot)) :
			 subsystem_client_gone(p->s, vm->name, cookie_of(p, slot));
	/* One that cannot be a client leaves its cost to nobody. */
	if (client < 0 && client != SUBSYSTEM_ENDED)
		client = SUBSYSTEM_NOBODY;
	if (new.base_pj || new.access_pj)
		charge(p, client, new);
	/* It can come again, with what it did until its end. */
	if (!vm->present && published->client >= 0)
		subsystem_client_remove(p->s, published->client);
	published->client = vm->present ? client : SUBSYSTEM_NOBODY;
}

void publish(struct publisher *p)
{
	struct account_energy new = take_new(&p->nobody, &p->a->nobody);

	if (new.base_pj || new.access_pj)
		charge(p, SUBSYSTEM_NOBODY, new);
	/* Who is gone comes first: another may have come with its name. */
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		follow_slot(p, slot);
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		if (p->a->vm[slot].generation && !p->a->vm[slot].present)
			publish_vm(p, slot);
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		if (p->a->vm[slot].generation && p->a->vm[slot].present)
			publish_vm(p, slot);
}

void publish_poll(struct publisher *p)
{
	bool news = subsystem_poll(p->s);

	p->registered |= subsystem_registered(p->s);
	p->expected |= p->registered;
	if (news && p->expected)
		warnx("%s", subsystem_status(p->s));
}

bool publish_settled(const struct publisher *p)
{
	return p->registered || monotonic_ns() - p->opened_ns > PATIENCE_NS;
}

struct publisher *publish_open(const char *name, const char *socket,
			       struct account *a, uint64_t machine_id,
			       const uint64_t run[MACHINE_MAX_VMS])
{
	struct publisher *p = calloc(1, sizeof(*p));
	struct subsystem_config config = {
		.name = name,
		.version = SUBSYSTEM_VERSION,
		.nr_devices = 1,
		.device[DEVICE_CPU] = { .name = "cpu", .kind = RESMON_CPU },
		.socket = socket,
		.former = on_former,
		.arg = p,
	};

	if (!p)
		err(exit_failure, "cannot allocate memory");
	p->a = a;
	p->machine_id = machine_id;
	p->run = run;
	p->expected = socket;
	p->opened_ns = monotonic_ns();
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		p->vm[slot].client = SUBSYSTEM_NOBODY;
	config.origin = (uint64_t)machine_hash(p) << 32 | model_hash(&a->model);
	p->s = subsystem_open(&config);
	if (!p->s)
		err(exit_failure, "cannot publish as subsystem '%s'", name);
	return p;
}

void publish_close(struct publisher *p)
{
	subsystem_close(p->s);
	free(p);
}
