// SPDX-License-Identifier: GPL-2.0-or-later
/* What accountants publish, one after the other, of a machine that goes on. */
#include "account_fixture.h"
#include "publish.h"
#include "resmond/test/fixture.h"

/* Of the model: what events cost, in picojoules. */
#define BASE	1001
#define ONE	10

#define MACHINE	1

static struct publisher *publisher;

/* A machine, and a monitor that knows of none. */
static int begin(void **state)
{
	start_registry();
	return account_setup(state);
}

static int end(void **state)
{
	publish_close(publisher);
	stop_registry();
	return 0;
}

/* A period, as cpuacctd has it; and what is published then. */
static void tick(void)
{
	const struct resmon_region *map;

	assert_int_equal(cut_cpu(0), 0);
	if (account_changes_hands(&a, sim.m.vm))
		publish(publisher);
	account_vms(&a, sim.m.vm, &sim.alive);
	publish(publisher);
	publish_poll(publisher);
	registry_run(&registry, NULL);
	if (!registry.nr_subsystems || registry.subsystem[0]->region < 0)
		return;
	map = region_map(registry.subsystem[0]->region);
	assert_non_null(map);
	assert_true(region_view(map, &view));
	region_unmap(map);
	assert_false(view.stale);
	assert_int_equal(view.broken, 0);
}

static bool shown(void)
{
	return registry.nr_subsystems && registry.subsystem[0]->peer &&
	       registry.subsystem[0]->peer->shown;
}

static void start_at(uint64_t machine_id, const struct model *weights)
{
	static const uint64_t run_of_slot[MACHINE_MAX_VMS];

	assert_false(shown());
	account_init(&a, weights, 1);
	publisher = publish_open("cpu", path, &a, machine_id, run_of_slot);
	for (int i = 0; i < 150 && !shown(); i++) {
		tick();
		usleep(i ? 10000 : 0);
	}
	assert_true(shown());
	tick();
}

static void start(void)
{
	start_at(MACHINE, &model);
}

static void stop(void)
{
	publish_close(publisher);
	registry_run(&registry, NULL);
}

static void restart(void)
{
	stop();
	start();
}

/* What is charged is that, all of it, to the picojoule. */
static void cost_is(const struct resmon_cost *cost, uint64_t base_pj,
		    uint64_t access_pj)
{
	assert_int_equal(cost->base_nj * RESMON_PJ_PER_NJ + cost->base_rest_pj,
			 base_pj);
	assert_int_equal(cost->access_nj[0] * RESMON_PJ_PER_NJ +
			 cost->access_rest_pj[0], access_pj);
}

static void vm_is(const char *name, bool present, uint64_t base_pj,
		  uint64_t access_pj)
{
	assert_non_null(client(name));
	assert_int_equal(client(name)->flags & RESMON_PRESENT, present);
	cost_is(&client(name)->cost, base_pj, access_pj);
}

static void enter(unsigned int slot, const char *name)
{
	join(slot, name);
	switch_to(0, slot);
}

/* A virtual machine is gone, and another of its name has its entry. */
static void test_name_again(void **state)
{
	enter(0, "db");
	run(0, 100, 8, 0);
	start();
	vm_is("db", true, 100 * BASE, 8 * ONE);
	enter(1, "web");
	run(0, 100, 20, 0);
	tick();
	leave(1);
	enter(2, "web");
	run(0, 60, 3, 0);
	tick();
	for (int i = 0; i < 3; i++) {
		vm_is("db", true, 180 * BASE, 8 * ONE);
		vm_is("web", true, 30 * BASE, 3 * ONE);
		cost_is(&view.ended, 50 * BASE, 20 * ONE);
		cost_is(&view.nobody, 0, 0);
		assert_int_equal(view.nr_clients, 2);
		restart();
	}
	run(0, 2, 1, 0);
	tick();
	vm_is("db", true, 181 * BASE, 8 * ONE);
	vm_is("web", true, 31 * BASE, 4 * ONE);
	cost_is(&view.ended, 50 * BASE, 20 * ONE);

	/* What was consumed while nobody looked is of those that are there. */
	stop();
	run(0, 2, 1, 0);
	start();
	vm_is("db", true, 182 * BASE, 8 * ONE);
	vm_is("web", true, 32 * BASE, 5 * ONE);
	cost_is(&view.ended, 50 * BASE, 20 * ONE);

	/* Both are gone now. */
	stop();
	leave(2);
	start();
	for (int i = 0; i < 3; i++) {
		vm_is("db", true, 182 * BASE, 8 * ONE);
		vm_is("web", false, 32 * BASE, 5 * ONE);
		cost_is(&view.ended, 50 * BASE, 20 * ONE);
		cost_is(&view.nobody, 0, 0);
		restart();
	}
}

