// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of energy meters: how base cost is divided, with a device and a meter
 * that only the tests know.
 */
#include <kunit/test.h>
#include <linux/mutex.h>
#include <linux/sched.h>

#include "util.h"

static unsigned int device;
static struct rcontainer_meter meter;
static u64 shown_uj;

/* The meter advances by so much. */
static void show(u64 uj)
{
	shown_uj += uj;
	rcontainer_meter_show(&meter, shown_uj);
}

static void settle(void)
{
	guard(mutex)(&rcontainer_mutex);
	rcontainer_settle();
}

static int set_policy(const char *name)
{
	guard(mutex)(&rcontainer_mutex);
	return rcontainer_set_base_policy(name);
}

/* It has tasks from now until the next settling: this one, for a moment. */
static void has_task(struct kunit *test, struct rcontainer *c)
{
	guard(mutex)(&rcontainer_mutex);
	current->flags &= ~PF_KTHREAD;
	KUNIT_EXPECT_EQ(test, rcontainer_bind(current, c), 0);
	KUNIT_EXPECT_EQ(test, rcontainer_bind(current, &rcontainer_root), 0);
	current->flags |= PF_KTHREAD;
	/* The root has none. */
	rcontainer_root.shares = 0;
}

static void cost(struct rcontainer *c, u64 pj)
{
	rcontainer_charge_costs(c->id, &device, &pj, 1);
}

static u64 base_of(struct rcontainer *c, unsigned int of)
{
	struct rcontainer_energy all[RCONTAINER_MAX_DEVICES];

	guard(mutex)(&rcontainer_mutex);
	rcontainer_read_energy(pmc_backend(), c, false, all);
	return all[of].uj[RCONTAINER_BASE] * PJ_PER_UJ + all[of].rest_pj[RCONTAINER_BASE];
}

static u64 base_pj(struct rcontainer *c)
{
	return base_of(c, device);
}

static void drop(struct kunit *test, struct rcontainer *c)
{
	KUNIT_EXPECT_EQ(test, remove(c), 0);
	rcontainer_put(c);
}

static void test_equal(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, a, "b");
	struct rcontainer *c = create(test, &rcontainer_root, "c");
	struct rcontainer *idle = create(test, &rcontainer_root, "without tasks");
	u64 root = base_pj(&rcontainer_root);

	has_task(test, a);
	has_task(test, b);
	has_task(test, c);
	show(10);
	settle();
	/* Ten million, of which nothing is lost. */
	KUNIT_EXPECT_EQ(test, base_pj(a), 3333333);
	KUNIT_EXPECT_EQ(test, base_pj(b), 3333333);
	KUNIT_EXPECT_EQ(test, base_pj(c), 3333334);
	KUNIT_EXPECT_EQ(test, base_pj(idle), 0);
	KUNIT_EXPECT_EQ(test, base_pj(&rcontainer_root), root);
	expect_conserved(test);

	/* Those tasks are gone; where nobody has any, the root pays. */
	show(7);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 3333333);
	KUNIT_EXPECT_EQ(test, base_pj(&rcontainer_root), root + 7000000);

	/* Who comes later has no part of what was before. */
	has_task(test, a);
	show(1);
	settle();
	has_task(test, b);
	show(1);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 4333333);
	KUNIT_EXPECT_EQ(test, base_pj(b), 4333333);
	expect_conserved(test);
	drop(test, b);
	drop(test, a);
	drop(test, c);
	drop(test, idle);
}

static void test_access(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, &rcontainer_root, "b");
	u64 root;

	/* What was charged before does not count. */
	cost(b, 1000000000);
	KUNIT_EXPECT_EQ(test, set_policy("access"), 0);
	root = base_pj(&rcontainer_root);
	/* Nor do tasks. */
	has_task(test, b);
	cost(a, 3000);
	show(4);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 4000000);
	KUNIT_EXPECT_EQ(test, base_pj(b), 0);

	cost(a, 1);
	cost(b, 2);
	show(1);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 4333333);
	KUNIT_EXPECT_EQ(test, base_pj(b), 666667);

	/* Nobody used it. */
	show(5);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 4333333);
	KUNIT_EXPECT_EQ(test, base_pj(&rcontainer_root), root + 5000000);

	/* Interim ends of epochs change nothing. */
	cost(a, 1);
	rcontainer_end_epoch();
	cost(a, 1);
	cost(b, 2);
	show(2);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 5333333);
	KUNIT_EXPECT_EQ(test, base_pj(b), 1666667);

	/* Together more than a number, by far. */
	cost(a, U64_MAX);
	rcontainer_end_epoch();
	cost(a, U64_MAX);
	cost(b, U64_MAX);
	show(2);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 6333333);
	KUNIT_EXPECT_EQ(test, base_pj(b), 2666667);
	expect_conserved(test);
	KUNIT_EXPECT_EQ(test, set_policy("equal"), 0);
	drop(test, a);
	drop(test, b);
}

