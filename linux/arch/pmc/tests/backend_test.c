// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what the back ends have in common with no hardware: the choice
 * among them, and the step from readings to counts.
 */
#include <kunit/test.h>
#include <linux/bits.h>

#include "../rdpmc.h"

static void test_choice_parse(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, pmc_choice_parse("auto"), PMC_AUTO);
	KUNIT_EXPECT_EQ(test, pmc_choice_parse("none"), PMC_NONE);
	KUNIT_EXPECT_EQ(test, pmc_choice_parse("pvpage"), PMC_PVPAGE);
	KUNIT_EXPECT_EQ(test, pmc_choice_parse("rdpmc"), PMC_RDPMC);
	KUNIT_EXPECT_EQ(test, pmc_choice_parse("perf"), PMC_PERF);
	KUNIT_EXPECT_LT(test, pmc_choice_parse(""), 0);
	KUNIT_EXPECT_LT(test, pmc_choice_parse("per"), 0);
	KUNIT_EXPECT_LT(test, pmc_choice_parse("perf2"), 0);
	KUNIT_EXPECT_LT(test, pmc_choice_parse("Perf"), 0);
}

static void test_choice_allows(struct kunit *test)
{
	enum pmc_choice named, backend;

	KUNIT_EXPECT_TRUE(test, pmc_choice_allows(PMC_AUTO, PMC_PVPAGE));
	KUNIT_EXPECT_TRUE(test, pmc_choice_allows(PMC_AUTO, PMC_PERF));
	KUNIT_EXPECT_FALSE(test, pmc_choice_allows(PMC_AUTO, PMC_RDPMC));
	for (named = PMC_NONE; named <= PMC_PERF; named++)
		for (backend = PMC_PVPAGE; backend <= PMC_PERF; backend++)
			KUNIT_EXPECT_EQ(test, pmc_choice_allows(named, backend),
					named == backend);
}

/* What perf does with an event that begins anew when its CPU comes online. */
static void test_advance_over_restarts(struct kunit *test)
{
	u64 last = 0, sum = 0, before = 0;

	pmc_advance(before + 100, &last, &sum);
	pmc_advance(before + 150, &last, &sum);
	KUNIT_EXPECT_EQ(test, sum, 150);
	/* Offline: 30 more since the last charge, counted with the next one. */
	before += 180;
	pmc_advance(before + 0, &last, &sum);
	KUNIT_EXPECT_EQ(test, sum, 180);
	pmc_advance(before + 7, &last, &sum);
	KUNIT_EXPECT_EQ(test, sum, 187);
	before += 7;
	pmc_advance(before + 1, &last, &sum);
	KUNIT_EXPECT_EQ(test, sum, 188);
	KUNIT_EXPECT_EQ(test, last, 188);
}

static void test_advance_never_back(struct kunit *test)
{
	u64 last = 1000, sum = 5;

	pmc_advance(999, &last, &sum);
	KUNIT_EXPECT_EQ(test, sum, 5);
	KUNIT_EXPECT_EQ(test, last, 1000);
	pmc_advance(1000, &last, &sum);
	KUNIT_EXPECT_EQ(test, sum, 5);
	pmc_advance(1003, &last, &sum);
	KUNIT_EXPECT_EQ(test, sum, 8);
	/* Past the end of 64 bits. */
	last = U64_MAX - 1;
	pmc_advance(2, &last, &sum);
	KUNIT_EXPECT_EQ(test, sum, 12);
}

/* Back ends that start, or do not. */
static unsigned int starts;

static int start_well(void)
{
	starts++;
	return 0;
}

static int start_not(void)
{
	starts++;
	return -EBUSY;
}

