// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of resource containers, with counters that only the tests advance: so
 * each count is exactly known, whatever else the machine does.
 */
#include <kunit/test.h>
#include <linux/mutex.h>

#include "util.h"

/* Freed containers fold their counts from a work item. */
static void wait_childless(struct rcontainer *c)
{
	for (;;) {
		scoped_guard(mutex, &rcontainer_mutex)
			if (list_empty(&c->children))
				return;
		schedule_timeout_uninterruptible(1);
	}
}

static void test_hierarchy(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, a, "b");
	struct rcontainer *c = create(test, b, "c");
	u32 id_b, id_c = c->id;

	KUNIT_EXPECT_EQ(test, bind_self(c), 0);
	advance(0, 300);
	KUNIT_EXPECT_EQ(test, bind_self(a), 0);
	advance(0, 20);
	KUNIT_EXPECT_EQ(test, cycles_of(a, true), 320);
	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 20);
	KUNIT_EXPECT_EQ(test, cycles_of(b, true), 300);
	KUNIT_EXPECT_EQ(test, cycles_of(b, false), 0);

	/* Charges that come after a removal are the nearest ancestor's. */
	KUNIT_EXPECT_EQ(test, remove(b), -EBUSY);
	KUNIT_EXPECT_EQ(test, remove(c), 0);
	KUNIT_EXPECT_EQ(test, remove(c), -ENODEV);
	KUNIT_EXPECT_EQ(test, cycles_of(b, false), 300);
	id_b = b->id;
	scoped_guard(rcu)
		KUNIT_EXPECT_PTR_EQ(test, rcontainer_by_id(id_c), b);
	KUNIT_EXPECT_EQ(test, remove(b), 0);
	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 320);
	rcontainer_put(c);
	rcontainer_put(b);
	wait_childless(a);
	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 320);
	scoped_guard(rcu) {
		KUNIT_EXPECT_PTR_EQ(test, rcontainer_by_id(id_c), a);
		KUNIT_EXPECT_PTR_EQ(test, rcontainer_by_id(id_b), a);
		KUNIT_EXPECT_PTR_EQ(test, rcontainer_by_id(0), &rcontainer_root);
	}

	/* Kernel threads, as this one, are no obstacle; users' tasks are. */
	current->flags &= ~PF_KTHREAD;
	KUNIT_EXPECT_EQ(test, remove(a), -EBUSY);
	current->flags |= PF_KTHREAD;
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
	expect_conserved(test);
}

static void test_errors(struct kunit *test)
{
	struct rcontainer *c, *chain[RCONTAINER_MAX_DEPTH] = {};
	unsigned int i;

	KUNIT_EXPECT_EQ(test, remove(&rcontainer_root), -EPERM);
	KUNIT_EXPECT_EQ(test, remove(&rcontainer_idle), -EPERM);
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_interrupt), -EPERM);

	scoped_guard(mutex, &rcontainer_mutex)
		c = rcontainer_create(&rcontainer_idle, "x");
	KUNIT_EXPECT_PTR_EQ(test, c, ERR_PTR(-EPERM));

	for (i = 0; i < ARRAY_SIZE(chain); i++)
		chain[i] = create(test, i ? chain[i - 1] : &rcontainer_root, "x");
	scoped_guard(mutex, &rcontainer_mutex)
		c = rcontainer_create(chain[i - 1], "x");
	KUNIT_EXPECT_PTR_EQ(test, c, ERR_PTR(-EAGAIN));
	while (i--) {
		KUNIT_EXPECT_EQ(test, remove(chain[i]), 0);
		if (!i)
			break;
		rcontainer_put(chain[i]);
	}

	scoped_guard(mutex, &rcontainer_mutex)
		c = rcontainer_create(chain[0], "x");
	KUNIT_EXPECT_PTR_EQ(test, c, ERR_PTR(-ENODEV));
	KUNIT_EXPECT_EQ(test, bind_self(chain[0]), -ENODEV);
	rcontainer_put(chain[0]);
}

struct price_case {
	const char			*name;
	struct pmc_backend		backend;
	struct rcontainer_counts	counts;
	struct rcontainer_energy	expected;
};

