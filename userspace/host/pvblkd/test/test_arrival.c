// SPDX-License-Identifier: GPL-2.0-or-later
/* Files that appear in directories that are not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "arrival.h"
#include "io.h"

static char top[80], middle[100], low[120], file[140], other[140];
static struct io io;
static struct arrival *arrival;
static unsigned int told;

static void there(void *owner)
{
	assert_ptr_equal(owner, &told);
	told++;
}

/* Until there is nothing new. */
static void settle(void)
{
	for (int i = 0; i < 20; i++) {
		io_run(&io, false);
		usleep(100);
	}
}

static int setup(void **state)
{
	snprintf(top, sizeof(top), "%s/test_pvblkd.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(top) || io_init(&io))
		return -1;
	snprintf(middle, sizeof(middle), "%s/middle", top);
	snprintf(low, sizeof(low), "%s/low", middle);
	snprintf(file, sizeof(file), "%s/socket", low);
	snprintf(other, sizeof(other), "%s/other", low);
	told = 0;
	arrival = arrival_watch(&io, file, there, &told);
	return arrival ? 0 : -1;
}

static int teardown(void **state)
{
	arrival_stop(arrival);
	settle();
	io_exit(&io);
	unlink(file);
	rmdir(low);
	rmdir(middle);
	return rmdir(top);
}

static void make(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fclose(f);
	settle();
}

static void test_step_by_step(void **state)
{
	mkdir(middle, 0700);
	settle();
	mkdir(low, 0700);
	settle();
	make(other);
	assert_int_equal(told, 0);
	make(file);
	assert_in_range(told, 1, 10);
	unlink(other);
}

/* The directory of its directory is watched when all has been made. */
static void test_at_once(void **state)
{
	mkdir(middle, 0700);
	mkdir(low, 0700);
	make(file);
	assert_in_range(told, 1, 10);
}

static void test_again(void **state)
{
	test_at_once(state);
	unlink(file);
	rmdir(low);
	settle();
	told = 0;
	mkdir(low, 0700);
	make(file);
	assert_in_range(told, 1, 10);
	unlink(file);
	told = 0;
	make(file);
	assert_in_range(told, 1, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_step_by_step, setup, teardown),
		cmocka_unit_test_setup_teardown(test_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
