/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file behind a virtual machine's energy page, on the host: setting it up,
 * and reading it as a guest does.  The layout is that of linux/pvenergy.h.
 */
#ifndef RCONTAINER_PAGE_H
#define RCONTAINER_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/pvenergy.h>

struct model;

/* Smallest file; a device that shows it to a guest needs a power of two. */
#define PAGE_MIN_SIZE	(1UL << 20)

/**
 * struct energy_page - a mapped energy page, checked
 * @header: its beginning
 * @writable: the same, if it was opened for writing, else NULL
 * @map_size: bytes mapped, at least @header->size as it was when checked
 * @nr_vcpus: as checked
 * @nr_events: as checked
 * @vcpu_offset: as checked, in bytes
 * @vcpu_stride: as checked, in bytes
 *
 * The copies are for readers who do not trust the writer to leave the header
 * alone after the check.
 */
struct energy_page {
	const struct pvenergy_header *header;
	struct pvenergy_header *writable;
	size_t map_size;
	uint32_t nr_vcpus;
	uint32_t nr_events;
	uint32_t vcpu_offset;
	uint32_t vcpu_stride;
};

/**
 * page_vm_name_valid() - whether a virtual machine may have a name
 * @name: the name
 *
 * Names become parts of file names and fields of tables: letters, digits, '_',
 * '-' and '.', not '.' at first, shorter than PVENERGY_NAME_LEN.
 */
bool page_vm_name_valid(const char *name);

/* Size of the file for so many virtual CPUs: a power of two, in bytes. */
size_t page_file_size(unsigned int nr_vcpus);

/**
 * page_create() - make a virtual machine's energy page
 * @path: file to create, for its user alone
 * @vm_name: see page_vm_name_valid()
 * @nr_vcpus: 1 to PVENERGY_MAX_VCPUS; the hardware ids are 0 to @nr_vcpus - 1
 * @model: the events and their weights
 * @flags: PVENERGY_METER, or 0
 * @tsc_khz: rate of the event PVENERGY_TSC
 *
 * The file comes into being complete or, after an error, not at all.
 *
 * Return: a descriptor of the file, not inherited over exec, or a negative
 * errno: -EEXIST if there is such a file, -EINVAL for a bad argument.
 */
int page_create(const char *path, const char *vm_name, unsigned int nr_vcpus,
		const struct model *model, uint32_t flags, uint64_t tsc_khz);

/**
 * page_open() - map an energy page for reading
 * @path: the file
 * @page: filled in on success
 * @why: set to what is wrong, on failure; not to be freed
 *
 * Return: 0, -EINVAL for a file that is no sound energy page, or another
 * negative errno.
 */
int page_open(const char *path, struct energy_page *page, const char **why);

/* The same for reading and writing; symbolic links are not followed. */
int page_open_writable(const char *path, struct energy_page *page,
		       const char **why);
void page_close(struct energy_page *page);

/**
 * page_vcpu() - find a virtual CPU
 * @page: the page
 * @index: less than @page->nr_vcpus
 */
const struct pvenergy_vcpu *page_vcpu(const struct energy_page *page,
				      unsigned int index);

/**
 * page_read_virtual() - what a virtual CPU has consumed
 * @page: the page
 * @index: the virtual CPU
 * @counters: set to its virtual counters, raw - foreign; unused ones to zero
 *
 * Return: 0, -ERANGE if there is no such virtual CPU, -EAGAIN if the writer
 * was in the midst of an update all the time.
 */
int page_read_virtual(const struct energy_page *page, unsigned int index,
		      uint64_t counters[PVENERGY_MAX_EVENTS]);

/**
 * page_set_base() - write the energy meter of a page opened for writing
 * @page: the page
 * @base_nj: nanojoules since the page was made; a meter never goes back, so
 *	less than it shows is ignored
 */
void page_set_base(struct energy_page *page, uint64_t base_nj);

/**
 * page_set_weights() - write the weights of a page opened for writing
 * @page: the page; nobody else writes its weights
 * @model: the same events with other weights
 *
 * Also repairs what a writer left that was killed at it.
 *
 * Return: whether anything was written; -EINVAL if the events are not the same.
 */
int page_set_weights(struct energy_page *page, const struct model *model);

#endif /* RCONTAINER_PAGE_H */
