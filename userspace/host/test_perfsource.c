// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"
#include "perfsource.h"

#define MAX_PROCESSES	300
#define MAX_THREADS	4
#define MAX_HANDLES	2000

/* A host that does what the script says. */
static struct {
	uint64_t now_ns;
	unsigned int cpus;
	unsigned int nr_processes;
	struct process {
		pid_t pid;
		uint64_t start;
		const char *name;
		unsigned int nr_threads;
		struct perf_thread thread[MAX_THREADS];
	} process[MAX_PROCESSES];
	/* How many events can be counted together. */
	unsigned int counters;
	/* Instead of a handle, for this thread. */
	pid_t refused;
	int refusal;
	unsigned int nr_handles;
	unsigned int nr_open;
	struct handle {
		pid_t tid;
		unsigned int event;
		int leader;
		bool open;
		uint64_t enabled;
		uint64_t running;
		uint64_t count;
	} handle[MAX_HANDLES];
} host;

static uint64_t now_ns(void *arg)
{
	return host.now_ns;
}

static unsigned int nr_cpus(void *arg)
{
	return host.cpus;
}

static unsigned int processes(void *arg, struct perf_process *list, unsigned int max)
{
	for (unsigned int i = 0; i < host.nr_processes && i < max; i++)
		list[i] = (struct perf_process){ host.process[i].pid,
						 host.process[i].start };
	return host.nr_processes;
}

static struct process *find(pid_t pid)
{
	for (unsigned int i = 0; i < host.nr_processes; i++)
		if (host.process[i].pid == pid)
			return &host.process[i];
	return NULL;
}

static bool name(void *arg, pid_t pid, char text[PVENERGY_NAME_LEN])
{
	const struct process *p = find(pid);

	if (!p || !p->name)
		return false;
	snprintf(text, PVENERGY_NAME_LEN, "%s", p->name);
	return true;
}

static unsigned int threads(void *arg, pid_t pid, struct perf_thread *list,
			    unsigned int max)
{
	const struct process *p = find(pid);

	memcpy(list, p->thread, p->nr_threads * sizeof(*list));
	return p->nr_threads;
}

static int open_event(void *arg, pid_t tid, unsigned int event, int leader)
{
	unsigned int members = 0;

	if (tid == host.refused)
		return host.refusal;
	for (unsigned int i = 0; i < host.nr_handles; i++)
		members += host.handle[i].open && host.handle[i].leader == leader;
	if (leader >= 0 && members + 1 > host.counters)
		return -EINVAL;
	assert_in_range(host.nr_handles, 0, MAX_HANDLES - 1);
	host.handle[host.nr_handles] = (struct handle){
		.tid = tid, .event = event, .open = true,
		.leader = leader >= 0 ? leader : (int)host.nr_handles,
	};
	host.nr_open++;
	return host.nr_handles++;
}

static int read_group(void *arg, int handle, unsigned int nr,
		      struct perf_reading *reading)
{
	unsigned int n = 0;

	assert_true(host.handle[handle].open);
	reading->enabled = host.handle[handle].enabled;
	reading->running = host.handle[handle].running;
	for (unsigned int i = 0; i < host.nr_handles; i++)
		if (host.handle[i].open && host.handle[i].leader == handle)
			reading->count[n++] = host.handle[i].count;
	assert_int_equal(n, nr);
	return 0;
}

static void close_event(void *arg, int handle)
{
	assert_true(host.handle[handle].open);
	host.handle[handle].open = false;
	host.nr_open--;
}

static const struct perf_ops ops = {
	now_ns, nr_cpus, processes, name, threads, open_event, read_group, close_event,
};

static const struct model model = {
	.nr_events = 4,
	.event = {
		{ .name = "tsc", .weight_pj = 999, .flags = PVENERGY_EVENT_BASE },
		{ .name = "one", .weight_pj = 10 },
		{ .name = "two", .weight_pj = 7 },
		{ .name = "three", .weight_pj = 1 },
	},
	.perf = { "", "a", "b", "c" },
	.idle_mw = 1500,
	.active_mw = 5500,
};

