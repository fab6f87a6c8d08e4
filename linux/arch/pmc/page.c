// SPDX-License-Identifier: GPL-2.0
/*
 * The energy page: is it one that we can read, and does its log agree with
 * its sums?  Nothing here needs a device, so that KUnit can test it.
 */
#include <linux/array_size.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "page.h"

/* There is one page; who has found it fills this in. */
DEFINE_PER_CPU_ALIGNED(struct pmc_page_cpu, pmc_page_cpu);

static bool name_ok(const char *name)
{
	size_t i, len = strnlen(name, PVENERGY_NAME_LEN);

	if (!len || len == PVENERGY_NAME_LEN)
		return false;
	for (i = 0; i < len; i++)
		if (!islower(name[i]) && !isdigit(name[i]) && name[i] != '_')
			return false;
	return true;
}

static const char *check_events(const struct pvenergy_header *h)
{
	unsigned int i, j;

	if (!h->nr_events || h->nr_events > PMC_MAX_EVENTS)
		return "number of events out of range";
	for (i = 0; i < h->nr_events; i++) {
		if (!name_ok(h->events[i].name))
			return "bad event name";
		if (h->events[i].weight_pj > PVENERGY_MAX_WEIGHT_PJ)
			return "event weight out of range";
		if (h->events[i].flags & ~PVENERGY_EVENT_BASE)
			return "unknown event flag";
		for (j = 0; j < i; j++)
			if (!strcmp(h->events[i].name, h->events[j].name))
				return "event named twice";
	}
	return NULL;
}

/* It is shown in a line of text. */
static bool vm_name_ok(const char *name)
{
	size_t i, len = strnlen(name, PVENERGY_NAME_LEN);

	for (i = 0; i < len; i++)
		if (!isgraph(name[i]))
			return false;
	return len && len < PVENERGY_NAME_LEN;
}

static const char *check_layout(const struct pvenergy_header *h, u64 size)
{
	u64 end;

	if (h->header_size < sizeof(*h))
		return "header too short";
	if (!h->nr_vcpus || h->nr_vcpus > PVENERGY_MAX_VCPUS)
		return "number of virtual CPUs out of range";
	if (!vm_name_ok(h->vm_name))
		return "bad name of the virtual machine";
	if (h->log_entries != PVENERGY_LOG_ENTRIES)
		return "log of another size";
	if (h->vcpu_offset < h->header_size || h->vcpu_offset % 64)
		return "bad offset of the virtual CPUs";
	if (h->vcpu_stride < sizeof(struct pvenergy_vcpu) || h->vcpu_stride % 64)
		return "bad distance of the virtual CPUs";
	/* At most 2^10 times 2^32: no overflow. */
	end = h->vcpu_offset + (u64)h->vcpu_stride * h->nr_vcpus;
	if (end > h->size || h->size > size)
		return "shorter than its contents";
	return NULL;
}

/**
 * pmc_page_check() - may this page be used?
 * @page: the host's shared memory
 * @size: its size in bytes
 * @h: receives a copy of the header, which the host can't change any more
 * @why: what is wrong, for the log
 *
 * Context: any.
 * Return: 0; -ENODEV if this is no energy page at all; -EINVAL if it is one
 * that can't be used.
 */
int pmc_page_check(const void *page, u64 size, struct pvenergy_header *h,
		   const char **why)
{
	*why = "too small";
	if (size < sizeof(*h))
		return -ENODEV;
	memcpy(h, page, sizeof(*h));
	*why = "no magic number";
	if (h->magic != PVENERGY_MAGIC)
		return -ENODEV;
	*why = "unknown version";
	if (h->version != PVENERGY_VERSION)
		return -EINVAL;
	*why = check_layout(h, size);
	if (!*why)
		*why = check_events(h);
	return *why ? -EINVAL : 0;
}

