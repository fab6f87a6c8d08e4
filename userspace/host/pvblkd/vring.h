/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues, from the device's side.  The guest writes to them whenever
 * it likes, so each value is read once, and checked before it is used.
 */
#ifndef PVBLKD_VRING_H
#define PVBLKD_VRING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/virtio_ring.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "rings and requests are taken as they are");

struct mem;

#define VRING_MAX_SIZE	1024

/* Pieces of a chain: descriptors, some of which extend over two regions. */
#define CHAIN_MAX	(VRING_MAX_SIZE + 64)

/**
 * struct chain - a chain of descriptors
 * @head: index of its first descriptor
 * @bad: some of it is not the guest's memory; those pieces have no base
 * @nr_out: number of pieces for the device to read, first in @iov
 * @nr_in: number of pieces for it to write, behind them
 * @out_len: sum of the former's lengths
 * @in_len: sum of the latter's
 * @iov: the pieces
 */
struct chain {
	uint16_t head;
	bool bad;
	unsigned int nr_out;
	unsigned int nr_in;
	uint64_t out_len;
	uint64_t in_len;
	struct iovec iov[CHAIN_MAX];
};

/**
 * struct vqueue - a virtqueue of a guest
 * @mem: the guest's memory
 * @num: its size
 * @event_idx: both sides say by index when they want to hear of more
 * @last_avail: index of the next available chain
 * @used_idx: as published
 * @signalled: @used_idx when the guest was last considered for a signal
 * @signalled_valid: the same is known
 * @error: what is wrong with the ring, set with -EPROTO
 */
struct vqueue {
	const struct mem *mem;
	uint16_t num;
	bool event_idx;
	uint16_t last_avail;
	uint16_t used_idx;
	uint16_t signalled;
	bool signalled_valid;
	const char *error;
	const volatile struct vring_desc *desc;
	volatile struct vring_avail *avail;
	volatile struct vring_used *used;
	volatile uint16_t *avail_event;
};

/* Where QEMU has the parts of a ring. */
struct vring_place {
	uint64_t desc;
	uint64_t used;
	uint64_t avail;
};

/**
 * vring_map() - find a ring in memory
 * @vr: @num and @event_idx are set; @used_idx is set from the ring
 * @mem: the guest's memory
 * @place: addresses
 *
 * Return: 0, or -EINVAL if that cannot be a ring.
 */
int vring_map(struct vqueue *vr, const struct mem *mem,
	      const struct vring_place *place);

/**
 * vring_pop() - take the next available chain
 * @vr: the ring
 * @chain: filled in
 *
 * Return: 1 with a chain, 0 if there is none, or -EPROTO.
 */
int vring_pop(struct vqueue *vr, struct chain *chain);

/**
 * vring_chain() - read a chain that was taken before
 * @vr: the ring
 * @head: index of its first descriptor
 * @chain: filled in
 *
 * Return: 0 or -EPROTO.
 */
int vring_chain(struct vqueue *vr, uint16_t head, struct chain *chain);

/**
 * vring_await() - ask for a kick with the next chain
 * @vr: the ring, from which all chains were taken
 *
 * Return: whether there is none yet.
 */
bool vring_await(struct vqueue *vr);

/* Write the @n-th used element of a batch, which the guest does not see yet. */
void vring_put(struct vqueue *vr, uint16_t n, uint16_t head, uint32_t len);

/* Show the guest @n used elements. */
void vring_publish(struct vqueue *vr, uint16_t n);

/* Whether the guest wants a signal of what was published since the last call. */
bool vring_wants_signal(struct vqueue *vr);

#endif /* PVBLKD_VRING_H */