static struct model accounted;
static struct source *s;
static struct account a;

static int setup(void **state)
{
	memset(&host, 0, sizeof(host));
	host.cpus = 2;
	host.counters = 8;
	host.now_ns = 1000;
	return perf_model(&model, false, &accounted) != NULL;
}

static int teardown(void **state)
{
	if (s)
		s->ops->close(s);
	s = NULL;
	return host.nr_open;
}

static void begin(void)
{
	s = perf_source_new(&ops, NULL, accounted.nr_events, false);
	account_init(&a, &accounted, s->nr_cpus);
}

static void process(pid_t pid, const char *vm_name, pid_t tid)
{
	host.process[host.nr_processes++] = (struct process){
		.pid = pid, .start = pid + 1000, .name = vm_name,
		.nr_threads = 1, .thread = { { tid, true } },
	};
}

static void end_process(unsigned int i)
{
	host.process[i] = host.process[--host.nr_processes];
}

/* A thread runs and counts @n of each event times its index. */
static void run(pid_t tid, uint64_t ns, uint64_t running, uint64_t n)
{
	for (unsigned int i = 0; i < host.nr_handles; i++) {
		struct handle *h = &host.handle[i];

		if (!h->open || h->tid != tid)
			continue;
		h->enabled += ns;
		h->running += running;
		h->count += n * h->event;
	}
}

static void look(bool thorough)
{
	struct account_sum sum;

	s->ops->look(s, &a, thorough);
	account_vms(&a, s->vm, &s->alive);
	assert_false(account_difference(&a, &sum));
}

static void test_model(void **state)
{
	struct model out, lacks = model;

	assert_null(perf_model(&model, false, &out));
	assert_int_equal(out.nr_events, 4);
	assert_string_equal(out.event[PERF_TIME].name, "cpu_time");
	assert_int_equal(out.event[PERF_TIME].weight_pj, 1500);
	assert_int_equal(out.event[PERF_TIME].flags, PVENERGY_EVENT_BASE);
	assert_string_equal(out.event[1].name, "one");
	assert_string_equal(out.perf[3], "c");
	assert_null(perf_model(&model, true, &out));
	assert_int_equal(out.nr_events, 2);
	assert_string_equal(out.event[1].name, "task_clock");
	/* Milliwatts are picojoules per nanosecond. */
	assert_int_equal(out.event[1].weight_pj, 4000);
	assert_int_equal(out.event[1].flags, 0);

	strcpy(lacks.perf[2], "");
	assert_non_null(perf_model(&lacks, false, &out));
	assert_null(perf_model(&lacks, true, &out));
	lacks.active_mw = 0;
	assert_non_null(perf_model(&lacks, true, &out));
	lacks = model;
	lacks.nr_events = 1;
	assert_non_null(perf_model(&lacks, false, &out));
}

static void test_counts(void **state)
{
	process(10, "web", 11);
	process(20, "db", 21);
	begin();
	assert_int_equal(machine_set_count(&s->alive), 2);
	host.now_ns += 1000;
	run(11, 500, 500, 100);
	run(21, 100, 100, 3);
	look(false);
	assert_string_equal(a.vm[0].name, "web");
	assert_true(a.vm[0].present);
	assert_int_equal(a.vm[0].sum.counts[1], 100);
	assert_int_equal(a.vm[0].sum.counts[3], 300);
	assert_true(a.vm[0].sum.access_pj == 100 * 10 + 200 * 7 + 300);
	assert_true(a.vm[1].sum.access_pj == 3 * 10 + 6 * 7 + 9);
	/* Two CPUs, 1000 ns, 1500 pJ each, halves. */
	assert_true(a.vm[0].sum.base_pj == 1500000);
	assert_true(a.vm[1].sum.base_pj == 1500000);
	assert_int_equal(a.nobody.counts[PERF_TIME], 2000);
	/* Only what is new is charged. */
	look(true);
	assert_int_equal(a.vm[0].sum.counts[1], 100);
}

