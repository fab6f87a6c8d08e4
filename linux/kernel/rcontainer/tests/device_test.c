// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of devices that return costs, with a device that only the tests know.
 */
#include <kunit/test.h>
#include <linux/mutex.h>

#include "util.h"

static unsigned int device;

static void cost(u32 id, u64 pj)
{
	rcontainer_charge_costs(id, &device, &pj, 1);
}

static struct rcontainer_energy energy_of(struct rcontainer *c, bool subtree)
{
	struct rcontainer_energy all[RCONTAINER_MAX_DEVICES];

	guard(mutex)(&rcontainer_mutex);
	rcontainer_read_energy(pmc_backend(), c, subtree, all);
	return all[device];
}

static void expect_pj(struct kunit *test, struct rcontainer *c, u64 uj, u32 rest_pj)
{
	struct rcontainer_energy e = energy_of(c, false);

	KUNIT_EXPECT_EQ(test, e.uj[RCONTAINER_ACCESS], uj);
	KUNIT_EXPECT_EQ(test, e.rest_pj[RCONTAINER_ACCESS], rest_pj);
	KUNIT_EXPECT_EQ(test, e.uj[RCONTAINER_BASE], 0);
}

static void test_names(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rcontainer_register_device("kunit-disk"), device);
	KUNIT_EXPECT_STREQ(test, rcontainer_device_name(device), "kunit-disk");
	KUNIT_EXPECT_EQ(test, rcontainer_register_device("cpu"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rcontainer_register_device(""), -EINVAL);
	KUNIT_EXPECT_EQ(test, rcontainer_register_device("two words"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rcontainer_register_device("Disk"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rcontainer_register_device("0disk"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rcontainer_register_device("disk.a"), -EINVAL);
	KUNIT_EXPECT_EQ(test, rcontainer_register_device("a-name-of-24-characters-"),
			-EINVAL);
	KUNIT_EXPECT_NULL(test, rcontainer_device_name(RCONTAINER_MAX_DEVICES));
}

/* Costs are the container's, its parent's when it is gone, root's if nobody's. */
static void test_owner(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, a, "b");
	u64 root = energy_of(&rcontainer_root, false).uj[RCONTAINER_ACCESS];
	u32 id = b->id;

	cost(id, 1999999);
	cost(a->id, 7);
	cost(0, 5000000);
	expect_pj(test, b, 1, 999999);
	expect_pj(test, a, 0, 7);
	KUNIT_EXPECT_EQ(test, energy_of(a, true).uj[RCONTAINER_ACCESS], 2);
	KUNIT_EXPECT_EQ(test, energy_of(&rcontainer_root, false).uj[RCONTAINER_ACCESS],
			root + 5);
	expect_conserved(test);

	KUNIT_EXPECT_EQ(test, remove(b), 0);
	rcontainer_put(b);
	cost(id, 1000000);
	expect_pj(test, a, 3, 6);
	expect_conserved(test);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
	expect_conserved(test);
}

/* What several pay for is returned once and charged in parts. */
static void test_shares(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, &rcontainer_root, "b");
	const u64 all = 10, most = 7, rest = 3;

	scoped_guard(irqsave) {
		rcontainer_costs_returned(&device, &all, 1);
		rcontainer_charge_share(a->id, &device, &most, 1);
		rcontainer_charge_share(b->id, &device, &rest, 1);
	}
	expect_pj(test, a, 0, 7);
	expect_pj(test, b, 0, 3);
	expect_conserved(test);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
	KUNIT_EXPECT_EQ(test, remove(b), 0);
	rcontainer_put(b);
}

/* Two 64-bit numbers of picojoules and more. */
static void test_wrap(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	unsigned int i;

	for (i = 0; i < 4; i++) {
		cost(a->id, 10000000000000000000ULL);
		rcontainer_end_epoch();
	}
	cost(a->id, 1);
	expect_pj(test, a, 40000000000000ULL, 1);
	expect_conserved(test);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

static int device_test_init(struct kunit *test)
{
	int ret;

	/* If there are other counters, these tests don't mind. */
	pmc_fake_register();
	ret = rcontainer_register_device("kunit-disk");
	device = ret;
	return min(ret, 0);
}

static struct kunit_case device_test_cases[] = {
	KUNIT_CASE(test_names),
	KUNIT_CASE(test_owner),
	KUNIT_CASE(test_shares),
	KUNIT_CASE(test_wrap),
	{ }
};

static struct kunit_suite device_test_suite = {
	.name		= "rcontainer-device",
	.init		= device_test_init,
	.test_cases	= device_test_cases,
};

kunit_test_suite(device_test_suite);
