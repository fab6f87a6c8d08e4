/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters of the emulated physical CPU, as any program in a guest may see
 * them that maps the energy page's PCI device: with every kernel, also one that
 * knows nothing of it.
 */
#ifndef BENCH_RAW_H
#define BENCH_RAW_H

#include <err.h>
#include <fcntl.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/pvenergy.h>

#define RAW_VENDOR	0x1af4
#define RAW_DEVICE	0x1110

/* Of virtual CPU 0: the physical CPU's, and this virtual machine's part of it. */
struct raw_counts {
	uint64_t machine[PVENERGY_MAX_EVENTS];
	uint64_t own[PVENERGY_MAX_EVENTS];
};

static const struct pvenergy_header *raw_page;

static inline unsigned long raw_attr(const char *dir, const char *name)
{
	unsigned long value = 0;
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%lx", &value) != 1)
		value = 0;
	fclose(f);
	return value;
}

static inline void raw_open(void)
{
	char path[512];
	struct stat st;
	void *page;
	glob_t g;
	int fd;

	if (glob("/sys/bus/pci/devices/*", 0, NULL, &g))
		errx(EXIT_FAILURE, "no PCI devices");
	for (size_t i = 0; i < g.gl_pathc; i++) {
		if (raw_attr(g.gl_pathv[i], "vendor") != RAW_VENDOR ||
		    raw_attr(g.gl_pathv[i], "device") != RAW_DEVICE)
			continue;
		snprintf(path, sizeof(path), "%s/resource2", g.gl_pathv[i]);
		fd = open(path, O_RDONLY);
		if (fd < 0 || fstat(fd, &st))
			err(EXIT_FAILURE, "%s", path);
		page = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
		if (page == MAP_FAILED)
			err(EXIT_FAILURE, "mmap %s", path);
		close(fd);
		raw_page = page;
		if (raw_page->magic == PVENERGY_MAGIC)
			break;
		raw_page = NULL;
	}
	globfree(&g);
	if (!raw_page)
		errx(EXIT_FAILURE, "no energy page");
}

static inline void raw_read(struct raw_counts *c)
{
	const volatile struct pvenergy_vcpu *v =
		(const void *)((const char *)raw_page + raw_page->vcpu_offset);
	uint32_t seq;

	do {
		seq = v->seq;
		for (int i = 0; i < PVENERGY_MAX_EVENTS; i++) {
			c->machine[i] = v->raw[i];
			c->own[i] = c->machine[i] - v->foreign[i];
		}
	} while (seq & 1 || seq != v->seq);
}

/*
 * How many instructions that were.  No event of the Pentium 4's says so; of the
 * emulated processor's micro-operations each instruction is one, and each access to
 * memory another.
 */
static inline uint64_t raw_instructions(const uint64_t *to, const uint64_t *from)
{
	return to[PVENERGY_UOP_QUEUE_WRITES] - from[PVENERGY_UOP_QUEUE_WRITES] -
	       (to[PVENERGY_MEMORY_RETIRED] - from[PVENERGY_MEMORY_RETIRED]);
}

/* Access cost of some counts, in picojoules. */
static inline uint64_t raw_access_pj(const uint64_t *to, const uint64_t *from)
{
	uint64_t pj = 0;

	for (unsigned int i = 0; i < raw_page->nr_events; i++)
		if (!(raw_page->events[i].flags & PVENERGY_EVENT_BASE))
			pj += (to[i] - from[i]) * raw_page->events[i].weight_pj;
	return pj;
}

#endif /* BENCH_RAW_H */
