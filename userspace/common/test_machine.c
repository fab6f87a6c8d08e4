// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of the emulated machine's shared memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

static char dir[] = "/tmp/test_machine.XXXXXX";

static int setup(void **state)
{
	struct machine *m;
	int err;

	memcpy(strrchr(dir, '.'), ".XXXXXX", 7);
	if (!mkdtemp(dir) || machine_create(dir, 2, 100000))
		return -1;
	m = machine_open(dir, 1, &err);
	*state = m;
	return m ? 0 : -1;
}

static int teardown(void **state)
{
	char path[sizeof(dir) + sizeof(MACHINE_FILE)];

	machine_close(*state);
	snprintf(path, sizeof(path), "%s/" MACHINE_FILE, dir);
	unlink(path);
	return rmdir(dir);
}

/* A process id that was in use and is no more. */
static pid_t dead_pid(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	return pid;
}

static void test_create_twice(void **state)
{
	struct machine *m = *state;

	m->vm[3].generation = 7;
	assert_int_equal(machine_create(dir, 4, 1), 0);
	assert_int_equal(m->vm[3].generation, 7);
	assert_int_equal(m->nr_pcpus, 2);
	assert_int_equal(machine_create(dir, 0, 1), -EINVAL);
	assert_int_equal(machine_create(dir, MACHINE_MAX_PCPUS + 1, 1),
			 -EINVAL);
	assert_int_equal(machine_create("/nonexistent", 1, 1), -ENOENT);
}

static void assert_refused(int want)
{
	int err = 0;

	assert_null(machine_open(dir, 0, &err));
	assert_int_equal(err, want);
}

static void test_open_refuses(void **state)
{
	struct machine *m = *state;
	char path[sizeof(dir) + sizeof(MACHINE_FILE)];
	int err;

	m->magic ^= 1;
	assert_refused(-EINVAL);
	m->magic ^= 1;
	m->version++;
	assert_refused(-EPROTO);
	m->version--;
	m->size--;
	assert_refused(-EINVAL);
	m->size++;
	m->nr_pcpus = MACHINE_MAX_PCPUS + 1;
	assert_refused(-EINVAL);
	m->nr_pcpus = 0;
	assert_refused(-EINVAL);
	m->nr_pcpus = 2;
	m->tsc_khz = 0;
	assert_refused(-EINVAL);
	m->tsc_khz = 1;
	snprintf(path, sizeof(path), "%s/" MACHINE_FILE, dir);
	assert_int_equal(truncate(path, sizeof(*m) - 1), 0);
	assert_refused(-EINVAL);
	assert_int_equal(truncate(path, sizeof(*m)), 0);
	m = machine_open(dir, 0, &err);
	assert_non_null(m);
	machine_close(m);
	assert_null(machine_open("/nonexistent", 0, &err));
	assert_int_equal(err, -ENOENT);
}

static void test_slots(void **state)
{
	struct machine *m = *state;
	pid_t dead = dead_pid();
	char name[8];
	int i;

	assert_int_equal(machine_vm_add(m, "a", getpid()), 0);
	assert_int_equal(machine_vm_add(m, "b", getpid()), 1);
	assert_int_equal(machine_vm_add(m, "a", getpid()), -EEXIST);
	assert_int_equal(machine_vm_add(m, "", getpid()), -EINVAL);
	assert_int_equal(machine_vm_add(m, "123456789012345678901234",
					getpid()), -EINVAL);

	/* The name is free again, but the slot is kept readable. */
	machine_vm_remove(m, 0);
	assert_false(machine_vm_alive(m, 0));
	assert_string_equal(m->vm[0].name, "a");
	assert_int_equal(machine_vm_add(m, "a", getpid()), 2);

	for (i = 3; i < MACHINE_MAX_VMS; i++) {
		snprintf(name, sizeof(name), "vm%d", i);
		assert_int_equal(machine_vm_add(m, name, i == 5 ? dead :
						getpid()), i);
	}
	/* Used slots now: first the removed one, then the dead one. */
	memset(&m->pcpu[1].waiting, 0xff, sizeof(m->pcpu[1].waiting));
	assert_int_equal(machine_vm_add(m, "c", getpid()), 0);
	assert_false(machine_set_has(&m->pcpu[1].waiting, 0));
	assert_int_equal(machine_set_count(&m->pcpu[1].waiting),
			 MACHINE_MAX_VMS - 1);
	assert_int_equal(m->vm[0].generation, 2);
	assert_int_equal(machine_vm_add(m, "vm5", getpid()), 5);
	assert_int_equal(machine_vm_add(m, "d", getpid()), -ENOSPC);
}

