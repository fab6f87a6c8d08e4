// SPDX-License-Identifier: GPL-2.0-or-later
/* The energy of containers at one moment, and what was used between two. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "sample.h"

#define UJ_PER_NS_TO_UW	1000000000ULL
#define MILLION		1000000ULL

typedef unsigned __int128 u128;

int sample_take(const struct rcfs *fs, char *const *paths, size_t npaths,
		struct rcfs_walk *walk, struct sample *s)
{
	struct rcfs_walk machine = { .want = RCFS_ENERGY, .shallow = true };
	size_t i;
	int ret = 0;

	memset(s, 0, sizeof(*s));
	s->time_ns = monotonic_ns();
	s->top = calloc(npaths + 1, sizeof(*s->top));
	if (!s->top)
		return -ENOMEM;
	s->ntops = npaths;
	for (i = 0; !ret && i < npaths; i++) {
		ret = rcfs_gather(fs, paths[i], walk, &s->top[i]);
		if (ret == -ENOENT || ret == -ENODEV)
			ret = 0;
		/* Read once: its share is to be all, and not about all. */
		if (!strcmp(paths[i], "."))
			s->machine = s->top[i];
	}
	if (!ret && !s->machine)
		ret = rcfs_gather(fs, ".", &machine, &s->machine);
	return ret;
}

void sample_free(struct sample *s)
{
	size_t i;

	for (i = 0; i < s->ntops; i++) {
		if (s->top[i] == s->machine)
			s->machine = NULL;
		rcfs_node_free(s->top[i]);
	}
	rcfs_node_free(s->machine);
	free(s->top);
	memset(s, 0, sizeof(*s));
}

static struct usage *add_usage(struct usages *out)
{
	if (out->n == out->size) {
		size_t size = out->size ? 2 * out->size : 64;
		void *bigger = reallocarray(out->u, size, sizeof(*out->u));

		if (!bigger)
			return NULL;
		out->u = bigger;
		out->size = size;
	}
	return memset(&out->u[out->n++], 0, sizeof(*out->u));
}

static unsigned int source(bool local)
{
	return local ? RCFS_LOCAL : RCFS_ENERGY;
}

static const struct rcfs_energy *energy_of(const struct rcfs_node *node,
					   bool local)
{
	return local ? &node->local : &node->energy;
}

/* @was is the same container, or NULL if this one is new. */
static int subtract_node(const struct rcfs_node *was,
			 const struct rcfs_node *node, uint64_t since_ns,
			 bool local, struct usage *u)
{
	u->node = node;
	u->ns = node->time_ns - (was && was->time_ns ? was->time_ns : since_ns);
	u->known = (node->have & source(local)) &&
		   (!was || (was->have & source(local)));
	if (!u->known)
		return 0;
	if (rcfs_energy_copy(&u->used, energy_of(node, local)))
		return -ENOMEM;
	if (was)
		rcfs_energy_subtract(&u->used, energy_of(was, local));
	return 0;
}

static bool is_same(const struct rcfs_node *was, const struct rcfs_node *node)
{
	return was && was->ino == node->ino;
}

/* What @gone had used before is not what its parent used now. */
static void subtract_gone(const struct rcfs_node *gone, struct usage *u)
{
	if (gone->have & RCFS_ENERGY)
		rcfs_energy_subtract(&u->used, &gone->energy);
	else
		u->known = false;
}

static int subtract_tree(const struct rcfs_node *was,
			 const struct rcfs_node *node, uint64_t since_ns,
			 bool local, struct usages *out)
{
	struct usage *u = add_usage(out);
	size_t self = out->n - 1, i = 0, k;
	int ret;

	if (!u)
		return -ENOMEM;
	if (!is_same(was, node))
		was = NULL;
	ret = subtract_node(was, node, since_ns, local, u);
	/* Both have their children in the same order. */
	for (k = 0; !ret && k < node->nchild; k++) {
		const struct rcfs_node *child = node->child[k], *old = NULL;

		for (; was && i < was->nchild; i++) {
			int cmp = strverscmp(was->child[i]->name, child->name);

			if (cmp > 0)
				break;
			if (!cmp)
				old = was->child[i];
			if (local && !(old && is_same(old, child)))
				subtract_gone(was->child[i], &out->u[self]);
		}
		ret = subtract_tree(old, child, since_ns, local, out);
	}
	for (; !ret && local && was && i < was->nchild; i++)
		subtract_gone(was->child[i], &out->u[self]);
	return ret;
}

int sample_subtract(const struct sample *before, const struct sample *now,
		    bool local, struct usages *out)
{
	size_t i;
	int ret;

	memset(out, 0, sizeof(*out));
	out->local = local;
	ret = subtract_node(before->machine, now->machine, before->time_ns,
			    false, &out->machine);
	for (i = 0; !ret && i < now->ntops; i++)
		if (now->top[i])
			ret = subtract_tree(before->top[i], now->top[i],
					    before->time_ns, local, out);
	return ret;
}

void usages_free(struct usages *out)
{
	size_t i;

	for (i = 0; i < out->n; i++)
		rcfs_energy_free(&out->u[i].used);
	rcfs_energy_free(&out->machine.used);
	free(out->u);
	memset(out, 0, sizeof(*out));
}

uint64_t usage_uw(uint64_t uj, uint64_t ns)
{
	u128 uw = ns ? (u128)uj * UJ_PER_NS_TO_UW / ns : 0;

	return uw > UINT64_MAX ? UINT64_MAX : uw;
}

uint64_t usage_share(const struct usages *all, const struct usage *u)
{
	uint64_t machine = rcfs_energy_total(&all->machine.used);
	u128 share = machine ? (u128)rcfs_energy_total(&u->used) * MILLION /
			       machine : 0;

	return share > UINT64_MAX ? UINT64_MAX : share;
}

static uint64_t sort_value(const struct usage *u, bool local,
			   enum usage_key key)
{
	switch (key) {
	case USAGE_BY_POWER:
		return usage_uw(rcfs_energy_total(&u->used), u->ns);
	case USAGE_BY_ACCESS:
		return usage_uw(rcfs_energy_access(&u->used), u->ns);
	case USAGE_BY_BASE:
		return usage_uw(rcfs_energy_base(&u->used), u->ns);
	case USAGE_BY_TOTAL:
		return rcfs_energy_total(energy_of(u->node, local));
	case USAGE_BY_PATH:
		break;
	}
	return 0;
}

/* A usage, its key computed once, and where it was. */
struct sorted {
	uint64_t value;
	size_t place;
	struct usage u;
};

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? 1 : -1;
	return (x->place > y->place) - (x->place < y->place);
}

int usages_sort(struct usages *all, enum usage_key key)
{
	struct sorted *s;
	size_t i;

	if (key == USAGE_BY_PATH || !all->n)
		return 0;
	s = reallocarray(NULL, all->n, sizeof(*s));
	if (!s)
		return -ENOMEM;
	for (i = 0; i < all->n; i++)
		s[i] = (struct sorted){
			.value = sort_value(&all->u[i], all->local, key),
			.place = i,
			.u = all->u[i],
		};
	qsort(s, all->n, sizeof(*s), compare_sorted);
	for (i = 0; i < all->n; i++)
		all->u[i] = s[i].u;
	free(s);
	return 0;
}
