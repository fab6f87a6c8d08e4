// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diskmodel.h"

#define GOOD "idle_power_mw 1\nactive_power_mw 2\ntransfer_rate 3000000\n"

static char err[DISKMODEL_ERR_LEN];
static struct diskmodel m;

static int parse_bytes(const char *text, size_t len)
{
	FILE *f = fmemopen((void *)text, len, "r");
	int ret;

	assert_non_null(f);
	err[0] = '\0';
	ret = diskmodel_read(f, "M", &m, err);
	fclose(f);
	return ret;
}

static void refuse(const char *text, const char *message)
{
	assert_int_equal(parse_bytes(text, strlen(text)), -EINVAL);
	assert_string_equal(err, message);
}

static void accept(const char *text)
{
	assert_int_equal(parse_bytes(text, strlen(text)), 0);
}

static void shipped(const char *file, const char *name, uint64_t idle,
		    uint64_t active, uint64_t rate)
{
	assert_int_equal(diskmodel_load(file, &m, err), 0);
	assert_string_equal(m.name, name);
	assert_int_equal(m.idle_power_mw, idle);
	assert_int_equal(m.speed.active_power_mw, active);
	assert_int_equal(m.speed.transfer_rate, rate);
}

static void test_shipped(void **state)
{
	shipped(MODELS "/ultrastar.disk", "disk", 10200, 13500, 55000000);
	shipped(MODELS "/maxtor.disk", "disk", 4083, 6714, 57000000);
	shipped(MODELS "/ssd.disk", "ssd", 300, 2800, 520000000);
}

static void test_format(void **state)
{
	accept(GOOD);
	assert_string_equal(m.name, "disk");
	accept("# a comment\n\n \t\n" GOOD "name\tnvme-0_x # mine");
	assert_string_equal(m.name, "nvme-0_x");
	accept(GOOD "name abcdefghijklmnopqrstuvw\n");
	/* A disk that draws the same always is one, too. */
	accept("transfer_rate 1\nactive_power_mw 0\nidle_power_mw 000\n");
}

static void test_errors(void **state)
{
	refuse("", "M: idle_power_mw is missing");
	refuse("idle_power_mw 1\n", "M: active_power_mw is missing");
	refuse("idle_power_mw 1\nactive_power_mw 1\n", "M: transfer_rate is missing");
	refuse("\nspeed 1\n", "M:2: unknown keyword 'speed'");
	refuse("idle_power_mw\n", "M:1: idle_power_mw of what?");
	refuse("idle_power_mw 1 2\n", "M:1: '2' is too much");
	refuse("idle_power_mw 1\nidle_power_mw 1\n",
	       "M:2: idle_power_mw is there already");
	refuse("idle_power_mw -1\n", "M:1: '-1' is not a number");
	refuse("idle_power_mw 10.2\n", "M:1: '10.2' is not a number");
	refuse("idle_power_mw 1000000001\n",
	       "M:1: idle_power_mw is above 1000000000");
	refuse("idle_power_mw 99999999999999999999999999999999\n",
	       "M:1: idle_power_mw is above 1000000000");
	refuse("transfer_rate 1000000000001\n",
	       "M:1: transfer_rate is above 1000000000000");
	refuse("idle_power_mw 1\nactive_power_mw 1\ntransfer_rate 0\n",
	       "M: transfer_rate is zero");
	refuse("idle_power_mw 2\nactive_power_mw 1\ntransfer_rate 1\n",
	       "M: active_power_mw is below idle_power_mw");
	refuse("idle_power_mw 1\nactive_power_mw 3\ntransfer_rate 1\n",
	       "M: a byte costs more than 1000000000 pJ");
	refuse("name Disk\n",
	       "M:1: 'Disk' is not up to 23 of a-z, 0-9, '-' and '_', a letter first");
	refuse("name 0disk\n",
	       "M:1: '0disk' is not up to 23 of a-z, 0-9, '-' and '_', a letter first");
	refuse("name abcdefghijklmnopqrstuvwx\n",
	       "M:1: 'abcdefghijklmnopqrstuvwx' is not up to 23 of a-z, 0-9, '-' and '_', a letter first");
	assert_int_equal(parse_bytes("name a\0b\n", 9), -EINVAL);
	assert_string_equal(err, "M:1: the line has a zero byte");
	assert_int_equal(diskmodel_load("/nowhere", &m, err), -ENOENT);
	assert_string_equal(err, "/nowhere: No such file or directory");
	assert_int_equal(diskmodel_load("/", &m, err), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
