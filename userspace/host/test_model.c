// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"

static char err[MODEL_ERR_LEN];

static int parse_bytes(const char *text, size_t len, struct model *m)
{
	FILE *f = fmemopen((void *)text, len, "r");
	int ret;

	assert_non_null(f);
	err[0] = '\0';
	ret = model_read(f, "M", m, err);
	fclose(f);
	return ret;
}

static int parse(const char *text, struct model *m)
{
	return parse_bytes(text, strlen(text), m);
}

static void refuse(const char *text, const char *message)
{
	struct model m;

	assert_int_equal(parse(text, &m), -EINVAL);
	assert_string_equal(err, message);
}

static uint64_t weight(const char *nj)
{
	struct model m;
	char *text;

	assert_true(asprintf(&text, "event e %s\n", nj) > 0);
	assert_int_equal(parse(text, &m), 0);
	free(text);
	return m.event[0].weight_pj;
}

static void test_pentium4(void **state)
{
	static const uint64_t pj[] = {
		6170, 7120, 4750, 560, 340460, 1730, 29960, 13550
	};
	struct model m;

	assert_int_equal(model_load(MODELS "/pentium4.model", &m, err), 0);
	assert_int_equal(m.nr_events, 8);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(m.event[i].weight_pj, pj[i]);
		assert_int_equal(m.event[i].flags, i ? 0 : PVENERGY_EVENT_BASE);
		assert_int_equal(m.event[i].reserved, 0);
	}
	assert_int_equal(model_fits_machine(&m), -1);
	assert_string_equal(m.event[PVENERGY_TSC].name, "tsc");
	assert_string_equal(m.event[PVENERGY_L1_LOAD_MISSES].name,
			    "l1_load_misses");
}

static void test_weights_are_exact(void **state)
{
	assert_int_equal(weight("0"), 0);
	assert_int_equal(weight("1"), 1000);
	assert_int_equal(weight("0.1"), 100);
	assert_int_equal(weight("0.001"), 1);
	assert_int_equal(weight("340.46"), 340460);
	assert_int_equal(weight("007.500"), 7500);
	assert_int_equal(weight("1000000000"), PVENERGY_MAX_WEIGHT_PJ);
	assert_int_equal(weight("1000000000.000"), PVENERGY_MAX_WEIGHT_PJ);
	assert_int_equal(weight("999999999.999"), PVENERGY_MAX_WEIGHT_PJ - 1);
}

static void test_bad_weights(void **state)
{
	static const char *const bad[] = {
		".", ".5", "5.", "1.2345", "1..2", "1.2.3", "-1", "+1", "1e3",
		"0x10", "1,5", "nan", "inf", "1nJ",
	};
	static const char *const heavy[] = {
		"1000000000.001", "1000000001", "18446744073709551616",
		"99999999999999999999999999999999999999999999.999",
	};
	char text[128], message[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "event e %s\n", bad[i]);
		snprintf(message, sizeof(message),
			 "M:1: weight '%s' is not a number with at most 3 fraction digits",
			 bad[i]);
		refuse(text, message);
	}
	for (size_t i = 0; i < sizeof(heavy) / sizeof(heavy[0]); i++) {
		snprintf(text, sizeof(text), "event e %s\n", heavy[i]);
		snprintf(message, sizeof(message),
			 "M:1: weight %s is above 1000000000 nJ", heavy[i]);
		refuse(text, message);
	}
}

static void test_format(void **state)
{
	struct model m;

	assert_int_equal(parse("# comment\n"
			       "\n"
			       "\t event\ta  1.5 base # why\r\n"
			       "event b_2 0#x\n"
			       "event c 3", &m), 0);
	assert_int_equal(m.nr_events, 3);
	assert_string_equal(m.event[0].name, "a");
	assert_int_equal(m.event[0].weight_pj, 1500);
	assert_int_equal(m.event[0].flags, PVENERGY_EVENT_BASE);
	assert_string_equal(m.event[1].name, "b_2");
	assert_int_equal(m.event[1].flags, 0);
	assert_string_equal(m.event[2].name, "c");
	assert_int_equal(m.event[2].weight_pj, 3000);
	assert_int_equal(m.event[3].weight_pj, 0);
}

static void test_refused(void **state)
{
	struct model m;

	refuse("", "M: no events");
	refuse("# nothing\n", "M: no events");
	refuse("\n\nfoo a 1\n", "M:3: unknown keyword 'foo'");
	refuse("Event a 1\n", "M:1: unknown keyword 'Event'");
	refuse("event\n", "M:1: expected: event NAME WEIGHT [base]");
	refuse("event a\n", "M:1: expected: event NAME WEIGHT [base]");
	refuse("event a 1 # ok\nevent a 2\n",
	       "M:2: event 'a' is there already");
	refuse("event A 1\n",
	       "M:1: event name 'A' is not of a-z, 0-9 and '_'");
	refuse("event a-b 1\n",
	       "M:1: event name 'a-b' is not of a-z, 0-9 and '_'");
	refuse("event abcdefghijklmnopqrstuvwx 1\n",
	       "M:1: event name 'abcdefghijklmnopqrstuvwx' is longer than 23 letters");
	refuse("event a 1 idle\n", "M:1: expected 'base', not 'idle'");
	refuse("event a 1 base base\n", "M:1: 'base' is too much");
	refuse("event a 1\nevent b 1\nevent c 1\nevent d 1\nevent e 1\n"
	       "event f 1\nevent g 1\nevent h 1\nevent i 1\n",
	       "M:9: more than 8 events");

	assert_int_equal(parse_bytes("event a 1\0 base\n", 16, &m), -EINVAL);
	assert_string_equal(err, "M:1: the line has a zero byte");
}

