// SPDX-License-Identifier: GPL-2.0
/*
 * Resource containers: who pays for what the hardware consumes.
 *
 * Model
 * -----
 *
 * A resource container (Banga, Druschel and Mogul, OSDI '99) stands for an
 * activity.  Programs are bound to it; whatever the hardware does for them is
 * charged to it.  Containers form a tree, and a container's energy is that of
 * its subtree.  Three are built in: root, to which everything is bound at
 * first; idle, which the idle tasks are bound to; and interrupt, which is
 * active while interrupts are handled.
 *
 * For the CPU the charge is a vector of event counts, taken from the virtual
 * counters of arch/pmc.  On each CPU one container is active, and
 *
 *	Sum over containers of counts[container][cpu] = virtual counters[cpu]
 *
 * holds whenever the counters were just read: each advance of the counters is
 * added to exactly one container.  Everything below is arranged so that this
 * stays true, to the unit.
 *
 * Writing and reading
 * -------------------
 *
 * A switch adds to the counts of the container that was active, on the own
 * CPU, and does nothing else (switch.c).  A reader first has the CPUs that are
 * active in the subtree fold in what is running now, then sums over CPUs and
 * containers.  Weights come in only then: the energy in picojoules is
 * Sum of weight x count (energy.c).  When a weight changes, an epoch ends: the
 * energy of what was counted until then is put aside in each container.
 *
 * Life and death
 * --------------
 *
 * A task holds a reference on its container, from fork until its task_struct
 * goes.  A container that the user removes has no children and no living tasks,
 * but tasks that are just dying may still be charged to it, kernel threads may
 * be working for it, and pages that its tasks dirtied may name it for minutes.
 * So a removed container is offline: out of sight, and part of its nearest
 * ancestor that is not offline.  With the last reference its counts are added
 * to its parent's and it is freed.
 *
 * Weak references are ids.  When a container is removed its entry in the id
 * table becomes a tombstone with the id of its parent, and stays one: no id is
 * used again, of which there are 2^31.
 *
 * Locking
 * -------
 *
 * rcontainer_mutex protects the tree and all changes of bindings but fork.
 * tasklist_lock orders fork, which copies a binding, with the search for living
 * tasks at removal.  Active containers need neither: a container can be active
 * only on behalf of a task that is bound to it and running, or built in.
 */
#define pr_fmt(fmt) "rcontainer: " fmt

#include <linux/cpu.h>
#include <linux/export.h>
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include <trace/events/rcontainer.h>

/* Protects the tree and all changes of bindings but fork. */
DEFINE_MUTEX(rcontainer_mutex);

