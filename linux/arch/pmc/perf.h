/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the perf back end shares with its tests.
 */
#ifndef _PMC_PERF_H
#define _PMC_PERF_H

#include <linux/pmc.h>
#include <linux/types.h>

/**
 * struct pmc_perf_event - an event that may be counted
 * @type: of the perf event
 * @config: of the perf event
 * @event: its name and weight here
 */
struct pmc_perf_event {
	u32			type;
	u64			config;
	struct pvenergy_event	event;
};

const struct pmc_backend *pmc_perf_setup(const struct pmc_perf_event *model,
					 unsigned int nr);
void pmc_perf_stop(void);
bool pmc_perf_is_tick_clock(unsigned long long (*clock)(void));

#endif /* _PMC_PERF_H */