static const struct price_case price_cases[] = {
	{
		.name = "a Pentium 4, one second of 1.5 GHz",
		.backend = {
			.nr_events = 2,
			.events = { { .weight_pj = 6170, .flags = PVENERGY_EVENT_BASE },
				    { .weight_pj = 7120 } },
		},
		.counts.event = { 1500000000, 1500000000 },
		.expected = { .uj = { 10680000, 9255000 } },
	}, {
		.name = "remainders of events add up",
		.backend = {
			.nr_events = 2,
			.events = { { .weight_pj = 1 }, { .weight_pj = 1 } },
		},
		.counts.event = { 500000, 500000 },
		.expected = { .uj = { 1 } },
	}, {
		.name = "what is below a microjoule is kept",
		.backend = {
			.nr_events = 1,
			.events = { { .weight_pj = 1 } },
		},
		.counts.event = { 1999999 },
		.expected = { .uj = { 1 }, .rest_pj = { 999999 } },
	}, {
		.name = "products beyond 64 bits",
		.backend = {
			.nr_events = 1,
			.events = { { .weight_pj = 340460 } },
		},
		.counts.event = { 100000000000000000ULL },
		.expected = { .uj = { 34046000000000000ULL } },
	}, {
		.name = "the largest count and weight do no harm",
		.backend = {
			.nr_events = 1,
			.events = { { .weight_pj = PVENERGY_MAX_WEIGHT_PJ } },
		},
		.counts.event = { U64_MAX },
		/* -1 x 10^6, modulo 2^64. */
		.expected = { .uj = { 0 - 1000000ULL } },
	}, {
		.name = "events beyond nr_events are not there",
		.backend = {
			.nr_events = 1,
			.events = { { .weight_pj = 1000000 }, { .weight_pj = 1000000 } },
		},
		.counts.event = { 3, 4 },
		.expected = { .uj = { 3 } },
	},
};

KUNIT_ARRAY_PARAM_DESC(price, price_cases, name);

static void test_price(struct kunit *test)
{
	const struct price_case *p = test->param_value;
	struct rcontainer_energy all[RCONTAINER_MAX_DEVICES] = {};
	const struct rcontainer_energy *energy = &all[RCONTAINER_CPU];
	u64 weight_pj[PMC_MAX_EVENTS];
	unsigned int i;

	for (i = 0; i < PMC_MAX_EVENTS; i++)
		weight_pj[i] = p->backend.events[i].weight_pj;
	rcontainer_price(&p->backend, weight_pj, &p->counts, all);
	for (i = 0; i < NR_RCONTAINER_COSTS; i++) {
		KUNIT_EXPECT_EQ(test, energy->uj[i], p->expected.uj[i]);
		KUNIT_EXPECT_EQ(test, energy->rest_pj[i], p->expected.rest_pj[i]);
	}
}

static void expect_energy(struct kunit *test, struct rcontainer *c,
			  u64 access_pj, u64 base_pj)
{
	struct rcontainer_energy all[RCONTAINER_MAX_DEVICES];
	const struct rcontainer_energy *e = &all[RCONTAINER_CPU];

	mutex_lock(&rcontainer_mutex);
	rcontainer_read_energy(pmc_backend(), c, false, all);
	mutex_unlock(&rcontainer_mutex);
	KUNIT_EXPECT_EQ(test, e->uj[RCONTAINER_ACCESS] * 1000000 +
			      e->rest_pj[RCONTAINER_ACCESS], access_pj);
	KUNIT_EXPECT_EQ(test, e->uj[RCONTAINER_BASE] * 1000000 +
			      e->rest_pj[RCONTAINER_BASE], base_pj);
}

/* A kernel thread that works for somebody, even for one who is gone. */
static void test_work(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, a, "b");
	u32 id = b->id;
	struct rcontainer *own;

	/* It owns nothing while it works for nobody. */
	KUNIT_EXPECT_EQ(test, current->rcontainer_id, 0);
	KUNIT_EXPECT_NULL(test, rcontainer_work_begin(0));
	own = rcontainer_work_begin(id);
	KUNIT_EXPECT_EQ(test, current->rcontainer_id, id);
	advance(0, 40);
	rcontainer_work_end(own);
	advance(0, 1000);
	KUNIT_EXPECT_EQ(test, cycles_of(b, false), 40);

	/* No obstacle to a removal; what follows is the parent's. */
	own = rcontainer_work_begin(id);
	KUNIT_EXPECT_EQ(test, remove(b), 0);
	rcontainer_put(b);
	advance(0, 2);
	rcontainer_work_end(own);
	own = rcontainer_work_begin(id);
	KUNIT_EXPECT_PTR_EQ(test, current->rcontainer, a);
	advance(0, 5);
	rcontainer_work_end(own);
	wait_childless(a);
	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 47);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

static int set_weight(const char *event, u64 weight_pj)
{
	int ret;

	mutex_lock(&rcontainer_mutex);
	ret = rcontainer_set_weight(pmc_backend(), event, weight_pj);
	mutex_unlock(&rcontainer_mutex);
	return ret;
}

