// SPDX-License-Identifier: GPL-2.0
/*
 * info/containers: all containers in one file, for who would have to read some
 * files of each.
 *
 * It shows what directories may be closed to hide, so it is root's alone.  All is
 * gathered when the file is read from its beginning, and is of one moment.
 */
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "rcfs.h"

/**
 * struct row - a container
 * @ino: inode number of its directory
 * @parent: row of its parent; the root's is its own
 * @name: where in struct list.names its name is
 * @tasks: number of threads, as in its tasks file
 * @procs: number of processes, as in its procs file
 * @last: the process counted last
 */
struct row {
	u64			ino;
	unsigned int		parent;
	unsigned int		name;
	unsigned int		tasks;
	unsigned int		procs;
	struct task_struct	*last;
};

/**
 * struct list - what a reader was given
 * @backend: the back end in use, or NULL
 * @nr_devices: number of devices
 * @meters: bitmap of the devices that have a meter
 * @nr: number of rows
 * @row: parents before children
 * @own: energy of each container alone, @nr_devices of them a row
 * @energy: likewise, with all its descendants
 * @names: all names
 * @path: for a path
 */
struct list {
	const struct pmc_backend	*backend;
	unsigned int			nr_devices;
	unsigned long			meters;
	unsigned int			nr;
	struct row			*row;
	struct rcontainer_energy	*own;
	struct rcontainer_energy	*energy;
	char				*names;
	char				path[RCONTAINER_MAX_DEPTH * (NAME_MAX + 1) + 1];
};

static void list_free(struct list *l)
{
	if (!l)
		return;
	kvfree(l->row);
	kvfree(l->own);
	kvfree(l->energy);
	kvfree(l->names);
	kvfree(l);
}

/* Removed ones count with whom they left their charges to. */
static int list_alloc(struct list *l)
{
	struct rcontainer *c;
	size_t len = 0;

	while (rcontainer_device_name(l->nr_devices)) {
		if (rcontainer_has_meter(l->nr_devices))
			__set_bit(l->nr_devices, &l->meters);
		l->nr_devices++;
	}
	for_each_rcontainer(c) {
		c->row = c->offline ? c->parent->row : l->nr++;
		if (!c->offline)
			len += strlen(c->name) + 1;
	}
	l->row = kvcalloc(l->nr, sizeof(*l->row), GFP_KERNEL);
	l->own = kvcalloc(array_size(l->nr, l->nr_devices), sizeof(*l->own),
			  GFP_KERNEL);
	l->energy = kvcalloc(array_size(l->nr, l->nr_devices), sizeof(*l->energy),
			     GFP_KERNEL);
	l->names = kvmalloc(len, GFP_KERNEL);
	return l->row && l->own && l->energy && l->names ? 0 : -ENOMEM;
}

static void count_tasks(struct list *l)
{
	struct task_struct *p, *t;
	struct row *row;

	guard(rcu)();
	for_each_process_thread(p, t) {
		/* As their files show them. */
		if ((READ_ONCE(t->flags) & PF_EXITING) || !task_pid_vnr(t))
			continue;
		row = &l->row[READ_ONCE(t->rcontainer)->row];
		row->tasks++;
		if (row->last != p)
			row->procs++;
		row->last = p;
	}
}

static void add_energies(struct rcontainer_energy *sum,
			 const struct rcontainer_energy *energy, unsigned int nr)
{
	unsigned int i, cost;

	for (i = 0; i < nr; i++)
		for (cost = 0; cost < NR_RCONTAINER_COSTS; cost++)
			rcontainer_add_energy(&sum[i], cost, energy[i].uj[cost],
					      energy[i].rest_pj[cost]);
}

static void gather(struct list *l)
{
	const u64 *weight_pj = l->backend ? rcontainer_weights(l->backend) : NULL;
	unsigned int nr = l->nr_devices, i;
	struct rcontainer *c;
	size_t len = 0;

	rcontainer_fold(&rcontainer_root);
	for_each_rcontainer(c) {
		struct rcontainer_energy energy[RCONTAINER_MAX_DEVICES] = {};
		struct row *row = &l->row[c->row];

		rcontainer_add_own_energy(l->backend, weight_pj, c, energy);
		add_energies(&l->own[c->row * nr], energy, nr);
		add_energies(&l->energy[c->row * nr], energy, nr);
		if (c->offline)
			continue;
		row->ino = kernfs_ino(c->kn);
		row->parent = c->parent ? c->parent->row : 0;
		row->name = len;
		len += strscpy(l->names + len, c->name, strlen(c->name) + 1) + 1;
	}
	for (i = l->nr - 1; i; i--)
		add_energies(&l->energy[l->row[i].parent * nr], &l->energy[i * nr], nr);
	count_tasks(l);
}