/* A container, or the id of a removed one's parent as a value entry. */
static DEFINE_XARRAY_FLAGS(rcontainer_ids, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
static u32 rcontainer_next_id;
#define RCONTAINER_ID_LIMIT	XA_LIMIT(1, INT_MAX)

/* How often an id became a tombstone. */
unsigned int rcontainer_removals;

/* Ids are known before rcontainer_init(), which allocates the first ones. */
#define DEFINE_BUILTIN_RCONTAINER(_var, _id, _name, _parent, _depth)	\
	static DEFINE_PER_CPU(struct rcontainer_counts, _var##_counts);	\
	struct rcontainer _var = {					\
		.counts		= &_var##_counts,			\
		.builtin	= true,					\
		.id		= _id,					\
		.depth		= _depth,				\
		.parent		= _parent,				\
		.children	= LIST_HEAD_INIT(_var.children),	\
		.sibling	= LIST_HEAD_INIT(_var.sibling),		\
		.name		= _name,				\
	}

DEFINE_BUILTIN_RCONTAINER(rcontainer_root, 1, "", NULL, 0);
DEFINE_BUILTIN_RCONTAINER(rcontainer_idle, 2, "idle", &rcontainer_root, 1);
DEFINE_BUILTIN_RCONTAINER(rcontainer_interrupt, 3, "interrupt", &rcontainer_root,
			  1);

/**
 * rcontainer_next_descendant() - walk a subtree, parents before children
 * @pos: where we are, @top to begin with
 * @top: head of the subtree
 *
 * Offline containers are in it until they are freed.
 *
 * Context: rcontainer_mutex held.
 * Return: the next one, NULL at the end.
 */
struct rcontainer *rcontainer_next_descendant(struct rcontainer *pos,
					      struct rcontainer *top)
{
	if (!list_empty(&pos->children))
		return list_first_entry(&pos->children, struct rcontainer, sibling);
	for (; pos != top; pos = pos->parent)
		if (!list_is_last(&pos->sibling, &pos->parent->children))
			return list_next_entry(pos, sibling);
	return NULL;
}

static struct kmem_cache *rcontainer_cache __ro_after_init;

static int rcontainer_alloc_id(struct rcontainer *c)
{
	int ret = xa_alloc_cyclic(&rcontainer_ids, &c->id, c, RCONTAINER_ID_LIMIT,
				  &rcontainer_next_id, GFP_KERNEL);

	/* Tombstones are never taken away. */
	if (ret == -EBUSY)
		return -ENOSPC;
	return min(ret, 0);
}

/**
 * rcontainer_by_id() - resolve a weak reference
 * @id: struct rcontainer.id of a container that may be long gone
 *
 * Context: RCU read-side critical section.
 * Return: the container; for a removed one its nearest living ancestor; root
 * for an id that was never given.
 */
struct rcontainer *rcontainer_by_id(u32 id)
{
	void *entry = xa_load(&rcontainer_ids, id);

	while (xa_is_value(entry))
		entry = xa_load(&rcontainer_ids, xa_to_value(entry));
	return entry ?: &rcontainer_root;
}

/**
 * rcontainer_create() - make a container
 * @parent: where it belongs
 * @name: copied
 *
 * The first one switches accounting per container on, as soon as the initcalls
 * are done.
 *
 * Context: process context, rcontainer_mutex held, may sleep.
 * Return: the container, or an ERR_PTR: -ENODEV if @parent was removed, -EPERM
 * under a built-in container other than root, -EAGAIN if nested too deep, -ENOSPC
 * if there are no ids left, -ENOMEM.
 */
struct rcontainer *rcontainer_create(struct rcontainer *parent, const char *name)
{
	struct rcontainer *c;
	int ret = -ENOMEM;

	lockdep_assert_held(&rcontainer_mutex);
	if (parent->offline)
		return ERR_PTR(-ENODEV);
	if (parent->builtin && parent != &rcontainer_root)
		return ERR_PTR(-EPERM);
	if (parent->depth >= RCONTAINER_MAX_DEPTH)
		return ERR_PTR(-EAGAIN);

	c = kmem_cache_zalloc(rcontainer_cache, GFP_KERNEL);
	if (!c)
		return ERR_PTR(-ENOMEM);
	c->name = kstrdup_const(name, GFP_KERNEL);
	c->counts = alloc_percpu(struct rcontainer_counts);
	if (!c->name || !c->counts)
		goto free;
	ret = rcontainer_alloc_id(c);
	if (ret)
		goto free;

	refcount_set(&c->ref, 1);
	INIT_LIST_HEAD(&c->children);
	c->depth = parent->depth + 1;
	c->parent = parent;
	if (!parent->builtin)
		refcount_inc(&parent->ref);
	list_add_tail(&c->sibling, &parent->children);
	rcontainer_enable();
	return c;
free:
	free_percpu(c->counts);
	kfree_const(c->name);
	kmem_cache_free(rcontainer_cache, c);
	return ERR_PTR(ret);
}

static void rcontainer_free_work(struct work_struct *work)
{
	struct rcontainer *c = container_of(to_rcu_work(work), struct rcontainer,
					    free_work);
	struct rcontainer *parent = c->parent;

	mutex_lock(&rcontainer_mutex);
	rcontainer_bequeath(c);
	list_del(&c->sibling);
	mutex_unlock(&rcontainer_mutex);

	free_percpu(c->counts);
	kfree_const(c->name);
	kfree_rcu(c, rcu);
	rcontainer_put(parent);
}

/**
 * rcontainer_put() - drop a reference
 * @c: the container
 *
 * Context: any in which a work item can be queued: not with a runqueue lock
 * held.
 */
void rcontainer_put(struct rcontainer *c)
{
	if (c->builtin || !refcount_dec_and_test(&c->ref))
		return;
	/* Whoever found it by its id may still be charging it. */
	INIT_RCU_WORK(&c->free_work, rcontainer_free_work);
	queue_rcu_work(system_wq, &c->free_work);
}

static bool rcontainer_has_tasks(struct rcontainer *c)
{
	struct task_struct *p, *t;

	guard(read_lock)(&tasklist_lock);
	for_each_process_thread(p, t)
		/* A kernel thread that works for it just now will be done soon. */
		if (t->rcontainer == c && !(t->flags & (PF_EXITING | PF_KTHREAD)))
			return true;
	return false;
}

/**
 * rcontainer_remove() - take a container out of the tree
 * @c: the container
 *
 * The caller drops the reference that rcontainer_create() gave it, when nobody
 * can look up @c by other means any more.
 *
 * Context: process context, rcontainer_mutex held, may sleep.
 * Return: 0; -EPERM for a built-in container; -EBUSY with children or living
 * tasks; -ENODEV if it was removed before.
 */
int rcontainer_remove(struct rcontainer *c)
{
	struct rcontainer *child;

	lockdep_assert_held(&rcontainer_mutex);
	if (c->builtin)
		return -EPERM;
	if (c->offline)
		return -ENODEV;
	list_for_each_entry(child, &c->children, sibling)
		if (!child->offline)
			return -EBUSY;
	if (rcontainer_has_tasks(c))
		return -EBUSY;

	c->offline = true;
	rcontainer_drop_high(c);
	rcontainer_drop_zone(c);
	/* Replaces an entry, so it needs no memory. */
	xa_store(&rcontainer_ids, c->id, xa_mk_value(c->parent->id), GFP_KERNEL);
	/* The tombstone before it: see charged_last(). */
	smp_store_release(&rcontainer_removals, rcontainer_removals + 1);
	return 0;
}

/**
 * rcontainer_rename() - change a container's name
 * @c: the container
 * @name: copied
 *
 * Context: process context, rcontainer_mutex held, may sleep.
 * Return: 0; -EPERM for a built-in container; -ENODEV if it was removed;
 * -ENOMEM.
 */
int rcontainer_rename(struct rcontainer *c, const char *name)
{
	const char *copy;

	lockdep_assert_held(&rcontainer_mutex);
	if (c->builtin)
		return -EPERM;
	if (c->offline)
		return -ENODEV;
	copy = kstrdup_const(name, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	swap(c->name, copy);
	kfree_const(copy);
	if (c->zone) {
		rcontainer_drop_zone(c);
		rcontainer_add_zone(c);
	}
	return 0;
}

/**
 * rcontainer_bind() - bind a task to a container
 * @p: the task; a reference is held by the caller
 * @c: the container
 *
 * From the return on, @p is charged to @c, on whichever CPU it runs.
 *
 * Context: process context, rcontainer_mutex held, may sleep.
 * Return: 0; -ENODEV if @c was removed; -EPERM if it is idle or interrupt;
 * -EINVAL for a kernel thread; -ESRCH for a task that is exiting.
 */
int rcontainer_bind(struct task_struct *p, struct rcontainer *c)
{
	struct rcontainer *old;

	lockdep_assert_held(&rcontainer_mutex);
	if (c->offline)
		return -ENODEV;
	if (c->builtin && c != &rcontainer_root)
		return -EPERM;
	if (p->flags & PF_KTHREAD)
		return -EINVAL;
	if (p->flags & PF_EXITING)
		return -ESRCH;
	old = p->rcontainer;
	if (old == c)
		return 0;

	rcontainer_gets_task(c);
	if (!c->builtin)
		refcount_inc(&c->ref);
	WRITE_ONCE(p->rcontainer, c);
	WRITE_ONCE(p->rcontainer_id, c->id);
	trace_rcontainer_bind(p, old, c);
	/* Only then no CPU is active in the old one because of this task. */
	rcontainer_resync(p);
	rcontainer_put(old);
	return 0;
}

/**
 * rcontainer_fork() - a new task is bound where its parent is
 * @p: the new task, not visible yet; its binding is the bytewise copy of
 *	another task's, without a reference
 *
 * Context: copy_process(), tasklist_lock held for writing, so that the removal
 * of a container finds either @p or its parent.
 */
void rcontainer_fork(struct task_struct *p)
{
	struct rcontainer *c;

	guard(rcu)();
	/* A failure means that current was bound anew just now. */
	do {
		c = READ_ONCE(current->rcontainer);
	} while (!rcontainer_tryget(c));
	p->rcontainer = c;
	/* Kernel threads own nothing of their own. */
	p->rcontainer_id = p->flags & PF_KTHREAD ? 0 : c->id;
}

/**
 * rcontainer_task_free() - a task_struct goes
 * @p: the task, never to run again
 *
 * Context: any but NMI, no runqueue lock.
 */
void rcontainer_task_free(struct task_struct *p)
{
	rcontainer_put(p->rcontainer);
}

/**
 * rcontainer_work_begin() - a kernel thread works for somebody
 * @id: for whom: struct rcontainer.id, 0 for nobody
 *
 * From now on the thread is charged to that container, until
 * rcontainer_work_end().  Elsewhere than in a kernel thread nothing happens:
 * a task that does its own work pays for it already.
 *
 * Context: any but NMI.
 * Return: what to pass to rcontainer_work_end().
 */
struct rcontainer *rcontainer_work_begin(u32 id)
{
	struct rcontainer *c, *own;

	if (!static_branch_unlikely(&rcontainer_enabled) || !id || !in_task() ||
	    !(current->flags & PF_KTHREAD) || current->rcontainer_id)
		return NULL;
	rcu_read_lock();
	/* A failure means that it is being removed: then it is the parent. */
	do {
		c = rcontainer_by_id(id);
	} while (!rcontainer_tryget(c));
	rcu_read_unlock();

	/* Users may not bind kernel threads, so nobody else changes this. */
	own = current->rcontainer;
	WRITE_ONCE(current->rcontainer, c);
	current->rcontainer_id = c->id;
	rcontainer_resync_current();
	return own;
}
EXPORT_SYMBOL_GPL(rcontainer_work_begin);

/**
 * rcontainer_work_end() - the kernel thread is its own again
 * @own: what rcontainer_work_begin() returned
 *
 * Context: as rcontainer_work_begin().
 */
void rcontainer_work_end(struct rcontainer *own)
{
	struct rcontainer *c;

	if (!own)
		return;
	c = current->rcontainer;
	WRITE_ONCE(current->rcontainer, own);
	current->rcontainer_id = 0;
	rcontainer_resync_current();
	rcontainer_put(c);
}
EXPORT_SYMBOL_GPL(rcontainer_work_end);

static int __init rcontainer_init(void)
{
	struct rcontainer *builtin[] = {
		&rcontainer_root, &rcontainer_idle, &rcontainer_interrupt,
	};
	unsigned int i, cpu;
	int ret;

	rcontainer_cache = KMEM_CACHE(rcontainer, SLAB_PANIC);
	for (i = 0; i < ARRAY_SIZE(builtin); i++) {
		ret = rcontainer_alloc_id(builtin[i]);
		if (ret)
			return ret;
		WARN_ON(builtin[i]->id != i + 1);
		if (builtin[i]->parent)
			list_add_tail(&builtin[i]->sibling,
				      &builtin[i]->parent->children);
	}
	for_each_possible_cpu(cpu)
		idle_task(cpu)->rcontainer = &rcontainer_idle;
	return rcfs_init();
}
subsys_initcall(rcontainer_init);