/* A new weight holds from now on, also for what removed containers leave. */
static void test_epoch(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, a, "b");

	KUNIT_EXPECT_EQ(test, bind_self(b), 0);
	advance(1000, 1000);
	KUNIT_EXPECT_EQ(test, set_weight("unhalted_cycles", 1), 0);
	advance(0, 500);
	KUNIT_EXPECT_EQ(test, bind_self(a), 0);
	advance(0, 30);
	expect_energy(test, b, 7120 * 1000 + 500, 6170 * 1000);
	expect_energy(test, a, 30, 0);

	KUNIT_EXPECT_EQ(test, remove(b), 0);
	rcontainer_put(b);
	wait_childless(a);
	expect_energy(test, a, 7120 * 1000 + 500 + 30, 6170 * 1000);
	KUNIT_EXPECT_EQ(test, set_weight("unhalted_cycles", 7120), 0);
	advance(0, 2);
	expect_energy(test, a, 7120 * 1002 + 500 + 30, 6170 * 1000);

	KUNIT_EXPECT_EQ(test, set_weight("nonsense", 1), -ENOENT);
	KUNIT_EXPECT_EQ(test, set_weight("tsc", PVENERGY_MAX_WEIGHT_PJ + 1), -ERANGE);
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

/* The host's new weights hold from when they are noticed. */
static void test_host_weights(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	u64 weight_pj[PMC_MAX_EVENTS] = { 6170, 10 };

	KUNIT_EXPECT_EQ(test, bind_self(a), 0);
	advance(100, 100);
	expect_energy(test, a, 7120 * 100, 6170 * 100);
	pmc_fake_reweigh(weight_pj);
	expect_energy(test, a, 7120 * 100, 6170 * 100);
	advance(1, 1);
	expect_energy(test, a, 7120 * 100 + 10, 6170 * 101);
	weight_pj[1] = 7120;
	pmc_fake_reweigh(weight_pj);
	expect_energy(test, a, 7120 * 100 + 10, 6170 * 101);

	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

/* Back to the host's weights after others were set. */
static void test_reset_weights(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	u64 weight_pj[PMC_MAX_EVENTS] = { 6170, 10 };

	pmc_fake_reweigh(weight_pj);
	/* From now on. */
	scoped_guard(mutex, &rcontainer_mutex)
		rcontainer_weights(pmc_backend());
	KUNIT_EXPECT_EQ(test, bind_self(a), 0);
	advance(0, 100);
	KUNIT_EXPECT_EQ(test, set_weight("unhalted_cycles", 3), 0);
	advance(0, 100);
	scoped_guard(mutex, &rcontainer_mutex)
		rcontainer_reset_weights(pmc_backend());
	advance(0, 100);
	expect_energy(test, a, 10 * 100 + 3 * 100 + 10 * 100, 0);
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);

	weight_pj[1] = 7120;
	pmc_fake_reweigh(weight_pj);
	expect_energy(test, a, 10 * 100 + 3 * 100 + 10 * 100, 0);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

/* The root's, which is read elsewhere, is what all containers' adds up to. */
static void test_root_energy(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, a, "b"), *c;
	struct rcontainer_energy sum[RCONTAINER_MAX_DEVICES] = {};
	struct rcontainer_energy all[RCONTAINER_MAX_DEVICES];
	const u64 *weight_pj;
	unsigned int i, cost;

	KUNIT_EXPECT_EQ(test, bind_self(b), 0);
	advance(12345, 6789);
	KUNIT_EXPECT_EQ(test, set_weight("unhalted_cycles", 11), 0);
	KUNIT_EXPECT_EQ(test, bind_self(a), 0);
	advance(1, 7777777);
	KUNIT_EXPECT_EQ(test, remove(b), 0);
	rcontainer_put(b);
	KUNIT_EXPECT_EQ(test, set_weight("unhalted_cycles", 7120), 0);
	advance(0, 5);
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);

	scoped_guard(mutex, &rcontainer_mutex) {
		rcontainer_read_energy(pmc_backend(), &rcontainer_root, true, all);
		weight_pj = rcontainer_weights(pmc_backend());
		for_each_rcontainer(c)
			rcontainer_add_own_energy(pmc_backend(), weight_pj, c, sum);
	}
	for (i = 0; i < RCONTAINER_MAX_DEVICES; i++) {
		for (cost = 0; cost < NR_RCONTAINER_COSTS; cost++) {
			KUNIT_EXPECT_EQ(test, all[i].uj[cost], sum[i].uj[cost]);
			KUNIT_EXPECT_EQ(test, all[i].rest_pj[cost], sum[i].rest_pj[cost]);
		}
	}
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

