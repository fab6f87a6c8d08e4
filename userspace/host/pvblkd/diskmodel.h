/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Energy models of disks: what power a disk draws when it is idle and when it
 * transfers data, and how fast it does.  A model is a text file, a line per
 * property, of which all but the first must be there:
 *
 *	name NAME		of the device, as guests see it (default: disk)
 *	idle_power_mw MW
 *	active_power_mw MW
 *	transfer_rate BYTES	per second
 *
 * A disk of several speeds has the last three for each of them, behind a line
 *
 *	speed NAME		begins a speed; the slowest one is the first
 *
 * and before the first speed it may say when it changes between them (speed.h):
 *
 *	window_ms MS		how long one is kept (default: 1000)
 *	busy_percent PERCENT	how busy it should be at most (default: 80)
 *
 * A faster speed is faster, and draws no less when it is idle.
 *
 * NAME is of lower-case letters, digits, '-' and '_', begins with a letter and
 * has up to 23 of them.  Numbers are decimal, without fraction.  '#' begins a
 * comment; empty lines mean nothing.
 */
#ifndef PVBLKD_DISKMODEL_H
#define PVBLKD_DISKMODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <linux/pvblk.h>

#include "modeltext.h"

/*
 * Of multi-speed disks as those of Gurumurthi and others, DRPM: Dynamic Speed Control
 * for Power Management in Server Class Disks (ISCA 2003).
 */
#define DISKMODEL_MAX_SPEEDS	8

/**
 * struct diskmodel_speed - a state in which the disk transfers data
 * @name: empty for a disk that has but one
 * @idle_power_mw: what it draws always
 * @active_power_mw: what it draws while it transfers data
 * @transfer_rate: bytes per second
 */
struct diskmodel_speed {
	char name[PVBLK_NAME_LEN];
	uint64_t idle_power_mw;
	uint64_t active_power_mw;
	uint64_t transfer_rate;
};

/**
 * struct diskmodel - an energy model
 * @name: of the device
 * @window_ms: how long a speed is kept
 * @busy_percent: how much of that time the disk should transfer data, at most
 * @nr_speeds: valid entries in @speed
 * @speed: the active states, the slowest one first
 */
struct diskmodel {
	char name[PVBLK_NAME_LEN];
	uint64_t window_ms;
	uint64_t busy_percent;
	unsigned int nr_speeds;
	struct diskmodel_speed speed[DISKMODEL_MAX_SPEEDS];
};

#define DISKMODEL_WINDOW_MS	1000
#define DISKMODEL_BUSY_PERCENT	80

/* A megawatt; a terabyte per second; an hour. */
#define DISKMODEL_MAX_MW	1000000000ULL
#define DISKMODEL_MAX_RATE	1000000000000ULL
#define DISKMODEL_MAX_WINDOW_MS	3600000ULL

/* Holds any message of the functions below that does not quote a long path. */
#define DISKMODEL_ERR_LEN	MODELTEXT_ERR_LEN

/**
 * diskmodel_read() - parse an energy model
 * @f: where to read
 * @file: its name, for messages
 * @model: filled in on success
 * @err: set to "FILE:LINE: message" or "FILE: message" on failure
 *
 * Return: 0, -EINVAL if the text is wrong, or another negative errno if it
 * cannot be read.
 */
int diskmodel_read(FILE *f, const char *file, struct diskmodel *model,
		   char err[DISKMODEL_ERR_LEN]);

/* The same for the file of that name. */
int diskmodel_load(const char *file, struct diskmodel *model,
		   char err[DISKMODEL_ERR_LEN]);

/* Whether a device may have that name. */
bool diskmodel_name_valid(const char *name);

/* Set it from a model's text: 0, or -EINVAL with the message set. */
int diskmodel_set_name(const struct modeltext *t, char name[PVBLK_NAME_LEN],
		       const char *value);

#endif /* PVBLKD_DISKMODEL_H */
