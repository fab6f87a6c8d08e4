// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "account_fixture.h"

static void test_idle_machine(void **state)
{
	run(0, 100, 0, 0);
	period();
	run(0, 23, 0, 0);
	period();
	assert_int_equal(a.nobody.counts[0], 123);
	assert_true(a.nobody.base_pj == 123 * 1001);
	assert_true(a.carry_pj == 0);
}

static void test_turns(void **state)
{
	join(0, "a");
	join(1, "b");
	run(0, 5, 0, 0);
	switch_to(0, 0);
	run(0, 100, 50, 3);
	switch_to(0, 1);
	run(0, 10, 5, 1);
	switch_to(0, 0);
	run(0, 1000, 500, 2);
	switch_to(0, 1);
	period();

	assert_truth();
	assert_int_equal(a.nobody.counts[0], 5);
	assert_int_equal(a.vm[0].sum.counts[0], 1100);
	assert_int_equal(a.vm[0].sum.counts[1], 550);
	assert_true(a.vm[0].sum.access_pj == 550 * 10 + 5 * 7);
	assert_int_equal(a.vm[1].sum.counts[0], 10);
	assert_true(a.vm[1].sum.access_pj == 5 * 10 + 1 * 7);
	/* Who was on the CPU for how long has no say in base cost. */
	assert_true(a.vm[0].sum.base_pj == 1115 * 1001 / 2);
	assert_true(a.vm[1].sum.base_pj == 1115 * 1001 / 2);
	assert_true(a.carry_pj == 1115 * 1001 % 2);
}

static void test_turn_in_progress(void **state)
{
	join(0, "a");
	join(1, "b");
	switch_to(0, 0);
	for (int i = 1; i <= 10; i++) {
		run(0, 100, 10, 1);
		period();
		assert_int_equal(a.vm[0].sum.counts[0], 100 * i);
		assert_int_equal(a.vm[0].sum.counts[1], 10 * i);
	}
	run(0, 7, 7, 7);
	switch_to(0, 1);
	run(0, 3, 3, 3);
	period();
	assert_truth();
	assert_int_equal(a.vm[0].sum.counts[0], 1007);
	assert_int_equal(a.vm[1].sum.counts[0], 3);
	/* Nothing happened: nothing is charged. */
	period();
	assert_truth();
}

static void test_remainder_is_carried(void **state)
{
	uint64_t ticks = 0;

	join(0, "a");
	join(1, "b");
	join(2, "c");
	switch_to(0, 0);
	for (int i = 0; i < 100; i++) {
		run(0, 1, 0, 0);
		ticks++;
		period();
		assert_true(a.carry_pj == ticks * 1001 % 3);
		for (int slot = 0; slot < 3; slot++)
			assert_true(a.vm[slot].sum.base_pj == ticks * 1001 / 3);
	}
}

static void test_join_and_leave(void **state)
{
	join(0, "a");
	switch_to(0, 0);
	run(0, 100, 0, 0);
	period();
	assert_true(a.vm[0].sum.base_pj == 100100);

	join(1, "b");
	run(0, 100, 0, 0);
	period();
	assert_true(a.vm[0].sum.base_pj == 150150);
	assert_true(a.vm[1].sum.base_pj == 50050);
	assert_true(a.vm[1].present);
	assert_string_equal(a.vm[1].name, "b");

	/* The last owner keeps the idle time's counts, not its base cost. */
	leave(0);
	run(0, 100, 0, 0);
	period();
	assert_false(a.vm[0].present);
	assert_int_equal(a.vm[0].sum.counts[0], 300);
	assert_true(a.vm[0].sum.base_pj == 150150);
	assert_true(a.vm[1].sum.base_pj == 150150);

	leave(1);
	run(0, 100, 0, 0);
	period();
	assert_true(a.vm[1].sum.base_pj == 150150);
	assert_true(a.nobody.base_pj == 100100);
	assert_truth();
}

static void test_slot_is_taken_over(void **state)
{
	join(0, "a");
	switch_to(0, 0);
	run(0, 100, 20, 0);
	period();
	leave(0);
	run(0, 10, 0, 0);
	period();

	join(0, "b");
	run(0, 1, 0, 0);
	period();
	assert_string_equal(a.vm[0].name, "b");
	assert_int_equal(a.vm[0].sum.counts[0], 0);
	assert_true(a.vm[0].sum.base_pj == 1001);
	assert_int_equal(a.ended.counts[0], 111);
	assert_int_equal(a.ended.counts[1], 20);
	assert_true(a.ended.access_pj == 200);
	assert_true(a.ended.base_pj == 100100);

	run(0, 5, 5, 0);
	period();
	assert_int_equal(a.vm[0].sum.counts[1], 5);
}

