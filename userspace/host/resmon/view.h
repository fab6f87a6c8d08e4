/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the resource monitor has to show: gathering, apart from any printing. */
#ifndef RESMON_VIEW_H
#define RESMON_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resmond/abi.h"

struct region_view;

/* In place of a virtual machine's name; none can be called so. */
#define FIGURE_ENDED	"(ended)"
#define FIGURE_NOBODY	"(nobody)"

/**
 * struct figure - energy of a virtual machine on a physical device
 * @vm: virtual machine, or one of the names above
 * @subsystem: who accounts it
 * @device: physical device
 * @index: of the device in its subsystem
 * @kind: RESMON_CPU, ...
 * @has_base: @base_nj means something: it is the subsystem's own device
 * @present: the virtual machine is there
 * @generation: as in struct resmon_client_info, 0 for others
 * @base_nj: base cost
 * @access_nj: access cost
 * @updated_ns: CLOCK_MONOTONIC at the last change of any of its figures
 */
struct figure {
	char vm[RESMON_NAME_LEN];
	char subsystem[RESMON_NAME_LEN];
	char device[RESMON_DEVICE_NAME_LEN];
	unsigned int index;
	uint32_t kind;
	bool has_base;
	bool present;
	uint64_t generation;
	uint64_t base_nj;
	uint64_t access_nj;
	uint64_t updated_ns;
};

/**
 * struct source - a subsystem
 * @name: its name
 * @pid: its process, 0 if that has ended
 * @view: what was in its region at the last view_read()
 * @readable: @view is valid
 * @region: mapped
 * @id: of the region
 */
struct source {
	char name[RESMON_NAME_LEN];
	uint32_t pid;
	struct region_view *view;
	bool readable;
	const struct resmon_region *region;
	uint64_t id;
};

/**
 * struct view - a viewer
 * @socket: the monitor's
 * @source: subsystems in alphabetical order
 * @nr_sources: how many
 * @figure: by virtual machine, subsystem, device
 * @nr_figures: how many
 * @time_ns: CLOCK_MONOTONIC when they were read
 */
struct view {
	char *socket;
	struct source *source;
	size_t nr_sources;
	struct figure *figure;
	size_t nr_figures;
	uint64_t time_ns;
};

/**
 * view_open() - find the monitor
 * @v: set up
 * @socket: NULL for the default; a monitor that is not there, or refuses, is
 *	the end of the program
 */
void view_open(struct view *v, const char *socket);

/**
 * view_read() - read all figures again
 * @v: after view_open()
 *
 * Asks the monitor for what is new.  If that is gone for the moment, regions
 * that were seen are read on.
 *
 * Return: whether the monitor answered.
 */
bool view_read(struct view *v);

/* The figures stay for as long as they are not read again. */
void view_close(struct view *v);

/* Whether something is missing, with a warning for each subsystem. */
bool view_incomplete(const struct view *v);

/**
 * view_find() - find a figure among others
 * @v: the others
 * @f: virtual machine, its generation, subsystem and device are compared
 */
const struct figure *view_find(const struct view *v, const struct figure *f);

/* For people, e.g. "registered", "ended", "stale". */
const char *source_state(const struct source *s);

/* The name of a kind of device. */
const char *kind_name(uint32_t kind);

#endif /* RESMON_VIEW_H */