static void test_no_process(void **state)
{
	begin();
	host.now_ns += 10;
	look(true);
	assert_true(a.nobody.base_pj == 30000);
	assert_false(s->ops->gone(s));
}

static void test_ended_thread(void **state)
{
	process(10, "web", 11);
	host.process[0].thread[host.process[0].nr_threads++] =
		(struct perf_thread){ 12, true };
	begin();
	run(11, 10, 10, 1);
	run(12, 10, 10, 2);
	look(false);
	/* It counts until its end, which is seen at the next scan. */
	run(12, 10, 10, 40);
	host.process[0].nr_threads = 1;
	run(11, 10, 10, 1);
	look(true);
	assert_int_equal(a.vm[0].sum.counts[1], 44);
	assert_int_equal(host.nr_open, 3);
	run(11, 10, 10, 1);
	look(false);
	assert_int_equal(a.vm[0].sum.counts[1], 45);
}

static void test_new_thread(void **state)
{
	process(10, "web", 11);
	begin();
	host.process[0].thread[host.process[0].nr_threads++] =
		(struct perf_thread){ 12, true };
	look(true);
	run(12, 10, 10, 5);
	look(false);
	assert_int_equal(a.vm[0].sum.counts[1], 5);
}

static void test_other_threads(void **state)
{
	process(10, "web", 10);
	host.process[0].thread[0].vcpu = false;
	begin();
	/* While it has no virtual CPU, or none that can be told, all count. */
	run(10, 10, 10, 7);
	look(true);
	assert_int_equal(a.vm[0].sum.counts[1], 7);
	host.process[0].thread[host.process[0].nr_threads++] =
		(struct perf_thread){ 11, true };
	run(10, 10, 10, 3);
	look(true);
	assert_int_equal(a.vm[0].sum.counts[1], 10);
	run(10, 10, 10, 100);
	run(11, 10, 10, 1);
	look(true);
	assert_int_equal(a.vm[0].sum.counts[1], 11);
}

static void test_ended_process(void **state)
{
	process(10, "web", 11);
	process(20, "db", 21);
	begin();
	look(true);
	host.now_ns += 100;
	run(11, 10, 10, 9);
	end_process(0);
	look(true);
	assert_int_equal(a.vm[0].sum.counts[1], 9);
	assert_false(a.vm[0].present);
	/* What was there when the period ended pays. */
	assert_true(a.vm[0].sum.base_pj == 0);
	assert_true(a.vm[1].sum.base_pj == 300000);
	assert_int_equal(host.nr_open, 3);

	/* The id is another one's now. */
	process(20, "other", 21);
	host.process[0] = host.process[1];
	host.process[0].start = 5;
	host.nr_processes = 1;
	run(21, 10, 10, 6);
	look(true);
	assert_int_equal(a.vm[1].sum.counts[1], 6);
	assert_false(a.vm[1].present);
	run(21, 10, 10, 2);
	look(true);
	assert_string_equal(a.vm[2].name, "other");
	assert_int_equal(a.vm[2].sum.counts[1], 2);
	assert_true(s->run[1] != s->run[2]);
}

/* All slots are in use when one process takes the place of another. */
static void test_taken_over(void **state)
{
	char names[MACHINE_MAX_VMS][8];

	accounted.nr_events = 2;
	for (int i = 0; i < MACHINE_MAX_VMS; i++) {
		sprintf(names[i], "vm%d", i);
		process(i + 1, names[i], 1000 + i);
	}
	begin();
	look(true);
	run(1000, 10, 10, 5);
	run(1001, 10, 10, 6);
	end_process(0);
	process(500, "new", 1500);
	look(true);
	assert_string_equal(a.vm[0].name, "new");
	assert_int_equal(a.vm[0].sum.counts[1], 0);
	assert_int_equal(a.ended.counts[1], 5);
	assert_int_equal(a.vm[1].sum.counts[1], 6);
	/* One more than there is room for changes nothing for the others. */
	process(501, "more", 1501);
	run(1500, 10, 10, 1);
	look(true);
	assert_int_equal(a.vm[0].sum.counts[1], 1);
	assert_int_equal(machine_set_count(&s->alive), MACHINE_MAX_VMS);
}

