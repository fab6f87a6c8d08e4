/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plugin's arguments, and the shared memory that they name. */
#ifndef RCONTAINER_OPTIONS_H
#define RCONTAINER_OPTIONS_H

#include <stdbool.h>

#include "machine.h"

/**
 * struct options - the plugin's arguments
 * @machine: directory of the emulated machine; NULL only in a self-test
 * @page: energy page of the virtual machine; NULL only in a self-test
 * @name: of the virtual machine
 * @pcpus: physical CPU of each virtual CPU
 * @nr_pcpus: number of entries in @pcpus
 * @subtract: log absences in the page
 * @memory: look at memory accesses
 * @slice_us: length of a turn when others wait
 * @selftest: count twice and report at markers
 */
struct options {
	const char *machine;
	const char *page;
	const char *name;
	unsigned int pcpus[MACHINE_MAX_PCPUS];
	unsigned int nr_pcpus;
	bool subtract;
	bool memory;
	unsigned int slice_us;
	bool selftest;
};

/* All return 0, or -1 after a message on standard error. */
int options_parse(struct options *o, int argc, char **argv);

/**
 * options_attach() - open shared memory and set up the virtual CPUs
 * @o: the arguments
 * @nr_present: how many virtual CPUs the virtual machine has; it gets no more
 *
 * Takes a slot of the machine and fills in vcpus[].
 */
int options_attach(const struct options *o, unsigned int nr_present);

#endif /* RCONTAINER_OPTIONS_H */
