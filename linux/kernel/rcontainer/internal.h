/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _RCONTAINER_INTERNAL_H
#define _RCONTAINER_INTERNAL_H

#include <linux/kernfs.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/pmc.h>
#include <linux/rcontainer.h>
#include <linux/rcontainer-device.h>
#include <linux/rcontainer-meter.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/* As deep as anybody sane nests, and a bound for paths and walks. */
#define RCONTAINER_MAX_DEPTH	64

/**
 * struct rcontainer_counts - what is counted for a container, on one CPU or
 *	in all; modulo 2^64
 * @event: events of the CPU; a cache line of its own, for the switch path
 * @device_pj: access cost that other devices returned, by their index
 */
struct rcontainer_counts {
	u64	event[PMC_MAX_EVENTS];
	u64	device_pj[RCONTAINER_MAX_DEVICES];
} ____cacheline_aligned_in_smp;

/*
 * Base cost and access cost stay apart everywhere: programs can change only what they
 * cause, the access cost.
 */
enum rcontainer_cost {
	RCONTAINER_ACCESS,
	RCONTAINER_BASE,
	NR_RCONTAINER_COSTS,
};

/* The CPU that runs the programs is device 0. */
#define RCONTAINER_CPU		0

/**
 * struct rcontainer_energy - energy of one device, exact to the picojoule
 * @uj: microjoules; wraps after some 18 terajoules
 * @rest_pj: picojoules beyond that, below a million
 */
struct rcontainer_energy {
	u64	uj[NR_RCONTAINER_COSTS];
	u32	rest_pj[NR_RCONTAINER_COSTS];
};

/**
 * struct rcontainer - one who pays
 * @counts: events charged, per CPU.  Written by the CPU itself with interrupts
 *	off, read from anywhere.
 * @ref: the container as long as it is in the tree, each bound task, each
 *	child.  Built-in containers are not counted.
 * @builtin: root, idle and interrupt: not to be removed
 * @has_past: there is something in @inherited, @priced_counts or @priced.
 *	Protected by rcontainer_mutex.
 * @offline: removed by the user.  Whatever it is still charged counts for its
 *	nearest ancestor that is not offline.  Protected by rcontainer_mutex.
 * @id: weak reference, see rcontainer_by_id()
 * @depth: 0 for root
 * @parent: NULL for root
 * @children: protected by rcontainer_mutex
 * @sibling: likewise; in @children of @parent until freed
 * @inherited: counts of freed children.  Protected by rcontainer_mutex.
 * @priced_counts: counts whose energy is in @priced, being of earlier weights
 *	or put aside before they wrap.  Protected by rcontainer_mutex.
 * @priced: likewise, for each device; and its part of what meters showed
 * @shares: parts of base cost that it pays where all parts are equal: one if it
 *	had tasks since the last settling, and those of freed children.
 *	Protected by rcontainer_mutex.
 * @recent_pj: access cost since the last settling, as far as it is in @priced;
 *	no more than fits.  Likewise.
 * @kn: directory in rcfs, valid until @offline
 * @name: the directory's name.  Protected by rcontainer_mutex.
 * @high: threshold of energy, NULL if it never had one; see high.c.  Protected
 *	by rcontainer_mutex.
 * @zone: of powercap, or NULL; see powercap.c.  Likewise.
 * @row: scratch for rcontainer_snapshot(), protected by rcontainer_mutex
 * @free_work: the last reference is dropped where one can't sleep
 * @rcu: readers that found it by a weak reference or in a task
 */
struct rcontainer {
	struct rcontainer_counts __percpu *counts;
	refcount_t		ref;
	bool			builtin;
	bool			has_past;
	bool			offline;
	u32			id;
	unsigned int		depth;
	struct rcontainer	*parent;
	struct list_head	children;
	struct list_head	sibling;
	struct rcontainer_counts inherited;
	struct rcontainer_counts priced_counts;
	struct rcontainer_energy priced[RCONTAINER_MAX_DEVICES];
	unsigned int		shares;
	u64			recent_pj[RCONTAINER_MAX_DEVICES];
	struct kernfs_node	*kn;
	const char		*name;
	struct rcontainer_high	*high;
	struct rcontainer_zone	*zone;
	unsigned int		row;
	union {
		struct rcu_work		free_work;
		struct rcu_head		rcu;
	};
};

/* core.c */
extern struct mutex rcontainer_mutex;
extern unsigned int rcontainer_removals;
extern struct rcontainer rcontainer_idle;
extern struct rcontainer rcontainer_interrupt;

struct rcontainer *rcontainer_create(struct rcontainer *parent, const char *name);
int rcontainer_remove(struct rcontainer *c);
int rcontainer_rename(struct rcontainer *c, const char *name);
int rcontainer_bind(struct task_struct *p, struct rcontainer *c);
struct rcontainer *rcontainer_by_id(u32 id);
struct rcontainer *rcontainer_next_descendant(struct rcontainer *pos,
					      struct rcontainer *top);

