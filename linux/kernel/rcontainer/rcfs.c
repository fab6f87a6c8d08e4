// SPDX-License-Identifier: GPL-2.0
/*
 * rcfs, the file system that shows the containers as directories.
 *
 * Operations that need rcontainer_mutex break the active protection of their
 * kernfs node first, as cgroups do: removal waits for active nodes with the
 * mutex held.
 */
#define pr_fmt(fmt) "rcontainer: " fmt

#include <linux/cred.h>
#include <linux/ctype.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/fs_context.h>
#include <linux/kobject.h>
#include <linux/kernfs.h>
#include <linux/limits.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/user_namespace.h>

#include "rcfs.h"

#define RCFS_SUPER_MAGIC	0x52434653	/* "RCFS" */

static struct kernfs_root *rcfs_root;

/*
 * Lock the tree on behalf of an operation on @kn.  Returns its container, or
 * NULL if that was removed meanwhile; to be undone by rcfs_unlock() with the
 * same arguments only where it is not NULL.
 */
struct rcontainer *rcfs_lock_live(struct kernfs_node *kn)
{
	struct rcontainer *c = rcfs_container(kn);

	if (!rcontainer_tryget(c))
		return NULL;
	kernfs_break_active_protection(kn);
	mutex_lock(&rcontainer_mutex);
	if (!c->offline)
		return c;
	mutex_unlock(&rcontainer_mutex);
	kernfs_unbreak_active_protection(kn);
	rcontainer_put(c);
	return NULL;
}

void rcfs_unlock(struct kernfs_node *kn, struct rcontainer *c)
{
	mutex_unlock(&rcontainer_mutex);
	kernfs_unbreak_active_protection(kn);
	rcontainer_put(c);
}

/* The files of info/ are no container's, so there is nothing to find dead. */
void rcfs_lock_info(struct kernfs_node *kn)
{
	kernfs_break_active_protection(kn);
	mutex_lock(&rcontainer_mutex);
}

void rcfs_unlock_info(struct kernfs_node *kn)
{
	mutex_unlock(&rcontainer_mutex);
	kernfs_unbreak_active_protection(kn);
}

/**
 * rcfs_notify() - wake who polls a file
 * @c: the container
 * @file: name of the file in its directory
 *
 * Context: process context, rcontainer_mutex held.
 */
void rcfs_notify(struct rcontainer *c, const char *file)
{
	struct kernfs_node *kn;

	/* Those of the tests have no directory. */
	if (!c->kn)
		return;
	kn = kernfs_find_and_get(c->kn, file);
	if (!kn)
		return;
	kernfs_notify(kn);
	kernfs_put(kn);
}

static int add_files(struct kernfs_node *dir, const struct rcfs_file *files,
		     unsigned int nr, unsigned int without)
{
	struct kernfs_node *kn;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (files[i].flags & without)
			continue;
		kn = __kernfs_create_file(dir, files[i].name, files[i].mode,
					  current_fsuid(), current_fsgid(), 0,
					  &files[i].ops, NULL, NULL, NULL);
		if (IS_ERR(kn))
			return PTR_ERR(kn);
	}
	return 0;
}

static int add_container_dir(struct kernfs_node *parent, struct rcontainer *c,
			     umode_t mode)
{
	struct kernfs_node *kn;
	int ret;

	kn = kernfs_create_dir_ns(parent, c->name, mode, current_fsuid(),
				  current_fsgid(), c, NULL);
	if (IS_ERR(kn))
		return PTR_ERR(kn);
	ret = add_files(kn, rcfs_files, rcfs_nr_files,
			c->builtin ? RCFS_NOT_BUILTIN : 0);
	if (ret) {
		kernfs_remove(kn);
		return ret;
	}
	c->kn = kn;
	kernfs_activate(kn);
	return 0;
}

static struct rcontainer *create_with_dir(struct rcontainer *parent,
					  const char *name, umode_t mode)
{
	struct rcontainer *c = rcontainer_create(parent, name);
	int ret;

	if (IS_ERR(c))
		return c;
	ret = add_container_dir(parent->kn, c, mode);
	if (!ret) {
		rcontainer_add_zone(c);
		return c;
	}
	rcontainer_remove(c);
	rcontainer_put(c);
	return ERR_PTR(ret);
}

/**
 * rcontainer_balloon() - the container for what a device's service costs
 * @device: name of the device
 * @id: receives the weak reference
 *
 * It is named for the device, under the root, and made where it is missing.  If
 * the user removes it, its charges are the root's, as with any.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative errno.
 */
int rcontainer_balloon(const char *device, u32 *id)
{
	char name[RCONTAINER_DEVICE_NAME + sizeof("balloon-")];
	struct rcontainer *c;

	if (!rcontainer_root.kn)
		return -ENODEV;
	snprintf(name, sizeof(name), "balloon-%s", device);
	guard(mutex)(&rcontainer_mutex);
	list_for_each_entry(c, &rcontainer_root.children, sibling)
		if (!c->offline && !strcmp(c->name, name))
			goto found;
	c = create_with_dir(&rcontainer_root, name, 0755);
	if (IS_ERR(c))
		return PTR_ERR(c);
found:
	*id = c->id;
	return 0;
}
EXPORT_SYMBOL_GPL(rcontainer_balloon);

static int check_name(const char *name)
{
	const char *ch;

	/* kernfs takes names of any length. */
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	/* Files list paths separated by white space. */
	for (ch = name; *ch; ch++)
		if (isascii(*ch) && !isgraph(*ch))
			return -EINVAL;
	return 0;
}

