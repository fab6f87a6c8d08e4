// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the perf back end with a PMU in software, whose counters can be taken
 * by others.  The kernel has to be booted with pmc=none: the back end's state is
 * the tests' then.
 */
#include <kunit/test.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/perf_event.h>
#include <linux/seq_file.h>
#include <linux/timekeeping.h>

#include "../backend.h"
#include "../perf.h"

enum { ADVANCES, REFUSED, STANDS_STILL, REFUSED_LATER };

#define STEP	7

static atomic_t taken;
static bool all_taken, counts_guests, all_stand_still, refused_later;

static int soft_pmu_init(struct perf_event *event)
{
	if (event->attr.type != event->pmu->type)
		return -ENOENT;
	if (event->attr.config == REFUSED ||
	    (event->attr.config == REFUSED_LATER && refused_later))
		return -EOPNOTSUPP;
	if (!event->attr.exclude_guest)
		counts_guests = true;
	return 0;
}

static int soft_pmu_add(struct perf_event *event, int flags)
{
	if (all_taken)
		return -EBUSY;
	atomic_inc(&taken);
	return 0;
}

static void soft_pmu_del(struct perf_event *event, int flags)
{
	atomic_dec(&taken);
}

static void soft_pmu_start(struct perf_event *event, int flags)
{
}

static void soft_pmu_read(struct perf_event *event)
{
	if (event->attr.config != STANDS_STILL && !all_stand_still)
		local64_add(STEP, &event->count);
}

static const struct pmu soft_pmu_ops = {
	.task_ctx_nr	= perf_invalid_context,
	.capabilities	= PERF_PMU_CAP_NO_INTERRUPT,
	.event_init	= soft_pmu_init,
	.add		= soft_pmu_add,
	.del		= soft_pmu_del,
	.start		= soft_pmu_start,
	.stop		= soft_pmu_start,
	.read		= soft_pmu_read,
};

static struct pmu soft_pmu;

static struct pmc_perf_event model[] = {
	{ PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK,
	  { .name = "clock", .flags = PVENERGY_EVENT_BASE } },
	{ .config = REFUSED, .event.name = "refused" },
	{ .config = ADVANCES, .event.name = "first" },
	{ .config = STANDS_STILL, .event.name = "stands_still" },
	{ .config = REFUSED_LATER, .event.name = "second" },
};

static u64 last[PMC_MAX_EVENTS], sum[PMC_MAX_EVENTS];

static void charge(const struct pmc_backend *backend)
{
	guard(irqsave)();
	backend->ops->charge(last, sum);
}

static const struct pmc_backend *setup(struct kunit *test)
{
	const struct pmc_backend *backend;

	backend = pmc_perf_setup(model, ARRAY_SIZE(model));
	KUNIT_ASSERT_NOT_NULL(test, backend);
	return backend;
}

/* The PMU is free until the back end starts. */
static void test_perf_starts(struct kunit *test)
{
	const struct pmc_backend *backend = setup(test);

	KUNIT_ASSERT_EQ(test, backend->nr_events, 3);
	KUNIT_EXPECT_STREQ(test, backend->events[0].name, "clock");
	KUNIT_EXPECT_STREQ(test, backend->events[1].name, "first");
	KUNIT_EXPECT_STREQ(test, backend->events[2].name, "second");
	KUNIT_EXPECT_EQ(test, atomic_read(&taken), 0);
	charge(backend);
	KUNIT_EXPECT_EQ(test, sum[0], 0);
	KUNIT_EXPECT_EQ(test, sum[1], 0);

	KUNIT_ASSERT_PTR_EQ(test, pmc_first_started(backend), backend);
	KUNIT_EXPECT_EQ(test, atomic_read(&taken), 2 * num_online_cpus());
	KUNIT_EXPECT_FALSE(test, counts_guests);
	charge(backend);
	KUNIT_EXPECT_NE(test, sum[0], 0);
	KUNIT_EXPECT_NE(test, sum[1], 0);
	KUNIT_EXPECT_EQ(test, sum[1] % STEP, 0);
	KUNIT_EXPECT_EQ(test, sum[2], sum[1]);
}