static void test_root(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	u64 root;

	KUNIT_EXPECT_EQ(test, set_policy("root"), 0);
	root = base_pj(&rcontainer_root);
	has_task(test, a);
	cost(a, 100);
	show(3);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 0);
	KUNIT_EXPECT_EQ(test, base_pj(&rcontainer_root), root + 3000000);
	KUNIT_EXPECT_EQ(test, set_policy("equal"), 0);
	drop(test, a);
}

/* A policy holds from when it was chosen. */
static void test_policies(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, &rcontainer_root, "b");
	u64 root = base_pj(&rcontainer_root);

	KUNIT_EXPECT_EQ(test, set_policy("fair"), -EINVAL);
	KUNIT_EXPECT_EQ(test, set_policy(""), -EINVAL);
	has_task(test, a);
	cost(b, 100);
	show(1);
	KUNIT_EXPECT_EQ(test, set_policy("access"), 0);
	KUNIT_EXPECT_EQ(test, base_pj(a), 1000000);
	cost(b, 1);
	show(1);
	KUNIT_EXPECT_EQ(test, set_policy("root"), 0);
	KUNIT_EXPECT_EQ(test, base_pj(b), 1000000);
	has_task(test, a);
	show(1);
	KUNIT_EXPECT_EQ(test, set_policy("equal"), 0);
	KUNIT_EXPECT_EQ(test, base_pj(&rcontainer_root), root + 1000000);
	/* From here on it has none. */
	show(1);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(&rcontainer_root), root + 2000000);
	KUNIT_EXPECT_EQ(test, base_pj(a), 1000000);
	KUNIT_EXPECT_EQ(test, base_pj(b), 1000000);
	expect_conserved(test);
	drop(test, a);
	drop(test, b);
}

static void wait_childless(struct rcontainer *c)
{
	for (;;) {
		scoped_guard(mutex, &rcontainer_mutex)
			if (list_empty(&c->children))
				return;
		schedule_timeout_uninterruptible(1);
	}
}

/* Who is removed leaves what he has, and what he has yet to pay, to his parent. */
static void test_removal(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, a, "b");
	struct rcontainer *c = create(test, &rcontainer_root, "c");

	has_task(test, b);
	show(1);
	settle();
	has_task(test, b);
	has_task(test, c);
	show(2);
	drop(test, b);
	wait_childless(a);
	KUNIT_EXPECT_EQ(test, base_pj(a), 1000000);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 2000000);
	KUNIT_EXPECT_EQ(test, base_pj(c), 1000000);

	/* By access cost, too. */
	KUNIT_EXPECT_EQ(test, set_policy("access"), 0);
	b = create(test, a, "b");
	cost(b, 10);
	rcontainer_end_epoch();
	cost(b, 20);
	cost(c, 10);
	show(4);
	drop(test, b);
	wait_childless(a);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 5000000);
	KUNIT_EXPECT_EQ(test, base_pj(c), 2000000);
	expect_conserved(test);
	KUNIT_EXPECT_EQ(test, set_policy("equal"), 0);
	drop(test, a);
	drop(test, c);
}

static u64 metered(void)
{
	struct rcontainer_metered total;

	guard(mutex)(&rcontainer_mutex);
	rcontainer_settle();
	rcontainer_metered_total(&total);
	return total.base_pj[device];
}

/* A meter that begins anew, and a host that has gone mad. */
static void test_steps(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer_meter other;
	u64 before = metered(), root = base_pj(&rcontainer_root);

	show(100);
	shown_uj = 30;
	rcontainer_meter_show(&meter, shown_uj);
	KUNIT_EXPECT_EQ(test, metered() - before, 100000000);
	show(1);
	KUNIT_EXPECT_EQ(test, metered() - before, 101000000);

	/* More than can be divided is nobody's part. */
	root = base_pj(&rcontainer_root);
	has_task(test, a);
	show(U64_MAX / PJ_PER_UJ + 1);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), 0);
	KUNIT_EXPECT_EQ(test, base_pj(&rcontainer_root) - root,
			(U64_MAX / PJ_PER_UJ + 1) * PJ_PER_UJ);
	has_task(test, a);
	show(U64_MAX / PJ_PER_UJ - 1);
	settle();
	KUNIT_EXPECT_EQ(test, base_pj(a), (U64_MAX / PJ_PER_UJ - 1) * PJ_PER_UJ);
	show(1ULL << 63);
	settle();
	expect_conserved(test);

	/* The device has one more. */
	before = metered();
	rcontainer_meter_start(&other, device, 5000);
	rcontainer_meter_show(&other, 5002);
	show(1);
	KUNIT_EXPECT_EQ(test, metered() - before, 3000000);
	drop(test, a);
}

