// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model.h"
#include "perfhost.h"

#define CYCLES "perf::PERF_COUNT_HW_CPU_CYCLES"

static void test_encode(void **state)
{
	struct perf_event_attr attr;

	assert_null(perf_host_encode(CYCLES, &attr));
	assert_int_equal(attr.type, PERF_TYPE_HARDWARE);
	assert_int_equal(attr.config, PERF_COUNT_HW_CPU_CYCLES);
	assert_int_equal(attr.exclude_kernel, 0);
	assert_int_equal(attr.exclude_user, 0);
	assert_true(attr.read_format & PERF_FORMAT_GROUP);
	assert_non_null(perf_host_encode("no::such", &attr));
	assert_non_null(perf_host_probe("no::such"));
}

/* A virtual CPU's thread spends its time in the guest. */
static void test_guest(void **state)
{
	struct perf_event_attr attr;

	assert_null(perf_host_encode(CYCLES, &attr));
	assert_int_equal(attr.exclude_guest, 0);
	assert_int_equal(attr.exclude_host, 0);
	assert_null(perf_host_encode(CYCLES ":mg=1", &attr));
	assert_int_equal(attr.exclude_guest, 0);
	assert_int_equal(attr.exclude_host, 1);
	assert_null(perf_host_encode(CYCLES ":mh=1", &attr));
	assert_int_equal(attr.exclude_guest, 1);
	assert_int_equal(attr.exclude_host, 0);
}

/* Whether or not this host counts them. */
static void test_generic_model(void **state)
{
	struct perf_event_attr attr;
	char err[MODEL_ERR_LEN];
	struct model m;

	assert_int_equal(model_load(MODELS "/generic.model", &m, err), 0);
	for (unsigned int e = 0; e < m.nr_events; e++)
		assert_null(perf_host_encode(m.perf[e], &attr));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_guest),
		cmocka_unit_test(test_generic_model),
	};

	return cmocka_run_group_tests_name("perfhost", tests, NULL, NULL);
}
