/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client was charged, in a file that is mapped, so that it outlives the
 * back end, whatever ends it.  (What does not: the host.)
 *
 * Each queue has two slots of totals, of which one is valid.  A batch of
 * requests is committed thus:
 *
 *	1. costs, replies and used elements are written to the guest's memory
 *	2. the other slot becomes the valid one's copy plus the batch, together
 *	   with the used ring's index after it: armed
 *	3. that index is published in the used ring
 *	4. the slots change roles
 *
 * Who is killed between 3 and 4 finds, when he comes back, an armed slot with
 * the used ring's index: the guest has the batch, and step 4 is done then.  With
 * the index of before, the guest has not, and will get these requests again.
 */
#ifndef PVBLKD_STATE_H
#define PVBLKD_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/pvblk.h>

#include "cost.h"

#define STATE_MAGIC		0x65746174736b6c62ULL	/* "blkstate" */
#define STATE_VERSION		3
#define STATE_MAX_QUEUES	16
#define STATE_NAME_LEN		32
#define STATE_ERR_LEN		512

/* 128 bits: 64 bits of picojoules are only 18 megajoules. */
struct state_pj {
	uint64_t lo;
	uint64_t hi;
};

/**
 * struct state_totals - what went to a client since the file was made
 * @requests: number of requests
 * @errors: those that were not done
 * @read_bytes: transferred from the disk
 * @written_bytes: transferred to the disk
 * @unreported_requests: those whose cost the client did not want to know
 * @returned: access cost sent to the client, for each device
 * @unreported: access cost of the other requests
 * @rest: what did not become a picojoule; only the sum over queues is a small
 *	number, see cost_disk_charge()
 */
struct state_totals {
	uint64_t requests;
	uint64_t errors;
	uint64_t read_bytes;
	uint64_t written_bytes;
	uint64_t unreported_requests;
	uint64_t rest;
	struct state_pj returned[PVBLK_MAX_DEVICES];
	struct state_pj unreported[PVBLK_MAX_DEVICES];
};

/**
 * struct state_slot - totals up to a batch
 * @seq: number of batches, zero while the slot is written
 * @used_idx: the used ring's index after the batch
 * @totals: the totals
 */
struct state_slot {
	uint64_t seq;
	uint64_t used_idx;
	struct state_totals totals;
};

/**
 * struct state_queue - a queue's totals
 * @active: the valid slot; the other is armed if its @seq is one more
 * @uncertain: batches of which it is not known whether the guest has them,
 *	because it began with new rings while nobody served it
 * @slot: the slots
 */
struct state_queue {
	uint64_t active;
	uint64_t uncertain;
	struct state_slot slot[2];
};

/**
 * struct state_base - energy meters
 * @seq: number of updates; its lowest bit says which one of the two is valid
 * @boot: during which run of the host @until_ns was
 * @until_ns: when that was on the monotonic clock, if there was a client; else 0
 * @pj: this client's share of each device's base cost
 */
struct state_base {
	uint64_t seq;
	uint64_t boot;
	uint64_t until_ns[2];
	struct state_pj pj[2][PVBLK_MAX_DEVICES];
};

/**
 * struct state_file - the file
 * @magic: STATE_MAGIC, set last
 * @version: STATE_VERSION
 * @nr_devices: valid entries in @device
 * @rate: unit of state_totals.rest: picojoules divided by this
 * @id: random: tells this file from others of the same name, before and after
 * @name: the client's
 * @device: names of the physical devices
 * @base: meters
 * @queue: totals; the client's are the sum
 */
struct state_file {
	uint64_t magic;
	uint32_t version;
	uint32_t nr_devices;
	uint64_t rate;
	uint64_t id;
	char name[STATE_NAME_LEN];
	char device[PVBLK_MAX_DEVICES][PVBLK_NAME_LEN];
	struct state_base base;
	struct state_queue queue[STATE_MAX_QUEUES];
};

/* What the file said at some moment, summed over queues. */
struct state_view {
	uint64_t id;
	char name[STATE_NAME_LEN];
	uint32_t nr_devices;
	char device[PVBLK_MAX_DEVICES][PVBLK_NAME_LEN];
	uint64_t uncertain;
	struct state_totals totals;
	energy_t base[PVBLK_MAX_DEVICES];
};

/**
 * state_open() - open a client's file, or make it
 * @path: the file
 * @name: of the client
 * @device: names of the devices
 * @nr_devices: how many
 * @rate: see struct state_file
 * @err: set to a message on failure
 *
 * There is one process with a file at a time: another one's end is waited for,
 * but not for long.
 *
 * Return: the file, which is mapped and locked until the end of the process, or
 * NULL.
 */
struct state_file *state_open(const char *path, const char *name,
			      char device[][PVBLK_NAME_LEN],
			      unsigned int nr_devices, uint64_t rate,
			      char err[STATE_ERR_LEN]);

/**
 * state_start() - a ring begins, or goes on after a kill
 * @state: the file
 * @queue: which queue
 * @used_idx: the used ring's index
 */
void state_start(struct state_file *state, unsigned int queue, uint16_t used_idx);

/**
 * state_begin() - begin with a batch
 * @state: the file
 * @queue: which queue
 *
 * Return: totals, to which the batch is to be added.
 */
struct state_totals *state_begin(struct state_file *state, unsigned int queue);

/* Just before and just after @used_idx is published. */
void state_arm(struct state_file *state, unsigned int queue, uint16_t used_idx);
void state_commit(struct state_file *state, unsigned int queue);

/* What all queues together have left over. */
int64_t state_rest(const struct state_file *state);

/* Add to the meters, for each device; see struct state_base for @until_ns. */
void state_add_base(struct state_file *state, const energy_t *pj, uint64_t until_ns);

/* Until when the meters counted for a client, of a former life too; else 0. */
uint64_t state_metered_until(const struct state_file *state);

/* A meter's value. */
energy_t state_base(const struct state_file *state, unsigned int device);

/* Read a consistent view, whoever writes. */
void state_look(const struct state_file *state, struct state_view *view);

/**
 * state_read() - look at a file, of a live process or a dead one's
 * @path: the file
 * @view: filled in on success
 * @err: set to a message on failure
 *
 * Return: 0 or -1.
 */
int state_read(const char *path, struct state_view *view, char err[STATE_ERR_LEN]);

static inline energy_t state_pj(struct state_pj pj)
{
	return (energy_t)pj.hi << 64 | pj.lo;
}

static inline void state_pj_add(struct state_pj *pj, energy_t add)
{
	add += state_pj(*pj);
	pj->lo = add;
	pj->hi = add >> 64;
}

#endif /* PVBLKD_STATE_H */
