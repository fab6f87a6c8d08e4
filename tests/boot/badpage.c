// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * On the host: make an energy page and spoil it, for tests of what a guest does
 * with a host that has gone wrong.
 *
 *	badpage FILE MODEL HOW
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model.h"
#include "page.h"

static struct pvenergy_header *h;
static size_t size;

static void version(void)
{
	h->version = PVENERGY_VERSION + 1;
}

static void ones(void)
{
	memset(h, 0xff, size);
}

/* All but what says that it is one of ours. */
static void ones_behind_version(void)
{
	memset(&h->header_size, 0xff,
	       size - offsetof(struct pvenergy_header, header_size));
}

static void offset_in_header(void)
{
	h->vcpu_offset = 64;
}

static void offset_behind_end(void)
{
	h->vcpu_offset = -64;
}

static void stride_zero(void)
{
	h->vcpu_stride = 0;
}

static void stride_huge(void)
{
	h->vcpu_stride = -64;
	h->nr_vcpus = PVENERGY_MAX_VCPUS;
}

static void vcpus_none(void)
{
	h->nr_vcpus = 0;
}

static void vcpus_many(void)
{
	h->nr_vcpus = -1;
}

static void log_of_other_size(void)
{
	h->log_entries = 1U << 31;
}

static void events_none(void)
{
	h->nr_events = 0;
}

static void events_nine(void)
{
	h->nr_events = PVENERGY_MAX_EVENTS + 1;
}

static void event_unnamed(void)
{
	memset(h->events[1].name, 'x', sizeof(h->events[1].name));
}

static void event_dear(void)
{
	h->events[1].weight_pj = -1;
}

/* The header is sound, but the file ends before what it tells of. */
static void truncated(void)
{
	size = 4096;
}

/* The writer of the first virtual CPU never ends. */
static void stuck(void)
{
	struct pvenergy_vcpu *v = (void *)h + h->vcpu_offset;

	v->seq = 1;
	memset(v->raw, 0x55, sizeof(v->raw));
}

#define WAY(name) { #name, name }
static const struct {
	const char *name;
	void (*spoil)(void);
} ways[] = {
	WAY(version), WAY(ones), WAY(ones_behind_version),
	WAY(offset_in_header), WAY(offset_behind_end),
	WAY(stride_zero), WAY(stride_huge), WAY(vcpus_none), WAY(vcpus_many),
	WAY(log_of_other_size), WAY(events_none), WAY(events_nine),
	WAY(event_unnamed), WAY(event_dear), WAY(truncated), WAY(stuck),
};

int main(int argc, char **argv)
{
	char why[MODEL_ERR_LEN];
	struct model model;
	struct stat st;
	size_t i;
	int fd;

	if (argc != 4)
		errx(2, "usage: badpage FILE MODEL HOW");
	if (model_load(argv[2], &model, why))
		errx(EXIT_FAILURE, "%s", why);
	fd = page_create(argv[1], "bad", 1, &model, 0, 100000);
	if (fd < 0)
		errx(EXIT_FAILURE, "%s: %s", argv[1], strerror(-fd));
	if (fstat(fd, &st))
		err(EXIT_FAILURE, "%s", argv[1]);
	size = st.st_size;
	h = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		err(EXIT_FAILURE, "%s", argv[1]);
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[3], ways[i].name))
			continue;
		ways[i].spoil();
		if (ftruncate(fd, size))
			err(EXIT_FAILURE, "%s", argv[1]);
		return EXIT_SUCCESS;
	}
	errx(2, "%s: no such way", argv[3]);
}
