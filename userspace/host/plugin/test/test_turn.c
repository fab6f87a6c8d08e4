// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tests of the turns: two virtual CPUs of different virtual machines on one
 * physical CPU, played by one thread, so that whoever does not act is stalled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../turn.h"

#define UOPS	PVENERGY_UOP_QUEUE_WRITES

static char dir[] = "/tmp/test_turn.XXXXXX";
static struct machine *m;
static struct machine_pcpu *p;
static struct vcpu a, b;
static struct pvenergy_vcpu page_a, page_b;

static void setup_vcpu(struct vcpu *v, struct pvenergy_vcpu *page, int slot)
{
	memset(page, 0, sizeof(*page));
	*v = (struct vcpu){
		.p = p, .own = p->own[slot], .raw = page->raw, .slot = slot,
		.machine = m, .page = page, .log_seen = UINT64_MAX,
		.subtract = true,
	};
}

static int setup(void **state)
{
	int err;

	memcpy(strrchr(dir, '.'), ".XXXXXX", 7);
	if (!mkdtemp(dir) || machine_create(dir, 1, 100000))
		return -1;
	m = machine_open(dir, 1, &err);
	if (!m)
		return -1;
	p = &m->pcpu[0];
	turn_init();
	setup_vcpu(&a, &page_a, machine_vm_add(m, "a", getpid()));
	setup_vcpu(&b, &page_b, machine_vm_add(m, "b", getpid()));
	return 0;
}

static int teardown(void **state)
{
	char path[sizeof(dir) + sizeof(MACHINE_FILE)];

	machine_close(m);
	snprintf(path, sizeof(path), "%s/" MACHINE_FILE, dir);
	unlink(path);
	return rmdir(dir);
}

static uint64_t seen(const struct vcpu *v, int event)
{
	return v->page->raw[event] - v->page->foreign[event];
}

static void assert_partition(void)
{
	unsigned int slot, i;
	uint64_t sum;

	for (i = 0; i < PVENERGY_MAX_EVENTS; i++) {
		sum = p->unowned[i];
		for (slot = 0; slot < MACHINE_MAX_VMS; slot++)
			sum += p->total[slot][i];
		assert_int_equal(sum, p->at_switch[i]);
	}
}

static void assert_charged(const struct vcpu *v)
{
	int i;

	for (i = PVENERGY_TSC; i < PVENERGY_MAX_EVENTS; i++)
		assert_int_equal(seen(v, i),
				 p->total[v->slot][i] - v->total_zero[i]);
}

static void test_first_turn(void **state)
{
	static const uint64_t zero[PVENERGY_MAX_EVENTS];
	uint64_t start;

	m->nr_slots = 10;
	p->own[9][UOPS] = 12345;		/* of one that has been here */
	turn_acquire(&a);
	assert_true(a.holding);
	assert_int_equal(page_a.log_head, 1);
	assert_memory_equal(page_a.log[0].out, zero, sizeof(zero));
	assert_memory_equal(page_a.log[0].in, page_a.foreign, sizeof(zero));
	assert_int_equal(page_a.raw[UOPS], 12345);
	assert_int_equal(seen(&a, UOPS), 0);
	assert_int_equal(page_a.seq, 2);
	start = seen(&a, PVENERGY_TSC);
	vcpu_add(&a, UOPS, 7);
	usleep(1000);
	turn_tick(&a);
	assert_int_equal(seen(&a, UOPS), 7);
	assert_true(seen(&a, PVENERGY_TSC) - start >= 100000);
	assert_int_equal(page_a.log_head, 1);
}

static void test_release(void **state)
{
	const struct pvenergy_log_entry *e = &page_a.log[1];

	turn_acquire(&a);
	a.memory = 3;
	turn_release(&a);
	assert_false(p->running);
	assert_int_equal(seen(&a, PVENERGY_MEMORY_RETIRED), 3);
	/* Nobody came: nothing to log, but time has passed. */
	usleep(1000);
	turn_acquire(&a);
	assert_int_equal(page_a.log_head, 1);
	assert_true(seen(&a, PVENERGY_TSC) >= 100000);
	turn_release(&a);

	turn_acquire(&b);
	vcpu_add(&b, UOPS, 50);
	turn_release(&b);
	turn_acquire(&a);
	assert_int_equal(page_a.log_head, 2);
	assert_int_equal(e->in[UOPS] - e->out[UOPS], 50);
	assert_memory_equal(e->out, p->log[1].counters, sizeof(e->out));
	assert_memory_equal(e->in, p->log[2].counters, sizeof(e->in));
	assert_int_equal(seen(&a, UOPS), 3);
	assert_int_equal(seen(&b, UOPS), 50);
	assert_int_equal(p->total[b.slot][UOPS], 50);
	/* It does not know yet of its idle time. */
	assert_true(seen(&b, PVENERGY_TSC) <= p->total[b.slot][PVENERGY_TSC]);
	assert_partition();
}

