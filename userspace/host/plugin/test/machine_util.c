// SPDX-License-Identifier: GPL-2.0-or-later
/* For the plugin's test scripts: set up an emulated machine, and audit it. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../model.h"
#include "machine.h"
#include "page.h"

static int errors;

#define EXPECT(cond, format, ...) \
	do { \
		if (!(cond)) { \
			printf("# " format "\n", ##__VA_ARGS__); \
			errors++; \
		} \
	} while (0)

static int create_page(const char *file, const char *name, int nr_vcpus,
		       const char *model_file)
{
	char err[MODEL_ERR_LEN];
	struct model model;
	int fd;

	if (model_load(model_file, &model, err)) {
		fprintf(stderr, "%s\n", err);
		return 1;
	}
	fd = page_create(file, name, nr_vcpus, &model, 0, MACHINE_TSC_KHZ);
	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", file, strerror(-fd));
		return 1;
	}
	close(fd);
	return 0;
}

/* The turns, added up, are the counters. */
static void audit_sum(const struct machine *m, unsigned int pcpu)
{
	const struct machine_pcpu *p = &m->pcpu[pcpu];
	unsigned int slot, i;
	uint64_t sum;

	for (i = 0; i < PVENERGY_MAX_EVENTS; i++) {
		sum = p->unowned[i];
		for (slot = 0; slot < MACHINE_MAX_VMS; slot++)
			sum += p->total[slot][i];
		EXPECT(sum == p->at_switch[i],
		       "pcpu %u: turns of counter %u sum to %lu, not %lu",
		       pcpu, i, sum, p->at_switch[i]);
	}
}

/* The log, added up, is the totals, if it has everything. */
static void audit_log(const struct machine *m, unsigned int pcpu)
{
	const struct machine_pcpu *p = &m->pcpu[pcpu];
	uint64_t total[MACHINE_MAX_VMS][PVENERGY_MAX_EVENTS] = { 0 };
	const struct machine_switch *a, *b;
	uint64_t n = 0;
	unsigned int i;

	if (p->log_head > MACHINE_LOG_ENTRIES)
		n = p->log_head - MACHINE_LOG_ENTRIES;
	for (; n + 1 < p->log_head; n++) {
		a = &p->log[n % MACHINE_LOG_ENTRIES];
		b = &p->log[(n + 1) % MACHINE_LOG_ENTRIES];
		EXPECT(a->to == b->from && b->to < MACHINE_MAX_VMS,
		       "pcpu %u: switch %lu to %u, then from %u to %u", pcpu, n,
		       a->to, b->from, b->to);
		for (i = 0; i < PVENERGY_MAX_EVENTS; i++) {
			EXPECT(a->counters[i] <= b->counters[i],
			       "pcpu %u: counter %u runs backwards", pcpu, i);
			total[a->to % MACHINE_MAX_VMS][i] +=
				b->counters[i] - a->counters[i];
		}
	}
	EXPECT(p->log_head > MACHINE_LOG_ENTRIES ||
	       !memcmp(total, p->total, sizeof(total)),
	       "pcpu %u: totals differ from the log", pcpu);
}

static int find_slot(const struct machine *m, const char *name)
{
	int i;

	for (i = 0; i < MACHINE_MAX_VMS; i++)
		if (machine_vm_alive(m, i) && !strcmp(m->vm[i].name, name))
			return i;
	return -1;
}

/* QEMU translates so many instructions at most in one. */
#define BLOCK_INSNS	512

/*
 * A virtual machine that waits for its turn sees what it was charged.  Who was
 * robbed within a block counts the rest of it when the thief is charged already:
 * until either has its next turn, one sees more, and the other less.  The time
 * stamp of who was robbed is of before or, then, of after.
 */
static void audit_vcpu(const struct machine *m, unsigned int pcpu, int slot,
		       const struct pvenergy_vcpu *v)
{
	const struct machine_pcpu *p = &m->pcpu[pcpu];
	int64_t off, off_tsc = 0;
	bool robbed = false;
	unsigned int i;

	if (v->pcpu != pcpu || !v->log_head || p->owner == (uint32_t)slot)
		return;
	for (i = 0; i < PVENERGY_MAX_EVENTS; i++) {
		off = v->raw[i] - v->foreign[i] - p->total[slot][i];
		if (i == PVENERGY_TSC) {
			off_tsc = off;
			continue;
		}
		robbed |= off != 0;
		EXPECT(off >= -BLOCK_INSNS && off <= BLOCK_INSNS,
		       "pcpu %u: vm %s: counter %u: sees %ld more than the %lu charged",
		       pcpu, m->vm[slot].name, i, off, p->total[slot][i]);
	}
	EXPECT(off_tsc <= 0 || robbed, "pcpu %u: vm %s: clock is %ld ahead",
	       pcpu, m->vm[slot].name, off_tsc);
}

static void audit_page(const struct machine *m, unsigned int pcpu,
		       const char *file)
{
	struct energy_page page;
	const char *why;
	unsigned int i;
	int slot;

	if (page_open(file, &page, &why)) {
		EXPECT(0, "%s: %s", file, why);
		return;
	}
	slot = find_slot(m, page.header->vm_name);
	for (i = 0; slot >= 0 && i < page.nr_vcpus; i++)
		audit_vcpu(m, pcpu, slot, page_vcpu(&page, i));
	page_close(&page);
}

static int audit(const char *dir, char **pages)
{
	unsigned int pcpu, slot;
	struct machine *m;
	char **page;
	int err;

	m = machine_open(dir, 1, &err);
	if (!m) {
		fprintf(stderr, "%s: %s\n", dir, strerror(-err));
		return 1;
	}
	for (pcpu = 0; pcpu < m->nr_pcpus; pcpu++) {
		const struct machine_pcpu *p = &m->pcpu[pcpu];

		machine_pcpu_lock(m, pcpu);
		audit_sum(m, pcpu);
		audit_log(m, pcpu);
		for (page = pages; *page; page++)
			audit_page(m, pcpu, *page);
		for (slot = 0; slot < MACHINE_MAX_VMS; slot++)
			if (m->vm[slot].generation)
				printf("pcpu %u vm %s switches %lu own %llu total %llu\n",
				       pcpu, m->vm[slot].name, p->log_head,
				       (unsigned long long)p->own[slot][PVENERGY_UOP_QUEUE_WRITES],
				       (unsigned long long)p->total[slot][PVENERGY_UOP_QUEUE_WRITES]);
		machine_pcpu_unlock(m, pcpu);
	}
	machine_close(m);
	return errors ? 1 : 0;
}

int main(int argc, char **argv)
{
	int ret;

	if (argc == 4 && !strcmp(argv[1], "create")) {
		ret = machine_create(argv[2], atoi(argv[3]), MACHINE_TSC_KHZ);
		if (ret)
			fprintf(stderr, "%s: %s\n", argv[2], strerror(-ret));
		return !!ret;
	}
	if (argc == 6 && !strcmp(argv[1], "page"))
		return create_page(argv[2], argv[3], atoi(argv[4]), argv[5]);
	if (argc >= 3 && !strcmp(argv[1], "audit"))
		return audit(argv[2], argv + 3);
	fprintf(stderr,
		"usage: machine_util create DIR PCPUS | page FILE NAME VCPUS MODEL | audit DIR [PAGE...]\n");
	return 2;
}
