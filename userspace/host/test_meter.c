// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "meter.h"
#include "page.h"

static char dir[] = "/tmp/test_meter.XXXXXX";
static struct machine_vm vm[MACHINE_MAX_VMS];
static struct machine_set alive;
static struct account a;
static struct meters *ms;

static const struct model model = {
	.nr_events = 2,
	.event = {
		{ .name = "tsc", .weight_pj = 6170, .flags = PVENERGY_EVENT_BASE },
		{ .name = "other", .weight_pj = 5 },
	},
};

static char *page_path(const char *name)
{
	return format("%s/%s" MACHINE_PAGE_SUFFIX, dir, name);
}

static void make_page(const char *name, const char *inside, uint32_t flags)
{
	char *path = page_path(name);
	int fd = page_create(path, inside, 1, &model, flags, 1000);

	assert_true(fd >= 0);
	close(fd);
	free(path);
}

static void join(unsigned int slot, const char *name)
{
	vm[slot].generation++;
	vm[slot].pid = getpid();
	memset(vm[slot].name, 0, sizeof(vm[slot].name));
	strcpy(vm[slot].name, name);
	machine_set_add(&alive, slot);
}

/* What a guest sees. */
static uint64_t shown(const char *name)
{
	char *path = page_path(name);
	struct energy_page page;
	const char *why;
	uint64_t nj;

	assert_int_equal(page_open(path, &page, &why), 0);
	nj = page.header->base_nj;
	page_close(&page);
	free(path);
	return nj;
}

static int setup(void **state)
{
	memset(vm, 0, sizeof(vm));
	memset(&alive, 0, sizeof(alive));
	account_init(&a, &model, 1);
	strcpy(strrchr(dir, '.'), ".XXXXXX");
	if (!mkdtemp(dir) || machine_create(dir, 1, 1000))
		return -1;
	ms = meters_open(dir, NULL);
	return !ms;
}

static int teardown(void **state)
{
	char *remove = format("rm -r %s", dir);
	int ret = system(remove);

	if (ms)
		meters_close(ms);
	free(remove);
	return ret;
}

/* So much base cost in sum is everyone's who is there. */
static void period(uint64_t pj)
{
	a.base_pj += pj;
	meters_find(ms, vm, &alive);
	account_vms(&a, vm, &alive);
	meters_write(ms, &a);
}

static void test_writes(void **state)
{
	make_page("a", "a", PVENERGY_METER);
	make_page("b", "b", PVENERGY_METER);
	make_page("old", "old", 0);
	join(0, "a");
	join(200, "b");
	join(3, "old");
	period(3 * 1999);
	assert_int_equal(shown("a"), 1);
	assert_int_equal(shown("b"), 1);
	assert_int_equal(shown("old"), 0);
	/* The rest is not lost. */
	period(3);
	assert_int_equal(shown("a"), 2);
	assert_int_equal(shown("b"), 2);
}

static void test_one_writer(void **state)
{
	assert_null(meters_open(dir, NULL));
	meters_close(ms);
	ms = meters_open(dir, NULL);
	assert_non_null(ms);
}

static void test_bad_pages(void **state)
{
	char *path = page_path("short");
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	make_page("other", "another", PVENERGY_METER);
	make_page("a", "a", PVENERGY_METER);
	join(0, "short");
	join(1, "other");
	join(2, "missing");
	join(3, "a");
	join(4, "../a");
	memset(vm[5].name, 'x', sizeof(vm[5].name));
	vm[5].generation = 1;
	machine_set_add(&alive, 5);
	period(6000);
	assert_int_equal(shown("a"), 1);
	assert_int_equal(shown("other"), 0);
	free(path);
}

static void test_page_vanishes(void **state)
{
	char *path = page_path("a");

	make_page("a", "a", PVENERGY_METER);
	make_page("b", "b", PVENERGY_METER);
	join(0, "a");
	join(1, "b");
	period(2000);
	assert_int_equal(unlink(path), 0);
	period(2000);
	machine_set_remove(&alive, 0);
	period(2000);
	assert_int_equal(shown("b"), 4);
	/* Another run of that name begins at zero. */
	make_page("a", "a", PVENERGY_METER);
	join(0, "a");
	period(2000);
	assert_int_equal(shown("a"), 1);
	assert_int_equal(shown("b"), 5);
	free(path);
}

static void restart(void)
{
	meters_close(ms);
	ms = meters_open(dir, NULL);
	assert_non_null(ms);
	account_init(&a, &model, 1);
}

static void test_goes_on(void **state)
{
	energy_t known[MACHINE_MAX_VMS];

	make_page("a", "a", PVENERGY_METER);
	make_page("b", "b", PVENERGY_METER);
	join(0, "a");
	period(1000000);
	join(1, "b");
	period(500000);
	assert_int_equal(shown("a"), 1250);
	assert_int_equal(shown("b"), 250);

	/* The next one finds the machine's history, and 100 nJ more. */
	restart();
	a.base_pj = 1600000;
	meters_find(ms, vm, &alive);
	meters_known(ms, known);
	assert_true(known[0] == 1250000);
	assert_true(known[1] == 250000);
	assert_true(known[2] == 0);
	assert_true(account_known_base(&a, known));
	account_vms(&a, vm, &alive);
	meters_write(ms, &a);
	assert_int_equal(shown("a"), 1300);
	assert_int_equal(shown("b"), 300);
}

/* One that does not know what was before never steps back, and goes on. */
static void test_another_story(void **state)
{
	make_page("a", "a", PVENERGY_METER);
	join(0, "a");
	period(1000000);
	restart();
	period(5000);
	assert_int_equal(shown("a"), 1000);
	period(7000);
	assert_int_equal(shown("a"), 1007);
}

static void test_weights(void **state)
{
	struct model other = model;
	struct energy_page page;
	char *path = page_path("a");
	const char *why;

	other.event[1].weight_pj = 77;
	make_page("a", "a", 0);
	meters_close(ms);
	ms = meters_open(dir, &other);
	join(0, "a");
	period(0);
	assert_int_equal(page_open(path, &page, &why), 0);
	assert_int_equal(page.header->weight_seq, 2);
	assert_int_equal(page.header->events[1].weight_pj, 77);
	period(0);
	assert_int_equal(page.header->weight_seq, 2);
	page_close(&page);
	free(path);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_writes),
		TEST(test_one_writer),
		TEST(test_bad_pages),
		TEST(test_page_vanishes),
		TEST(test_goes_on),
		TEST(test_another_story),
		TEST(test_weights),
	};

	return cmocka_run_group_tests_name("meter", tests, NULL, NULL);
}