static void test_first_started(struct kunit *test)
{
	static const struct pmc_ops well = { .name = "well", .start = start_well };
	static const struct pmc_ops not = { .name = "not", .start = start_not };
	static const struct pmc_ops always = { .name = "always" };
	static const struct pmc_backend backend[] = {
		{ .ops = &not, .next = &backend[1] },
		{ .ops = &not, .next = &backend[2] },
		{ .ops = &well, .next = &backend[3] },
		{ .ops = &not },
		{ .ops = &always, .next = &backend[2] },
	};

	starts = 0;
	KUNIT_EXPECT_PTR_EQ(test, pmc_first_started(&backend[2]), &backend[2]);
	KUNIT_EXPECT_EQ(test, starts, 1);
	KUNIT_EXPECT_PTR_EQ(test, pmc_first_started(&backend[0]), &backend[2]);
	KUNIT_EXPECT_EQ(test, starts, 4);
	KUNIT_EXPECT_NULL(test, pmc_first_started(&backend[3]));
	/* One without @start counts at any time. */
	KUNIT_EXPECT_PTR_EQ(test, pmc_first_started(&backend[4]), &backend[4]);
	KUNIT_EXPECT_NULL(test, pmc_first_started(NULL));
	KUNIT_EXPECT_EQ(test, starts, 5);
}

/* Counters in memory; the faulty one can't be read. */
#define NR	3
#define FAULTY	NR
#define WIDTH	48
#define MASK	GENMASK_ULL(WIDTH - 1, 0)

static u64 memory[NR + 1];
static u32 faulty;
static struct pvenergy_vcpu *torn;

static bool read_memory(u32 index, u64 *value)
{
	if (index == RDPMC_TSC)
		index = 0;
	*value = memory[index];
	/* A virtual machine switch in the middle of the first turn. */
	if (torn && index == NR - 1) {
		torn->seq += 2;
		torn->foreign[0] += 1000;
		memory[0] += 1000;
		torn = NULL;
	}
	return index != faulty;
}

static const struct rdpmc_reader reader = { .read = read_memory };
static const struct rdpmc_counter counters[NR] = {
	{ RDPMC_TSC, U64_MAX }, { 1, MASK }, { 2, MASK },
};

struct rdpmc_state {
	struct rdpmc_cpu	cpu;
	struct pmc_page_stats	stats;
	struct pvenergy_vcpu	vcpu;
	u64			last[PMC_MAX_EVENTS];
	u64			sum[PMC_MAX_EVENTS];
};

static void charge(struct rdpmc_state *s, bool page)
{
	rdpmc_charge_from(&reader, counters, NR, page ? &s->vcpu : NULL,
			  &s->cpu, &s->stats, s->last, s->sum);
}

static struct rdpmc_state *new_state(struct kunit *test)
{
	struct rdpmc_state *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	memset(memory, 0, sizeof(memory));
	faulty = FAULTY;
	torn = NULL;
	return s;
}

static void test_rdpmc_begins_at_zero(struct kunit *test)
{
	struct rdpmc_state *s = new_state(test);

	memory[0] = 1ULL << 63 | 5;
	memory[1] = MASK - 5;
	charge(s, false);
	KUNIT_EXPECT_EQ(test, s->sum[0], 0);
	KUNIT_EXPECT_EQ(test, s->sum[1], 0);
	memory[0] += 7;
	charge(s, false);
	KUNIT_EXPECT_EQ(test, s->sum[0], 7);
	KUNIT_EXPECT_EQ(test, s->last[0], 7);
}

static void test_rdpmc_wraps(struct kunit *test)
{
	struct rdpmc_state *s = new_state(test);
	unsigned int i;

	memory[1] = MASK - 5;
	charge(s, false);
	memory[1] = 4;
	charge(s, false);
	KUNIT_EXPECT_EQ(test, s->sum[1], 10);
	/* Virtual counts have 64 bits. */
	for (i = 0; i < 1 << 4; i++) {
		memory[1] = (memory[1] + (1ULL << (WIDTH - 2))) & MASK;
		charge(s, false);
	}
	KUNIT_EXPECT_EQ(test, s->sum[1], 10 + (4ULL << WIDTH));
	KUNIT_EXPECT_EQ(test, s->last[1], s->sum[1]);
}

