/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of the accountant: a machine with a scripted clock and counters. */
#ifndef ACCOUNT_FIXTURE_H
#define ACCOUNT_FIXTURE_H

#include "account.h"

#define NO MACHINE_NO_VM

/**
 * struct account_sim - the machine
 * @m: as the accountant sees it
 * @now: the counters
 * @alive: its virtual machines
 * @truth: what the script really did, per slot; the last is nobody's
 */
struct account_sim {
	struct machine m;
	uint64_t now[MACHINE_MAX_PCPUS][PVENERGY_MAX_EVENTS];
	struct machine_set alive;
	uint64_t truth[MACHINE_MAX_VMS + 1][PVENERGY_MAX_EVENTS];
};

extern struct account_sim sim;
extern struct account a;
extern struct account_cut cut;
extern const struct model model;

int account_setup(void **state);
void join(unsigned int slot, const char *name);
void leave(unsigned int slot);
/* Time passes, and the owner of the CPU counts. */
void run(unsigned int cpu, uint64_t tsc, uint64_t one, uint64_t two);
void switch_to(unsigned int cpu, uint32_t to);
unsigned int cut_cpu(unsigned int cpu);
/* One period of the accountant; sums add up after each. */
void period(void);
void assert_truth(void);

#endif /* ACCOUNT_FIXTURE_H */
