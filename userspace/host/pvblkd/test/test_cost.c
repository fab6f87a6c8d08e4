// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cost.h"
#include "cpu.h"
#include "diskmodel.h"

static const struct diskmodel ultrastar = {
	.nr_speeds = 1, .speed = { { "", 10200, 13500, 55000000 } },
};

static const struct diskmodel maxtor = {
	.nr_speeds = 1, .speed = { { "", 4083, 6714, 57000000 } },
};

static void test_disk(void **state)
{
	struct cost_disk cost;
	int64_t rest = 0;

	cost_disk_init(&cost, &ultrastar);
	assert_int_equal(cost.max_byte_pj, 60000);
	assert_int_equal(cost_disk_charge(&cost, 0, 4096, &rest), 4096 * 60000);
	assert_int_equal(rest, 0);
	/* A second at full speed is the difference of powers. */
	assert_int_equal(cost_disk_charge(&cost, 0, 55000000, &rest), 3300000000000);
	assert_int_equal(cost_disk_charge(&cost, 0, 0, &rest), 0);

	cost_disk_init(&cost, &maxtor);
	assert_int_equal(cost.max_byte_pj, 46158);
}

static void test_rest_is_carried(void **state)
{
	struct cost_disk cost;
	int64_t rest = 0;
	energy_t sum = 0;
	uint64_t bytes = 0;

	cost_disk_init(&cost, &maxtor);
	srand(1);
	for (int i = 0; i < 100000; i++) {
		uint64_t n = rand() % 3000;
		uint64_t pj = cost_disk_charge(&cost, 0, n, &rest);

		assert_true(pj <= n * cost.max_byte_pj + cost.max_request_pj);
		bytes += n;
		sum += pj;
		assert_true(sum == (energy_t)bytes * 2631000000000 / 57000000);
	}
	/* The largest that can be asked for does not overflow. */
	assert_true(cost_disk_charge(&cost, 0, 1ULL << 47, &rest) > 0);
	assert_in_range(rest, 0, 56999999);
}

/* As when a batch that was under way at a kill comes to be known. */
static void test_strange_rests(void **state)
{
	struct cost_disk cost;
	int64_t rest = -57000000;

	cost_disk_init(&cost, &maxtor);
	assert_int_equal(cost_disk_charge(&cost, 0, 0, &rest), 0);
	assert_int_equal(rest, -57000000);
	rest = 3 * 57000000LL;
	assert_int_equal(cost_disk_charge(&cost, 0, 0, &rest), 1);
	assert_int_equal(rest, 2 * 57000000LL);
	assert_int_equal(cost_disk_charge(&cost, 0, 0, &rest), 1);
	assert_int_equal(cost_disk_charge(&cost, 0, 0, &rest), 1);
	assert_int_equal(rest, 0);
	assert_int_equal(cost_disk_charge(&cost, 0, 0, &rest), 0);
}

static const struct diskmodel two_speeds = {
	.nr_speeds = 2, .speed = { { "slow", 1000, 3000, 6000000 },
				   { "fast", 4000, 9000, 10000000 } },
};

/* At 1000/3 and 500 nJ a byte: what does not divide is carried over a change. */
static void test_speeds(void **state)
{
	struct cost_disk cost;
	int64_t rest = 0;
	energy_t sum = 0, parts = 0;

	assert_true(cost_disk_init(&cost, &two_speeds));
	assert_int_equal(cost.rate, 30000000);
	assert_int_equal(cost.max_byte_pj, 500000);
	assert_int_equal(cost_disk_charge(&cost, 0, 1, &rest), 333333);
	assert_int_equal(rest, 10000000);
	assert_int_equal(cost_disk_charge(&cost, 1, 1, &rest), 500000);
	assert_int_equal(rest, 10000000);
	assert_int_equal(cost_disk_charge(&cost, 0, 2, &rest), 666667);
	assert_int_equal(rest, 0);
	srand(2);
	for (int i = 0; i < 100000; i++) {
		uint64_t n = rand() % 3000;
		unsigned int speed = rand() % 2;
		uint64_t pj = cost_disk_charge(&cost, speed, n, &rest);

		assert_true(pj <= n * cost.max_byte_pj + cost.max_request_pj);
		sum += pj;
		parts += (energy_t)n * cost.byte_parts[speed];
		assert_true(sum == parts / 30000000);
	}
}