/* Code of a virtual machine may run before the accountant knows its name. */
static void test_charged_before_seen(void **state)
{
	switch_to(0, 4);
	run(0, 10, 1, 0);
	cut_cpu(0);
	account_vms(&a, sim.m.vm, &(struct machine_set){ { 0 } });
	join(4, "late");
	period();
	assert_string_equal(a.vm[4].name, "late");
	assert_int_equal(a.vm[4].sum.counts[1], 1);
}

static void test_late_accountant(void **state)
{
	join(0, "a");
	join(1, "b");
	switch_to(0, 0);
	run(0, 100, 20, 0);
	switch_to(0, 1);
	run(0, 300, 20, 0);
	leave(0);
	leave(1);
	period();
	assert_truth();
	assert_false(a.vm[0].present);
	assert_true(a.vm[0].sum.base_pj == 200200);
	assert_true(a.vm[1].sum.base_pj == 200200);
}

static void switch_often(int times)
{
	for (int i = 0; i < times; i++) {
		run(0, 11, 5, i % 3);
		switch_to(0, i % 5);
	}
}

static void test_overrun(void **state)
{
	for (int slot = 0; slot < 5; slot++)
		join(slot, "x");
	run(0, 3, 0, 0);
	switch_often(10);
	run(0, 4, 4, 4);
	period();
	assert_truth();

	/* Exactly full is no overrun. */
	switch_often(MACHINE_LOG_ENTRIES);
	run(0, 1, 1, 1);
	period();
	assert_int_equal(a.overruns, 0);
	assert_truth();

	switch_often(MACHINE_LOG_ENTRIES + 1);
	run(0, 2, 1, 1);
	period();
	assert_int_equal(a.overruns, 1);
	assert_truth();

	switch_often(3 * MACHINE_LOG_ENTRIES + 17);
	period();
	assert_int_equal(a.overruns, 2);
	assert_truth();

	switch_often(100);
	period();
	assert_int_equal(a.overruns, 2);
	assert_truth();
}

static void test_overrun_from_the_start(void **state)
{
	join(0, "a");
	run(0, 77, 0, 0);
	switch_often(2 * MACHINE_LOG_ENTRIES);
	run(0, 8, 8, 8);
	period();
	assert_int_equal(a.overruns, 1);
	/* Before the first switch, nobody owned the CPU. */
	assert_int_equal(a.nobody.counts[0], 77 + 11);
	assert_truth();
}

static void test_wraparound(void **state)
{
	join(0, "a");
	join(1, "b");
	switch_to(0, 0);
	run(0, 10, UINT64_MAX - 5, 0);
	cut_cpu(0);
	account_vms(&a, sim.m.vm, &sim.alive);
	run(0, 10, 100, 0);
	switch_to(0, 1);
	run(0, 10, 7, 0);
	assert_int_equal(cut_cpu(0), 0);
	account_vms(&a, sim.m.vm, &sim.alive);
	assert_truth();
	assert_int_equal(a.vm[1].sum.counts[1], 7);
	assert_true(a.vm[0].sum.access_pj ==
		    ((energy_t)UINT64_MAX - 5 + 100) * 10);
	assert_true(a.vm[1].sum.access_pj == 70);

	/* The log's number wraps, too. */
	sim.m.pcpu[0].log_head = UINT64_MAX - 2;
	a.cpu[0].log_head = UINT64_MAX - 2;
	for (int i = 0; i < 6; i++) {
		run(0, 1, 2, 3);
		switch_to(0, i % 2);
	}
	assert_int_equal(cut_cpu(0), 0);
	assert_int_equal(a.overruns, 0);
	assert_truth();
}

static void test_heavy(void **state)
{
	a.model.event[0].weight_pj = PVENERGY_MAX_WEIGHT_PJ;
	a.model.event[1].weight_pj = PVENERGY_MAX_WEIGHT_PJ;
	join(0, "a");
	switch_to(0, 0);
	run(0, UINT64_MAX, UINT64_MAX, 0);
	period();
	assert_true(a.vm[0].sum.base_pj ==
		    (energy_t)UINT64_MAX * PVENERGY_MAX_WEIGHT_PJ);
	assert_true(a.vm[0].sum.access_pj == a.vm[0].sum.base_pj);
}

static void test_bad_slots(void **state)
{
	join(0, "a");
	switch_to(0, 0);
	run(0, 10, 10, 10);
	switch_to(0, 1);
	sim.m.pcpu[0].log[1].from = MACHINE_MAX_VMS;
	sim.m.pcpu[0].owner = 0x80000000;
	assert_int_equal(cut_cpu(0), 1);
	assert_int_equal(a.nobody.counts[1], 10);
}

static void test_damage_is_noticed(void **state)
{
	join(0, "a");
	join(1, "b");
	switch_to(0, 0);
	run(0, 10, 10, 10);
	switch_to(0, 1);
	run(0, 10, 10, 10);
	switch_to(0, 0);
	sim.m.pcpu[0].log[1].counters[1]++;
	assert_int_equal(cut_cpu(0), 2);
}

