/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The columns of rctl top and rctl stat.  Some there are for each device, and
 * which devices there are is known only when energy was read.
 */
#ifndef RCTL_COLUMNS_H
#define RCTL_COLUMNS_H

#include "print.h"
#include "sample.h"

struct libscols_table;

/* Those that do not depend on devices. */
enum {
	COL_PATH,
	COL_SECONDS,
	COL_POWER,
	COL_ENERGY,
	COL_ACCESS,
	COL_BASE,
	COL_SHARE,
	COL_TOTAL,
	COL_TASKS,
	COL_FIXED,
};

/* Instead of a column of the default: one for each device. */
#define COL_DEVICES	(-1)

/**
 * struct column_device - a device that has columns
 * @name: of the device
 * @seen: it was in a sample, not only in --output
 */
struct column_device {
	char *name;
	bool seen;
};

/**
 * struct columns - what to print of usages
 * @p: how; its infos and columns are set by columns_update()
 * @fixed: COL_FIXED columns
 * @defaults: columns to print by default, with COL_DEVICES among them
 * @ndefaults: number of @defaults
 * @list: --output, or NULL
 * @watts: devices, access and base as power, not as energy
 * @device: devices that have columns, in the order in which they came
 * @ndevices: number of @device
 * @infos: all columns: the fixed ones, then some for each device
 */
struct columns {
	struct print p;
	const struct colinfo *fixed;
	const int *defaults;
	size_t ndefaults;
	const char *list;
	bool watts;
	struct column_device *device;
	size_t ndevices;
	struct colinfo *infos;
};

/**
 * columns_update() - have columns for all devices that were seen
 * @c: columns
 * @s: sample
 * @unknown: set to the name in --output that is no column; to be freed
 *
 * Returns 0 or a negative errno: -EINVAL for an unknown column, -E2BIG for too
 * many.
 */
int columns_update(struct columns *c, const struct sample *s, char **unknown);
void columns_free(struct columns *c);

/**
 * columns_table() - make a table of usages
 * @c: columns
 * @all: usages
 * @first: the first to print
 * @count: how many at most
 * @steady: cells as wide as any, so that table after table fits
 *
 * Exits if there is no memory.
 */
struct libscols_table *columns_table(const struct columns *c,
				     const struct usages *all, size_t first,
				     size_t count, bool steady);

/* For --help, behind print_usage_columns(). */
void columns_usage_devices(const char *what);

#endif
