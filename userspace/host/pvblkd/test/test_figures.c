// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "figures.h"
#include "resmond/region.h"

static struct state_view view;
static struct region_view region;
static struct figures a, b, new;

static int setup(void **state)
{
	view = (struct state_view){
		.id = 77, .name = "vm", .nr_devices = 2,
		.device = { "disk", "disk-cpu" }, .base = { 5, 7 },
	};
	view.totals.returned[0].lo = 100;
	view.totals.returned[1].lo = 200;
	view.totals.unreported[0].lo = 1000;
	view.totals.unreported[1].hi = 1;
	memset(&region, 0, sizeof(region));
	region.head.nr_devices = 3;
	strcpy(region.head.device[0].name, "disk-cpu");
	strcpy(region.head.device[1].name, "old");
	strcpy(region.head.device[2].name, "disk");
	region.nr_clients = 2;
	strcpy(region.client[0].name, "other");
	strcpy(region.client[1].name, "vm");
	for (int i = 0; i < 2; i++) {
		struct resmon_client_info *c = &region.client[i];

		c->cookie = 77;
		c->cost.base_nj = 1;
		c->cost.base_rest_pj = 999;
		for (int dev = 0; dev < 3; dev++) {
			c->cost.access_nj[dev] = dev + 10 * i;
			c->cost.access_rest_pj[dev] = dev;
		}
	}
	region.client[1].cost.access_nj[2] = UINT64_MAX;
	return 0;
}

/* What went to guests that did not ask counts; so does our idle CPU's. */
static void test_state(void **state)
{
	figures_of_state(&view, &a);
	assert_int_equal(a.base, 5);
	assert_int_equal(a.access[0], 1100);
	assert_true(a.access[1] == ((energy_t)1 << 64) + 200 + 7);
	assert_true(!a.access[2]);
}

static void test_region(void **state)
{
	figures_of_region(&region, &view, &a);
	assert_int_equal(a.base, 1999);
	assert_true(a.access[0] == (energy_t)UINT64_MAX * 1000 + 2);
	assert_int_equal(a.access[1], 10000);
	assert_true(!a.access[2]);
}

static void test_stranger(void **state)
{
	memset(&b, 0, sizeof(b));
	view.id = 78;
	figures_of_region(&region, &view, &a);
	assert_memory_equal(&a, &b, sizeof(a));
	view.id = 77;
	strcpy(view.name, "vm2");
	figures_of_region(&region, &view, &a);
	assert_memory_equal(&a, &b, sizeof(a));
}

static void test_beyond(void **state)
{
	figures_of_state(&view, &a);
	memset(&b, 0, sizeof(b));
	assert_true(figures_beyond(&a, &b, &new));
	figures_add(&b, &new);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_false(figures_beyond(&a, &b, &new));
	a.access[1]++;
	assert_true(figures_beyond(&a, &b, &new));
	assert_int_equal(new.base, 0);
	assert_int_equal(new.access[0], 0);
	assert_int_equal(new.access[1], 1);
}

/* An old copy of the state file: published is what was published. */
static void test_back(void **state)
{
	figures_of_state(&view, &a);
	b = a;
	b.access[0] += 50;
	assert_false(figures_beyond(&a, &b, &new));
	figures_add(&b, &new);
	a.access[0] += 49;
	assert_false(figures_beyond(&a, &b, &new));
	a.access[0] += 2;
	assert_true(figures_beyond(&a, &b, &new));
	assert_int_equal(new.access[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_state, setup),
		cmocka_unit_test_setup(test_region, setup),
		cmocka_unit_test_setup(test_stranger, setup),
		cmocka_unit_test_setup(test_beyond, setup),
		cmocka_unit_test_setup(test_back, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