/* The CPU's: then its clock has no price. */
static void test_cpu(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	const u64 delta[PMC_MAX_EVENTS] = { 1000, 10 };
	const u64 weight_pj[PMC_MAX_EVENTS] = { 6170, 7120 };
	struct rcontainer_energy all[RCONTAINER_MAX_DEVICES] = {};
	struct rcontainer_counts counts = { .event = { 1000, 10 } };
	static u64 nj;

	if (pmc_fake_register())
		kunit_skip(test, "other counters are in use");
	nj += 5000;
	pmc_fake_meter(&nj);
	settle();
	has_task(test, a);
	nj += 1234567;
	settle();
	KUNIT_EXPECT_EQ(test, base_of(a, RCONTAINER_CPU), 1234567000);

	pmc_fake_advance(delta);
	rcontainer_price(pmc_backend(), weight_pj, &counts, all);
	KUNIT_EXPECT_EQ(test, all[RCONTAINER_CPU].uj[RCONTAINER_BASE], 0);
	KUNIT_EXPECT_EQ(test, all[RCONTAINER_CPU].rest_pj[RCONTAINER_BASE], 0);
	KUNIT_EXPECT_EQ(test, all[RCONTAINER_CPU].rest_pj[RCONTAINER_ACCESS], 71200);

	/* A step back costs nobody anything. */
	nj -= 1000;
	settle();
	has_task(test, a);
	nj += 1;
	settle();
	KUNIT_EXPECT_EQ(test, base_of(a, RCONTAINER_CPU), 1234568000);
	pmc_fake_meter(NULL);
	KUNIT_EXPECT_FALSE(test, rcontainer_has_meter(RCONTAINER_CPU));
	drop(test, a);
}

static unsigned int refreshes;

static bool answer(struct rcontainer_meter_source *source)
{
	refreshes++;
	show(1);
	rcontainer_meters_refreshed(source);
	return true;
}

static bool keep_silent(struct rcontainer_meter_source *source)
{
	refreshes++;
	return true;
}

static bool refuse(struct rcontainer_meter_source *source)
{
	refreshes++;
	return false;
}

/* After what was read just now has grown old. */
static unsigned long refresh(void)
{
	unsigned long start;

	schedule_timeout_uninterruptible(msecs_to_jiffies(30) + 1);
	start = jiffies;
	rcontainer_refresh_meters();
	return jiffies_to_msecs(jiffies - start);
}

/* Who does not answer is waited for once, and not for ever. */
static void test_sources(struct kunit *test)
{
	struct rcontainer_meter_source good = { .refresh = answer };
	struct rcontainer_meter_source silent = { .refresh = keep_silent };
	struct rcontainer_meter_source bad = { .refresh = refuse };
	u64 before = metered();

	/* What others there are, in a guest with disks, have answered. */
	refresh();
	rcontainer_add_meter_source(&silent);
	rcontainer_add_meter_source(&bad);
	rcontainer_add_meter_source(&good);
	refreshes = 0;
	KUNIT_EXPECT_GE(test, refresh(), 90);
	KUNIT_EXPECT_TRUE(test, silent.busy);
	KUNIT_EXPECT_FALSE(test, bad.busy);
	KUNIT_EXPECT_FALSE(test, good.busy);
	KUNIT_EXPECT_LT(test, refresh(), 90);
	/* The work of each second may have come in between. */
	KUNIT_EXPECT_GE(test, refreshes, 5);
	KUNIT_EXPECT_GE(test, metered() - before, 2000000);

	/* When it answers at last, it is asked again. */
	silent.refresh = answer;
	rcontainer_meters_refreshed(&silent);
	refreshes = 0;
	KUNIT_EXPECT_LT(test, refresh(), 90);
	KUNIT_EXPECT_GE(test, refreshes, 3);
	rcontainer_remove_meter_source(&good);
	rcontainer_remove_meter_source(&bad);
	rcontainer_remove_meter_source(&silent);
	expect_conserved(test);
}

static bool some_are_being_freed(void)
{
	struct rcontainer *c;

	guard(mutex)(&rcontainer_mutex);
	list_for_each_entry(c, &rcontainer_root.children, sibling)
		if (c->offline)
			return true;
	return false;
}

static int meter_test_init(struct kunit *test)
{
	int ret;

	/* What former tests removed leaves its part of base cost to the root. */
	while (some_are_being_freed())
		schedule_timeout_uninterruptible(1);
	/* If there are other counters, these tests don't mind. */
	pmc_fake_register();
	ret = rcontainer_register_device("kunit-meter");
	if (ret < 0)
		return ret;
	device = ret;
	shown_uj = 1000;
	rcontainer_meter_start(&meter, device, shown_uj);
	return 0;
}

static struct kunit_case meter_test_cases[] = {
	KUNIT_CASE(test_equal),
	KUNIT_CASE(test_access),
	KUNIT_CASE(test_root),
	KUNIT_CASE(test_policies),
	KUNIT_CASE(test_removal),
	KUNIT_CASE(test_steps),
	KUNIT_CASE(test_cpu),
	KUNIT_CASE(test_sources),
	{ }
};

static struct kunit_suite meter_test_suite = {
	.name		= "rcontainer-meter",
	.init		= meter_test_init,
	.test_cases	= meter_test_cases,
};

kunit_test_suite(meter_test_suite);
