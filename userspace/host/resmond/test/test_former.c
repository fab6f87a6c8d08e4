// SPDX-License-Identifier: GPL-2.0-or-later
/* Subsystems: what becomes of figures of clients and lives that are over. */
#include <errno.h>

#include "fixture.h"

static enum subsystem_former answer;
static uint64_t seen_origin;

static enum subsystem_former on_former(void *arg, const struct region_view *v)
{
	seen_origin = v->head.origin;
	return answer;
}

/* Who is gone is charged, and takes nobody's entry. */
static void test_gone(void **state)
{
	struct subsystem *s;
	int vm, gone;

	start_registry();
	s = subsystem_open(&vda);
	assert_true(pump(s, true));
	assert_int_equal(subsystem_client_gone(s, "a b", 1), -EINVAL);
	gone = subsystem_client_gone(s, "vm", 1);
	assert_true(gone >= 0);
	subsystem_charge_base(s, gone, 10);
	total_pj();
	assert_int_equal(client("vm")->flags, 0);
	assert_int_equal(cost_pj(&client("vm")->cost), 10);
	assert_int_equal(subsystem_client_gone(s, "vm", 1), gone);

	vm = subsystem_client_add(s, "vm", 2);
	assert_int_equal(vm, gone);
	assert_int_equal(subsystem_client_gone(s, "vm", 1), SUBSYSTEM_ENDED);
	subsystem_charge_base(s, SUBSYSTEM_ENDED, 5);
	subsystem_charge_base(s, vm, 1);
	assert_int_equal(total_pj(), 16);
	assert_int_equal(client("vm")->flags, RESMON_PRESENT);
	assert_int_equal(client("vm")->cookie, 2);
	assert_int_equal(cost_pj(&client("vm")->cost), 1);
	assert_int_equal(cost_pj(&view.ended), 15);
	subsystem_close(s);
	stop_registry();
}

/* Figures of a former life replace those of a client that has gone meanwhile. */
static void test_gone_instead(void **state)
{
	struct subsystem_config again = vda;
	struct subsystem *s;

	answer = SUBSYSTEM_INSTEAD;
	again.former = on_former;
	start_registry();
	s = subsystem_open(&vda);
	subsystem_charge_base(s, subsystem_client_add(s, "vm", 2), 1);
	assert_true(pump(s, true));
	subsystem_close(s);
	s = subsystem_open(&again);
	subsystem_charge_base(s, subsystem_client_gone(s, "vm", 1), 7);
	assert_true(pump(s, true));
	assert_int_equal(total_pj(), 1);
	assert_int_equal(client("vm")->cookie, 2);
	assert_int_equal(cost_pj(&client("vm")->cost), 1);
	subsystem_close(s);
	stop_registry();
}

static void test_subsystem_restarts(void **state)
{
	static const unsigned int expected[] = {
		[SUBSYSTEM_ADD] = 1500 + 70,
		[SUBSYSTEM_INSTEAD] = 1500,
		[SUBSYSTEM_DROP] = 70,
	};
	struct subsystem_config again = vda;

	again.former = on_former;
	for (answer = SUBSYSTEM_ADD; answer <= SUBSYSTEM_DROP; answer++) {
		struct subsystem_config first = vda;
		struct subsystem *s;
		int vm;

		first.origin = 100 + answer;
		start_registry();
		s = subsystem_open(&first);
		vm = subsystem_client_add(s, "one", 5);
		subsystem_charge_base(s, vm, 1000);
		subsystem_charge_access(s, subsystem_client_add(s, "two", 5), 1, 400);
		subsystem_charge_base(s, SUBSYSTEM_NOBODY, 100);
		assert_true(pump(s, true));
		subsystem_close(s);

		s = subsystem_open(&again);
		vm = subsystem_client_add(s, "one", 5);
		subsystem_charge_base(s, vm, 30);
		subsystem_charge_base(s, subsystem_client_add(s, "two", 6), 40);
		assert_true(pump(s, true));
		assert_int_equal(seen_origin, 100 + answer);
		assert_int_equal(registry.nr_subsystems, 1);
		assert_true(total_pj() == expected[answer]);
		if (answer == SUBSYSTEM_ADD) {
			assert_int_equal(cost_pj(&client("one")->cost), 1030);
			assert_int_equal(client("one")->generation, 1);
			assert_true(client("two")->generation > 2);
			assert_int_equal(cost_pj(&client("two")->cost), 40);
			assert_int_equal(cost_pj(&view.ended), 400);
		}
		subsystem_charge_base(s, vm, 1);
		assert_true(total_pj() == expected[answer] + 1);
		subsystem_close(s);
		stop_registry();
	}
}

