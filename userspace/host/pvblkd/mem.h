/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's memory: regions of its physical addresses, each a part of a file
 * that the guest's QEMU shares with us.
 */
#ifndef PVBLKD_MEM_H
#define PVBLKD_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_MAX_REGIONS		8

/**
 * struct mem_area - where a region is
 * @gpa: guest physical address
 * @size: its length
 * @uva: its address in QEMU, by which rings are named
 * @offset: where it begins in its file
 */
struct mem_area {
	uint64_t gpa;
	uint64_t size;
	uint64_t uva;
	uint64_t offset;
};

struct mem_guard;

struct mem_region {
	struct mem_area area;
	uint8_t *host;
	void *map;
	size_t map_len;
	struct mem_guard *guard;
};

struct mem {
	unsigned int nr;
	struct mem_region region[MEM_MAX_REGIONS];
};

/**
 * mem_init() - be prepared for memory that its owner truncates
 *
 * Access to it is a SIGBUS.  From here on such a region becomes private memory
 * in its place, and mem_lost() says so, so that one virtual machine's end is not
 * all the others'.
 */
void mem_init(void);

/**
 * mem_map() - map a guest's memory
 * @mem: unmapped; mapped on success
 * @area: the regions, not overlapping
 * @fds: their files, not needed any more afterwards
 * @nr: how many, at most MEM_MAX_REGIONS
 *
 * Return: 0 or a negative errno, with nothing mapped then.
 */
int mem_map(struct mem *mem, const struct mem_area *area, const int *fds,
	    unsigned int nr);
void mem_unmap(struct mem *mem);

/* Whether the owner truncated some of it, which then was lost on access. */
bool mem_lost(const struct mem *mem);

/**
 * mem_at() - find guest memory by its physical address
 * @mem: the memory
 * @gpa: the address
 * @room: set to the number of bytes there until the end of the region
 *
 * Return: NULL if there is no memory.
 */
void *mem_at(const struct mem *mem, uint64_t gpa, uint64_t *room);

/* The same for @len bytes in one region, by address in QEMU. */
void *mem_at_uva(const struct mem *mem, uint64_t uva, uint64_t len);

#endif /* PVBLKD_MEM_H */
