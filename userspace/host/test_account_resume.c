// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "account_fixture.h"

/* What another accountant, that was there all the time, has charged. */
static struct account witness;

static struct account_saved save(const struct account *from)
{
	struct account_saved saved = {
		.ended = { from->ended.base_pj, from->ended.access_pj },
		.nobody = { from->nobody.base_pj, from->nobody.access_pj },
	};

	for (int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		saved.vm[slot].base_pj = from->vm[slot].sum.base_pj;
		saved.vm[slot].access_pj = from->vm[slot].sum.access_pj;
	}
	return saved;
}

static void both_periods(void)
{
	account_take_cut(&cut, &sim.m.pcpu[0], sim.now[0], witness.cpu[0].log_head,
			 true);
	account_cpu(&witness, 0, &cut);
	account_vms(&witness, sim.m.vm, &sim.alive);
	period();
}

static void assert_same_energy(void)
{
	struct account_saved one = save(&a), other = save(&witness);

	assert_memory_equal(&one, &other, sizeof(one));
	assert_true(a.carry_pj == witness.carry_pj);
}

static void history(void)
{
	run(0, 3, 1, 0);
	join(0, "a");
	switch_to(0, 0);
	run(0, 100, 20, 0);
	both_periods();
	join(1, "b");
	switch_to(0, 1);
	run(0, 55, 7, 1);
	both_periods();
	leave(0);
	both_periods();
	join(0, "c");
	switch_to(0, 0);
	run(0, 41, 5, 1);
	both_periods();
}

static void test_resume(void **state)
{
	struct account_saved saved;
	struct account_sum sum;

	account_init(&witness, &model, 1);
	history();
	assert_same_energy();
	saved = save(&witness);

	/* One that knows nothing, but what the machine tells, is mistaken. */
	account_init(&a, &model, 1);
	period();
	assert_false(a.vm[0].sum.access_pj == witness.vm[0].sum.access_pj);
	assert_false(a.vm[1].sum.base_pj == witness.vm[1].sum.base_pj);
	assert_true(account_resume(&a, &saved));
	assert_false(account_difference(&a, &sum));
	assert_same_energy();

	/* It goes on from there as if nothing had been. */
	run(0, 77, 8, 2);
	switch_to(0, 1);
	run(0, 10, 1, 1);
	both_periods();
	assert_same_energy();

	/* And notices what happened while it was away. */
	saved = save(&witness);
	run(0, 23, 3, 3);
	switch_to(0, 0);
	run(0, 3, 2, 1);
	account_init(&a, &model, 1);
	period();
	assert_true(account_resume(&a, &saved));
	assert_false(account_difference(&a, &sum));
	both_periods();
	assert_same_energy();
}

static void test_resume_of_another(void **state)
{
	struct account_saved saved;
	struct account before;

	account_init(&witness, &model, 1);
	history();
	before = a;
	saved = save(&a);
	saved.vm[1].access_pj++;
	assert_false(account_resume(&a, &saved));
	saved = save(&a);
	saved.ended.access_pj += 1000;
	assert_false(account_resume(&a, &saved));
	saved = save(&a);
	saved.nobody.base_pj += a.carry_pj + 1;
	assert_false(account_resume(&a, &saved));
	assert_memory_equal(&a, &before, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_resume, account_setup),
		cmocka_unit_test_setup(test_resume_of_another, account_setup),
	};

	return cmocka_run_group_tests_name("account-resume", tests, NULL, NULL);
}
