/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The directory of an emulated machine: the machine's file, and an energy page
 * for each virtual machine.  Several launchers may use it at a time: each
 * changes it under a lock on the directory.  The page of a living virtual
 * machine is locked, by a descriptor that its QEMU inherits, so that the
 * kernel tells who is dead, however that came about.
 */
#ifndef RCONTAINER_VMDIR_H
#define RCONTAINER_VMDIR_H

#include <stdbool.h>
#include <stdint.h>

struct machine;
struct model;

/**
 * struct vmdir - a virtual machine's place in a machine's directory
 * @path: the directory
 * @fd: the directory, opened, or -1
 * @created: by vmdir_enter()
 * @machine: mapped for writing, or NULL
 * @page: path of the energy page, NULL if there is none
 * @page_fd: its descriptor, which holds the lock, or -1; close-on-exec
 */
struct vmdir {
	const char *path;
	int fd;
	bool created;
	struct machine *machine;
	char *page;
	int page_fd;
};

/**
 * vmdir_enter() - find or create a machine's directory, and lock it
 * @d: filled in
 * @path: the directory; its parent exists
 *
 * All functions here end the program with a message if they fail.
 */
void vmdir_enter(struct vmdir *d, const char *path);

/**
 * vmdir_machine() - open the machine, or create it if there is none
 * @d: the directory, locked
 * @nr_pcpus: number of physical CPUs, 0 for what suits the host
 * @min_pcpus: at least so many
 * @tsc_khz: rate of the time stamp counter, 0 for the default
 *
 * A machine that exists must have what is asked for.
 */
void vmdir_machine(struct vmdir *d, unsigned int nr_pcpus,
		   unsigned int min_pcpus, uint64_t tsc_khz);

/**
 * vmdir_claim_name() - make sure that no virtual machine has a name
 * @d: the directory, locked, the machine open
 * @name: the name; a living virtual machine that has it is an error
 */
void vmdir_claim_name(const struct vmdir *d, const char *name);

/**
 * vmdir_create_page() - create and lock a virtual machine's energy page
 * @d: the directory, locked, the machine open
 * @name: the virtual machine, which must not live; a dead one's is replaced
 * @nr_vcpus: number of virtual CPUs
 * @model: energy weights
 * @flags: PVENERGY_METER if an accountant meters base cost, or 0
 */
void vmdir_create_page(struct vmdir *d, const char *name, unsigned int nr_vcpus,
		       const struct model *model, uint32_t flags);

/* Let other launchers in. */
void vmdir_unlock(struct vmdir *d);

/**
 * vmdir_leave() - undo what was created
 * @d: the directory, in whatever state of the above; the virtual machine has
 *	ended
 * @keep: leave the files where they are
 *
 * The directory goes only if vmdir_enter() created it and nobody else uses it.
 */
void vmdir_leave(struct vmdir *d, bool keep);

#endif /* RCONTAINER_VMDIR_H */