static void test_robbed(void **state)
{
	turn_acquire(&a);
	vcpu_add(&a, UOPS, 100);
	turn_acquire(&b);			/* a stalls */
	assert_int_equal(p->owner, b.slot);
	vcpu_add(&a, UOPS, 1);			/* a's block goes on */
	vcpu_add(&b, UOPS, 10);
	turn_acquire(&a);
	assert_int_equal(p->total[a.slot][UOPS], 100);
	assert_int_equal(p->total[b.slot][UOPS], 11);
	assert_int_equal(seen(&a, UOPS), 100);
	assert_partition();
	turn_acquire(&b);
	assert_int_equal(seen(&b, UOPS), 11);
}

/* The slice is over, b waits, but is not there when its turn comes. */
static void test_turn_missed(void **state)
{
	turn_acquire(&b);
	turn_release(&b);
	turn_acquire(&a);
	vcpu_add(&a, UOPS, 5);
	turn_tick(&a);
	assert_int_equal(p->owner, a.slot);
	machine_set_add(&p->waiting, b.slot);
	turn_tick(&a);
	assert_true(a.holding);
	assert_int_equal(p->log_head, 4);
	assert_int_equal(p->log[2].to, b.slot);
	assert_int_equal(p->log[3].to, a.slot);
	assert_int_equal(seen(&a, UOPS), 5);
	turn_release(&a);
	turn_acquire(&b);
	/* Idle or not, the time of the turn that it missed was its own. */
	assert_int_equal(page_b.log_head, 2);
	assert_int_equal(page_b.raw[UOPS] - page_b.foreign[UOPS], 0);
	assert_true(seen(&b, PVENERGY_TSC) >= p->total[b.slot][PVENERGY_TSC]);
	assert_true(p->total[b.slot][PVENERGY_TSC] >= TURN_STALL_MS * 100000);
	assert_partition();
}

/* Within the slice it stays, but who halts gives it to the next at once. */
static void test_handed_over(void **state)
{
	turn_acquire(&b);
	turn_release(&b);
	turn_acquire(&a);
	vcpu_add(&a, UOPS, 5);
	a.slice = UINT64_MAX;
	machine_set_add(&p->waiting, b.slot);
	turn_tick(&a);
	assert_int_equal(p->log_head, 2);
	turn_release(&a);
	assert_int_equal(p->owner, b.slot);
	assert_true(p->running);
	assert_int_equal(machine_set_count(&p->waiting), 0);
	assert_charged(&a);
	turn_acquire(&b);
	assert_int_equal(p->log_head, 3);
	assert_int_equal(page_b.log_head, 2);
}

static void test_dead_owner(void **state)
{
	pid_t pid = fork();
	uint64_t before;
	int tries;

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	/* The host may let us stand for as long as a stall. */
	for (tries = 1; tries < 20; tries++) {
		m->vm[a.slot].pid = getpid();
		turn_acquire(&a);
		m->vm[a.slot].pid = pid;
		before = machine_tsc(m);
		turn_acquire(&b);
		assert_int_equal(p->owner, b.slot);
		if (machine_tsc(m) - before < TURN_STALL_MS * 100000)
			break;
		turn_release(&b);
	}
	assert_true(tries < 20);
	/* Nor does it get turns, if it died waiting. */
	machine_set_add(&p->waiting, a.slot);
	turn_release(&b);
	assert_int_equal(p->owner, b.slot);
	assert_int_equal(machine_set_count(&p->waiting), 0);
}

/* A new virtual machine in the slot of one that was last on the CPU. */
static void test_slot_reused(void **state)
{
	turn_acquire(&a);
	vcpu_add(&a, UOPS, 99);
	setup_vcpu(&b, &page_b, a.slot);
	turn_acquire(&b);
	assert_int_equal(page_b.log_head, 1);
	assert_int_equal(seen(&b, UOPS), 0);
	vcpu_add(&b, UOPS, 1);
	turn_release(&b);
	assert_int_equal(seen(&b, UOPS), 1);
	assert_int_equal(p->total[a.slot][UOPS], 99);
	assert_partition();
}

static void test_no_subtract(void **state)
{
	a.subtract = false;
	turn_acquire(&b);
	vcpu_add(&b, UOPS, 8);
	turn_release(&b);
	turn_acquire(&a);
	assert_int_equal(page_a.log_head, 0);
	assert_int_equal(page_a.foreign[UOPS], 0);
	assert_int_equal(page_a.raw[UOPS], 8);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_turn),
		TEST(test_release),
		TEST(test_robbed),
		TEST(test_turn_missed),
		TEST(test_handed_over),
		TEST(test_dead_owner),
		TEST(test_slot_reused),
		TEST(test_no_subtract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