static void test_longest_name(void **state)
{
	struct model m;

	assert_int_equal(parse("event abcdefghijklmnopqrstuvw 1\n", &m), 0);
	assert_string_equal(m.event[0].name, "abcdefghijklmnopqrstuvw");
}

static void test_unreadable(void **state)
{
	struct model m;

	assert_int_equal(model_load("/nonexistent/m", &m, err), -ENOENT);
	assert_string_equal(err, "/nonexistent/m: No such file or directory");
	assert_int_equal(model_load("/", &m, err), -EISDIR);
	assert_string_equal(err, "/: Is a directory");
}

static void test_fits_machine(void **state)
{
	struct model m;

	assert_int_equal(parse("event tsc 1\nevent unhalted_cycles 1\n", &m), 0);
	assert_int_equal(model_fits_machine(&m), -1);
	assert_int_equal(parse("event tsc 1\nevent memory_retired 1\n", &m), 0);
	assert_int_equal(model_fits_machine(&m), 1);
	assert_string_equal(model_machine_event(1), "unhalted_cycles");
}

static void test_perf(void **state)
{
	struct model m;

	assert_int_equal(parse("event a 1\nevent b 2\nperf b perf::B:u=0\n"
			       "idle_power_mw 1500\nactive_power_mw 5500\n", &m), 0);
	assert_string_equal(m.perf[0], "");
	assert_string_equal(m.perf[1], "perf::B:u=0");
	assert_int_equal(m.idle_mw, 1500);
	assert_int_equal(m.active_mw, 5500);
	assert_int_equal(parse("event a 1\nidle_power_mw 0\nactive_power_mw 1000000\n",
			       &m), 0);

	refuse("perf a x\n", "M:1: there is no event 'a' above");
	refuse("event a 1\nperf a\n", "M:2: expected: perf NAME EVENT");
	refuse("event a 1\nperf a b c\n", "M:2: 'c' is too much");
	refuse("event a 1\nperf a b\nperf a b\n", "M:3: perf of 'a' is there already");
	refuse("event a 1\nperf a b/c\n", "M:2: 'b/c' is no name of libpfm4");
	refuse("event a 1 base\nperf a b\n",
	       "M:2: 'a' is base cost, which is not counted");
	refuse("event a 1\nidle_power_mw 1\n", "M: active_power_mw is missing");
	refuse("event a 1\nactive_power_mw 1\n", "M: idle_power_mw is missing");
	refuse("event a 1\nidle_power_mw 0\nactive_power_mw 0\n",
	       "M: active_power_mw is zero");
	refuse("event a 1\nidle_power_mw 2\nactive_power_mw 1\n",
	       "M: active_power_mw is below idle_power_mw");
	refuse("event a 1\nidle_power_mw\n", "M:2: idle_power_mw of what?");
	refuse("event a 1\nidle_power_mw 1 2\n", "M:2: '2' is too much");
	refuse("event a 1\nidle_power_mw 1.5\n", "M:2: '1.5' is not a number");
	refuse("event a 1\nidle_power_mw -1\n", "M:2: '-1' is not a number");
	refuse("event a 1\nidle_power_mw 1000001\n", "M:2: idle_power_mw is above 1000000");
	refuse("event a 1\nidle_power_mw 99999999999999999999999\n",
	       "M:2: idle_power_mw is above 1000000");
	refuse("event a 1\nidle_power_mw 1\nidle_power_mw 1\n",
	       "M:3: idle_power_mw is there already");
}

static void test_others(void **state)
{
	struct model m;

	assert_int_equal(model_load(MODELS "/pentiumd.model", &m, err), 0);
	assert_int_equal(m.nr_events, 8);
	assert_int_equal(model_fits_machine(&m), -1);
	assert_int_equal(m.event[PVENERGY_TSC].weight_pj, 14180);
	assert_int_equal(m.event[PVENERGY_MISPRED_BRANCHES].weight_pj, 234210);
	assert_int_equal(m.active_mw, 81090);

	assert_int_equal(model_load(MODELS "/generic.model", &m, err), 0);
	assert_int_equal(m.nr_events, 4);
	for (unsigned int e = 0; e < m.nr_events; e++)
		assert_true(*m.perf[e]);
	assert_int_equal(m.active_mw - m.idle_mw, 4000);
	assert_true(model_fits_machine(&m) >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pentium4),
		cmocka_unit_test(test_weights_are_exact),
		cmocka_unit_test(test_bad_weights),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_fits_machine),
		cmocka_unit_test(test_perf),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
