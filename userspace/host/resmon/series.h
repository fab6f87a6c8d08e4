/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording, turned into power over time. */
#ifndef RESMON_SERIES_H
#define RESMON_SERIES_H

#include <stdbool.h>
#include <stddef.h>

/* What tells lines of a plot apart. */
enum {
	BY_VM		= 1 << 0,
	BY_SUBSYSTEM	= 1 << 1,
	BY_DEVICE	= 1 << 2,
	BY_KIND		= 1 << 3,
	BY_COST		= 1 << 4,
};

/**
 * struct series_config - what is asked for
 * @by: BY_*: all that is the same in these is added up in one line
 * @base: with base cost
 * @access: with access cost
 * @vms: virtual machines, ending in NULL; all if there is none
 */
struct series_config {
	unsigned int by;
	bool base;
	bool access;
	char **vms;
};

/**
 * struct series - a line of the plot
 * @name: of what it is made
 * @watts: for each time, mean power since the time before
 */
struct series {
	char *name;
	double *watts;
};

/**
 * struct series_set - the plot
 * @seconds: times, ascending
 * @nr_times: how many
 * @series: lines, in the order in which they appear in the file
 * @nr_series: how many
 */
struct series_set {
	double *seconds;
	size_t nr_times;
	struct series *series;
	size_t nr_series;
};

/* Read a recording.  A line that is not one is the end of the program. */
void series_load(struct series_set *set, const char *file,
		 const struct series_config *config);
void series_free(struct series_set *set);

#endif /* RESMON_SERIES_H */
