// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver.h"

void driver_init(struct driver *d, uint16_t num)
{
	memset(d, 0, sizeof(*d));
	d->fd = memfd_create("guest", MFD_CLOEXEC);
	if (d->fd < 0 || ftruncate(d->fd, 2 * DRIVER_HALF))
		err(EXIT_FAILURE, "memfd");
	d->memory = mmap(NULL, 2 * DRIVER_HALF, PROT_READ | PROT_WRITE,
			 MAP_SHARED, d->fd, 0);
	if (d->memory == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	d->area[0] = (struct mem_area){ DRIVER_GPA, DRIVER_HALF, DRIVER_UVA, 0 };
	d->area[1] = (struct mem_area){ DRIVER_HIGH, DRIVER_HALF,
					DRIVER_UVA_HIGH, DRIVER_HALF };
	d->fds[0] = d->fd;
	d->fds[1] = d->fd;
	for (int i = 0; i < 2; i++) {
		uint8_t *base = d->memory + i * DRIVER_NEXT;

		d->ring[i].num = num;
		d->ring[i].desc = (struct vring_desc *)base;
		d->ring[i].avail = (struct vring_avail *)(base + DRIVER_AVAIL);
		d->ring[i].used = (struct vring_used *)(base + DRIVER_USED);
	}
}

void driver_exit(struct driver *d)
{
	munmap(d->memory, 2 * DRIVER_HALF);
	close(d->fd);
}

void *driver_at(struct driver *d, uint64_t gpa)
{
	return d->memory + (gpa - DRIVER_GPA);
}

struct vring_place driver_place(unsigned int ring)
{
	uint64_t base = DRIVER_UVA + ring * DRIVER_NEXT;

	return (struct vring_place){
		.desc = base,
		.avail = base + DRIVER_AVAIL,
		.used = base + DRIVER_USED,
	};
}

void driver_desc(struct driver_ring *r, unsigned int i, uint64_t addr,
		 uint32_t len, uint16_t flags, uint16_t next)
{
	r->desc[i] = (struct vring_desc){ addr, len, flags, next };
}

void driver_offer(struct driver_ring *r, uint16_t head)
{
	r->avail->ring[r->avail->idx % r->num] = head;
	__atomic_store_n(&r->avail->idx, r->avail->idx + 1, __ATOMIC_RELEASE);
}
