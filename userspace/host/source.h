/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the CPU accountant knows from what virtual machines do: the log of an
 * emulated machine (logsource.c), or performance events of the threads of QEMU
 * (perfsource.c).
 */
#ifndef RCONTAINER_SOURCE_H
#define RCONTAINER_SOURCE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "machine.h"

struct source;

/**
 * struct source_ops - what a source can do
 * @look: charge what was counted since the last time, and bring @vm and @alive
 *	up to date; @thorough: also look at what changes seldom or never
 * @gone: whether there will be nothing to look at any more
 * @close: free all
 */
struct source_ops {
	void (*look)(struct source *s, struct account *a, bool thorough);
	bool (*gone)(const struct source *s);
	void (*close)(struct source *s);
};

/**
 * struct source - a source
 * @ops: what it can do
 * @name: for messages
 * @id: tells this history from others
 * @zero_ns: CLOCK_MONOTONIC at which its history began
 * @nr_cpus: how many physical CPUs there are to account
 * @damaged: what it says does not agree with itself
 * @vm: the virtual machines that were seen last
 * @alive: those of @vm that are there
 * @run: for each slot, what tells this run of the virtual machine from others
 *	even after a restart of the accountant; 0 if slot and generation do
 */
struct source {
	const struct source_ops *ops;
	char *name;
	uint64_t id;
	uint64_t zero_ns;
	unsigned int nr_cpus;
	bool damaged;
	struct machine_vm vm[MACHINE_MAX_VMS];
	struct machine_set alive;
	uint64_t run[MACHINE_MAX_VMS];
};

/**
 * log_source_open() - account an emulated machine
 * @dir: its directory
 * @wait_ms: wait for it, and look so often; 0 not to wait
 * @stop: set when waiting is to end
 *
 * Return: the source, or NULL if waiting has ended; or the end of the program.
 */
struct source *log_source_open(const char *dir, unsigned int wait_ms,
			       const volatile sig_atomic_t *stop);

#endif /* RCONTAINER_SOURCE_H */