static void test_multiple_of_rates(void **state)
{
	struct diskmodel model = {
		.nr_speeds = 3, .speed = { { "a", 0, 1, 57000001 }, { "b", 0, 1, 57000017 },
					   { "c", 0, 1, 57000021 } },
	};
	struct cost_disk cost;
	int64_t rest = 0;

	assert_false(cost_disk_init(&cost, &model));
	/* The largest that is allowed, and the most that is asked of it. */
	model = (struct diskmodel){
		.nr_speeds = 2, .speed = { { "a", 0, 999999, 999999 },
					   { "b", 0, 1000000, 1000000000 } },
	};
	assert_true(cost_disk_init(&cost, &model));
	assert_int_equal(cost.rate, 999999000000000);
	assert_int_equal(cost.max_byte_pj, 1000000000);
	assert_int_equal(cost_disk_charge(&cost, 0, (1ULL << 34) - 1, &rest),
			 ((1ULL << 34) - 1) * 1000000000);
	assert_int_equal(rest, 0);
	cost_disk_charge(&cost, 0, 1ULL << 47, &rest);
	assert_int_equal(rest, 0);
}

static uint64_t charge(struct cost_cpu *cpu, unsigned int requests)
{
	uint64_t sum = 0;

	while (requests--)
		sum += cost_cpu_charge(cpu);
	return sum;
}

static void test_cpu(void **state)
{
	struct cost_cpu cpu;

	cost_cpu_init(&cpu, 0, 0, 1000);
	assert_int_equal(charge(&cpu, 49), 0);
	assert_false(cost_cpu_due(&cpu));
	assert_int_equal(charge(&cpu, 1), 0);
	assert_true(cost_cpu_due(&cpu));
	/* What the first consumed is charged to the next. */
	cost_cpu_adjust(&cpu, 1, 1000 + 5049);
	assert_false(cost_cpu_due(&cpu));
	assert_int_equal(cpu.request_pj, 100);
	assert_int_equal(charge(&cpu, 50), 5000);
	/* 49 were left. */
	cost_cpu_adjust(&cpu, 2, 1000 + 5049 + 2501);
	assert_int_equal(cpu.request_pj, 51);
	assert_int_equal(charge(&cpu, 50), 2550);
	cost_cpu_adjust(&cpu, 3, 1000 + 5049 + 2501);
	assert_int_equal(cpu.request_pj, 0);
	assert_true(cpu.unaccounted == 0);
}

static void test_cpu_clamps(void **state)
{
	struct cost_cpu cpu;
	energy_t used = 0;

	/* Base cost is not charged, even if more was taken for it than used. */
	cost_cpu_init(&cpu, 10, 0, 0);
	cost_cpu_adjust(&cpu, 1000, used += 4000);
	assert_int_equal(cpu.request_pj, 0);
	assert_true(cpu.unaccounted == -6000);
	cost_cpu_adjust(&cpu, 1000, used += 6000 + 50);
	assert_int_equal(cpu.request_pj, 1);

	cost_cpu_init(&cpu, 0, 0, 0);
	cost_cpu_adjust(&cpu, 1, (energy_t)100 * COST_CPU_MAX_PJ);
	assert_int_equal(cpu.request_pj, COST_CPU_MAX_PJ);
	charge(&cpu, 50);
	cost_cpu_adjust(&cpu, 1, (energy_t)100 * COST_CPU_MAX_PJ);
	assert_int_equal(cpu.request_pj, COST_CPU_MAX_PJ);
	charge(&cpu, 50);
	cost_cpu_adjust(&cpu, 1, (energy_t)100 * COST_CPU_MAX_PJ);
	assert_int_equal(cpu.request_pj, 0);
	assert_true(cpu.unaccounted == 0);
}

