// SPDX-License-Identifier: GPL-2.0
/*
 * What can be read from and written to the files of rcfs.
 */
#include <linux/cred.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "rcfs.h"

static struct kernfs_node *seq_kn(struct seq_file *m)
{
	return ((struct kernfs_open_file *)m->private)->kn;
}

/* tasks and procs */

static int show_ids(struct seq_file *m, bool procs)
{
	struct rcontainer *c = rcfs_container(seq_kn(m));
	struct task_struct *p, *t;
	pid_t id;

	guard(rcu)();
	for_each_process_thread(p, t) {
		if (READ_ONCE(t->rcontainer) != c || (t->flags & PF_EXITING))
			continue;
		id = procs ? task_tgid_vnr(t) : task_pid_vnr(t);
		/* Zero: of a process id namespace that the reader can't see. */
		if (id)
			seq_printf(m, "%d\n", id);
		if (procs)
			break;
	}
	return 0;
}

static int tasks_show(struct seq_file *m, void *v)
{
	return show_ids(m, false);
}

/* A process is listed wherever one of its threads is bound. */
static int procs_show(struct seq_file *m, void *v)
{
	return show_ids(m, true);
}

/*
 * Write permission for the container was checked at open.  Whoever may bind
 * must own the task, too, as with cgroups: who opened the file, or else a
 * privileged program could be made to write into it.
 */
static bool may_bind(const struct cred *cred, struct task_struct *p)
{
	const struct cred *tcred;

	guard(rcu)();
	tcred = __task_cred(p);
	return uid_eq(cred->euid, GLOBAL_ROOT_UID) ||
	       uid_eq(cred->euid, tcred->uid) || uid_eq(cred->euid, tcred->suid);
}

/* A living thread that is bound elsewhere, with a reference, or NULL. */
static struct task_struct *thread_to_bind(struct task_struct *leader,
					  struct rcontainer *c, bool *alive)
{
	struct task_struct *t;

	*alive = false;
	guard(rcu)();
	for_each_thread(leader, t) {
		if (t->flags & PF_EXITING)
			continue;
		*alive = true;
		if (READ_ONCE(t->rcontainer) != c)
			return get_task_struct(t);
	}
	return NULL;
}

/*
 * A thread that is created meanwhile inherits from its creator, before or
 * after that one's turn; so go on until all are in.
 */
static int bind_process(struct task_struct *leader, struct rcontainer *c)
{
	struct task_struct *t;
	bool alive;
	int ret;

	while ((t = thread_to_bind(leader, c, &alive))) {
		ret = rcontainer_bind(t, c);
		put_task_struct(t);
		if (ret && ret != -ESRCH)
			return ret;
	}
	return alive ? 0 : -ESRCH;
}

static ssize_t bind_write(struct kernfs_open_file *of, char *buf, size_t len,
			  bool procs)
{
	struct task_struct *p;
	struct rcontainer *c;
	pid_t pid;
	int ret;

	ret = kstrtoint(strstrip(buf), 0, &pid);
	if (ret)
		return ret;
	if (pid < 0)
		return -EINVAL;

	rcu_read_lock();
	p = pid ? find_task_by_vpid(pid) : current;
	if (p && procs)
		p = p->group_leader;
	if (p)
		get_task_struct(p);
	rcu_read_unlock();
	if (!p)
		return -ESRCH;
	ret = -EACCES;
	if (!may_bind(of->file->f_cred, p))
		goto put;

	ret = -ENODEV;
	c = rcfs_lock_live(of->kn);
	if (c) {
		ret = procs ? bind_process(p, c) : rcontainer_bind(p, c);
		rcfs_unlock(of->kn, c);
	}
put:
	put_task_struct(p);
	return ret ?: len;
}

static ssize_t tasks_write(struct kernfs_open_file *of, char *buf, size_t len,
			   loff_t off)
{
	return bind_write(of, buf, len, false);
}

static ssize_t procs_write(struct kernfs_open_file *of, char *buf, size_t len,
			   loff_t off)
{
	return bind_write(of, buf, len, true);
}

/* energy, energy.local, events */

static int show_energy(struct seq_file *m, bool subtree)
{
	struct rcontainer_energy energy[RCONTAINER_MAX_DEVICES];
	const struct pmc_backend *backend = pmc_backend();
	struct kernfs_node *kn = seq_kn(m);
	struct rcontainer *c;
	const char *name;
	unsigned int i;

	rcontainer_refresh_meters();
	c = rcfs_lock_live(kn);
	if (!c)
		return -ENODEV;
	rcontainer_settle_if_due();
	rcontainer_read_energy(backend, c, subtree, energy);
	rcfs_unlock(kn, c);
	if (backend)
		seq_printf(m, "cpu.access_uj %llu\ncpu.base_uj %llu\n",
			   energy[RCONTAINER_CPU].uj[RCONTAINER_ACCESS],
			   energy[RCONTAINER_CPU].uj[RCONTAINER_BASE]);
	for_each_rcontainer_device(i, name) {
		seq_printf(m, "%s.access_uj %llu\n", name,
			   energy[i].uj[RCONTAINER_ACCESS]);
		if (rcontainer_has_meter(i))
			seq_printf(m, "%s.base_uj %llu\n", name,
				   energy[i].uj[RCONTAINER_BASE]);
	}
	return 0;
}

