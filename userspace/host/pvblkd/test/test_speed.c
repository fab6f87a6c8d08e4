// SPDX-License-Identifier: GPL-2.0-or-later
/* Traces of requests in time, and who pays for the speed of the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "speed.h"

#define MS	1000000ULL
#define NR	3

/* Windows of 100 ms; up to 1, 2, 4 MB in one is at most half of the time busy. */
static const struct diskmodel model = {
	.window_ms = 100, .busy_percent = 50, .nr_speeds = 3,
	.speed = { { "slow", 4000, 5000, 20000000 },
		   { "medium", 7000, 9000, 40000000 },
		   { "fast", 10000, 13000, 80000000 } },
};

static struct speed speed;
static struct cost_meter low;
static struct speed_client client[NR];
static energy_t base[NR];
static unsigned int present;

static int setup(void **state)
{
	speed_init(&speed, &model, 0);
	low = (struct cost_meter){ .power_mw = model.speed[0].idle_power_mw };
	for (int i = 0; i < NR; i++) {
		client[i] = (struct speed_client){ 0 };
		base[i] = 0;
	}
	present = 0;
	return 0;
}

/* As server_meter() does it. */
static void meter(uint64_t ms)
{
	unsigned int nr = __builtin_popcount(present);
	energy_t pj = cost_meter_share(&low, ms * MS, nr);

	speed_advance(&speed, ms * MS);
	for (int i = 0; i < NR; i++)
		if (present & 1 << i)
			base[i] += pj + speed_take(&client[i]);
}

static void join(uint64_t ms, int i)
{
	meter(ms);
	speed_join(&speed, &client[i]);
	present |= 1 << i;
}

static void leave(uint64_t ms, int i)
{
	meter(ms);
	speed_leave(&speed, &client[i]);
	present &= ~(1 << i);
}

static void use(uint64_t ms, int i, uint64_t bytes)
{
	speed_advance(&speed, ms * MS);
	speed_use(&client[i], bytes);
}

/* Microjoules: milliwatts for so many milliseconds. */
static void paid(int i, uint64_t uj)
{
	assert_true(base[i] == (energy_t)uj * 1000000);
}

/* Who only reads a little, or nothing, pays half of 4 W. */
static void test_low(void **state)
{
	join(0, 0);
	join(0, 1);
	use(10, 0, 1000000);
	use(110, 0, 1);
	assert_int_equal(speed.current, 0);
	meter(1000);
	paid(0, 2000000);
	paid(1, 2000000);
}

static void test_user_pays(void **state)
{
	join(0, 0);
	join(0, 1);
	/* A byte more than is done at the lowest speed in half of the time. */
	use(10, 0, 400000);
	use(20, 0, 600001);
	assert_int_equal(speed.current, 0);
	meter(100);
	assert_int_equal(speed.current, 1);
	/* Up to there everybody has paid half of 4 W. */
	paid(0, 200000);
	paid(1, 200000);
	meter(150);
	/* 50 ms of 2 W each, and 3 W. */
	paid(0, 200000 + 100000 + 150000);
	paid(1, 200000 + 100000);
	/* Nothing was done in that window. */
	meter(300);
	assert_int_equal(speed.current, 0);
	paid(0, 600000 + 300000);
	paid(1, 600000);
}

static void test_each_speed(void **state)
{
	join(0, 0);
	use(0, 0, 1000000);
	speed_advance(&speed, 100 * MS);
	assert_int_equal(speed.current, 0);
	use(100, 0, 2000000);
	speed_advance(&speed, 200 * MS);
	assert_int_equal(speed.current, 1);
	use(200, 0, 2000001);
	speed_advance(&speed, 300 * MS);
	assert_int_equal(speed.current, 2);
	use(300, 0, 4000001);
	speed_advance(&speed, 400 * MS);
	assert_int_equal(speed.current, 2);
	use(499, 0, 1000001);
	speed_advance(&speed, 500 * MS);
	assert_int_equal(speed.current, 1);
	meter(600);
	assert_int_equal(speed.current, 0);
	/* 600 ms of 4 W, 2 windows of 3 W more, 2 of 6 W more. */
	paid(0, 600 * 4000 + 2 * 100 * 3000 + 2 * 100 * 6000);
}

/* However few bytes: together they made it fast. */
static void test_users_share(void **state)
{
	join(0, 0);
	join(0, 1);
	join(0, 2);
	use(1, 0, 4000000);
	use(2, 1, 1);
	meter(100);
	assert_int_equal(speed.current, 2);
	meter(200);
	/* A third of 4 W for 200 ms does not divide: 266666666666.67 pJ. */
	assert_true(base[0] == 266666666666 + 300000000000);
	assert_true(base[1] == 266666666666 + 300000000000);
	assert_true(base[2] == 266666666666);
	assert_int_equal(low.carry_pj, 2);
}

