/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of pvblkd. */
#ifndef PVBLKD_OPTIONS_H
#define PVBLKD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "pvblkd.h"

/**
 * struct disk_options - a --disk option
 * @next: the one behind it
 * @name: the client's
 * @socket: path
 * @file: path, or NULL
 * @nbd: where the server is, or NULL; one of the two is there
 * @model: path, NULL for the default
 * @device: name of the physical disk, NULL for the model's
 * @net_model: path, NULL for the default
 * @net_device: name of the network, NULL for the model's
 * @wait_s: how long requests wait for a server that is lost
 * @overhead: how guests are charged for our CPU time, NR_OVERHEADS for the
 *	default
 * @readonly: flag
 * @direct: flag
 * @queues: number
 */
struct disk_options {
	struct disk_options *next;
	char *name;
	char *socket;
	char *file;
	char *nbd;
	char *model;
	char *device;
	char *net_model;
	char *net_device;
	unsigned int wait_s;
	enum overhead overhead;
	bool readonly;
	bool direct;
	unsigned int queues;
};

/**
 * struct options - the command line
 * @disks: list, in its order
 * @model: path of the model for disks that have none, NULL for the default
 * @overhead: as of struct disk_options, of disks that do not say
 * @state_dir: path
 * @cpu_power_mw: where there are no counters
 * @cpu_power_given: use no counters
 * @resmond: the resource monitor's socket, "none", or NULL for the default
 * @subsystem: as what to publish, NULL for the default
 * @show: show the files that are the arguments, from @first on
 * @first: see @show
 */
struct options {
	struct disk_options *disks;
	const char *model;
	enum overhead overhead;
	const char *state_dir;
	uint64_t cpu_power_mw;
	bool cpu_power_given;
	const char *resmond;
	const char *subsystem;
	bool show;
	int first;
};

/* Any error is the end of the program. */
void options_parse(struct options *options, int argc, char **argv);

#endif /* PVBLKD_OPTIONS_H */