static void test_set(void **state)
{
	static const unsigned int slots[] = { 0, 1, 63, 64, 130, MACHINE_MAX_VMS - 1 };
	struct machine_set set = { 0 };
	unsigned int slot, n = 0;

	assert_int_equal(machine_set_next(&set, 0), MACHINE_MAX_VMS);
	assert_int_equal(machine_set_next(&set, MACHINE_MAX_VMS), MACHINE_MAX_VMS);
	assert_false(machine_set_has_other(&set, 3));
	for (unsigned int i = 0; i < 6; i++) {
		machine_set_add(&set, slots[i]);
		assert_int_equal(machine_set_has_other(&set, slots[i]), i > 0);
		assert_true(machine_set_has_other(&set, 3));
		assert_true(machine_set_has(&set, slots[i]));
		assert_int_equal(machine_set_count(&set), i + 1);
	}
	machine_set_for_each(slot, &set)
		assert_int_equal(slot, slots[n++]);
	assert_int_equal(n, 6);
	assert_int_equal(machine_set_next(&set, 65), 130);
	machine_set_remove(&set, 130);
	assert_int_equal(machine_set_next(&set, 65), MACHINE_MAX_VMS - 1);
	machine_set_remove(&set, 130);
	assert_int_equal(machine_set_count(&set), 5);
}

static void test_nr_slots(void **state)
{
	struct machine *m = *state;

	assert_int_equal(machine_slots(m), 0);
	machine_vm_add(m, "a", getpid());
	machine_vm_add(m, "b", getpid());
	assert_int_equal(machine_slots(m), 2);
	machine_vm_remove(m, 1);
	assert_int_equal(machine_slots(m), 2);
	/* Nobody's word is taken for it. */
	m->nr_slots = UINT32_MAX;
	assert_int_equal(machine_slots(m), MACHINE_MAX_VMS);
}

static void assert_partition(struct machine *m, unsigned int pcpu)
{
	struct machine_pcpu *p = &m->pcpu[pcpu];
	uint64_t now[PVENERGY_MAX_EVENTS];
	unsigned int slot, i;

	machine_pcpu_counters(m, pcpu, now);
	for (i = 0; i < PVENERGY_MAX_EVENTS; i++) {
		uint64_t sum = p->unowned[i] + now[i] - p->at_switch[i];

		for (slot = 0; slot < MACHINE_MAX_VMS; slot++)
			sum += p->total[slot][i];
		assert_int_equal(sum, now[i]);
	}
}

static void test_switch(void **state)
{
	struct machine *m = *state;
	struct machine_pcpu *p = &m->pcpu[1];
	const struct machine_switch *e;
	const int uop = PVENERGY_UOP_QUEUE_WRITES;

	m->nr_slots = 10;
	machine_pcpu_lock(m, 1);
	machine_pcpu_switch(m, 1, 4);
	assert_int_equal(p->owner, 4);
	assert_int_equal(p->log[0].from, MACHINE_NO_VM);
	assert_int_equal(p->unowned[PVENERGY_TSC],
			 p->log[0].counters[PVENERGY_TSC]);
	p->own[4][uop] += 1000;
	machine_pcpu_switch(m, 1, 9);
	p->own[9][uop] += 30;
	/* Robbed, and late: counts in the turn of the thief. */
	p->own[4][uop] += 1;
	machine_pcpu_switch(m, 1, 4);
	p->own[4][uop] += 500;
	machine_pcpu_switch(m, 1, 4);
	p->own[4][uop] += 7;
	machine_pcpu_unlock(m, 1);

	assert_int_equal(p->log_head, 4);
	assert_int_equal(p->total[4][uop], 1500);
	assert_int_equal(p->total[9][uop], 31);
	assert_int_equal(p->unowned[uop], 0);
	e = &p->log[2];
	assert_int_equal(e->from, 9);
	assert_int_equal(e->to, 4);
	assert_int_equal(e->counters[uop], 1031);
	assert_int_equal(p->at_switch[uop], 1531);
	assert_partition(m, 1);
	assert_int_equal(m->pcpu[0].log_head, 0);
}