static void test_names(void **state)
{
	process(10, "web", 11);
	process(20, "web", 21);
	process(30, NULL, 31);
	process(40, "../x", 41);
	process(50, "qemu-60", 51);
	process(60, NULL, 61);
	begin();
	assert_string_equal(s->vm[0].name, "web");
	assert_string_equal(s->vm[1].name, "qemu-20");
	assert_string_equal(s->vm[2].name, "qemu-30");
	assert_string_equal(s->vm[3].name, "qemu-40");
	assert_string_equal(s->vm[4].name, "qemu-60");
	assert_string_equal(s->vm[5].name, "qemu-60.2");
}

static void test_groups(void **state)
{
	host.counters = 2;
	process(10, "web", 11);
	begin();
	assert_int_equal(host.nr_open, 3);
	assert_int_equal(host.handle[1].leader, 0);
	assert_int_equal(host.handle[2].leader, 2);
	run(11, 10, 10, 5);
	look(false);
	assert_int_equal(a.vm[0].sum.counts[1], 5);
	assert_int_equal(a.vm[0].sum.counts[2], 10);
	assert_int_equal(a.vm[0].sum.counts[3], 15);
	assert_int_equal(perf_source_doubts(s).scaled_ns, 0);
}

static void test_scaled(void **state)
{
	process(10, "web", 11);
	begin();
	run(11, 100, 100, 10);
	look(false);
	assert_int_equal(a.vm[0].sum.counts[1], 10);
	/* A quarter of the time. */
	run(11, 100, 25, 10);
	look(false);
	assert_int_equal(a.vm[0].sum.counts[1], 50);
	/* None yet: the next reading tells of this time, too. */
	run(11, 100, 0, 0);
	look(false);
	assert_int_equal(a.vm[0].sum.counts[1], 50);
	run(11, 100, 100, 10);
	look(false);
	assert_int_equal(a.vm[0].sum.counts[1], 70);
	assert_int_equal(perf_source_doubts(s).scaled_ns, 300);
	assert_int_equal(perf_source_doubts(s).lost_ns, 0);
	/* Nothing can be said of the last turn of one that ends. */
	run(11, 30, 0, 0);
	host.process[0].nr_threads = 0;
	look(true);
	assert_int_equal(a.vm[0].sum.counts[1], 70);
	assert_int_equal(perf_source_doubts(s).lost_ns, 30);
}

static void test_refused(void **state)
{
	process(10, "web", 11);
	process(20, "db", 21);
	host.refused = 11;
	host.refusal = -EACCES;
	begin();
	look(true);
	look(true);
	assert_int_equal(perf_source_doubts(s).refused, 1);
	assert_int_equal(host.nr_open, 3);
	run(21, 10, 10, 1);
	look(true);
	assert_int_equal(a.vm[1].sum.counts[1], 1);
	/* One that has just ended is nothing to speak of. */
	host.refused = 31;
	host.refusal = -ESRCH;
	process(30, "x", 31);
	look(true);
	assert_int_equal(perf_source_doubts(s).refused, 1);
}

static void test_gone(void **state)
{
	process(10, "web", 11);
	s = perf_source_new(&ops, NULL, accounted.nr_events, true);
	account_init(&a, &accounted, s->nr_cpus);
	look(true);
	assert_false(s->ops->gone(s));
	end_process(0);
	look(true);
	assert_true(s->ops->gone(s));
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_model),
		TEST(test_counts),
		TEST(test_no_process),
		TEST(test_ended_thread),
		TEST(test_new_thread),
		TEST(test_other_threads),
		TEST(test_ended_process),
		TEST(test_taken_over),
		TEST(test_names),
		TEST(test_groups),
		TEST(test_scaled),
		TEST(test_refused),
		TEST(test_gone),
	};

	return cmocka_run_group_tests_name("perfsource", tests, NULL, NULL);
}
