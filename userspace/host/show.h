/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the CPU accountant shows of its sums. */
#ifndef RCONTAINER_SHOW_H
#define RCONTAINER_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "account.h"

/**
 * show_table() - the table at the end, on standard output
 * @a: the accountant, between two periods
 * @json: as JSON
 *
 * Return: whether the sums add up.
 */
bool show_table(const struct account *a, bool json);

/**
 * struct samples - a file of samples
 * @file: where they go
 * @listed: slots that were in the last one
 */
struct samples {
	FILE *file;
	struct machine_set listed;
};

/* All functions end the program with a message if they cannot write. */
void samples_open(struct samples *s, const char *path, const struct model *model);

/* A line for each virtual machine that is there or was; if @final, for all. */
void samples_add(struct samples *s, const struct account *a, double seconds,
		 bool final);
void samples_close(struct samples *s);

#endif /* RCONTAINER_SHOW_H */
