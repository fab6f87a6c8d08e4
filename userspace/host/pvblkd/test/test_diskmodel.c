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
	assert_int_equal(m.nr_speeds, 1);
	assert_int_equal(m.speed[0].idle_power_mw, idle);
	assert_int_equal(m.speed[0].active_power_mw, active);
	assert_int_equal(m.speed[0].transfer_rate, rate);
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

#define SLOW "speed slow\n" GOOD
#define FAST "speed fast\nidle_power_mw 2\nactive_power_mw 5\ntransfer_rate 4000000\n"

static void test_speeds(void **state)
{
	assert_int_equal(diskmodel_load(MODELS "/drpm.disk", &m, err), 0);
	assert_int_equal(m.nr_speeds, 3);
	assert_int_equal(m.window_ms, 1000);
	assert_int_equal(m.busy_percent, 80);
	assert_string_equal(m.speed[0].name, "slow");
	assert_int_equal(m.speed[0].idle_power_mw, 4800);
	assert_int_equal(m.speed[1].active_power_mw, 9400);
	assert_string_equal(m.speed[2].name, "fast");
	assert_int_equal(m.speed[2].transfer_rate, 55000000);
	accept("busy_percent 50\n" SLOW "\n# more\n" FAST);
	assert_int_equal(m.nr_speeds, 2);
	assert_int_equal(m.window_ms, DISKMODEL_WINDOW_MS);
	assert_int_equal(m.busy_percent, 50);
	/* One speed may have a name. */
	accept(SLOW);
	assert_int_equal(m.nr_speeds, 1);

	refuse("speed Slow\n" GOOD,
	       "M:1: 'Slow' is not up to 23 of a-z, 0-9, '-' and '_', a letter first");
	refuse("speed\n", "M:1: speed of what?");
	refuse(GOOD FAST, "M:4: idle_power_mw is of which speed?");
	refuse("speed slow\nidle_power_mw 1\n" FAST,
	       "M:3: slow: active_power_mw is missing");
	refuse(SLOW "speed fast\n", "M: fast: idle_power_mw is missing");
	refuse(SLOW "idle_power_mw 1\n", "M:5: idle_power_mw is there already");
	refuse(SLOW "name x\n", "M:5: name is not of a speed");
	refuse(SLOW "window_ms 1\n", "M:5: window_ms is not of a speed");
	refuse(FAST SLOW, "M: slow is not faster than fast");
	refuse(SLOW "speed same\n" GOOD, "M: same is not faster than slow");
	refuse(SLOW "speed cold\nidle_power_mw 0\nactive_power_mw 5\n"
	       "transfer_rate 4000000\n", "M: cold: idle_power_mw is below that of slow");
	refuse("window_ms 0\n" SLOW FAST, "M: window_ms is zero");
	refuse("window_ms 3600001\n", "M:1: window_ms is above 3600000");
	refuse("busy_percent 101\n", "M:1: busy_percent is above 100");
	refuse("window_ms 1\n" GOOD, "M: window_ms of a disk of one speed");
	refuse("speed a\nidle_power_mw 0\nactive_power_mw 1\ntransfer_rate 57000001\n"
	       "speed b\nidle_power_mw 0\nactive_power_mw 1\ntransfer_rate 57000017\n"
	       "speed c\nidle_power_mw 0\nactive_power_mw 1\ntransfer_rate 57000021\n",
	       "M: the least common multiple of the transfer rates is above 1000000000000000");
}

static void test_too_many_speeds(void **state)
{
	char text[4096] = "";

	for (int i = 1; i <= 9; i++)
		sprintf(text + strlen(text), "speed s%d\nidle_power_mw 1\nactive_power_mw 2\n"
			"transfer_rate %d000000\n", i, i);
	refuse(text, "M:33: more than 8 speeds");
}

static void test_errors(void **state)
{
	refuse("", "M: idle_power_mw is missing");
	refuse("idle_power_mw 1\n", "M: active_power_mw is missing");
	refuse("idle_power_mw 1\nactive_power_mw 1\n", "M: transfer_rate is missing");
	refuse("\nspin 1\n", "M:2: unknown keyword 'spin'");
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
		cmocka_unit_test(test_speeds),
		cmocka_unit_test(test_too_many_speeds),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
