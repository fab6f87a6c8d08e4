/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Energy models of processors: which events are counted, and what one of each
 * costs.  A model is a text file, a line per event:
 *
 *	event NAME WEIGHT [base]
 *
 * NAME is of lower-case letters, digits and '_', WEIGHT is in nanojoules with
 * at most three fraction digits.  "base" marks base cost, see
 * PVENERGY_EVENT_BASE.  The n-th event line describes the n-th counter.  '#'
 * begins a comment; empty lines mean nothing.
 */
#ifndef RCONTAINER_MODEL_H
#define RCONTAINER_MODEL_H

#include <stdbool.h>
#include <stdio.h>

#include <linux/pvenergy.h>

#include "modeltext.h"

/**
 * struct model - an energy model
 * @nr_events: 1 to PVENERGY_MAX_EVENTS
 * @event: weights in picojoules; the rest of the array is zero
 */
struct model {
	unsigned int nr_events;
	struct pvenergy_event event[PVENERGY_MAX_EVENTS];
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
