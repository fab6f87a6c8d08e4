// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "mem.h"

/* Enough for 64 disks with all the regions they may have. */
#define NR_GUARDS	(64 * MEM_MAX_REGIONS)

struct mem_guard {
	volatile uintptr_t start;
	volatile size_t len;
	volatile sig_atomic_t lost;
};

static struct mem_guard guards[NR_GUARDS];

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	uintptr_t address = (uintptr_t)info->si_addr;

	for (struct mem_guard *g = guards; g < guards + NR_GUARDS; g++) {
		if (!g->len || address - g->start >= g->len)
			continue;
		if (mmap((void *)g->start, g->len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
			 -1, 0) == MAP_FAILED)
			break;
		g->lost = 1;
		return;
	}
	/* Not a guest's: it is our end, at the same instruction. */
	signal(SIGBUS, SIG_DFL);
}

void mem_init(void)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGBUS, &action, NULL);
}

static struct mem_guard *guard(void *map, size_t len)
{
	for (struct mem_guard *g = guards; g < guards + NR_GUARDS; g++) {
		if (g->len)
			continue;
		g->start = (uintptr_t)map;
		g->lost = 0;
		g->len = len;
		return g;
	}
	return NULL;
}

static int map_region(struct mem_region *region, const struct mem_area *area,
		      int fd)
{
	uint64_t page, start, end;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	/* A page that is not in the file would be a SIGBUS. */
	if (!S_ISREG(st.st_mode) || !area->size ||
	    __builtin_add_overflow(area->offset, area->size, &end) ||
	    end > (uint64_t)st.st_size)
		return -EINVAL;

	/* Huge pages are mapped as a whole; theirs is the block size. */
	page = st.st_blksize > 4096 ? st.st_blksize : 4096;
	start = area->offset / page * page;
	region->map_len = (end - start + page - 1) / page * page;
	region->map = mmap(NULL, region->map_len, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_NORESERVE, fd, start);
	if (region->map == MAP_FAILED)
		return -errno;
	region->guard = guard(region->map, region->map_len);
	if (!region->guard) {
		munmap(region->map, region->map_len);
		return -ENOSPC;
	}
	region->host = (uint8_t *)region->map + (area->offset - start);
	region->area = *area;
	return 0;
}

/* Addresses that wrap, or are two regions', have no meaning. */
static bool sound(const struct mem_area *area, unsigned int nr)
{
	uint64_t end;

	for (unsigned int i = 0; i < nr; i++) {
		if (__builtin_add_overflow(area[i].gpa, area[i].size, &end) ||
		    __builtin_add_overflow(area[i].uva, area[i].size, &end))
			return false;
		for (unsigned int j = 0; j < i; j++)
			if (area[i].gpa < area[j].gpa ?
			    area[j].gpa - area[i].gpa < area[i].size :
			    area[i].gpa - area[j].gpa < area[j].size)
				return false;
	}
	return true;
}

int mem_map(struct mem *mem, const struct mem_area *area, const int *fds,
	    unsigned int nr)
{
	int ret;

	mem->nr = 0;
	if (nr > MEM_MAX_REGIONS || !sound(area, nr))
		return -EINVAL;
	for (unsigned int i = 0; i < nr; i++) {
		ret = map_region(&mem->region[i], &area[i], fds[i]);
		if (ret) {
			mem_unmap(mem);
			return ret;
		}
		mem->nr++;
	}
	return 0;
}

void mem_unmap(struct mem *mem)
{
	for (unsigned int i = 0; i < mem->nr; i++) {
		munmap(mem->region[i].map, mem->region[i].map_len);
		mem->region[i].guard->len = 0;
	}
	mem->nr = 0;
}

bool mem_lost(const struct mem *mem)
{
	for (unsigned int i = 0; i < mem->nr; i++)
		if (mem->region[i].guard->lost)
			return true;
	return false;
}

void *mem_at(const struct mem *mem, uint64_t gpa, uint64_t *room)
{
	for (unsigned int i = 0; i < mem->nr; i++) {
		const struct mem_region *r = &mem->region[i];

		if (gpa < r->area.gpa || gpa - r->area.gpa >= r->area.size)
			continue;
		*room = r->area.size - (gpa - r->area.gpa);
		return r->host + (gpa - r->area.gpa);
	}
	return NULL;
}

void *mem_at_uva(const struct mem *mem, uint64_t uva, uint64_t len)
{
	for (unsigned int i = 0; i < mem->nr; i++) {
		const struct mem_region *r = &mem->region[i];

		if (uva >= r->area.uva && uva - r->area.uva < r->area.size &&
		    len <= r->area.size - (uva - r->area.uva))
			return r->host + (uva - r->area.uva);
	}
	return NULL;
}
