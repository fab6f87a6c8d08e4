// SPDX-License-Identifier: GPL-2.0-or-later
/* The less frequent cases of the model; see uarch.h. */
#include "uarch.h"

/* Return: hit. */
static bool l1_access(struct uarch *u, uint64_t addr)
{
	uint64_t *set = uarch_l1_set(u, addr);
	uint64_t tag = uarch_l1_tag(addr);
	uint64_t moved = set[0], next;
	unsigned int way;
	bool hit = moved == tag;

	for (way = 1; way < UARCH_L1_WAYS && !hit; way++) {
		next = set[way];
		hit = next == tag;
		set[way] = moved;
		moved = next;
	}
	set[0] = tag;
	return hit;
}

/* All lines that are touched, also if the first misses.  Return: all hit. */
static bool l1_access_all(struct uarch *u, uint64_t addr, uint32_t bytes)
{
	uint64_t last = addr + 31 - __builtin_clz(bytes);
	bool hit = l1_access(u, addr);

	if (uarch_l1_tag(last) != uarch_l1_tag(addr))
		hit &= l1_access(u, last);
	return hit;
}

static void note(struct uarch *u, uint64_t granule, uint32_t mask)
{
	struct uarch_store *s = uarch_store_entry(u, granule);

	s->granule = granule;
	s->number = u->nr_stores;
	s->mask = mask;
}

static bool blocked(struct uarch *u, uint64_t granule, uint32_t mask)
{
	const struct uarch_store *a = uarch_store_entry(u, granule);
	const struct uarch_store *b = uarch_store_entry(u, granule + 1);
	bool hit_a, hit_b;

	hit_a = uarch_overlaps(u, a, granule, mask & 0xff);
	if (mask <= 0xff)
		return hit_a && (mask & ~a->mask);
	hit_b = uarch_overlaps(u, b, granule + 1, mask >> 8);
	if (!hit_a && !hit_b)
		return false;
	/* Only a store that was split in the same way can have it all. */
	return !hit_a || !hit_b || a->number != b->number ||
	       (mask & ~(a->mask | b->mask << 8));
}

bool uarch_load(struct uarch *u, uint64_t addr, uint32_t bytes,
		uint64_t *replays)
{
	*replays += blocked(u, addr >> 3, bytes << (addr & 7));
	return !l1_access_all(u, addr, bytes);
}

void uarch_store(struct uarch *u, uint64_t addr, uint32_t bytes)
{
	uint32_t mask = bytes << (addr & 7);

	u->nr_stores++;
	note(u, addr >> 3, mask & 0xff);
	if (mask > 0xff)
		note(u, (addr >> 3) + 1, mask >> 8);
	l1_access_all(u, addr, bytes);
}

static bool target_mispredicts(struct uarch *u, uint64_t from, uint64_t pc)
{
	unsigned int i = (from ^ from >> 9) % UARCH_TARGET_ENTRIES;
	bool hit = u->targets[i].pc == from && u->targets[i].target == pc;

	u->targets[i].pc = from;
	u->targets[i].target = pc;
	return !hit;
}

static bool return_mispredicts(struct uarch *u, uint64_t pc)
{
	if (!u->return_depth)
		return true;
	u->return_depth--;
	u->return_top--;
	return !uarch_same_place(u->returns[u->return_top % UARCH_RETURN_DEPTH],
				 pc);
}

bool uarch_other_mispredicts(struct uarch *u, const struct branch *b,
			     uint64_t pc)
{
	if (b->kind & BRANCH_CALL) {
		u->returns[u->return_top % UARCH_RETURN_DEPTH] = b->next;
		u->return_top++;
		if (u->return_depth < UARCH_RETURN_DEPTH)
			u->return_depth++;
	}
	if (b->kind & BRANCH_RET)
		return return_mispredicts(u, pc);
	if (b->kind & BRANCH_INDIRECT)
		return target_mispredicts(u, b->pc, pc);
	return false;
}