/* A life of a subsystem, of which nothing is left but its region. */
static void live(enum subsystem_former what, uint64_t one_pj, uint64_t two_pj)
{
	struct subsystem_config config = vda;
	struct subsystem *s;

	answer = what;
	config.former = on_former;
	s = subsystem_open(&config);
	if (one_pj)
		subsystem_charge_base(s, subsystem_client_add(s, "one", 1), one_pj);
	if (two_pj)
		subsystem_charge_access(s, subsystem_client_add(s, "two", 2), 1,
					two_pj);
	subsystem_charge_base(s, SUBSYSTEM_NOBODY, 10);
	assert_true(pump(s, true));
	subsystem_close(s);
	total_pj();
}

/* What was added stays, for any number of lives. */
static void test_added(void **state)
{
	start_registry();
	live(SUBSYSTEM_ADD, 1000, 200);
	assert_int_equal(cost_pj(&view.ended) + view.added.base_nj, 0);
	live(SUBSYSTEM_ADD, 0, 3000);
	assert_int_equal(total_pj(), 1000 + 200 + 3000 + 20);
	assert_int_equal(client("one")->flags, RESMON_ADDED);
	assert_int_equal(client("two")->flags, 0);
	assert_int_equal(pj(view.added.base_nj, view.added.base_rest_pj), 1000);
	assert_int_equal(pj(view.added.access_nj, view.added.access_rest_pj), 200);
	assert_int_equal(view.added_nobody.base_rest_pj, 10);

	/* Of "two" it is not known any more what was added to it. */
	for (int i = 1; i <= 3; i++) {
		live(SUBSYSTEM_DROP, 0, 0);
		assert_int_equal(total_pj(), 1000 + 200 + 20);
		assert_int_equal(cost_pj(&client("one")->cost), 1000);
		assert_null(client("two"));
		assert_int_equal(cost_pj(&view.ended), 200);
		assert_int_equal(cost_pj(&view.nobody), 20);
	}
	live(SUBSYSTEM_INSTEAD, 7, 5);
	assert_int_equal(total_pj(), 1000 + 200 + 20);
	live(SUBSYSTEM_ADD, 5, 0);
	assert_int_equal(cost_pj(&client("one")->cost), 1005);
	live(SUBSYSTEM_DROP, 0, 4);
	assert_int_equal(total_pj(), 1000 + 200 + 20 + 4 + 10);
	assert_null(client("one"));
	assert_int_equal(cost_pj(&view.ended), 1200);
	stop_registry();
}

/* Another monitor has other figures of this subsystem. */
static void test_added_elsewhere(void **state)
{
	struct subsystem_config config = vda;
	struct subsystem *s;

	config.former = on_former;
	start_registry();
	live(SUBSYSTEM_ADD, 1000, 200);
	answer = SUBSYSTEM_ADD;
	s = subsystem_open(&config);
	subsystem_charge_base(s, subsystem_client_add(s, "new", 0), 77);
	assert_true(pump(s, true));
	stop_registry();
	subsystem_poll(s);
	assert_false(subsystem_registered(s));
	start_registry();
	live(SUBSYSTEM_ADD, 3, 0);
	answer = SUBSYSTEM_INSTEAD;
	assert_true(pump(s, true));
	assert_int_equal(total_pj(), 1000 + 200 + 10 + 3 + 10);
	assert_int_equal(cost_pj(&client("new")->cost), 0);
	assert_int_equal(cost_pj(&client("one")->cost), 3);
	assert_int_equal(cost_pj(&view.ended), 1200);
	subsystem_close(s);
	stop_registry();
}

static void test_other_devices(void **state)
{
	static const struct subsystem_config other = {
		.name = "vda", .nr_devices = 1,
		.device = { { "cpu", RESMON_CPU, 0 } },
	};
	struct subsystem *s;

	start_registry();
	s = subsystem_open(&vda);
	subsystem_charge(s, subsystem_client_add(s, "vm", 0), 1,
			 (uint64_t[RESMON_MAX_DEVICES]){ 2000, 3000 });
	assert_true(pump(s, true));
	subsystem_close(s);
	s = subsystem_open(&other);
	assert_true(pump(s, true));
	assert_int_equal(total_pj(), 5001);
	assert_int_equal(view.head.nr_devices, 2);
	assert_string_equal(view.head.device[1].name, "vda");
	assert_int_equal(client("vm")->cost.access_nj[0], 3);
	assert_int_equal(client("vm")->cost.access_nj[1], 2);
	subsystem_close(s);
	stop_registry();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_gone_instead),
		cmocka_unit_test(test_subsystem_restarts),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_added_elsewhere),
		cmocka_unit_test(test_other_devices),
	};

	return cmocka_run_group_tests_name("former", tests, setup, teardown);
}
