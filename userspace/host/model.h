/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Energy models of processors: which events are counted, and what one of each
 * costs.  A model is a text file of lines of words:
 *
 *	event NAME WEIGHT [base]
 *	perf NAME EVENT
 *	idle_power_mw MW
 *	active_power_mw MW
 *
 * energy-model(5), models/energy-model.5.adoc, has what they mean.
 */
#ifndef RCONTAINER_MODEL_H
#define RCONTAINER_MODEL_H

#include <stdbool.h>
#include <stdio.h>

#include <linux/pvenergy.h>

#include "modeltext.h"

/* Longest libpfm4 name, with its NUL. */
#define MODEL_PERF_LEN	128

/* A kilowatt for a CPU. */
#define MODEL_MAX_MW	1000000

/**
 * struct model - an energy model
 * @nr_events: 1 to PVENERGY_MAX_EVENTS
 * @event: weights in picojoules; the rest of the array is zero
 * @perf: libpfm4's name of each event, empty if none is given
 * @idle_mw: what a CPU of the host draws always; with @active_mw or not at all
 * @active_mw: what it draws while it executes; not below @idle_mw; 0 if not
 *	given
 */
struct model {
	unsigned int nr_events;
	struct pvenergy_event event[PVENERGY_MAX_EVENTS];
	char perf[PVENERGY_MAX_EVENTS][MODEL_PERF_LEN];
	unsigned int idle_mw;
	unsigned int active_mw;
};

/* Holds any message of the functions below that does not quote a long path. */
#define MODEL_ERR_LEN	MODELTEXT_ERR_LEN

/**
 * model_read() - parse an energy model
 * @f: where to read
 * @file: its name, for messages
 * @model: filled in on success
 * @err: set to "FILE:LINE: message" or "FILE: message" on failure
 *
 * Return: 0, -EINVAL if the text is wrong, or another negative errno if it
 * cannot be read.
 */
int model_read(FILE *f, const char *file, struct model *model,
	       char err[MODEL_ERR_LEN]);

/* The same for the file of that name. */
int model_load(const char *file, struct model *model, char err[MODEL_ERR_LEN]);

/**
 * model_event_name_valid() - whether a name may stand in an energy page
 * @name: an array of PVENERGY_NAME_LEN bytes
 *
 * Return: whether it is terminated, not empty, and of the letters allowed.
 */
bool model_event_name_valid(const char name[PVENERGY_NAME_LEN]);

/**
 * model_fits_machine() - whether a model describes the emulated processor
 * @model: the model
 *
 * The emulated processor's counters have fixed places, so a model for it must
 * name those events in that order; it may leave out the last ones.
 *
 * Return: -1 if it fits, else the index of the first event that does not.
 */
int model_fits_machine(const struct model *model);

/* Name of the emulated processor's event at @index (enum pvenergy_p4_event). */
const char *model_machine_event(unsigned int index);

#endif /* RCONTAINER_MODEL_H */
