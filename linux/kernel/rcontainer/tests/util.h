/* SPDX-License-Identifier: GPL-2.0 */
/* What the tests of containers and of devices share. */
#ifndef _RCONTAINER_TESTS_UTIL_H
#define _RCONTAINER_TESTS_UTIL_H

#include <kunit/test.h>
#include <linux/mutex.h>

#include "../internal.h"

/* No directory: nobody but the test can find it. */
static inline struct rcontainer *create(struct kunit *test,
					struct rcontainer *parent,
					const char *name)
{
	struct rcontainer *c;

	guard(mutex)(&rcontainer_mutex);
	c = rcontainer_create(parent, name);
	KUNIT_ASSERT_FALSE(test, IS_ERR(c));
	return c;
}

static inline int remove(struct rcontainer *c)
{
	int ret;

	mutex_lock(&rcontainer_mutex);
	ret = rcontainer_remove(c);
	mutex_unlock(&rcontainer_mutex);
	return ret;
}

/* So many events of the first two kinds on this CPU. */
static inline void advance(u64 tsc, u64 cycles)
{
	const u64 delta[PMC_MAX_EVENTS] = { tsc, cycles };

	pmc_fake_advance(delta);
}

/* The tests run in a kernel thread, which users may not bind. */
static inline int bind_self(struct rcontainer *c)
{
	int ret;

	mutex_lock(&rcontainer_mutex);
	current->flags &= ~PF_KTHREAD;
	ret = rcontainer_bind(current, c);
	current->flags |= PF_KTHREAD;
	mutex_unlock(&rcontainer_mutex);
	return ret;
}

static inline u64 cycles_of(struct rcontainer *c, bool subtree)
{
	struct rcontainer_counts sum;

	guard(mutex)(&rcontainer_mutex);
	rcontainer_read(c, subtree, &sum);
	return sum.event[1];
}

static inline void expect_conserved(struct kunit *test)
{
	struct rcontainer_counts sum = {};
	struct rcontainer_snapshot s;
	unsigned int row, i;
	u64 base_pj;
	int ret;

	mutex_lock(&rcontainer_mutex);
	ret = rcontainer_snapshot(&s);
	mutex_unlock(&rcontainer_mutex);
	KUNIT_ASSERT_EQ(test, ret, 0);
	for (row = 0; row < s.nr_rows; row++)
		rcontainer_add_counts(&sum, &s.rows[row]);
	for (i = 0; i < PMC_MAX_EVENTS; i++)
		KUNIT_EXPECT_EQ(test, sum.event[i], s.total.event[i]);
	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++)
		KUNIT_EXPECT_EQ(test, sum.device_pj[i], s.total.device_pj[i]);
	for_each_set_bit(i, &s.meters, RCONTAINER_MAX_DEVICES) {
		base_pj = 0;
		for (row = 0; row < s.nr_rows; row++)
			base_pj += s.metered[row].base_pj[i];
		KUNIT_EXPECT_EQ(test, base_pj, s.metered_total.base_pj[i]);
	}
	rcontainer_snapshot_free(&s);
}

#endif /* _RCONTAINER_TESTS_UTIL_H */