static int energy_show(struct seq_file *m, void *v)
{
	return show_energy(m, true);
}

static int energy_local_show(struct seq_file *m, void *v)
{
	return show_energy(m, false);
}

static int events_show(struct seq_file *m, void *v)
{
	const struct pmc_backend *backend = pmc_backend();
	struct kernfs_node *kn = seq_kn(m);
	struct rcontainer_counts counts;
	struct rcontainer *c;
	const char *name;
	unsigned int i;

	c = rcfs_lock_live(kn);
	if (!c)
		return -ENODEV;
	rcontainer_read(c, true, &counts);
	rcfs_unlock(kn, c);
	for (i = 0; backend && i < backend->nr_events; i++)
		seq_printf(m, "%s %llu\n", backend->events[i].name,
			   counts.event[i]);
	for_each_rcontainer_device(i, name)
		seq_printf(m, "%s.access_pj %llu\n", name, counts.device_pj[i]);
	return 0;
}

/* energy.high, energy.events */

static int energy_high_show(struct seq_file *m, void *v)
{
	struct kernfs_node *kn = seq_kn(m);
	struct rcontainer *c = rcfs_lock_live(kn);
	u64 uj;

	if (!c)
		return -ENODEV;
	uj = rcontainer_high_uj(c);
	rcfs_unlock(kn, c);
	if (uj == U64_MAX)
		seq_puts(m, "max\n");
	else
		seq_printf(m, "%llu\n", uj);
	return 0;
}

static ssize_t energy_high_write(struct kernfs_open_file *of, char *buf, size_t len,
				 loff_t off)
{
	struct rcontainer *c;
	u64 uj = U64_MAX;
	int ret;

	buf = strstrip(buf);
	ret = strcmp(buf, "max") ? kstrtou64(buf, 0, &uj) : 0;
	if (ret)
		return ret;
	rcontainer_refresh_meters();
	c = rcfs_lock_live(of->kn);
	if (!c)
		return -ENODEV;
	rcontainer_settle_if_due();
	ret = rcontainer_set_high(c, uj);
	rcfs_unlock(of->kn, c);
	return ret ?: len;
}

static int energy_events_show(struct seq_file *m, void *v)
{
	struct kernfs_node *kn = seq_kn(m);
	struct rcontainer *c = rcfs_lock_live(kn);

	if (!c)
		return -ENODEV;
	seq_printf(m, "high %llu\n", rcontainer_high_passed(c));
	rcfs_unlock(kn, c);
	return 0;
}

/* What tracepoints and weak references call it. */
static int id_show(struct seq_file *m, void *v)
{
	seq_printf(m, "%u\n", rcfs_container(seq_kn(m))->id);
	return 0;
}

/* info/ */

static int backend_show(struct seq_file *m, void *v)
{
	const struct pmc_backend *backend = pmc_backend();

	seq_printf(m, "backend %s\n", backend ? backend->ops->name : "none");
	if (backend && backend->ops->show)
		backend->ops->show(m);
	return 0;
}

static int counters_show(struct seq_file *m, void *v)
{
	const struct pmc_backend *backend = pmc_backend();
	struct kernfs_node *kn = seq_kn(m);
	const struct pvenergy_event *e;
	const u64 *weight_pj;
	unsigned int i;

	if (!backend)
		return 0;
	rcfs_lock_info(kn);
	weight_pj = rcontainer_weights(backend);
	for (i = 0; i < backend->nr_events; i++) {
		e = &backend->events[i];
		seq_printf(m, "%s %llu %s\n", e->name, weight_pj[i],
			   !(e->flags & PVENERGY_EVENT_BASE) ? "access" :
			   backend->meter ? "metered" : "base");
	}
	rcfs_unlock_info(kn);
	return 0;
}

/* NAME WEIGHT_PJ, or "default" */
static ssize_t counters_write(struct kernfs_open_file *of, char *buf, size_t len,
			      loff_t off)
{
	const struct pmc_backend *backend = pmc_backend();
	char *event, *weight = strstrip(buf);
	u64 weight_pj;
	int ret;

	if (!backend)
		return -ENODEV;
	if (!strcmp(weight, "default")) {
		rcfs_lock_info(of->kn);
		rcontainer_reset_weights(backend);
		rcfs_unlock_info(of->kn);
		return len;
	}
	event = strsep(&weight, " \t");
	if (!weight)
		return -EINVAL;
	ret = kstrtou64(skip_spaces(weight), 0, &weight_pj);
	if (ret)
		return ret;
	rcfs_lock_info(of->kn);
	ret = rcontainer_set_weight(backend, event, weight_pj);
	rcfs_unlock_info(of->kn);
	return ret ?: len;
}

