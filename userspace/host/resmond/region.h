/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regions of memory as abi.h has them: made, checked, read and written. */
#ifndef RESMOND_REGION_H
#define RESMOND_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define RESMON_PJ_PER_NJ	1000

/**
 * struct region_view - a region's figures at one moment, all of them checked
 * @head: its head; name and devices are valid ones
 * @ended: clients that left their entry
 * @nobody: what no client pays
 * @added: how much of @client and @ended former lives had charged
 * @added_nobody: how much of @nobody
 * @client: the clients that are or were there, without gaps
 * @slot: index in the region, of each of @client
 * @nr_clients: how many
 * @stale: an entry could not be read in time, so that its figures are missing
 * @broken: how many entries were left out because they cannot be
 */
struct region_view {
	struct resmon_head head;
	struct resmon_cost ended;
	struct resmon_cost nobody;
	struct resmon_added added;
	struct resmon_added added_nobody;
	struct resmon_client_info client[RESMON_MAX_CLIENTS];
	unsigned int slot[RESMON_MAX_CLIENTS];
	unsigned int nr_clients;
	bool stale;
	unsigned int broken;
};

/* Whether @name, an array of @size bytes, is one that abi.h allows. */
bool region_name_valid(const char *name, size_t size);

/**
 * region_create() - make an empty region
 * @head: name, devices, versions and origin; all else is filled in
 * @fd: set to a file descriptor for others, open for reading only
 *
 * Return: the region, to be unmapped; NULL with errno set.
 */
struct resmon_region *region_create(const struct resmon_head *head, int *fd);

/**
 * region_check() - look at a region that somebody else made, without mapping it
 * @fd: what is to be looked at; anything
 * @head: set to its head, checked
 *
 * After that the region can be mapped and read without being hurt, whatever
 * its owner does.
 *
 * Return: NULL, or what is wrong with it.
 */
const char *region_check(int fd, struct resmon_head *head);

/* A mapping for reading of a region that passed region_check(); or NULL. */
const struct resmon_region *region_map(int fd);
void region_unmap(const struct resmon_region *region);

/**
 * region_view() - read a region, in bounded time
 * @region: mapped by region_map() or made by region_create()
 * @view: filled in
 *
 * Return: false if the header is not one any more; then there is no view.
 */
bool region_view(const struct resmon_region *region, struct region_view *view);

/* Read an entry; false if it did not keep still. */
bool region_read(const struct resmon_slot *slot, struct resmon_client_info *info);

/* Write an entry; there is one writer of a region at a time. */
void region_write(struct resmon_slot *slot, const struct resmon_client_info *info);

/* The valid copy of an entry, for its only writer. */
const struct resmon_client_info *region_peek(const struct resmon_slot *slot);

/* Add picojoules to a figure and its rest.  A figure stops at its maximum. */
void region_charge(__u64 *nj, __u16 *rest_pj, uint64_t pj);
void region_add_cost(struct resmon_cost *to, const struct resmon_cost *cost);

/* Note that a cost was added. */
void region_note_added(struct resmon_added *to, const struct resmon_cost *cost);

/* All that was added, as cost of the subsystem's own device. */
struct resmon_cost region_added_cost(const struct resmon_added *added);

/* Mark all figures as such that were added; or drop all others. */
void region_mark_added(struct region_view *view);
void region_keep_added(struct region_view *view);

#endif /* RESMOND_REGION_H */