static struct list *list_make(struct kernfs_node *kn)
{
	struct list *l = kvzalloc(sizeof(*l), GFP_KERNEL);
	int ret;

	if (!l)
		return ERR_PTR(-ENOMEM);
	l->backend = pmc_backend();
	rcontainer_refresh_meters();
	rcfs_lock_info(kn);
	rcontainer_settle_if_due();
	ret = list_alloc(l);
	if (!ret)
		gather(l);
	rcfs_unlock_info(kn);
	if (!ret)
		return l;
	list_free(l);
	return ERR_PTR(ret);
}

/* From its end, so that the parents' names come before. */
static const char *path_of(struct list *l, unsigned int i)
{
	char *p = l->path + sizeof(l->path) - 1;
	const char *name;
	size_t len;

	if (!i)
		return "/";
	for (; i; i = l->row[i].parent) {
		name = l->names + l->row[i].name;
		len = strlen(name);
		p -= len;
		memcpy(p, name, len);
		*--p = '/';
	}
	return p;
}

static void show_heading(struct seq_file *m, const struct list *l, const char *of)
{
	unsigned int i;

	for (i = 0; i < l->nr_devices; i++) {
		if (i == RCONTAINER_CPU && !l->backend)
			continue;
		seq_printf(m, " %s.%saccess_uj", rcontainer_device_name(i), of);
		if (i == RCONTAINER_CPU || test_bit(i, &l->meters))
			seq_printf(m, " %s.%sbase_uj", rcontainer_device_name(i), of);
	}
}

static void show_energies(struct seq_file *m, const struct list *l,
			  const struct rcontainer_energy *energy)
{
	unsigned int i;

	for (i = 0; i < l->nr_devices; i++) {
		if (i == RCONTAINER_CPU && !l->backend)
			continue;
		seq_put_decimal_ull(m, " ", energy[i].uj[RCONTAINER_ACCESS]);
		if (i == RCONTAINER_CPU || test_bit(i, &l->meters))
			seq_put_decimal_ull(m, " ", energy[i].uj[RCONTAINER_BASE]);
	}
}

static struct list *list_of(struct seq_file *m)
{
	return ((struct kernfs_open_file *)m->private)->priv;
}

/* The first position is the heading's. */
void *rcfs_list_start(struct seq_file *m, loff_t *pos)
{
	struct kernfs_open_file *of = m->private;
	struct list *l = of->priv;

	if (!*pos || !l) {
		of->priv = NULL;
		list_free(l);
		l = list_make(of->kn);
		if (IS_ERR(l))
			return l;
		of->priv = l;
	}
	return *pos <= l->nr ? pos : NULL;
}

void *rcfs_list_next(struct seq_file *m, void *v, loff_t *pos)
{
	return ++*pos <= list_of(m)->nr ? pos : NULL;
}

void rcfs_list_stop(struct seq_file *m, void *v)
{
}

int rcfs_list_show(struct seq_file *m, void *v)
{
	struct list *l = list_of(m);
	unsigned int i = *(loff_t *)v;

	if (!i) {
		seq_puts(m, "container inode tasks procs");
		show_heading(m, l, "");
		show_heading(m, l, "local_");
	} else {
		i--;
		seq_puts(m, path_of(l, i));
		seq_put_decimal_ull(m, " ", l->row[i].ino);
		seq_put_decimal_ull(m, " ", l->row[i].tasks);
		seq_put_decimal_ull(m, " ", l->row[i].procs);
		show_energies(m, l, &l->energy[i * l->nr_devices]);
		show_energies(m, l, &l->own[i * l->nr_devices]);
	}
	seq_putc(m, '\n');
	return 0;
}

void rcfs_list_release(struct kernfs_open_file *of)
{
	list_free(of->priv);
	of->priv = NULL;
}