/* Its end has not been seen, and the next one of its name is there. */
static void test_last_words(void **state)
{
	enter(0, "web");
	run(0, 100, 20, 0);
	start();
	stop();
	run(0, 7, 4, 0);
	leave(0);
	enter(1, "web");
	run(0, 3, 1, 0);
	start();
	for (int i = 0; i < 3; i++) {
		vm_is("web", true, 10 * BASE, 1 * ONE);
		cost_is(&view.ended, 100 * BASE, 24 * ONE);
		cost_is(&view.nobody, 0, 0);
		restart();
	}
	run(0, 5, 2, 0);
	tick();
	vm_is("web", true, 15 * BASE, 3 * ONE);
	cost_is(&view.ended, 100 * BASE, 24 * ONE);
}

/* ... or has been there, too. */
static void test_all_gone(void **state)
{
	enter(0, "web");
	run(0, 100, 20, 0);
	start();
	stop();
	run(0, 7, 4, 0);
	leave(0);
	enter(1, "web");
	run(0, 3, 1, 0);
	leave(1);
	start();
	for (int i = 0; i < 3; i++) {
		/* Nobody is there to pay for the time since. */
		vm_is("web", false, 100 * BASE, 24 * ONE);
		cost_is(&view.ended, 0, 1 * ONE);
		cost_is(&view.nobody, 10 * BASE, 0);
		assert_int_equal(view.nr_clients, 1);
		restart();
	}
}

/* Two change places: who comes is not taken for who goes. */
static void test_change_places(void **state)
{
	enter(0, "db");
	enter(1, "web");
	run(0, 100, 20, 0);
	start();
	leave(0);
	leave(1);
	join(0, "web");
	enter(1, "db");
	tick();
	run(0, 20, 6, 0);
	tick();
	vm_is("web", true, 10 * BASE, 0);
	vm_is("db", true, 10 * BASE, 6 * ONE);
	cost_is(&view.ended, 100 * BASE, 20 * ONE);
}

/* There are more virtual machines than entries: who was gone longest left. */
static void test_many(void **state)
{
	char name[8];

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		snprintf(name, sizeof(name), "vm%u", slot);
		enter(slot, name);
		run(0, 1, slot, 0);
	}
	start();
	leave(1);
	tick();
	leave(0);
	tick();
	enter(0, "new");
	tick();
	run(0, 255, 9, 0);
	tick();
	for (int i = 0; i < 3; i++) {
		assert_int_equal(view.nr_clients, RESMON_MAX_CLIENTS);
		vm_is("vm0", false, BASE, 0);
		vm_is("vm2", true, 2 * BASE, 2 * ONE);
		vm_is("vm255", true, 2 * BASE, 255 * ONE);
		vm_is("new", true, BASE, 9 * ONE);
		cost_is(&view.ended, BASE, ONE);
		cost_is(&view.nobody, 0, 0);
		restart();
	}
}

/* A machine of which each kind of figure is published. */
static void first_machine(void)
{
	run(0, 3, 1, 0);
	start_at(MACHINE, &model);
	enter(0, "web");
	tick();
	run(0, 100, 20, 0);
	tick();
	leave(0);
	enter(1, "web");
	tick();
	run(0, 60, 7, 0);
	tick();
	leave(1);
	enter(2, "www");
	tick();
	run(0, 10, 2, 0);
	tick();
	stop();
}

static void first_machine_is_kept(uint64_t more_base_pj, uint64_t more_access_pj)
{
	vm_is("www", false, 10 * BASE, 2 * ONE);
	cost_is(&view.nobody, 3 * BASE, 1 * ONE);
	cost_is(&view.ended, 100 * BASE + more_base_pj, 20 * ONE + more_access_pj);
}