static void test_cpu_sum(void **state)
{
	energy_t consumed = 0, charged = 0;
	struct cost_cpu cpu;

	cost_cpu_init(&cpu, 0, 0, 0);
	srand(2);
	for (int i = 0; i < 100000; i++) {
		consumed += rand();
		charged += cost_cpu_charge(&cpu);
		if (cost_cpu_due(&cpu)) {
			cost_cpu_adjust(&cpu, i, consumed);
			assert_true((__int128)(consumed - charged) == cpu.unaccounted);
		}
	}
}

static void test_meter(void **state)
{
	struct cost_meter meter = { .power_mw = 10200, .last_ns = 5 };
	energy_t sum = 0;

	/* Nobody's. */
	assert_true(cost_meter_share(&meter, 1000, 0) == 0);
	assert_true(cost_meter_share(&meter, 1000, 3) == 0);
	for (int i = 1; i <= 1000; i++)
		sum += cost_meter_share(&meter, 1000 + 7 * i, 3);
	assert_true(sum == 7000 * 10200 / 3);
	assert_int_equal(meter.carry_pj, 7000 * 10200 % 3);
	/* An hour: 36720 joules. */
	assert_true(cost_meter_share(&meter, 8000 + 3600000000000, 1) ==
		    (energy_t)36720 * 1000000000000);
}

/* A source that consumes a power, something for each look, more if it slept long. */
static struct {
	struct cpu_source source;
	uint64_t now, mw, look, wake_up;
	unsigned int disturbed;
	energy_t pj;
} fake;

static uint64_t fake_nap(uint64_t ns)
{
	fake.now += ns;
	fake.pj += (energy_t)ns * fake.mw + fake.look;
	if (ns < 100000000)
		return fake.now;
	fake.pj += fake.wake_up;
	if (fake.disturbed) {
		fake.pj += 1000 * ns;
		fake.disturbed--;
	}
	return fake.now;
}

static energy_t fake_consumed(struct cpu_source *source)
{
	return fake.pj += fake.look;
}

static void test_base(void **state)
{
	fake.source.consumed = fake_consumed;
	fake.look = 1000000;
	assert_int_equal(cpu_base_mw(&fake.source, fake_nap), 0);
	fake.mw = 500;
	assert_int_equal(cpu_base_mw(&fake.source, fake_nap), 500);
	fake.look = 0;
	assert_int_equal(cpu_base_mw(&fake.source, fake_nap), 500);
	fake.mw = 0;
	assert_int_equal(cpu_base_mw(&fake.source, fake_nap), 0);

	/* 12 microseconds of a CPU of 10 watts, and half a millisecond. */
	fake.look = 120000000;
	fake.wake_up = 5000000000;
	assert_int_equal(cpu_base_mw(&fake.source, fake_nap), 0);
	fake.disturbed = 4;
	assert_int_equal(cpu_base_mw(&fake.source, fake_nap), 0);
	assert_int_equal(fake.disturbed, 0);
	fake.look = 0;
	fake.wake_up = 0;
	fake.mw = 500;
	fake.disturbed = 4;
	assert_int_equal(cpu_base_mw(&fake.source, fake_nap), 500);
}

static void test_clock(void **state)
{
	struct cpu_source *source = cpu_source_clock(1000);
	energy_t before = source->consumed(source), after;
	char text[64];

	source->describe(source, text, sizeof(text));
	assert_string_equal(text, "CPU time, at 1000 mW");
	do
		after = source->consumed(source);
	while (after < before + 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_rest_is_carried),
		cmocka_unit_test(test_speeds),
		cmocka_unit_test(test_multiple_of_rates),
		cmocka_unit_test(test_strange_rests),
		cmocka_unit_test(test_cpu),
		cmocka_unit_test(test_cpu_clamps),
		cmocka_unit_test(test_cpu_sum),
		cmocka_unit_test(test_meter),
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
