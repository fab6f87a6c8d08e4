/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource containers: the hooks of the core kernel.
 *
 * Each is an inline test of a static key that is off until the first container
 * is created, and an empty stub when configured out.  The types are in
 * kernel/rcontainer/internal.h.
 */
#ifndef _LINUX_RCONTAINER_H
#define _LINUX_RCONTAINER_H

#include <linux/types.h>

struct rcontainer;
struct task_struct;

#ifdef CONFIG_RCONTAINER

#include <linux/jump_label.h>
#include <linux/percpu-defs.h>
#include <asm/percpu.h>

extern struct rcontainer rcontainer_root;

#define INIT_RCONTAINER .rcontainer = &rcontainer_root,

DECLARE_STATIC_KEY_FALSE(rcontainer_enabled);
DECLARE_PER_CPU(struct rcontainer *, rcontainer_active);

void __rcontainer_switch(struct rcontainer *to);
void __rcontainer_hardirq_enter(void);
void __rcontainer_hardirq_exit(void);
void __rcontainer_softirq_enter(void);
void __rcontainer_softirq_exit(void);
void rcontainer_fork(struct task_struct *p);
void rcontainer_task_free(struct task_struct *p);

/**
 * rcontainer_sched_switch() - this CPU has switched to a task
 * @to: container that the task is bound to
 *
 * The switch is charged to who caused it.  No counter is read where the container is
 * active already; after an interrupt it may not be, even if the task stayed.
 *
 * Context: in the task, runqueue lock held, interrupts off.
 */
static __always_inline void rcontainer_sched_switch(struct rcontainer *to)
{
	if (static_branch_unlikely(&rcontainer_enabled) &&
	    unlikely(__this_cpu_read(rcontainer_active) != to))
		__rcontainer_switch(to);
}

/*
 * Interrupts are the interrupt container's.  Context of all four: interrupts
 * off; the preempt count says that the interrupt is being handled, on the way
 * out still.
 */
static __always_inline void rcontainer_hardirq_enter(void)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		__rcontainer_hardirq_enter();
}

static __always_inline void rcontainer_hardirq_exit(void)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		__rcontainer_hardirq_exit();
}

static __always_inline void rcontainer_softirq_enter(void)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		__rcontainer_softirq_enter();
}

static __always_inline void rcontainer_softirq_exit(void)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		__rcontainer_softirq_exit();
}

#define rcontainer_of_task(p) ((p)->rcontainer)

/* Kernel threads that work for somebody. */
struct rcontainer *rcontainer_work_begin(u32 id);
void rcontainer_work_end(struct rcontainer *own);

#else /* !CONFIG_RCONTAINER */

#define INIT_RCONTAINER
#define rcontainer_of_task(p) ((struct rcontainer *)NULL)

static inline void rcontainer_sched_switch(struct rcontainer *to) { }
static inline void rcontainer_hardirq_enter(void) { }
static inline void rcontainer_hardirq_exit(void) { }
static inline void rcontainer_softirq_enter(void) { }
static inline void rcontainer_softirq_exit(void) { }
static inline void rcontainer_fork(struct task_struct *p) { }
static inline void rcontainer_task_free(struct task_struct *p) { }

#endif /* CONFIG_RCONTAINER */

#endif /* _LINUX_RCONTAINER_H */
