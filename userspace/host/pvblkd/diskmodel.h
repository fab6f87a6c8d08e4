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

/**
 * struct diskmodel_speed - a state in which the disk transfers data
 * @active_power_mw: what it draws meanwhile
 * @transfer_rate: bytes per second
 *
 * A disk of several speeds has several of these.
 */
struct diskmodel_speed {
	uint64_t active_power_mw;
	uint64_t transfer_rate;
};

/**
 * struct diskmodel - an energy model
 * @name: of the device
 * @idle_power_mw: what it draws always
 * @speed: the active state
 */
struct diskmodel {
	char name[PVBLK_NAME_LEN];
	uint64_t idle_power_mw;
	struct diskmodel_speed speed;
};

/* A megawatt; a terabyte per second. */
#define DISKMODEL_MAX_MW	1000000000ULL
#define DISKMODEL_MAX_RATE	1000000000000ULL

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

#endif /* PVBLKD_DISKMODEL_H */
