// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "mem.h"
#include "vring.h"

static int broken(struct vqueue *vr, const char *error)
{
	vr->error = error;
	return -EPROTO;
}

int vring_map(struct vqueue *vr, const struct mem *mem,
	      const struct vring_place *place)
{
	uint64_t event = vr->event_idx ? sizeof(uint16_t) : 0;
	uint64_t num = vr->num;

	if (!num || num > VRING_MAX_SIZE || num & (num - 1))
		return -EINVAL;
	vr->mem = mem;
	vr->desc = mem_at_uva(mem, place->desc, num * sizeof(*vr->desc));
	vr->avail = mem_at_uva(mem, place->avail, sizeof(*vr->avail) +
			       num * sizeof(vr->avail->ring[0]) + event);
	vr->used = mem_at_uva(mem, place->used, sizeof(*vr->used) +
			      num * sizeof(vr->used->ring[0]) + event);
	if (!vr->desc || (uintptr_t)vr->desc % VRING_DESC_ALIGN_SIZE ||
	    !vr->avail || (uintptr_t)vr->avail % VRING_AVAIL_ALIGN_SIZE ||
	    !vr->used || (uintptr_t)vr->used % VRING_USED_ALIGN_SIZE)
		return -EINVAL;
	/* Behind the used ring is the index that we want to hear of. */
	vr->avail_event = (volatile uint16_t *)(vr->used->ring + num);
	vr->used_idx = vr->used->idx;
	vr->signalled_valid = false;
	vr->error = NULL;
	return 0;
}

static bool add_piece(struct chain *chain, void *base, uint64_t len, bool write)
{
	unsigned int nr = chain->nr_out + chain->nr_in;

	if (nr == CHAIN_MAX)
		return false;
	chain->iov[nr].iov_base = base;
	chain->iov[nr].iov_len = len;
	chain->bad |= !base;
	if (write) {
		chain->nr_in++;
		chain->in_len += len;
	} else {
		chain->nr_out++;
		chain->out_len += len;
	}
	return true;
}

/* Neighbouring addresses can be in two regions. */
static int add_buffer(struct vqueue *vr, struct chain *chain,
		      const struct vring_desc *desc)
{
	bool write = desc->flags & VRING_DESC_F_WRITE;
	uint64_t addr = desc->addr, left = desc->len, room, end;

	if (!write && chain->nr_in)
		return broken(vr, "a buffer to read behind one to write");
	if (__builtin_add_overflow(addr, left, &end))
		return add_piece(chain, NULL, left, write) ? 0 :
			broken(vr, "too many buffers in a chain");
	while (left) {
		void *base = mem_at(vr->mem, addr, &room);

		if (!base || room > left)
			room = left;
		if (!add_piece(chain, base, room, write))
			return broken(vr, "too many buffers in a chain");
		addr += room;
		left -= room;
	}
	return 0;
}

static bool read_indirect(const struct vqueue *vr, uint64_t table,
			  unsigned int i, struct vring_desc *desc)
{
	uint64_t room;
	const volatile struct vring_desc *from;

	from = mem_at(vr->mem, table + i * sizeof(*desc), &room);
	if (!from || room < sizeof(*desc))
		return false;
	memcpy(desc, (const void *)from, sizeof(*desc));
	/* The copy is ours: no second look at what the guest may change. */
	__atomic_signal_fence(__ATOMIC_ACQ_REL);
	return true;
}

static int add_indirect(struct vqueue *vr, struct chain *chain,
			const struct vring_desc *outer)
{
	unsigned int num = outer->len / sizeof(struct vring_desc);
	struct vring_desc desc = { .flags = VRING_DESC_F_NEXT };
	uint64_t end;
	int ret;

	if (outer->flags & VRING_DESC_F_NEXT)
		return broken(vr, "a descriptor behind an indirect table");
	if (!num || num > VRING_MAX_SIZE || outer->len % sizeof(desc) ||
	    __builtin_add_overflow(outer->addr, outer->len, &end))
		return broken(vr, "an indirect table of a size that cannot be");
	for (unsigned int seen = 0; desc.flags & VRING_DESC_F_NEXT; seen++) {
		if (seen == num)
			return broken(vr, "a loop in an indirect table");
		if (desc.next >= num)
			return broken(vr, "a wild index in an indirect table");
		if (!read_indirect(vr, outer->addr, desc.next, &desc))
			return broken(vr, "an indirect table beyond memory");
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return broken(vr, "an indirect table in another");
		ret = add_buffer(vr, chain, &desc);
		if (ret)
			return ret;
	}
	return 0;
}

int vring_chain(struct vqueue *vr, uint16_t head, struct chain *chain)
{
	struct vring_desc desc = { .flags = VRING_DESC_F_NEXT, .next = head };
	int ret;

	chain->head = head;
	chain->bad = false;
	chain->nr_out = 0;
	chain->nr_in = 0;
	chain->out_len = 0;
	chain->in_len = 0;

	for (unsigned int seen = 0; desc.flags & VRING_DESC_F_NEXT; seen++) {
		const volatile struct vring_desc *from;

		if (seen == vr->num)
			return broken(vr, "a loop of descriptors");
		if (desc.next >= vr->num)
			return broken(vr, "a wild descriptor index");
		from = &vr->desc[desc.next];
		desc.addr = from->addr;
		desc.len = from->len;
		desc.flags = from->flags;
		desc.next = from->next;
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return add_indirect(vr, chain, &desc);
		ret = add_buffer(vr, chain, &desc);
		if (ret)
			return ret;
	}
	return 0;
}

int vring_pop(struct vqueue *vr, struct chain *chain)
{
	uint16_t available, head;
	int ret;

	available = __atomic_load_n(&vr->avail->idx, __ATOMIC_ACQUIRE);
	available -= vr->last_avail;
	if (!available)
		return 0;
	if (available > vr->num)
		return broken(vr, "a wild index of available chains");
	head = vr->avail->ring[vr->last_avail % vr->num];
	ret = vring_chain(vr, head, chain);
	if (ret)
		return ret;
	vr->last_avail++;
	return 1;
}

bool vring_await(struct vqueue *vr)
{
	if (!vr->event_idx)
		return true;
	*vr->avail_event = vr->last_avail;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vr->avail->idx == vr->last_avail;
}

void vring_put(struct vqueue *vr, uint16_t n, uint16_t head, uint32_t len)
{
	uint16_t i = (uint16_t)(vr->used_idx + n) % vr->num;

	vr->used->ring[i].id = head;
	vr->used->ring[i].len = len;
}

void vring_publish(struct vqueue *vr, uint16_t n)
{
	vr->used_idx += n;
	__atomic_store_n(&vr->used->idx, vr->used_idx, __ATOMIC_RELEASE);
}

bool vring_wants_signal(struct vqueue *vr)
{
	uint16_t old = vr->signalled;
	bool valid = vr->signalled_valid;

	/* What we published must be seen before the guest's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!vr->event_idx)
		return !(vr->avail->flags & VRING_AVAIL_F_NO_INTERRUPT);
	vr->signalled = vr->used_idx;
	vr->signalled_valid = true;
	return !valid ||
	       vring_need_event(vr->avail->ring[vr->num], vr->used_idx, old);
}