static void test_difference(void **state)
{
	struct account_sum sum;

	join(0, "a");
	switch_to(0, 0);
	run(0, 10, 10, 10);
	period();
	a.vm[0].sum.counts[2]--;
	assert_true(account_difference(&a, &sum));
	assert_int_equal(sum.counts[2], 1);
	a.vm[0].sum.counts[2]++;
	a.vm[0].sum.base_pj--;
	assert_true(account_difference(&a, &sum));
	assert_true(sum.base_pj == 1);
}

static void test_known_base(void **state)
{
	energy_t known[MACHINE_MAX_VMS] = { [0] = 60000, [7] = 10000 };
	struct account_sum sum;

	join(0, "a");
	join(7, "b");
	leave(7);
	switch_to(0, 0);
	run(0, 100, 0, 0);
	assert_int_equal(cut_cpu(0), 0);
	known[7] = 50000;
	assert_false(account_known_base(&a, known));
	assert_true(a.base_pj == 100100);
	known[7] = 10000;
	assert_true(account_known_base(&a, known));
	account_vms(&a, sim.m.vm, &sim.alive);
	assert_false(account_difference(&a, &sum));
	/* The rest is divided among all that ever were. */
	assert_true(a.vm[0].sum.base_pj == 60000 + 15050);
	assert_true(a.vm[7].sum.base_pj == 10000 + 15050);
}

static void test_charge(void **state)
{
	struct account_sum sum;

	join(3, "a");
	account_vms(&a, sim.m.vm, &sim.alive);
	account_charge(&a, 3, (uint64_t[PVENERGY_MAX_EVENTS]){ 0, 10, 20 });
	account_charge(&a, ACCOUNT_NOBODY, (uint64_t[PVENERGY_MAX_EVENTS]){ 7 });
	account_vms(&a, sim.m.vm, &sim.alive);
	assert_false(account_difference(&a, &sum));
	assert_true(a.vm[3].sum.access_pj == 10 * 10 + 20 * 7);
	assert_true(a.vm[3].sum.base_pj == 7 * 1001);
	assert_int_equal(a.nobody.counts[0], 7);
	account_machine(&a, &sum);
	assert_int_equal(sum.counts[1], 10);
}

/* Damage where nothing happens is seen when all is looked at. */
static void test_thorough(void **state)
{
	join(0, "a");
	join(200, "b");
	switch_to(0, 200);
	run(0, 10, 10, 10);
	switch_to(0, 0);
	assert_int_equal(cut_cpu(0), 0);
	run(0, 10, 10, 10);
	sim.m.pcpu[0].total[200][1]++;
	assert_int_equal(cut_cpu(0), 0);
	account_take_cut(&cut, &sim.m.pcpu[0], sim.now[0], a.cpu[0].log_head, true);
	assert_int_equal(account_cpu(&a, 0, &cut), 1);
}

static void test_many(void **state)
{
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		join(slot, "x");
	srand(2);
	for (int i = 0; i < 20000; i++) {
		run(0, rand() % 100, rand(), rand());
		switch_to(0, rand() % MACHINE_MAX_VMS);
		if (!(rand() % 2000))
			period();
	}
	period();
	assert_truth();
	assert_int_equal(a.overruns, 0);
	assert_true(a.vm[0].sum.base_pj == a.vm[MACHINE_MAX_VMS - 1].sum.base_pj);
	assert_true(a.carry_pj < MACHINE_MAX_VMS);
}

static void test_random(void **state)
{
	srand(1);
	account_init(&a, &model, 3);
	for (int i = 0; i < 20000; i++) {
		unsigned int cpu = rand() % 3;
		unsigned int slot = rand() % 6;

		run(cpu, rand() % 100, rand(), rand());
		if (rand() % 3)
			switch_to(cpu, slot);
		if (!(rand() % 500)) {
			if (machine_set_has(&sim.alive, slot))
				leave(slot);
			else if (!sim.m.vm[slot].generation)
				join(slot, "x");
			else
				machine_set_add(&sim.alive, slot);
		}
		if (!(rand() % 50))
			period();
	}
	period();
	assert_truth();
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup(fn, account_setup)
	const struct CMUnitTest tests[] = {
		TEST(test_idle_machine),
		TEST(test_turns),
		TEST(test_turn_in_progress),
		TEST(test_remainder_is_carried),
		TEST(test_join_and_leave),
		TEST(test_slot_is_taken_over),
		TEST(test_charged_before_seen),
		TEST(test_late_accountant),
		TEST(test_overrun),
		TEST(test_overrun_from_the_start),
		TEST(test_wraparound),
		TEST(test_heavy),
		TEST(test_bad_slots),
		TEST(test_damage_is_noticed),
		TEST(test_difference),
		TEST(test_known_base),
		TEST(test_charge),
		TEST(test_thorough),
		TEST(test_many),
		TEST(test_random),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