static int rcfs_mkdir(struct kernfs_node *parent_kn, const char *name,
		      umode_t mode)
{
	struct rcontainer *parent;
	int ret;

	/* info/ is no container. */
	if (!parent_kn->priv)
		return -EPERM;
	ret = check_name(name);
	if (ret)
		return ret;
	parent = rcfs_lock_live(parent_kn);
	if (!parent)
		return -ENODEV;
	ret = PTR_ERR_OR_ZERO(create_with_dir(parent, name, mode));
	rcfs_unlock(parent_kn, parent);
	return ret;
}

static int rcfs_rmdir(struct kernfs_node *kn)
{
	struct rcontainer *c;
	int ret;

	if (!kn->priv)
		return -EPERM;
	c = rcfs_lock_live(kn);
	if (!c)
		return -ENODEV;
	ret = rcontainer_remove(c);
	if (!ret) {
		/* From here on nobody finds it, so the base reference can go. */
		kernfs_remove(kn);
		rcontainer_put(c);
	}
	rcfs_unlock(kn, c);
	return ret;
}

static int rename_with_dir(struct rcontainer *c, struct kernfs_node *parent_kn,
			   const char *name)
{
	const char *old = kstrdup_const(c->name, GFP_KERNEL);
	int ret;

	if (!old)
		return -ENOMEM;
	ret = rcontainer_rename(c, name);
	if (ret)
		goto free;
	ret = kernfs_rename(c->kn, parent_kn, name);
	if (ret)
		rcontainer_rename(c, old);
free:
	kfree_const(old);
	return ret;
}

/* A container stays below its parent, whose charges are what it adds to. */
static int rcfs_rename(struct kernfs_node *kn, struct kernfs_node *new_parent_kn,
		       const char *name)
{
	struct rcontainer *c;
	int ret;

	if (kernfs_type(kn) != KERNFS_DIR || !kn->priv)
		return -EPERM;
	if (kn->parent != new_parent_kn)
		return -EINVAL;
	ret = check_name(name);
	if (ret)
		return ret;
	kernfs_break_active_protection(new_parent_kn);
	c = rcfs_lock_live(kn);
	ret = -ENODEV;
	if (c) {
		ret = rename_with_dir(c, new_parent_kn, name);
		rcfs_unlock(kn, c);
	}
	kernfs_unbreak_active_protection(new_parent_kn);
	return ret;
}

static struct kernfs_syscall_ops rcfs_syscall_ops = {
	.mkdir	= rcfs_mkdir,
	.rmdir	= rcfs_rmdir,
	.rename	= rcfs_rename,
};

static void rcfs_free_fs_context(struct fs_context *fc)
{
	struct kernfs_fs_context *kfc = fc->fs_private;

	kernfs_free_fs_context(fc);
	kfree(kfc);
}

static const struct fs_context_operations rcfs_context_ops = {
	.free		= rcfs_free_fs_context,
	.get_tree	= kernfs_get_tree,
};

static int rcfs_init_fs_context(struct fs_context *fc)
{
	struct kernfs_fs_context *kfc = kzalloc(sizeof(*kfc), GFP_KERNEL);

	if (!kfc)
		return -ENOMEM;
	kfc->root = rcfs_root;
	kfc->magic = RCFS_SUPER_MAGIC;
	fc->fs_private = kfc;
	fc->ops = &rcfs_context_ops;
	/* The tree is the machine's, whichever namespace mounts it. */
	put_user_ns(fc->user_ns);
	fc->user_ns = get_user_ns(&init_user_ns);
	fc->global = true;
	return 0;
}

static struct file_system_type rcfs_type = {
	.name			= "rcontainer",
	.init_fs_context	= rcfs_init_fs_context,
	.kill_sb		= kernfs_kill_sb,
};

static int __init rcfs_fill_root(void)
{
	struct kernfs_node *root = rcontainer_root.kn;
	struct kernfs_node *info;
	int ret;

	ret = add_files(root, rcfs_files, rcfs_nr_files, 0) ?:
	      add_container_dir(root, &rcontainer_idle, 0755) ?:
	      add_container_dir(root, &rcontainer_interrupt, 0755);
	if (ret)
		return ret;
	info = kernfs_create_dir_ns(root, "info", 0755, GLOBAL_ROOT_UID,
				    GLOBAL_ROOT_GID, NULL, NULL);
	if (IS_ERR(info))
		return PTR_ERR(info);
	ret = add_files(info, rcfs_info_files, rcfs_nr_info_files, 0);
	kernfs_activate(root);
	return ret;
}

/**
 * rcfs_init() - make the built-in containers visible
 *
 * Context: early in boot, may sleep.
 * Return: 0 or a negative errno.
 */
int __init rcfs_init(void)
{
	int ret;

	rcfs_root = kernfs_create_root(&rcfs_syscall_ops,
				       KERNFS_ROOT_CREATE_DEACTIVATED |
				       KERNFS_ROOT_EXTRA_OPEN_PERM_CHECK,
				       &rcontainer_root);
	if (IS_ERR(rcfs_root))
		return PTR_ERR(rcfs_root);
	rcontainer_root.kn = kernfs_root_to_node(rcfs_root);
	ret = rcfs_fill_root();
	if (ret)
		goto destroy;
	ret = sysfs_create_mount_point(fs_kobj, "rcontainer");
	if (ret)
		goto destroy;
	ret = register_filesystem(&rcfs_type);
	if (!ret)
		return 0;
	sysfs_remove_mount_point(fs_kobj, "rcontainer");
destroy:
	kernfs_destroy_root(rcfs_root);
	return ret;
}
