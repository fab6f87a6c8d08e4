/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc says of QEMU's processes, as text.  A process can write there what
 * it likes, so nothing of it is believed.
 */
#ifndef RCONTAINER_QEMUPROC_H
#define RCONTAINER_QEMUPROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/pvenergy.h>

/* Is it QEMU's system emulation?  @exe: what /proc/PID/exe points to */
bool qemuproc_is_qemu(const char *exe);

/**
 * qemuproc_name() - a virtual machine's name, of the option -name
 * @cmdline: /proc/PID/cmdline
 * @len: its length
 * @name: filled in
 *
 * Return: whether there is one that page_vm_name_valid() allows.
 */
bool qemuproc_name(const char *cmdline, size_t len, char name[PVENERGY_NAME_LEN]);

/* Does a thread execute a virtual CPU, or several?  @comm: its name */
bool qemuproc_is_vcpu(const char *comm);

/**
 * qemuproc_start() - when a process was started
 * @stat: /proc/PID/stat
 *
 * Return: in ticks since the host was started; 0 if that is not to be found, or
 * if the process has ended and nobody has waited for it yet.
 */
uint64_t qemuproc_start(const char *stat);

#endif /* RCONTAINER_QEMUPROC_H */
