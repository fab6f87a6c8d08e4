/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which QEMU a program is, and what depends on that. */
#ifndef RCONTAINER_QEMUVERSION_H
#define RCONTAINER_QEMUVERSION_H

/* A version as a number that compares: 10.0 is 1000. */
#define QEMU_VERSION(major, minor)	((major) * 100 + (minor))

/* The oldest that works, and the newest that the plugin was made for. */
#define QEMU_VERSION_OLDEST		QEMU_VERSION(7, 2)
#define QEMU_VERSION_NEWEST		QEMU_VERSION(11, 1)

/**
 * qemu_version_parse() - the version in what "qemu --version" prints
 * @text: its first line
 *
 * Return: as QEMU_VERSION(), 0 if it is no QEMU's.
 */
unsigned int qemu_version_parse(const char *text);

/**
 * qemu_version() - ask a program which QEMU it is
 * @program: name or path, as for execvp()
 *
 * Waits for the program's end.  Return: as qemu_version_parse(); 0 also if the
 * program can't be run, which who starts it will see.
 */
unsigned int qemu_version(const char *program);

#endif /* RCONTAINER_QEMUVERSION_H */