static u64 passed_after_look(struct rcontainer *c)
{
	guard(mutex)(&rcontainer_mutex);
	rcontainer_look_at_high(c);
	return rcontainer_high_passed(c);
}

static void set_high(struct kunit *test, struct rcontainer *c, u64 uj)
{
	guard(mutex)(&rcontainer_mutex);
	KUNIT_EXPECT_EQ(test, rcontainer_set_high(c, uj), 0);
	KUNIT_EXPECT_EQ(test, rcontainer_high_uj(c), uj);
}

/* A threshold is passed once, by what the container and those below consume. */
static void test_high(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, a, "b");

	KUNIT_EXPECT_EQ(test, set_weight("unhalted_cycles", 1000000), 0);
	KUNIT_EXPECT_EQ(test, set_weight("tsc", 1000000), 0);
	KUNIT_EXPECT_EQ(test, passed_after_look(a), 0);
	KUNIT_EXPECT_EQ(test, bind_self(b), 0);
	set_high(test, a, 100);
	set_high(test, b, U64_MAX);
	advance(10, 89);
	KUNIT_EXPECT_EQ(test, passed_after_look(a), 0);
	advance(1, 0);
	KUNIT_EXPECT_EQ(test, passed_after_look(a), 1);
	advance(1000, 0);
	KUNIT_EXPECT_EQ(test, passed_after_look(a), 1);
	KUNIT_EXPECT_EQ(test, passed_after_look(b), 0);

	/* What is passed already is passed at once. */
	set_high(test, a, 1100);
	KUNIT_EXPECT_EQ(test, passed_after_look(a), 2);
	set_high(test, a, 1101);
	set_high(test, b, 1101);
	KUNIT_EXPECT_EQ(test, passed_after_look(a), 2);
	set_high(test, a, U64_MAX);
	advance(1, 0);
	KUNIT_EXPECT_EQ(test, passed_after_look(a), 2);
	KUNIT_EXPECT_EQ(test, passed_after_look(b), 1);

	/* It goes with the container. */
	set_high(test, b, 5000);
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);
	KUNIT_EXPECT_EQ(test, set_weight("unhalted_cycles", 7120), 0);
	KUNIT_EXPECT_EQ(test, set_weight("tsc", 6170), 0);
	KUNIT_EXPECT_EQ(test, remove(b), 0);
	rcontainer_put(b);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

static void test_high_delay(struct kunit *test)
{
	/* Half the time that is left, within limits. */
	KUNIT_EXPECT_EQ(test, rcontainer_high_delay_ms(1000, 100, 100), 500);
	KUNIT_EXPECT_EQ(test, rcontainer_high_delay_ms(1000, 100, 1000), 1000);
	KUNIT_EXPECT_EQ(test, rcontainer_high_delay_ms(10, 100, 100), 20);
	KUNIT_EXPECT_EQ(test, rcontainer_high_delay_ms(1, U64_MAX, 1), 20);
	KUNIT_EXPECT_EQ(test, rcontainer_high_delay_ms(1000, 0, 100), 1000);
	/* In less than a tick. */
	KUNIT_EXPECT_EQ(test, rcontainer_high_delay_ms(200, 2, 0), 50);
	KUNIT_EXPECT_EQ(test, rcontainer_high_delay_ms(1ULL << 62, 1ULL << 55, 10), 640);
	KUNIT_EXPECT_EQ(test, rcontainer_high_delay_ms(U64_MAX - 1, 1, UINT_MAX), 1000);
	KUNIT_EXPECT_EQ(test, rcontainer_high_delay_ms(1, 1, UINT_MAX), 1000);
}

static int rcontainer_test_init(struct kunit *test)
{
	if (pmc_fake_register())
		kunit_skip(test, "other counters are in use");
	return 0;
}

static struct kunit_case rcontainer_test_cases[] = {
	KUNIT_CASE(test_hierarchy),
	KUNIT_CASE(test_errors),
	KUNIT_CASE(test_epoch),
	KUNIT_CASE(test_host_weights),
	KUNIT_CASE(test_reset_weights),
	KUNIT_CASE(test_root_energy),
	KUNIT_CASE(test_high),
	KUNIT_CASE(test_high_delay),
	KUNIT_CASE(test_work),
	KUNIT_CASE_PARAM(test_price, price_gen_params),
	{ }
};

static struct kunit_suite rcontainer_test_suite = {
	.name		= "rcontainer",
	.init		= rcontainer_test_init,
	.test_cases	= rcontainer_test_cases,
};

kunit_test_suite(rcontainer_test_suite);