static void test_log_wraps(void **state)
{
	struct machine *m = *state;
	struct machine_pcpu *p = &m->pcpu[0];
	unsigned int n;

	m->nr_slots = 10;
	for (n = 0; n < MACHINE_LOG_ENTRIES + 3; n++) {
		machine_pcpu_switch(m, 0, n % 2);
		p->own[n % 2][PVENERGY_MEMORY_RETIRED] += n;
	}
	assert_int_equal(p->log_head, n);
	assert_int_equal(p->log[2].from, 1);
	assert_int_equal(p->log[2].to, 0);
	assert_partition(m, 0);
}

/* Killed with every prefix of a switch done, or in mid-air at random. */
static void test_switch_interrupted(void **state)
{
	struct machine *m = *state;
	struct machine_pcpu *p = &m->pcpu[0];
	int round;
	pid_t pid;

	m->nr_slots = 10;
	machine_pcpu_switch(m, 0, 0);
	for (round = 0; round < 200; round++) {
		pid = fork();
		if (!pid) {
			for (;;) {
				machine_pcpu_lock(m, 0);
				machine_pcpu_switch(m, 0, p->owner ^ 1);
				p->own[p->owner][PVENERGY_TSC + 2] += 13;
				machine_pcpu_unlock(m, 0);
			}
		}
		usleep(500 + 37 * round);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		machine_pcpu_lock(m, 0);
		assert_partition(m, 0);
		assert_true(p->owner < 2);
		machine_pcpu_unlock(m, 0);
	}
}

static void test_redo(void **state)
{
	struct machine *m = *state;
	struct machine_pcpu *p = &m->pcpu[0];

	m->nr_slots = 10;
	machine_pcpu_switch(m, 0, 0);
	p->own[0][PVENERGY_MEMORY_RETIRED] = 10;
	machine_pcpu_switch(m, 0, 1);
	/* As if the total had been written, but nothing after it. */
	memset(p->at_switch, 0, sizeof(p->at_switch));
	p->owner = 0;
	p->log_head = 1;
	p->redo.valid = 1;
	machine_pcpu_lock(m, 0);
	machine_pcpu_unlock(m, 0);
	assert_int_equal(p->owner, 1);
	assert_int_equal(p->log_head, 2);
	assert_int_equal(p->total[0][PVENERGY_MEMORY_RETIRED], 10);
	assert_false(p->redo.valid);
	assert_partition(m, 0);
}

static void test_robust_lock(void **state)
{
	struct machine *m = *state;
	pid_t pid;

	pid = fork();
	if (!pid) {
		machine_lock(&m->lock);
		machine_pcpu_lock(m, 1);
		kill(getpid(), SIGKILL);
	}
	waitpid(pid, NULL, 0);
	alarm(10);
	machine_lock(&m->lock);
	machine_unlock(&m->lock);
	machine_pcpu_lock(m, 1);
	machine_pcpu_unlock(m, 1);
	alarm(0);
}

static void test_tsc(void **state)
{
	struct machine *m = *state;
	uint64_t a, b;

	a = machine_tsc(m);
	usleep(10000);
	b = machine_tsc(m);
	assert_true(b - a >= 1000000);
	/* A year of uptime does not overflow. */
	m->tsc_zero_ns -= 365ULL * 86400 * 1000000000;
	assert_true(machine_tsc(m) - b >= 365ULL * 86400 * 100000000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_twice),
		TEST(test_open_refuses),
		cmocka_unit_test(test_set),
		TEST(test_nr_slots),
		TEST(test_slots),
		TEST(test_switch),
		TEST(test_log_wraps),
		TEST(test_switch_interrupted),
		TEST(test_redo),
		TEST(test_robust_lock),
		TEST(test_tsc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
