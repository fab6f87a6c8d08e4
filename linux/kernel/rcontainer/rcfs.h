/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _RCONTAINER_RCFS_H
#define _RCONTAINER_RCFS_H

#include <linux/bits.h>
#include <linux/kernfs.h>

#include "internal.h"

/**
 * struct rcfs_file - a file in each container's directory, or in info/
 * @name: its name
 * @mode: permissions
 * @ops: kernfs operations
 * @flags: RCFS_*
 */
struct rcfs_file {
	const char		*name;
	umode_t			mode;
	struct kernfs_ops	ops;
	unsigned int		flags;
};

#define RCFS_NOT_BUILTIN	BIT(0)	/* nothing can be bound to idle, interrupt */

/* files.c */
extern const struct rcfs_file rcfs_files[];
extern const unsigned int rcfs_nr_files;
extern const struct rcfs_file rcfs_info_files[];
extern const unsigned int rcfs_nr_info_files;

/* list.c */
void *rcfs_list_start(struct seq_file *m, loff_t *pos);
void *rcfs_list_next(struct seq_file *m, void *v, loff_t *pos);
void rcfs_list_stop(struct seq_file *m, void *v);
int rcfs_list_show(struct seq_file *m, void *v);
void rcfs_list_release(struct kernfs_open_file *of);

/* rcfs.c */
static inline struct rcontainer *rcfs_container(struct kernfs_node *kn)
{
	return kernfs_type(kn) == KERNFS_DIR ? kn->priv : kn->parent->priv;
}

struct rcontainer *rcfs_lock_live(struct kernfs_node *kn);
void rcfs_unlock(struct kernfs_node *kn, struct rcontainer *c);
void rcfs_lock_info(struct kernfs_node *kn);
void rcfs_unlock_info(struct kernfs_node *kn);

#endif /* _RCONTAINER_RCFS_H */
