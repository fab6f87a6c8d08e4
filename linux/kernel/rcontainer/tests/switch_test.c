// SPDX-License-Identifier: GPL-2.0
/* Tests of whom a CPU is charged to, with counters that only the tests advance. */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/mutex.h>
#include <linux/sched/task.h>

#include "util.h"

/* What runs before and after a rebinding belongs to one each. */
static void test_rebind(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *b = create(test, &rcontainer_root, "b");

	KUNIT_EXPECT_EQ(test, bind_self(a), 0);
	advance(10, 1000);
	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 1000);
	KUNIT_EXPECT_EQ(test, bind_self(b), 0);
	advance(10, 234);
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);
	advance(10, 5);
	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 1000);
	KUNIT_EXPECT_EQ(test, cycles_of(b, false), 234);
	expect_conserved(test);

	KUNIT_EXPECT_EQ(test, remove(a), 0);
	KUNIT_EXPECT_EQ(test, remove(b), 0);
	rcontainer_put(a);
	rcontainer_put(b);
	expect_conserved(test);
}

struct worker {
	struct completion	started, go, done;
};

static int worker_fn(void *arg)
{
	struct worker *w = arg;

	complete(&w->started);
	wait_for_completion(&w->go);
	advance(0, 77);
	complete(&w->done);
	return 0;
}

/* A task that another one binds is charged there from its next dispatch on. */
static void test_dispatch(struct kunit *test)
{
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	struct rcontainer *self = create(test, &rcontainer_root, "self");
	struct task_struct *p;
	struct worker w;
	int ret;

	init_completion(&w.started);
	init_completion(&w.go);
	init_completion(&w.done);
	p = kthread_run(worker_fn, &w, "rcontainer-test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(p));
	get_task_struct(p);
	wait_for_completion(&w.started);

	mutex_lock(&rcontainer_mutex);
	KUNIT_EXPECT_EQ(test, rcontainer_bind(p, a), -EINVAL);
	p->flags &= ~PF_KTHREAD;
	ret = rcontainer_bind(p, a);
	p->flags |= PF_KTHREAD;
	mutex_unlock(&rcontainer_mutex);
	KUNIT_EXPECT_EQ(test, ret, 0);

	KUNIT_EXPECT_EQ(test, bind_self(self), 0);
	advance(0, 5);
	complete(&w.go);
	wait_for_completion(&w.done);
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);

	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 77);
	KUNIT_EXPECT_EQ(test, cycles_of(self, false), 5);
	expect_conserved(test);

	KUNIT_EXPECT_EQ(test, remove(self), 0);
	rcontainer_put(self);
	/* The worker may be dying still: never busy for that. */
	while (!(READ_ONCE(p->flags) & PF_EXITING))
		schedule_timeout_uninterruptible(1);
	put_task_struct(p);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

struct interrupt_kind {
	const char	*desc;
	unsigned int	offset;		/* of the preempt count */
	bool		raises;
};

/* Of 7 cycles, and 3 on the way back. */
static void interrupt(const struct interrupt_kind *kind, bool preempts)
{
	guard(irqsave)();
	preempt_count_add(kind->offset);
	if (kind->offset == HARDIRQ_OFFSET)
		__rcontainer_hardirq_enter();
	else
		__rcontainer_softirq_enter();
	advance(0, 7);
	if (kind->raises)
		raise_softirq_irqoff(HRTIMER_SOFTIRQ);
	if (preempts) {
		set_tsk_need_resched(current);
		set_preempt_need_resched();
	}
	if (kind->offset == HARDIRQ_OFFSET)
		__rcontainer_hardirq_exit();
	else
		__rcontainer_softirq_exit();
	preempt_count_sub(kind->offset);
	/* One call leaves to ksoftirqd what takes too long, as on a busy host. */
	while (kind->offset == HARDIRQ_OFFSET && local_softirq_pending())
		do_softirq();
	advance(0, 3);
}

static const struct interrupt_kind interrupt_kinds[] = {
	{ "hard", HARDIRQ_OFFSET },
	{ "hard that raises a soft one", HARDIRQ_OFFSET, true },
	{ "soft", SOFTIRQ_OFFSET },
};

KUNIT_ARRAY_PARAM_DESC(interrupt_kind, interrupt_kinds, desc);

/* Interrupts that come while a container is active are not its own. */
static void test_interrupt(struct kunit *test)
{
	const struct interrupt_kind *kind = test->param_value;
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	u64 before = cycles_of(&rcontainer_interrupt, false);

	KUNIT_EXPECT_EQ(test, bind_self(a), 0);
	advance(0, 100);
	interrupt(kind, false);
	advance(0, 97);
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);

	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 200);
	KUNIT_EXPECT_EQ(test, cycles_of(&rcontainer_interrupt, false) - before, 7);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

/* Nor is its displacement by one; if it stays, or can't be displaced, all else is. */
static void test_preempted(struct kunit *test)
{
	const struct interrupt_kind *kind = test->param_value;
	struct rcontainer *a = create(test, &rcontainer_root, "a");
	u64 before = cycles_of(&rcontainer_interrupt, false);
	u64 displaced = preempt_model_preemptible() ? 3 : 0;

	KUNIT_EXPECT_EQ(test, bind_self(a), 0);
	advance(0, 100);
	interrupt(kind, true);
	schedule();
	advance(0, 97 + displaced);
	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 200);
	/* Soon, as it is where it was just dispatched. */
	scoped_guard(preempt)
		interrupt(kind, true);
	schedule();
	advance(0, 50 + displaced);
	/* Who knows when. */
	scoped_guard(preempt) {
		scoped_guard(preempt) {
			interrupt(kind, true);
			advance(0, 44);
		}
	}
	schedule();
	KUNIT_EXPECT_EQ(test, bind_self(&rcontainer_root), 0);

	KUNIT_EXPECT_EQ(test, cycles_of(a, false), 300);
	KUNIT_EXPECT_EQ(test, cycles_of(&rcontainer_interrupt, false) - before,
			21 + 2 * displaced);
	KUNIT_EXPECT_EQ(test, remove(a), 0);
	rcontainer_put(a);
}

static int switch_test_init(struct kunit *test)
{
	if (pmc_fake_register())
		kunit_skip(test, "other counters are in use");
	/* Nobody else gets the CPU until the thread of this test waits or ends. */
	sched_set_fifo(current);
	return 0;
}

static struct kunit_case switch_test_cases[] = {
	KUNIT_CASE(test_rebind),
	KUNIT_CASE(test_dispatch),
	KUNIT_CASE_PARAM(test_interrupt, interrupt_kind_gen_params),
	KUNIT_CASE_PARAM(test_preempted, interrupt_kind_gen_params),
	{ }
};

static struct kunit_suite switch_test_suite = {
	.name		= "rcontainer-switch",
	.init		= switch_test_init,
	.test_cases	= switch_test_cases,
};

kunit_test_suite(switch_test_suite);
