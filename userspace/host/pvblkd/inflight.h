/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in flight, in memory that QEMU keeps while we are gone.  The layout is
 * that of the vhost-user specification for split virtqueues.
 */
#ifndef PVBLKD_INFLIGHT_H
#define PVBLKD_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFLIGHT_VERSION	1

struct inflight_desc {
	uint8_t inflight;
	uint8_t padding[5];
	uint16_t next;
	uint64_t counter;
};

/**
 * struct inflight_queue - a queue's part of the region
 * @features: virtio features of the device
 * @version: INFLIGHT_VERSION, zero before first use
 * @desc_num: number of entries in @desc
 * @last_batch_head: the descriptor that was put into the used ring last
 * @used_idx: the used ring's index when all was well
 * @desc: for each descriptor that heads a chain whether it is in flight, since
 *	when, and which one of the same batch was put into the used ring before
 */
struct inflight_queue {
	uint64_t features;
	uint16_t version;
	uint16_t desc_num;
	uint16_t last_batch_head;
	uint16_t used_idx;
	struct inflight_desc desc[];
};

struct inflight {
	void *map;
	size_t len;
	unsigned int nr_queues;
	uint16_t queue_size;
	uint64_t counter;
};

/* Bytes for so many queues of that size. */
size_t inflight_len(unsigned int nr_queues, uint16_t queue_size);

/**
 * inflight_create() - make a region
 * @nr_queues: number of queues
 * @queue_size: entries in each
 *
 * Return: a file of inflight_len() bytes, or a negative errno.
 */
int inflight_create(unsigned int nr_queues, uint16_t queue_size);

/**
 * inflight_map() - map a region
 * @inflight: filled in on success
 * @fd: the file; its size must be sealed, or it could become a SIGBUS
 * @offset: where it begins there
 * @len: at least inflight_len()
 * @nr_queues: number of queues
 * @queue_size: least number of entries in each; more where @len has room for it
 *
 * Return: 0 or a negative errno.
 */
int inflight_map(struct inflight *inflight, int fd, uint64_t offset,
		 uint64_t len, unsigned int nr_queues, uint16_t queue_size);
void inflight_unmap(struct inflight *inflight);

/**
 * inflight_start() - begin with a queue, or go on with it
 * @inflight: the region
 * @queue: which of its queues
 * @num: the ring's size
 * @used_idx: the ring's index of used elements
 * @features: of the device
 * @heads: filled in with the heads of chains in flight, oldest first; room for
 *	@num
 *
 * Return: how many there are, or a negative errno if the region does not fit.
 */
int inflight_start(struct inflight *inflight, unsigned int queue, uint16_t num,
		   uint16_t used_idx, uint64_t features, uint16_t *heads);

/* A chain was taken. */
void inflight_take(struct inflight *inflight, unsigned int queue, uint16_t head);

/* Its used element was written: before the index is published. */
void inflight_batch(struct inflight *inflight, unsigned int queue, uint16_t head);

/* After the index was published: @nr elements were in the batch. */
void inflight_done(struct inflight *inflight, unsigned int queue,
		   uint16_t nr, uint16_t used_idx);

#endif /* PVBLKD_INFLIGHT_H */
