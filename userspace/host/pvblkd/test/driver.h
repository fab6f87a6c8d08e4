/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's side, for tests: memory in two regions that are neighbours there
 * but not here, and a ring in it.
 */
#ifndef PVBLKD_TEST_DRIVER_H
#define PVBLKD_TEST_DRIVER_H

#include <stdint.h>

#include <linux/virtio_ring.h>

#include "mem.h"
#include "vring.h"

#define DRIVER_HALF	0x40000
#define DRIVER_GPA	0x100000ULL
/* Where the second region begins. */
#define DRIVER_HIGH	(DRIVER_GPA + DRIVER_HALF)
#define DRIVER_END	(DRIVER_HIGH + DRIVER_HALF)
#define DRIVER_UVA	0x7f0000000000ULL
#define DRIVER_UVA_HIGH	0x7e0000000000ULL

#define DRIVER_AVAIL	0x4000
#define DRIVER_USED	0x8000
#define DRIVER_NEXT	0x10000		/* from one ring to the next */
#define DRIVER_DATA	0x20000		/* free for buffers from here on */

/* One ring of a guest. */
struct driver_ring {
	uint16_t num;
	uint16_t seen;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
};

struct driver {
	int fd;
	uint8_t *memory;
	struct mem_area area[2];
	int fds[2];
	struct driver_ring ring[2];
};

void driver_init(struct driver *d, uint16_t num);
void driver_exit(struct driver *d);

/* Our view of what the guest has at an address. */
void *driver_at(struct driver *d, uint64_t gpa);

struct vring_place driver_place(unsigned int ring);

void driver_desc(struct driver_ring *r, unsigned int i, uint64_t addr,
		 uint32_t len, uint16_t flags, uint16_t next);
void driver_offer(struct driver_ring *r, uint16_t head);

#endif /* PVBLKD_TEST_DRIVER_H */