/* All of them, parents before children; rcontainer_mutex held. */
#define for_each_rcontainer(c)						\
	for ((c) = &rcontainer_root; (c);				\
	     (c) = rcontainer_next_descendant(c, &rcontainer_root))

static inline bool rcontainer_tryget(struct rcontainer *c)
{
	return c->builtin || refcount_inc_not_zero(&c->ref);
}

void rcontainer_put(struct rcontainer *c);

/* switch.c */
void rcontainer_enable(void);
void rcontainer_resync(struct task_struct *p);
void rcontainer_resync_current(void);
void rcontainer_fold(struct rcontainer *top);
void rcontainer_snapshot_cpus(struct rcontainer_counts *rows,
			      struct rcontainer_counts *total);
DECLARE_PER_CPU_ALIGNED(struct rcontainer_counts, rcontainer_total);

/* energy.c */
#define PJ_PER_UJ	1000000

void rcontainer_add_energy(struct rcontainer_energy *energy,
			   enum rcontainer_cost cost, u64 uj, u32 rest_pj);
void rcontainer_pay_base(struct rcontainer *c, unsigned int device, u64 uj,
			 u32 rest_pj);
void rcontainer_add_counts(struct rcontainer_counts *sum,
			   const struct rcontainer_counts *counts);
void rcontainer_price(const struct pmc_backend *backend, const u64 *weight_pj,
		      const struct rcontainer_counts *counts,
		      struct rcontainer_energy *energy);
void rcontainer_read(struct rcontainer *c, bool subtree,
		     struct rcontainer_counts *sum);
void rcontainer_read_energy(const struct pmc_backend *backend,
			    struct rcontainer *c, bool subtree,
			    struct rcontainer_energy *energy);
void rcontainer_add_own_energy(const struct pmc_backend *backend,
			       const u64 *weight_pj, struct rcontainer *c,
			       struct rcontainer_energy *energy);
u64 rcontainer_total_uj(struct rcontainer *c);
const u64 *rcontainer_weights(const struct pmc_backend *backend);
int rcontainer_set_weight(const struct pmc_backend *backend, const char *event,
			  u64 weight_pj);
void rcontainer_reset_weights(const struct pmc_backend *backend);
void rcontainer_end_epoch(void);
void rcontainer_put_aside(void);
void rcontainer_bequeath(struct rcontainer *c);

/* Picojoules of base cost that meters showed, modulo 2^64. */
struct rcontainer_metered {
	u64	base_pj[RCONTAINER_MAX_DEVICES];
};

/**
 * struct rcontainer_snapshot - all containers' own counts
 * @nr_rows: number of containers
 * @total: what the counts in @rows add up to
 * @rows: by struct rcontainer.row
 * @meters: bitmap of the devices that have meters
 * @metered_total: what @metered adds up to, for these
 * @metered: by struct rcontainer.row
 */
struct rcontainer_snapshot {
	unsigned int			nr_rows;
	struct rcontainer_counts	total;
	struct rcontainer_counts	*rows;
	unsigned long			meters;
	struct rcontainer_metered	metered_total;
	struct rcontainer_metered	*metered;
};

int rcontainer_snapshot(struct rcontainer_snapshot *s);
void rcontainer_snapshot_free(struct rcontainer_snapshot *s);

/* device.c */
struct seq_file;

const char *rcontainer_device_name(unsigned int device);
void rcontainer_show_devices(struct seq_file *m);

/* meter.c */
bool rcontainer_has_meter(unsigned int device);
void rcontainer_refresh_meters(void);
void rcontainer_settle(void);
void rcontainer_settle_if_due(void);
void rcontainer_begin_settling(void);
void rcontainer_gets_task(struct rcontainer *c);
int rcontainer_set_base_policy(const char *name);
void rcontainer_show_base_policy(struct seq_file *m);
unsigned long rcontainer_metered_total(struct rcontainer_metered *total);
void rcontainer_show_meters(struct seq_file *m);

/* high.c */
int rcontainer_set_high(struct rcontainer *c, u64 uj);
void rcontainer_drop_high(struct rcontainer *c);
u64 rcontainer_high_uj(const struct rcontainer *c);
u64 rcontainer_high_passed(const struct rcontainer *c);
void rcontainer_look_at_high(struct rcontainer *c);
unsigned int rcontainer_high_delay_ms(u64 left_uj, u64 used_uj,
				      unsigned int used_ms);

/* powercap.c */
#ifdef CONFIG_RCONTAINER_POWERCAP
void rcontainer_add_zone(struct rcontainer *c);
void rcontainer_drop_zone(struct rcontainer *c);
#else
static inline void rcontainer_add_zone(struct rcontainer *c) { }
static inline void rcontainer_drop_zone(struct rcontainer *c) { }
#endif

/* All devices but the CPU. */
#define for_each_rcontainer_device(i, name)				\
	for ((i) = RCONTAINER_CPU + 1;					\
	     ((name) = rcontainer_device_name(i)); (i)++)

/* rcfs.c */
int rcfs_init(void);
void rcfs_notify(struct rcontainer *c, const char *file);

#endif /* _RCONTAINER_INTERNAL_H */
