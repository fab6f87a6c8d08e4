// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "state.h"

static char device[2][PVBLK_NAME_LEN] = { "disk", "disk-cpu" };
static char path[64];
static char err[STATE_ERR_LEN];
static struct state_file *state;

static int setup(void **unused)
{
	int fd;

	strcpy(path, "/tmp/test_state.XXXXXX");
	fd = mkstemp(path);
	close(fd);
	state = state_open(path, "vm", device, 2, 1000, err);
	return fd < 0 || !state;
}

static int teardown(void **unused)
{
	munmap(state, sizeof(*state));
	return unlink(path);
}

static struct state_view look(void)
{
	struct state_view view;

	assert_int_equal(state_read(path, &view, err), 0);
	return view;
}

/* A copy is opened, because this process has a lock on the file. */
static struct state_file *reopen(const char *name, const char *disk,
				 unsigned int nr, uint64_t rate)
{
	char devices[2][PVBLK_NAME_LEN] = { "", "disk-cpu" };
	char copy[80], command[256];
	struct state_file *opened;

	strcpy(devices[0], disk);
	snprintf(copy, sizeof(copy), "%s.copy", path);
	snprintf(command, sizeof(command), "cp %s %s", path, copy);
	assert_int_equal(system(command), 0);
	strcpy(err, ": ");
	opened = state_open(copy, name, devices, nr, rate, err);
	unlink(copy);
	return opened;
}

static void misfit(const char *name, const char *disk, unsigned int nr,
		   const char *message)
{
	assert_null(reopen(name, disk, nr, 1000));
	assert_string_equal(strrchr(err, ':') + 2, message);
}

static void fit(const char *name, const char *disk, uint64_t rate, int64_t rest)
{
	struct state_file *opened = reopen(name, disk, 2, rate);

	assert_non_null(opened);
	assert_int_equal(state_rest(opened), rest);
	munmap(opened, sizeof(*opened));
}

static void batch(unsigned int queue, uint16_t used_idx, uint64_t pj)
{
	struct state_totals *t = state_begin(state, queue);

	t->requests++;
	state_pj_add(&t->returned[0], pj);
	state_arm(state, queue, used_idx);
	state_commit(state, queue);
}

static void test_new(void **unused)
{
	struct state_view view = look();

	assert_string_equal(view.name, "vm");
	assert_int_equal(view.nr_devices, 2);
	assert_string_equal(view.device[1], "disk-cpu");
	assert_int_equal(view.totals.requests, 0);
	assert_int_equal(view.uncertain, 0);
	state_start(state, 0, 0);
	assert_int_equal(look().uncertain, 0);
}

static void test_sums(void **unused)
{
	for (int i = 0; i < 1000; i++)
		batch(i % STATE_MAX_QUEUES, i / STATE_MAX_QUEUES, i);
	assert_int_equal(look().totals.requests, 1000);
	assert_true(state_pj(look().totals.returned[0]) == 999 * 500);
	assert_true(state_pj(look().totals.unreported[0]) == 0);
}

static void test_large(void **unused)
{
	energy_t sum = 0;

	for (int i = 0; i < 5; i++) {
		batch(0, i, UINT64_MAX);
		sum += UINT64_MAX;
	}
	assert_true(state_pj(look().totals.returned[0]) == sum);
	assert_true(sum >> 64);
}

/* What is left of a batch at each point where its process may have died. */
static void killed(bool armed, bool published, bool flipped, uint64_t requests,
		   uint16_t used_idx)
{
	struct state_totals *t = state_begin(state, 0);

	t->requests += 100;
	if (armed)
		state_arm(state, 0, used_idx + 100);
	if (flipped)
		state_commit(state, 0);
	used_idx += published ? 100 : 0;
	state_start(state, 0, used_idx);
	assert_int_equal(look().totals.requests, requests);
	assert_int_equal(look().uncertain, 0);
	/* It is not done twice either. */
	state_start(state, 0, used_idx);
	assert_int_equal(look().totals.requests, requests);
}

static void test_killed(void **unused)
{
	batch(0, 5, 1);
	batch(0, 65500, 1);
	killed(false, false, false, 2, 65500);
	killed(true, false, false, 2, 65500);
	killed(true, true, false, 102, 65500);
	killed(true, true, true, 202, 64);
	batch(0, 165, 1);
	assert_int_equal(look().totals.requests, 203);
}

