// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cpu.h"

#define NR_COUNTERS	2

static const struct {
	uint64_t config;
	uint64_t pj;
} counters[NR_COUNTERS] = {
	{ PERF_COUNT_HW_CPU_CYCLES,	CPU_CYCLE_PJ },
	{ PERF_COUNT_HW_INSTRUCTIONS,	CPU_INSTRUCTION_PJ },
};

static struct perf_source {
	struct cpu_source source;
	int fd[NR_COUNTERS];
	uint64_t last[NR_COUNTERS];
} perf;

static struct clock_source {
	struct cpu_source source;
	uint64_t mw;
} process_clock;

/*
 * All that the process does, in the kernel and by io_uring's workers too, which
 * are threads that come later: they inherit the counter.
 */
static int perf_open(uint64_t config)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = config,
		.inherit = 1,
		.exclude_hv = 1,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* The counter shared its register with others for some of the time. */
static uint64_t perf_count(int fd)
{
	uint64_t count[3];

	if (read(fd, count, sizeof(count)) != sizeof(count) || !count[2])
		return 0;
	return (energy_t)count[0] * count[1] / count[2];
}

static energy_t perf_consumed(struct cpu_source *source)
{
	struct perf_source *p = (struct perf_source *)source;
	energy_t sum = 0;

	for (int i = 0; i < NR_COUNTERS; i++) {
		uint64_t now = perf_count(p->fd[i]);

		/* An extrapolated count can be less than it was. */
		if (now > p->last[i])
			p->last[i] = now;
		sum += (energy_t)p->last[i] * counters[i].pj;
	}
	return sum;
}

static void perf_describe(const struct cpu_source *source, char *text, size_t size)
{
	snprintf(text, size, "hardware counters, %d pJ a cycle, %d pJ an instruction",
		 CPU_CYCLE_PJ, CPU_INSTRUCTION_PJ);
}

struct cpu_source *cpu_source_perf(void)
{
	for (int i = 0; i < NR_COUNTERS; i++) {
		perf.fd[i] = perf_open(counters[i].config);
		if (perf.fd[i] < 0) {
			while (i--)
				close(perf.fd[i]);
			return NULL;
		}
	}
	perf.source.describe = perf_describe;
	perf.source.consumed = perf_consumed;
	return &perf.source;
}

static energy_t clock_consumed(struct cpu_source *source)
{
	struct clock_source *c = (struct clock_source *)source;
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ((energy_t)ts.tv_sec * 1000000000 + ts.tv_nsec) * c->mw;
}

static void clock_describe(const struct cpu_source *source, char *text, size_t size)
{
	const struct clock_source *c = (const struct clock_source *)source;

	snprintf(text, size, "CPU time, at %ju mW", (uintmax_t)c->mw);
}

struct cpu_source *cpu_source_clock(uint64_t mw)
{
	process_clock.mw = mw;
	process_clock.source.describe = clock_describe;
	process_clock.source.consumed = clock_consumed;
	return &process_clock.source;
}

/* Of which the least counts: whatever disturbs one makes it more. */
#define BASE_LOOKS	5

/*
 * To wake up and to look costs something, too, and more of it the longer we slept.
 * A hundred times longer nap that makes not even fifty times as much is that, and no
 * power: one below a hundredth of the CPU's, or so, is not seen.
 */
static uint64_t power_mw(struct cpu_source *source, uint64_t (*nap)(uint64_t ns))
{
	const uint64_t ns = 1000000;
	uint64_t start, middle, end;
	energy_t first, second, third;

	start = nap(0);
	first = source->consumed(source);
	middle = nap(ns);
	second = source->consumed(source);
	end = nap(100 * ns);
	third = source->consumed(source);

	first = second - first;
	second = third - second;
	if (second <= 50 * first || end - middle <= middle - start)
		return 0;
	return (second - first) / (end - middle - (middle - start));
}

uint64_t cpu_base_mw(struct cpu_source *source, uint64_t (*nap)(uint64_t ns))
{
	uint64_t least = UINT64_MAX, mw;

	for (int i = 0; i < BASE_LOOKS && least; i++) {
		mw = power_mw(source, nap);
		if (mw < least)
			least = mw;
	}
	return least;
}