static void show_row(struct seq_file *m, const struct pmc_backend *backend,
		     const struct rcontainer_counts *counts, unsigned long meters,
		     const struct rcontainer_metered *metered)
{
	const char *name;
	unsigned int i;

	for (i = 0; backend && i < backend->nr_events; i++)
		seq_printf(m, " %llu", counts->event[i]);
	for_each_rcontainer_device(i, name)
		seq_printf(m, " %llu", counts->device_pj[i]);
	for_each_set_bit(i, &meters, RCONTAINER_MAX_DEVICES)
		seq_printf(m, " %llu", metered->base_pj[i]);
	seq_putc(m, '\n');
}

static void show_snapshot(struct seq_file *m, const struct rcontainer_snapshot *s,
			  const struct pmc_backend *backend, char *path)
{
	struct rcontainer *c;
	const char *name;
	unsigned int i;

	seq_puts(m, "container");
	for (i = 0; backend && i < backend->nr_events; i++)
		seq_printf(m, " %s", backend->events[i].name);
	for_each_rcontainer_device(i, name)
		seq_printf(m, " %s.access_pj", name);
	for_each_set_bit(i, &s->meters, RCONTAINER_MAX_DEVICES)
		seq_printf(m, " %s.base_pj", rcontainer_device_name(i));
	seq_putc(m, '\n');
	for (c = &rcontainer_root; c;
	     c = rcontainer_next_descendant(c, &rcontainer_root)) {
		if (c->offline)
			continue;
		kernfs_path(c->kn, path, PATH_MAX);
		seq_puts(m, path);
		show_row(m, backend, &s->rows[c->row], s->meters,
			 &s->metered[c->row]);
	}
	seq_puts(m, "virtual");
	show_row(m, backend, &s->total, s->meters, &s->metered_total);
}

static int snapshot_show(struct seq_file *m, void *v)
{
	const struct pmc_backend *backend = pmc_backend();
	struct kernfs_node *kn = seq_kn(m);
	struct rcontainer_snapshot s;
	char *path;
	int ret;

	if (!backend && !rcontainer_device_name(RCONTAINER_CPU + 1))
		return 0;
	path = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!path)
		return -ENOMEM;
	rcontainer_refresh_meters();
	rcfs_lock_info(kn);
	rcontainer_settle_if_due();
	ret = rcontainer_snapshot(&s);
	if (!ret) {
		show_snapshot(m, &s, backend, path);
		rcontainer_snapshot_free(&s);
	}
	rcfs_unlock_info(kn);
	kfree(path);
	return ret;
}

static int devices_show(struct seq_file *m, void *v)
{
	struct kernfs_node *kn = seq_kn(m);

	rcontainer_show_devices(m);
	rcontainer_refresh_meters();
	rcfs_lock_info(kn);
	rcontainer_settle_if_due();
	rcontainer_show_meters(m);
	rcfs_unlock_info(kn);
	return 0;
}

static int base_policy_show(struct seq_file *m, void *v)
{
	rcontainer_show_base_policy(m);
	return 0;
}

static ssize_t base_policy_write(struct kernfs_open_file *of, char *buf, size_t len,
				 loff_t off)
{
	int ret;

	rcontainer_refresh_meters();
	rcfs_lock_info(of->kn);
	ret = rcontainer_set_base_policy(strstrip(buf));
	rcfs_unlock_info(of->kn);
	return ret ?: len;
}

#define RCFS_RO(_name, _show) \
	{ .name = _name, .mode = 0444, .ops = { .seq_show = _show } }

const struct rcfs_file rcfs_files[] = {
	{
		.name	= "tasks",
		.mode	= 0644,
		.flags	= RCFS_NOT_BUILTIN,
		.ops	= { .seq_show = tasks_show, .write = tasks_write },
	}, {
		.name	= "procs",
		.mode	= 0644,
		.flags	= RCFS_NOT_BUILTIN,
		.ops	= { .seq_show = procs_show, .write = procs_write },
	},
	RCFS_RO("energy", energy_show),
	RCFS_RO("energy.local", energy_local_show),
	{
		.name	= "energy.high",
		.mode	= 0644,
		.ops	= { .seq_show = energy_high_show, .write = energy_high_write },
	},
	RCFS_RO("energy.events", energy_events_show),
	RCFS_RO("events", events_show),
	RCFS_RO("id", id_show),
};

const unsigned int rcfs_nr_files = ARRAY_SIZE(rcfs_files);

const struct rcfs_file rcfs_info_files[] = {
	RCFS_RO("backend", backend_show),
	{
		.name	= "base_policy",
		.mode	= 0644,
		.ops	= { .seq_show = base_policy_show, .write = base_policy_write },
	}, {
		/* What closed directories hide is in it. */
		.name	= "containers",
		.mode	= 0400,
		.ops	= {
			.release	= rcfs_list_release,
			.seq_start	= rcfs_list_start,
			.seq_next	= rcfs_list_next,
			.seq_stop	= rcfs_list_stop,
			.seq_show	= rcfs_list_show,
		},
	}, {
		.name	= "counters",
		.mode	= 0644,
		.ops	= { .seq_show = counters_show, .write = counters_write },
	},
	RCFS_RO("devices", devices_show),
	RCFS_RO("snapshot", snapshot_show),
};

const unsigned int rcfs_nr_info_files = ARRAY_SIZE(rcfs_info_files);