/* An old slot is not taken for an armed one, whatever index a new ring has. */
static void test_new_ring(void **unused)
{
	batch(0, 10, 1);
	batch(0, 20, 1);
	for (unsigned int i = 0; i < 65536; i++) {
		state_start(state, 0, i);
		assert_int_equal(state->queue[0].slot[state->queue[0].active].totals.requests, 2);
	}
	assert_int_equal(look().uncertain, 0);
}

static void test_uncertain(void **unused)
{
	batch(0, 10, 1);
	state_begin(state, 0)->requests++;
	state_arm(state, 0, 11);
	state_start(state, 0, 3);
	assert_int_equal(look().uncertain, 1);
	assert_int_equal(look().totals.requests, 1);
	state_start(state, 0, 11);
	assert_int_equal(look().totals.requests, 1);
}

static void test_rests(void **unused)
{
	state_begin(state, 3)->rest += 700;
	state_arm(state, 3, 1);
	state_commit(state, 3);
	state_begin(state, 5)->rest -= 200;
	state_arm(state, 5, 1);
	assert_int_equal(state_rest(state), 700);
	state_commit(state, 5);
	assert_int_equal(state_rest(state), 500);
}

static void test_base(void **unused)
{
	energy_t pj[2] = { (energy_t)1 << 70, 3 };

	state_add_base(state, pj, 0);
	state_add_base(state, pj, 0);
	assert_true(state_base(state, 0) == (energy_t)1 << 71);
	assert_true(look().base[1] == 6);
}

/* What a process that was killed leaves, its successor finds, but after a boot. */
static void test_until(void **unused)
{
	energy_t pj[2] = { 1, 1 };
	struct state_file *next;

	assert_int_equal(state_metered_until(state), 0);
	state_add_base(state, pj, 77);
	assert_int_equal(state_metered_until(state), 77);
	next = reopen("vm", "disk", 2, 1000);
	assert_int_equal(state_metered_until(next), 77);
	munmap(next, sizeof(*next));
	state->base.boot++;
	next = reopen("vm", "disk", 2, 1000);
	assert_int_equal(state_metered_until(next), 0);
	assert_int_equal(state_base(next, 1), 1);
	munmap(next, sizeof(*next));
}

static void test_misfits(void **unused)
{
	static const char garbage[] = "not a state file, or of another version";

	fit("vm", "disk", 1000, 0);
	misfit("other", "disk", 2, "the state of another disk");
	misfit("vm", "ssd", 2, "the state of other devices");
	misfit("vm", "disk", 1, "the state of other devices");
	state->queue[7].active = 2;
	misfit("vm", "disk", 2, garbage);
	state->queue[7].active = 0;
	memset(state->device[0], 'x', PVBLK_NAME_LEN);
	misfit("vm", "disk", 2, garbage);
	memcpy(state->device[0], device[0], PVBLK_NAME_LEN);
	state->version++;
	misfit("vm", "disk", 2, garbage);
	state->version--;
	/* Its process was killed while it made the file. */
	state->magic = 0;
	fit("another", "ssd", 1, 0);
	state->magic = STATE_MAGIC;
	assert_int_equal(truncate(path, sizeof(*state) + 1), 0);
	misfit("vm", "disk", 2, garbage);
	assert_int_equal(state_read(path, &(struct state_view){ 0 }, err), -1);
	assert_int_equal(truncate(path, sizeof(*state)), 0);
}

static void test_other_model(void **unused)
{
	state_begin(state, 0)->rest = 999;
	state_arm(state, 0, 1);
	state_commit(state, 0);
	fit("vm", "disk", 1000, 999);
	fit("vm", "disk", 500, 0);
}

static void test_locked(void **unused)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(state_open(path, "vm", device, 2, 1000, err) ? 1 :
		      !strstr(err, "another process serves this disk"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_new),
		test(test_sums),
		test(test_large),
		test(test_killed),
		test(test_new_ring),
		test(test_uncertain),
		test(test_rests),
		test(test_base),
		test(test_until),
		test(test_misfits),
		test(test_other_model),
		test(test_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
