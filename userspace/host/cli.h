/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command lines of the host's programs have in common. */
#ifndef RCONTAINER_CLI_H
#define RCONTAINER_CLI_H

#include <stdint.h>

struct model;

#define PACKAGE_STRING	"rcontainer 0.1"

/* Status with which the functions below end the program after an error. */
extern int exit_failure;

/* A plain decimal number from @min to @max, or the end of the program. */
uint64_t option_number(const char *option, const char *arg, uint64_t min,
		       uint64_t max);

/* Positive seconds, with up to three fraction digits, in milliseconds. */
uint64_t option_milliseconds(const char *option, const char *arg);

/*
 * What every program does with -h, which is up to @usage, with -V, and with an
 * option that it does not have: it ends.
 */
_Noreturn void option_rest(int c, void (*usage)(void));

/**
 * option_model() - load the energy model of the emulated processor
 * @file: its name, NULL for the Pentium 4's
 * @model: filled in; or the end of the program
 */
void option_model(const char *file, struct model *model);

/**
 * default_machine_dir() - where the emulated machine lives by default
 *
 * Return: $XDG_RUNTIME_DIR/rcontainer if that variable is set, else
 * /dev/shm/rcontainer-UID; to be freed.
 */
char *default_machine_dir(void);

/**
 * data_file() - find a file that comes with the programs
 * @name: as it is built, relative to the directory of the programs
 *
 * Return: the path, to be freed: beside the running program's file, or where
 * "make install" puts it, in ../share/rcontainer or ../lib/rcontainer of that
 * directory; if it is nowhere, the first of these.
 */
char *data_file(const char *name);

/* Have as many file descriptors as this process may have. */
void raise_fd_limit(void);

/* asprintf() that returns its result, or ends the program. */
__attribute__((format(printf, 1, 2)))
char *format(const char *fmt, ...);

#endif /* RCONTAINER_CLI_H */