/* Somebody wrote the counter: what it said before does not count twice. */
static void test_rdpmc_backwards(struct kunit *test)
{
	struct rdpmc_state *s = new_state(test);

	memory[2] = 1000;
	charge(s, false);
	memory[2] = 1010;
	charge(s, false);
	memory[2] = 3;
	charge(s, false);
	KUNIT_EXPECT_EQ(test, s->sum[2], 10);
	memory[2] = 8;
	charge(s, false);
	KUNIT_EXPECT_EQ(test, s->sum[2], 15);
}

static void test_rdpmc_foreign(struct kunit *test)
{
	struct rdpmc_state *s = new_state(test);

	memory[1] = 100;
	charge(s, true);
	/* 20 here, 500 of others, 3 here. */
	memory[1] = 623;
	s->vcpu.foreign[1] = 500;
	charge(s, true);
	KUNIT_EXPECT_EQ(test, s->sum[1], 23);
	/* 1 here, to a physical CPU whose counter is lower, 2 there. */
	s->vcpu.foreign[1] += 40ULL - 624;
	memory[1] = 42;
	charge(s, true);
	KUNIT_EXPECT_EQ(test, s->sum[1], 26);
	/* And to one whose counter is about to wrap. */
	s->vcpu.foreign[1] += MASK - 42;
	memory[1] = 3;
	charge(s, true);
	KUNIT_EXPECT_EQ(test, s->sum[1], 30);
}

static void test_rdpmc_torn(struct kunit *test)
{
	struct rdpmc_state *s = new_state(test);

	charge(s, true);
	memory[0] = 50;
	torn = &s->vcpu;
	charge(s, true);
	KUNIT_EXPECT_EQ(test, s->sum[0], 50);
	KUNIT_EXPECT_EQ(test, s->stats.retries, 1);
	/* A writer that does not come to an end. */
	s->vcpu.seq++;
	memory[0] += 5;
	charge(s, true);
	KUNIT_EXPECT_EQ(test, s->sum[0], 50);
	KUNIT_EXPECT_EQ(test, s->stats.gave_up, 1);
	s->vcpu.seq++;
	charge(s, true);
	KUNIT_EXPECT_EQ(test, s->sum[0], 55);
}

static void test_rdpmc_refused(struct kunit *test)
{
	struct rdpmc_state *s = new_state(test);

	KUNIT_EXPECT_TRUE(test, rdpmc_probe(&reader, counters, NR));
	charge(s, false);
	faulty = 2;
	KUNIT_EXPECT_FALSE(test, rdpmc_probe(&reader, counters, NR));
	/* Nothing is charged by halves. */
	memory[0] = 9;
	charge(s, false);
	KUNIT_EXPECT_EQ(test, s->sum[0], 0);
	KUNIT_EXPECT_EQ(test, s->cpu.faults, 1);
	faulty = FAULTY;
	charge(s, false);
	KUNIT_EXPECT_EQ(test, s->sum[0], 9);
}

static struct kunit_case backend_test_cases[] = {
	KUNIT_CASE(test_choice_parse),
	KUNIT_CASE(test_choice_allows),
	KUNIT_CASE(test_first_started),
	KUNIT_CASE(test_advance_over_restarts),
	KUNIT_CASE(test_advance_never_back),
	KUNIT_CASE(test_rdpmc_begins_at_zero),
	KUNIT_CASE(test_rdpmc_wraps),
	KUNIT_CASE(test_rdpmc_backwards),
	KUNIT_CASE(test_rdpmc_foreign),
	KUNIT_CASE(test_rdpmc_torn),
	KUNIT_CASE(test_rdpmc_refused),
	{ }
};

static struct kunit_suite backend_test_suite = {
	.name		= "pmc-backend",
	.test_cases	= backend_test_cases,
};

kunit_test_suite(backend_test_suite);