/* It is all the same how often anybody looks. */
static void test_looks(void **state)
{
	join(0, 0);
	join(0, 1);
	for (uint64_t ms = 0; ms <= 1000; ms++) {
		if (ms == 50)
			use(ms, 0, 1500000);
		if (ms == 350)
			use(ms, 1, 5000000);
		meter(ms);
	}
	/* 100 to 200 ms: 3 W of the first; 400 to 500 ms: 6 W of the other. */
	paid(0, 2000000 + 300000);
	paid(1, 2000000 + 600000);
	setup(NULL);
	join(0, 0);
	join(0, 1);
	use(50, 0, 1500000);
	use(350, 1, 5000000);
	meter(1000);
	paid(0, 2000000 + 300000);
	paid(1, 2000000 + 600000);
}

static void test_last_user_goes(void **state)
{
	join(0, 0);
	join(0, 1);
	use(0, 0, 5000000);
	meter(100);
	assert_int_equal(speed.current, 2);
	leave(130, 0);
	assert_int_equal(speed.current, 0);
	meter(200);
	paid(0, 130 * 2000 + 30 * 6000);
	paid(1, 130 * 2000 + 70 * 4000);
	/* What comes back is another one. */
	join(200, 0);
	meter(300);
	paid(0, 130 * 2000 + 30 * 6000 + 100 * 2000);
	assert_int_equal(speed.current, 0);
}

static void test_one_user_goes(void **state)
{
	join(0, 0);
	join(0, 1);
	use(0, 0, 5000000);
	use(0, 1, 1);
	leave(150, 0);
	assert_int_equal(speed.current, 2);
	meter(200);
	paid(0, 150 * 2000 + 50 * 3000);
	paid(1, 150 * 2000 + 50 * 3000 + 50 * 4000 + 50 * 6000);
	/* What it did in its last window does not count any more. */
	meter(300);
	assert_int_equal(speed.current, 0);
}

/* Long after, windows are where they would have been. */
static void test_long_idle(void **state)
{
	join(0, 0);
	use(0, 0, 5000000);
	meter(1000000050);
	assert_int_equal(speed.current, 0);
	assert_true(base[0] == ((energy_t)1000000050 * 4000 + 100 * 6000) * 1000000);
	assert_int_equal(speed.end_ns, 1000000100 * MS);
	/* Time does not go back. */
	speed_advance(&speed, 0);
	assert_int_equal(speed.end_ns, 1000000100 * MS);
	assert_true(speed_take(&client[0]) == 0);
}

static void test_much_at_once(void **state)
{
	join(0, 0);
	use(0, 0, UINT64_MAX - 1);
	use(0, 0, UINT64_MAX);
	meter(100);
	assert_int_equal(speed.current, 2);
	assert_int_equal(client[0].bytes, 0);
}

/* What all have paid and what is carried is what the disk has consumed. */
static void test_conserved(void **state)
{
	energy_t consumed = 0, sum;
	uint64_t now = 0;

	srand(4);
	for (int i = 0; i < 200000; i++) {
		uint64_t step = rand() % (30 * MS), next = now + step;
		int n = rand() % NR;

		/* Reckoned apart, window by window, at the speed of each. */
		while (now < next) {
			uint64_t to = next < speed.end_ns ? next : speed.end_ns;

			if (present)
				consumed += (energy_t)(to - now) *
					model.speed[speed.current].idle_power_mw;
			speed_advance(&speed, to);
			now = to;
		}
		sum = cost_meter_share(&low, now, __builtin_popcount(present));
		for (int c = 0; c < NR; c++)
			if (present & 1 << c)
				base[c] += sum + speed_take(&client[c]);
		if (!(present & 1 << n)) {
			speed_join(&speed, &client[n]);
			present |= 1 << n;
		} else if (rand() % 8) {
			speed_use(&client[n], rand() % 1000000);
		} else {
			speed_leave(&speed, &client[n]);
			present &= ~(1 << n);
		}
		sum = low.carry_pj + speed.meter.carry_pj;
		for (int c = 0; c < NR; c++)
			sum += base[c];
		assert_true(sum == consumed);
		assert_true(speed.users || !speed.current);
	}
	assert_true(base[0] > 0 && base[1] > 0 && base[2] > 0);
}

#define test(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_low),
		test(test_user_pays),
		test(test_each_speed),
		test(test_users_share),
		test(test_looks),
		test(test_last_user_goes),
		test(test_one_user_goes),
		test(test_long_idle),
		test(test_much_at_once),
		test(test_conserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
