/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The back end's own consumption of CPU energy. */
#ifndef PVBLKD_CPU_H
#define PVBLKD_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "cost.h"

/*
 * Power of a busy CPU beyond that of an idle one, where only its time is known:
 * the Pentium 4's 7.12 nJ for each unhalted cycle, at 1.5 GHz.
 */
#define CPU_DEFAULT_MW		10680

/*
 * Where there are counters: the same, and 4.75 nJ for each micro-operation, of
 * which an instruction is taken for one.
 */
#define CPU_CYCLE_PJ		7120
#define CPU_INSTRUCTION_PJ	4750

/**
 * struct cpu_source - where consumption is known from
 * @describe: say so, in a few words
 * @consumed: picojoules since some moment
 */
struct cpu_source {
	void (*describe)(const struct cpu_source *source, char *text, size_t size);
	energy_t (*consumed)(struct cpu_source *source);
};

/* Hardware counters of this process; NULL if there are none for it. */
struct cpu_source *cpu_source_perf(void);

/* The time that it had a CPU, at a power of @mw. */
struct cpu_source *cpu_source_clock(uint64_t mw);

/**
 * cpu_base_mw() - approximate the power without requests
 * @source: where consumption is known from
 * @nap: sleep so many nanoseconds and return the time then
 *
 * Sleeps five times a tenth of a second at most.
 *
 * Return: milliwatts; 0 if it is below a hundredth of the CPU's, or so.
 */
uint64_t cpu_base_mw(struct cpu_source *source, uint64_t (*nap)(uint64_t ns));

#endif /* PVBLKD_CPU_H */
