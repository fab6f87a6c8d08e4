// SPDX-License-Identifier: GPL-2.0
/*
 * How long the switch path takes on the processor that this kernel runs on.
 *
 * For User Mode Linux, whose kernel code the host's processor executes as it is,
 * and which has one processor and patches no code.  Prints a line for each case,
 * which tests/bench/native.sh reads:
 *
 *	bench: NAME CONTAINERS ps LEAST MEDIAN MOST tsc MEDIAN
 *
 * picoseconds, and hundredths of ticks of the time stamp counter, for a switch;
 * least, median and most of the batches.  Nothing is expected of them: how fast
 * a machine is, is no matter of right or wrong.
 */
#include <kunit/test.h>
#include <linux/irqflags.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/smp.h>
#include <linux/sort.h>
#include <linux/static_call.h>

#include "../../../arch/pmc/page.h"
#include "util.h"

#define NR_BATCHES	101
#define BATCH		2000
#define MAX_CONTAINERS	256

/*
 * A page in ordinary memory, which says at first what was read last from the
 * counters that it takes the place of: so nothing is charged that they did not
 * count.
 */
static struct pvenergy_vcpu bench_vcpu;
static struct pmc_page_stats bench_stats;

static void bench_page_charge(u64 *last, u64 *sum)
{
	if (unlikely(!pmc_page_try_charge(&bench_vcpu, last, sum)))
		pmc_page_charge_slow(&bench_vcpu, last, sum, &bench_stats);
}

static struct rcontainer *bench_container[MAX_CONTAINERS];

static void bench_same(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++) {
		rcontainer_sched_switch(&rcontainer_root);
		barrier();
	}
}

static void bench_each(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < BATCH; i++)
		rcontainer_sched_switch(bench_container[i % nr]);
	rcontainer_sched_switch(&rcontainer_root);
}

static int by_value(const void *a, const void *b)
{
	return *(const u64 *)a < *(const u64 *)b ? -1 : 1;
}

static void measure(struct kunit *test, const char *name, unsigned int nr,
		    void (*switches)(unsigned int nr))
{
	u64 *ns = kunit_kcalloc(test, NR_BATCHES, sizeof(*ns), GFP_KERNEL);
	u64 *tsc = kunit_kcalloc(test, NR_BATCHES, sizeof(*tsc), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, ns);
	KUNIT_ASSERT_NOT_NULL(test, tsc);
	for (i = 0; i < NR_BATCHES; i++) {
		guard(irqsave)();
		ns[i] = ktime_get_ns();
		tsc[i] = __builtin_ia32_rdtsc();
		switches(nr);
		tsc[i] = __builtin_ia32_rdtsc() - tsc[i];
		ns[i] = ktime_get_ns() - ns[i];
	}
	sort(ns, NR_BATCHES, sizeof(*ns), by_value, NULL);
	sort(tsc, NR_BATCHES, sizeof(*tsc), by_value, NULL);
	kunit_info(test, "bench: %s %u ps %llu %llu %llu tsc %llu\n", name, nr,
		   div_u64(1000 * ns[0], BATCH),
		   div_u64(1000 * ns[NR_BATCHES / 2], BATCH),
		   div_u64(1000 * ns[NR_BATCHES - 1], BATCH),
		   div_u64(100 * tsc[NR_BATCHES / 2], BATCH));
}

static void bench_switch(struct kunit *test)
{
	static const unsigned int counts[] = { 2, 16, MAX_CONTAINERS };
	const u64 delta[PMC_MAX_EVENTS] = { 0, 1000 };
	unsigned int i;

	measure(test, "same", 1, bench_same);
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		measure(test, "fake", counts[i], bench_each);

	scoped_guard(irqsave) {
		rcontainer_sched_switch(&rcontainer_idle);
		rcontainer_sched_switch(&rcontainer_root);
		memcpy(bench_vcpu.raw, this_cpu_ptr(&rcontainer_total)->event,
		       sizeof(bench_vcpu.raw));
		static_call_update(pmc_charge, bench_page_charge);
	}
	for (i = 0; i < ARRAY_SIZE(counts); i++)
		measure(test, "page", counts[i], bench_each);
	/* It was the page that was read; the others catch up. */
	scoped_guard(irqsave) {
		rcontainer_sched_switch(bench_container[0]);
		bench_vcpu.raw[1] += delta[1];
		rcontainer_sched_switch(&rcontainer_root);
		pmc_fake_advance(delta);
		static_call_update(pmc_charge, pmc_backend()->ops->charge);
	}
	KUNIT_EXPECT_EQ(test, this_cpu_ptr(bench_container[0]->counts)->event[1], delta[1]);
	KUNIT_EXPECT_EQ(test, bench_stats.retries, 0);
	expect_conserved(test);
}

static int bench_init(struct kunit *test)
{
	unsigned int i;

	if (pmc_fake_register())
		kunit_skip(test, "other counters are in use");
	for (i = 0; i < MAX_CONTAINERS; i++)
		bench_container[i] = create(test, &rcontainer_root, "bench");
	return 0;
}

static void bench_exit(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < MAX_CONTAINERS && bench_container[i]; i++) {
		KUNIT_EXPECT_EQ(test, remove(bench_container[i]), 0);
		rcontainer_put(bench_container[i]);
		bench_container[i] = NULL;
	}
}

static struct kunit_case bench_cases[] = {
	KUNIT_CASE(bench_switch),
	{ }
};

static struct kunit_suite bench_suite = {
	.name		= "rcontainer-bench",
	.init		= bench_init,
	.exit		= bench_exit,
	.test_cases	= bench_cases,
};

kunit_test_suite(bench_suite);