/**
 * pmc_page_reweigh() - has the host changed the weights?
 * @h: the page's header itself, not a copy
 * @seq: weight_seq of the weights known so far; moved on
 * @weight_pj: receives the new ones
 *
 * Weights out of range are not taken over.
 *
 * Context: any; one caller at a time for each @seq.
 * Return: there are new ones.
 */
bool pmc_page_reweigh(const struct pvenergy_header *h, u32 *seq, u64 *weight_pj)
{
	unsigned int i;
	u32 now;

	now = pmc_page_read(h->weight_seq);
	if (now == *seq || now & 1)
		return false;
	/* Pairs with the host's release store that makes the count even. */
	virt_rmb();
	for (i = 0; i < PMC_MAX_EVENTS; i++)
		weight_pj[i] = pmc_page_read(h->events[i].weight_pj);
	/* Pairs with the host's release fence after it made the count odd. */
	virt_rmb();
	/* The next call has the weights. */
	if (now != pmc_page_read(h->weight_seq))
		return false;
	*seq = now;
	for (i = 0; i < PMC_MAX_EVENTS; i++)
		if (weight_pj[i] > PVENERGY_MAX_WEIGHT_PJ)
			return false;
	return true;
}

/**
 * pmc_page_charge_slow() - try again, but not for ever
 * @v: the virtual CPU that this CPU is
 * @last: previous virtual counts
 * @sum: where to add the difference
 * @stats: this CPU's statistics
 *
 * Context: as struct pmc_ops.charge.
 */
noinline void pmc_page_charge_slow(const struct pvenergy_vcpu *v, u64 *last,
				   u64 *sum, struct pmc_page_stats *stats)
{
	unsigned int turns;

	for (turns = PMC_PAGE_TURNS; turns; turns--) {
		stats->retries++;
		cpu_relax();
		if (pmc_page_try_charge(v, last, sum))
			return;
	}
	stats->gave_up++;
}

/**
 * pmc_page_log_check() - hold the log against the sums
 * @v: a virtual CPU
 * @log: state, zero at the first call
 *
 * The accounting itself needs only the sums.  The log is what an administrator
 * sees of the absences, so this counts those that were overwritten unseen, and
 * finds a host whose log and sums contradict each other.
 *
 * Context: any; one caller at a time for each @log.
 */
void pmc_page_log_check(const struct pvenergy_vcpu *v, struct pmc_page_log *log)
{
	u64 foreign[PMC_MAX_EVENTS], logged[PMC_MAX_EVENTS];
	const struct pvenergy_log_entry *e;
	unsigned int turns, i;
	u64 head, n;
	u32 seq;

	for (turns = PMC_PAGE_TURNS; turns; turns--) {
		seq = pmc_page_read(v->seq);
		/* Pairs with the host's release store that makes the count even. */
		virt_rmb();
		head = pmc_page_read(v->log_head);
		memset(logged, 0, sizeof(logged));
		for (i = 0; i < PMC_MAX_EVENTS; i++)
			foreign[i] = pmc_page_read(v->foreign[i]);
		n = min_t(u64, head - log->seen, PVENERGY_LOG_ENTRIES);
		for (; n; n--) {
			e = &v->log[(head - n) % PVENERGY_LOG_ENTRIES];
			for (i = 0; i < PMC_MAX_EVENTS; i++)
				logged[i] += pmc_page_read(e->in[i]) -
					     pmc_page_read(e->out[i]);
		}
		/* Pairs with the host's release fence after it made the count odd. */
		virt_rmb();
		if (!(seq & 1) && seq == pmc_page_read(v->seq))
			break;
	}
	if (!turns)
		return;

	if (head - log->seen > PVENERGY_LOG_ENTRIES) {
		log->overrun += head - log->seen - PVENERGY_LOG_ENTRIES;
	} else {
		for (i = 0; i < PMC_MAX_EVENTS; i++) {
			if (logged[i] != foreign[i] - log->foreign[i]) {
				log->mismatches++;
				break;
			}
		}
	}
	log->seen = head;
	memcpy(log->foreign, foreign, sizeof(foreign));
}