/* Figures of another machine stay, whatever becomes of those of this one. */
static void test_another_machine(void **state)
{
	struct model heavy = model;

	first_machine();
	account_setup(state);
	enter(0, "db");
	run(0, 50, 5, 0);
	start_at(MACHINE + 1, &model);
	for (int i = 0; i < 3; i++) {
		vm_is("db", true, 50 * BASE, 5 * ONE);
		vm_is("web", false, 60 * BASE, 7 * ONE);
		first_machine_is_kept(0, 0);
		stop();
		start_at(MACHINE + 1, &model);
	}

	/* They are less than what is consumed while nobody looks. */
	stop();
	run(0, 1000, 500, 0);
	start_at(MACHINE + 1, &model);
	vm_is("db", true, 1050 * BASE, 505 * ONE);
	vm_is("web", false, 60 * BASE, 7 * ONE);
	first_machine_is_kept(0, 0);

	heavy.event[0].weight_pj = 2 * BASE;
	heavy.event[1].weight_pj = 3 * ONE;
	for (int i = 0; i < 3; i++) {
		stop();
		start_at(MACHINE + 1, &heavy);
		vm_is("db", true, 2100 * BASE, 1515 * ONE);
		vm_is("web", false, 60 * BASE, 7 * ONE);
		first_machine_is_kept(0, 0);
	}

	/* One here has the name of one there. */
	enter(1, "web");
	tick();
	run(0, 8, 1, 0);
	tick();
	leave(1);
	tick();
	for (int i = 0; i < 3; i++) {
		vm_is("db", true, 2108 * BASE, 1515 * ONE);
		vm_is("web", false, 8 * BASE, 3 * ONE);
		first_machine_is_kept(60 * BASE, 7 * ONE);
		stop();
		start_at(MACHINE + 1, &heavy);
	}

	/* Counted anew, both have been there from the beginning. */
	stop();
	start_at(MACHINE + 1, &model);
	vm_is("db", true, 529 * BASE, 505 * ONE);
	vm_is("web", false, 529 * BASE, 1 * ONE);
	first_machine_is_kept(60 * BASE, 7 * ONE);
}

/* ... nor is it taken for that, where more than one was in a slot. */
static void test_another_machine_shared(void **state)
{
	first_machine();
	account_setup(state);
	join(0, "first");
	leave(0);
	enter(0, "db");
	run(0, 50, 5, 0);
	start_at(MACHINE + 1, &model);
	stop();
	run(0, 1000, 500, 0);
	start_at(MACHINE + 1, &model);
	vm_is("db", true, 1050 * BASE, 505 * ONE);
	vm_is("web", false, 60 * BASE, 7 * ONE);
	first_machine_is_kept(0, 0);
}

/* All that was published is of earlier machines then. */
static void test_third_machine(void **state)
{
	first_machine();
	account_setup(state);
	enter(0, "db");
	run(0, 50, 5, 0);
	start_at(MACHINE + 1, &model);
	stop();
	account_setup(state);
	enter(0, "db");
	run(0, 40, 4, 0);
	start_at(MACHINE + 2, &model);
	for (int i = 0; i < 3; i++) {
		vm_is("db", true, 40 * BASE, 4 * ONE);
		vm_is("web", false, 60 * BASE, 7 * ONE);
		first_machine_is_kept(50 * BASE, 5 * ONE);
		stop();
		start_at(MACHINE + 2, &model);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_name_again, begin, end),
		cmocka_unit_test_setup_teardown(test_last_words, begin, end),
		cmocka_unit_test_setup_teardown(test_all_gone, begin, end),
		cmocka_unit_test_setup_teardown(test_change_places, begin, end),
		cmocka_unit_test_setup_teardown(test_many, begin, end),
		cmocka_unit_test_setup_teardown(test_another_machine, begin, end),
		cmocka_unit_test_setup_teardown(test_another_machine_shared,
						begin, end),
		cmocka_unit_test_setup_teardown(test_third_machine, begin, end),
	};

	return cmocka_run_group_tests_name("publish", tests, setup, teardown);
}
