// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of devices that return costs, with a device that only the tests know.
 */
#include <kunit/test.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "../internal.h"

static int device;

static void cost(u32 id, u64 pj)
{
	const struct rcontainer_device_cost c = { .device = device, .access_pj = pj };

	guard(irqsave)();
	rcontainer_costs_returned(&c, 1);
	rcontainer_charge_costs(id, &c, 1);
}

static struct rcontainer *create(struct kunit *test, struct rcontainer *parent)
{
	struct rcontainer *c;

	guard(mutex)(&rcontainer_mutex);
	c = rcontainer_create(parent, "device");
	KUNIT_ASSERT_FALSE(test, IS_ERR(c));
	return c;
}

static void remove(struct kunit *test, struct rcontainer *c)
{
	int ret;

	mutex_lock(&rcontainer_mutex);
	ret = rcontainer_remove(c);
	mutex_unlock(&rcontainer_mutex);
	KUNIT_EXPECT_EQ(test, ret, 0);
	rcontainer_put(c);
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

static void expect_conserved(struct kunit *test)
{
	struct rcontainer_counts sum = {};
	struct rcontainer_snapshot s;
	unsigned int row;
	int ret;

	mutex_lock(&rcontainer_mutex);
	ret = rcontainer_snapshot(&s);
	mutex_unlock(&rcontainer_mutex);
	KUNIT_ASSERT_EQ(test, ret, 0);
	for (row = 0; row < s.nr_rows; row++)
		rcontainer_add_counts(&sum, &s.rows[row]);
	KUNIT_EXPECT_EQ(test, sum.device_pj[device], s.total.device_pj[device]);
	rcontainer_snapshot_free(&s);
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
	struct rcontainer *a = create(test, &rcontainer_root);
	struct rcontainer *b = create(test, a);
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

	remove(test, b);
	cost(id, 1000000);
	expect_pj(test, a, 3, 6);
	expect_conserved(test);
	remove(test, a);
	expect_conserved(test);
}

/* Two 64-bit numbers of picojoules and more. */
static void test_wrap(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		cost(a->id, 10000000000000000000ULL);
		rcontainer_end_epoch();
	}
	cost(a->id, 1);
	expect_pj(test, a, 40000000000000ULL, 1);
	expect_conserved(test);
	remove(test, a);
}

static int device_test_init(struct kunit *test)
{
	/* If there are other counters, these tests don't mind. */
	pmc_fake_register();
	device = rcontainer_register_device("kunit-disk");
	return min(device, 0);
}

static struct kunit_case device_test_cases[] = {
	KUNIT_CASE(test_names),
	KUNIT_CASE(test_owner),
	KUNIT_CASE(test_wrap),
	{ }
};

static struct kunit_suite device_test_suite = {
	.name		= "rcontainer-device",
	.init		= device_test_init,
	.test_cases	= device_test_cases,
};

kunit_test_suite(device_test_suite);
