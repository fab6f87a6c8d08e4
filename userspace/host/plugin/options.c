// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "options.h"
#include "page.h"
#include "vcpu.h"

#define DEFAULT_SLICE_US	1000
#define MAX_SLICE_US		1000000

static int fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("pvplugin: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	return -1;
}

/* A decimal number and nothing else, up to @max. */
static int parse_number(const char *s, const char *end, unsigned int max,
			unsigned int *value)
{
	unsigned long n = 0;

	if (s == end)
		return -1;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		n = n * 10 + *s - '0';
		if (n > max)
			return -1;
	}
	*value = n;
	return 0;
}

static int parse_pcpus(struct options *o, const char *s)
{
	const char *end;
	unsigned int i;

	for (o->nr_pcpus = 0; s; s = *end ? end + 1 : NULL) {
		unsigned int pcpu;

		end = strchrnul(s, ':');
		if (parse_number(s, end, MACHINE_MAX_PCPUS - 1, &pcpu))
			return fail("pcpus: physical CPUs 0 to %d, separated by ':'",
				    MACHINE_MAX_PCPUS - 1);
		for (i = 0; i < o->nr_pcpus; i++)
			if (o->pcpus[i] == pcpu)
				return fail("pcpus: two virtual CPUs of one virtual machine on physical CPU %u",
					    pcpu);
		o->pcpus[o->nr_pcpus++] = pcpu;
	}
	return 0;
}

static int parse_switch(const char *key, const char *value, bool *on)
{
	*on = !strcmp(value, "on");
	if (!*on && strcmp(value, "off"))
		return fail("%s: on or off", key);
	return 0;
}

static int parse_one(struct options *o, const char *arg)
{
	const char *value = strchr(arg, '=');
	size_t len = strcspn(arg, "=");

#define IS(key) (len == strlen(key) && !strncmp(arg, key, len))
	if (!value || !value[1])
		return fail("%s: no value", arg);
	value++;
	if (IS("machine"))
		o->machine = value;
	else if (IS("page"))
		o->page = value;
	else if (IS("name"))
		o->name = value;
	else if (IS("pcpus"))
		return parse_pcpus(o, value);
	else if (IS("subtract"))
		return parse_switch("subtract", value, &o->subtract);
	else if (IS("memory"))
		return parse_switch("memory", value, &o->memory);
	else if (IS("selftest"))
		return parse_switch("selftest", value, &o->selftest);
	else if (!IS("slice_us"))
		return fail("%.*s: no such argument", (int)len, arg);
	else if (parse_number(value, value + strlen(value), MAX_SLICE_US,
			      &o->slice_us))
		return fail("slice_us: 0 to %d microseconds", MAX_SLICE_US);
#undef IS
	return 0;
}

int options_parse(struct options *o, int argc, char **argv)
{
	int i;

	*o = (struct options){ .subtract = true, .memory = true,
				.slice_us = DEFAULT_SLICE_US };
	for (i = 0; i < argc; i++)
		if (parse_one(o, argv[i]))
			return -1;
	if (!o->nr_pcpus)
		return fail("pcpus: missing");
	if (o->selftest) {
		if (!o->name)
			o->name = "selftest";
	} else if (!o->machine || !o->page || !o->name) {
		return fail("machine, page and name are needed");
	}
	return 0;
}

/* A machine that nobody else sees, and that vanishes with us. */
static struct machine *private_machine(int *err)
{
	char path[] = "/tmp/pvplugin.XXXXXX/" MACHINE_FILE;
	char *slash = strrchr(path, '/');
	struct machine *m = NULL;

	*slash = '\0';
	if (!mkdtemp(path)) {
		*err = -errno;
		return NULL;
	}
	*err = machine_create(path, MACHINE_MAX_PCPUS, MACHINE_TSC_KHZ);
	if (!*err)
		m = machine_open(path, 1, err);
	*slash = '/';
	unlink(path);
	*slash = '\0';
	rmdir(path);
	return m;
}

static struct machine *attach_machine(const struct options *o)
{
	struct machine *m;
	unsigned int i;
	int err;

	m = o->machine ? machine_open(o->machine, 1, &err) :
			 private_machine(&err);
	if (!m) {
		fail("machine %s: %s", o->machine ?: "for self-test",
		     strerror(-err));
		return NULL;
	}
	for (i = 0; i < o->nr_pcpus; i++) {
		if (o->pcpus[i] < m->nr_pcpus)
			continue;
		fail("pcpus: %u: the machine has %u physical CPUs", o->pcpus[i],
		     m->nr_pcpus);
		machine_close(m);
		return NULL;
	}
	return m;
}

/* The virtual CPUs' part of the energy page, mapped for writing. */
static char *attach_page(const struct options *o, size_t *stride)
{
	struct energy_page page;
	const char *why;
	char *map;
	int fd;

	if (!o->page) {
		*stride = sizeof(struct pvenergy_vcpu);
		map = mmap(NULL, MACHINE_MAX_PCPUS * *stride,
			   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
		return map == MAP_FAILED ? NULL : map;
	}
	if (page_open(o->page, &page, &why)) {
		fail("page %s: %s", o->page, why);
		return NULL;
	}
	*stride = page.vcpu_stride;
	map = NULL;
	if (page.nr_vcpus < o->nr_pcpus) {
		fail("page %s: for %u virtual CPUs only", o->page,
		     page.nr_vcpus);
		goto out;
	}
	fd = open(o->page, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		map = mmap(NULL, page.map_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
		close(fd);
	}
	if (fd < 0 || map == MAP_FAILED) {
		fail("page %s: %s", o->page, strerror(errno));
		map = NULL;
		goto out;
	}
	map += page.vcpu_offset;
out:
	page_close(&page);
	return map;
}

static void setup_vcpu(struct vcpu *v, struct machine *m, unsigned int pcpu,
		       unsigned int slot, const struct options *o)
{
	v->p = &m->pcpu[pcpu];
	v->prev = &no_block;
	v->uarch = (struct uarch *)v->p->uarch;
	v->own = v->p->own[slot];
	v->addr_mix = uarch_addr(slot, 0);
	v->slot = slot;
	v->machine = m;
	v->pcpu = pcpu;
	v->raw = v->page->raw;
	v->slice = o->slice_us * m->tsc_khz / 1000;
	v->log_seen = UINT64_MAX;
	v->subtract = o->subtract;
}

int options_attach(const struct options *o, unsigned int nr_present)
{
	struct machine *m;
	size_t stride;
	unsigned int i;
	char *page;
	int slot;

	if (o->nr_pcpus != nr_present)
		return fail("pcpus: %u given for %u virtual CPUs", o->nr_pcpus,
			    nr_present);
	m = attach_machine(o);
	if (!m)
		return -1;
	page = attach_page(o, &stride);
	if (!page) {
		machine_close(m);
		return -1;
	}
	slot = machine_vm_add(m, o->name, getpid());
	if (slot < 0) {
		machine_close(m);
		return fail("name %s: %s", o->name,
			    slot == -EEXIST ? "a virtual machine of this name is running" :
			    slot == -ENOSPC ? "too many virtual machines" :
			    strerror(-slot));
	}
	for (i = 0; i < o->nr_pcpus; i++) {
		vcpus[i].page = (struct pvenergy_vcpu *)(page + i * stride);
		setup_vcpu(&vcpus[i], m, o->pcpus[i], slot, o);
	}
	nr_vcpus = o->nr_pcpus;
	return 0;
}