/* All counters are others' when it starts: the clock alone is there. */
static void test_perf_taken(struct kunit *test)
{
	const struct pmc_backend *backend = setup(test), *started;

	all_taken = true;
	started = pmc_first_started(backend);
	KUNIT_ASSERT_PTR_EQ(test, started, backend->next);
	KUNIT_EXPECT_EQ(test, atomic_read(&taken), 0);
	KUNIT_ASSERT_EQ(test, started->nr_events, 2);
	KUNIT_EXPECT_STREQ(test, started->events[0].name, "clock");
	KUNIT_EXPECT_STREQ(test, started->events[1].name, "cpu_clock_access");
	charge(started);
	KUNIT_EXPECT_NE(test, sum[0], 0);
	KUNIT_EXPECT_EQ(test, sum[1], sum[0]);
	KUNIT_EXPECT_EQ(test, sum[2], 0);
}

/* Nothing counts any more when it starts. */
static void test_perf_stands_still(struct kunit *test)
{
	const struct pmc_backend *backend = setup(test);

	KUNIT_ASSERT_EQ(test, backend->nr_events, 3);
	all_stand_still = true;
	KUNIT_EXPECT_PTR_EQ(test, pmc_first_started(backend), backend->next);
	KUNIT_EXPECT_EQ(test, atomic_read(&taken), 0);
}

/* Return: the lines that a back end adds to info/backend. */
static char *show(struct kunit *test, const struct pmc_backend *backend)
{
	struct seq_file m = { .size = PAGE_SIZE };

	m.buf = kunit_kzalloc(test, m.size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	backend->ops->show(&m);
	return m.buf;
}

static void test_perf_shows(struct kunit *test)
{
	const struct pmc_backend *backend = setup(test);
	char expected[128];

	KUNIT_EXPECT_STREQ(test, show(test, backend),
			   "counting no\nclock hardware\nreads_failed 0\n"
			   "left_out refused stands_still\n");
	refused_later = true;
	KUNIT_ASSERT_PTR_EQ(test, pmc_first_started(backend), backend);
	snprintf(expected, sizeof(expected),
		 "counting yes\nclock hardware\nresolution fine\nreads_failed 0\n"
		 "left_out refused stands_still\nstopped.second %u\n",
		 num_online_cpus());
	KUNIT_EXPECT_STREQ(test, show(test, backend), expected);
}

/* A PMU that has no counter for anything is none. */
static void test_perf_no_pmu(struct kunit *test)
{
	const struct pmc_backend *backend;

	all_taken = true;
	backend = setup(test);
	KUNIT_EXPECT_EQ(test, backend->nr_events, 2);
	KUNIT_EXPECT_STREQ(test, backend->events[1].name, "cpu_clock_access");
	KUNIT_EXPECT_NULL(test, backend->next);
	KUNIT_EXPECT_PTR_EQ(test, pmc_first_started(backend), backend);
}

static unsigned long long tick_clock(void)
{
	return jiffies_to_nsecs(jiffies);
}

static unsigned long long fine_clock(void)
{
	return ktime_get_mono_fast_ns();
}

static void test_perf_tick_clock(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, pmc_perf_is_tick_clock(tick_clock));
	KUNIT_EXPECT_FALSE(test, pmc_perf_is_tick_clock(fine_clock));
}

static int perf_test_init(struct kunit *test)
{
	unsigned int i;

	if (pmc_allowed(PMC_PERF))
		kunit_skip(test, "the back end is in use: boot with pmc=none");
	all_taken = false;
	all_stand_still = false;
	refused_later = false;
	counts_guests = false;
	memset(last, 0, sizeof(last));
	memset(sum, 0, sizeof(sum));
	/* One that was registered before keeps its former device. */
	soft_pmu = soft_pmu_ops;
	KUNIT_ASSERT_EQ(test, perf_pmu_register(&soft_pmu, "pmc_kunit", -1), 0);
	for (i = 1; i < ARRAY_SIZE(model); i++)
		model[i].type = soft_pmu.type;
	return 0;
}

static void perf_test_exit(struct kunit *test)
{
	if (pmc_allowed(PMC_PERF))
		return;
	pmc_perf_stop();
	KUNIT_EXPECT_EQ(test, atomic_read(&taken), 0);
	perf_pmu_unregister(&soft_pmu);
}

static struct kunit_case perf_test_cases[] = {
	KUNIT_CASE(test_perf_starts),
	KUNIT_CASE(test_perf_taken),
	KUNIT_CASE(test_perf_stands_still),
	KUNIT_CASE(test_perf_no_pmu),
	KUNIT_CASE(test_perf_shows),
	KUNIT_CASE(test_perf_tick_clock),
	{ }
};

static struct kunit_suite perf_test_suite = {
	.name		= "pmc-perf",
	.init		= perf_test_init,
	.exit		= perf_test_exit,
	.test_cases	= perf_test_cases,
};

kunit_test_suite(perf_test_suite);
