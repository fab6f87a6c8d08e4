/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's command line for a virtual machine with an energy page. */
#ifndef RCONTAINER_QEMU_H
#define RCONTAINER_QEMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"

#define QEMU_MAX_DISKS	16

/**
 * struct qemu_disk - a disk that another process serves
 * @socket: where that listens, for vhost-user
 * @queues: number of queues, 0 for one for each virtual CPU
 */
struct qemu_disk {
	const char *socket;
	unsigned int queues;
};

/**
 * struct qemu_config - what to start
 * @qemu: program
 * @version: which QEMU that is, as qemu_version()
 * @name: the virtual machine's name
 * @kernel: file, or NULL
 * @initrd: file, or NULL
 * @append: kernel command line, or NULL
 * @nr_vcpus: number of virtual CPUs
 * @pcpu: the physical CPU of each
 * @memory_mib: memory, in MiB
 * @icount: count instructions, for runs that repeat to the digit
 * @serial: "stdio", or a file that takes the output
 * @machine_dir: directory of the emulated machine
 * @page: file of the energy page
 * @page_size: its size in bytes
 * @show_page: the guest has a device with the energy page
 * @plugin: file of the plugin, or NULL
 * @slice_us: time slice on a physical CPU, 0 for the plugin's default
 * @no_subtract: the plugin does not log absences
 * @no_memory: the plugin does not look at memory accesses
 * @nr_disks: number of disks
 * @disks: disks that other processes serve
 * @qmp_fd: descriptor for the control connection
 * @extra: NULL-terminated arguments to add
 */
struct qemu_config {
	const char *qemu;
	unsigned int version;
	const char *name;
	const char *kernel;
	const char *initrd;
	const char *append;
	unsigned int nr_vcpus;
	unsigned int pcpu[MACHINE_MAX_PCPUS];
	unsigned int memory_mib;
	bool icount;
	const char *serial;
	const char *machine_dir;
	const char *page;
	size_t page_size;
	bool show_page;
	const char *plugin;
	uint64_t slice_us;
	bool no_subtract;
	bool no_memory;
	unsigned int nr_disks;
	struct qemu_disk disks[QEMU_MAX_DISKS];
	int qmp_fd;
	char **extra;
};

/**
 * struct qemu_args - QEMU's arguments
 * @argv: as for execv()
 * @nr_args: how many, without the NULL at the end
 * @kept: those of them, and parts, that were allocated
 * @nr_kept: how many
 */
struct qemu_args {
	char **argv;
	size_t nr_args;
	char **kept;
	size_t nr_kept;
};

/* Other strings stay those of @c. */
void qemu_args_make(struct qemu_args *a, const struct qemu_config *c);
void qemu_args_free(struct qemu_args *a);

#endif /* RCONTAINER_QEMU_H */
