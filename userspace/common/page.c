// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../host/model.h"
#include "page.h"

#define ALIGNMENT	64
#define ALIGN(n)	(((n) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1))
#define VCPU_OFFSET	ALIGN(sizeof(struct pvenergy_header))
#define VCPU_STRIDE	ALIGN(sizeof(struct pvenergy_vcpu))

/* A sound writer is done after a few; one that was preempted, after none. */
#define READ_TRIES	1000

bool page_vm_name_valid(const char *name)
{
	size_t len = strnlen(name, PVENERGY_NAME_LEN);

	return len && len < PVENERGY_NAME_LEN && name[0] != '.' &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "abcdefghijklmnopqrstuvwxyz0123456789_-.") == len;
}

size_t page_file_size(unsigned int nr_vcpus)
{
	size_t size = PAGE_MIN_SIZE;

	while (size < VCPU_OFFSET + nr_vcpus * VCPU_STRIDE)
		size *= 2;
	return size;
}

static void fill(struct pvenergy_header *header, const char *vm_name,
		 unsigned int nr_vcpus, const struct model *model,
		 uint32_t flags, uint64_t tsc_khz)
{
	header->version = PVENERGY_VERSION;
	header->header_size = sizeof(*header);
	header->size = VCPU_OFFSET + nr_vcpus * VCPU_STRIDE;
	header->nr_vcpus = nr_vcpus;
	header->nr_events = model->nr_events;
	header->vcpu_offset = VCPU_OFFSET;
	header->vcpu_stride = VCPU_STRIDE;
	header->log_entries = PVENERGY_LOG_ENTRIES;
	header->tsc_khz = tsc_khz;
	header->flags = flags;
	strcpy(header->vm_name, vm_name);
	memcpy(header->events, model->event, sizeof(header->events));

	for (unsigned int i = 0; i < nr_vcpus; i++) {
		struct pvenergy_vcpu *vcpu;

		vcpu = (void *)((char *)header + VCPU_OFFSET + i * VCPU_STRIDE);
		vcpu->id = i;
	}
	__atomic_store_n(&header->magic, PVENERGY_MAGIC, __ATOMIC_RELEASE);
}

int page_create(const char *path, const char *vm_name, unsigned int nr_vcpus,
		const struct model *model, uint32_t flags, uint64_t tsc_khz)
{
	struct pvenergy_header *header;
	size_t size;
	int fd, ret;

	if (!page_vm_name_valid(vm_name) || !nr_vcpus ||
	    nr_vcpus > PVENERGY_MAX_VCPUS || !model->nr_events ||
	    model->nr_events > PVENERGY_MAX_EVENTS)
		return -EINVAL;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;

	size = page_file_size(nr_vcpus);
	/* Allocated, since a full file system would else raise SIGBUS later. */
	ret = -posix_fallocate(fd, 0, size);
	if (ret)
		goto err;
	header = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (header == MAP_FAILED) {
		ret = -errno;
		goto err;
	}
	fill(header, vm_name, nr_vcpus, model, flags, tsc_khz);
	munmap(header, size);
	return fd;

err:
	unlink(path);
	close(fd);
	return ret;
}

static const char *check_events(const struct pvenergy_header *header)
{
	for (unsigned int i = 0; i < header->nr_events; i++) {
		const struct pvenergy_event *event = &header->events[i];

		if (!model_event_name_valid(event->name))
			return "an event has a bad name";
		if (event->weight_pj > PVENERGY_MAX_WEIGHT_PJ)
			return "an event's weight is too high";
	}
	return NULL;
}

/* Return: what is wrong with a header, or NULL. */
static const char *check(const struct pvenergy_header *header, size_t file_size)
{
	uint64_t end;

	if (__atomic_load_n(&header->magic, __ATOMIC_ACQUIRE) != PVENERGY_MAGIC)
		return "not an energy page";
	if (header->version != PVENERGY_VERSION)
		return "energy page of an unknown version";
	if (header->header_size < sizeof(*header))
		return "the header is too small";
	if (header->size > file_size)
		return "the file is shorter than the header says";
	if (!header->nr_vcpus || header->nr_vcpus > PVENERGY_MAX_VCPUS)
		return "bad number of virtual CPUs";
	if (!header->nr_events || header->nr_events > PVENERGY_MAX_EVENTS)
		return "bad number of events";
	if (header->log_entries != PVENERGY_LOG_ENTRIES)
		return "bad size of the log";
	if (header->vcpu_offset < header->header_size ||
	    header->vcpu_offset % ALIGNMENT)
		return "bad place of the virtual CPUs";
	if (header->vcpu_stride < sizeof(struct pvenergy_vcpu) ||
	    header->vcpu_stride % ALIGNMENT)
		return "bad distance of the virtual CPUs";
	end = header->vcpu_offset +
	      (uint64_t)header->nr_vcpus * header->vcpu_stride;
	if (end > header->size)
		return "the virtual CPUs reach beyond the end";
	if (!memchr(header->vm_name, '\0', sizeof(header->vm_name)) ||
	    !page_vm_name_valid(header->vm_name))
		return "the virtual machine has a bad name";
	return check_events(header);
}

static int open_page(const char *path, bool writable, struct energy_page *page,
		     const char **why)
{
	struct pvenergy_header header;
	struct stat st;
	void *map;
	int fd, ret;

	/* What is no file at all must not keep us waiting. */
	fd = open(path, (writable ? O_RDWR | O_NOFOLLOW | O_NONBLOCK : O_RDONLY) |
		  O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		ret = -errno;
		*why = strerror(-ret);
		goto close;
	}
	ret = -EINVAL;
	if (!S_ISREG(st.st_mode)) {
		*why = "not a regular file";
		goto close;
	}
	if (st.st_size < (off_t)sizeof(header)) {
		*why = "too short for an energy page";
		goto close;
	}
	map = mmap(NULL, st.st_size, PROT_READ | (writable ? PROT_WRITE : 0),
		   MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		ret = -errno;
		*why = strerror(-ret);
		goto close;
	}

	/* A copy, so that what was checked is what is used. */
	memcpy(&header, map, sizeof(header));
	*why = check(&header, st.st_size);
	if (*why) {
		munmap(map, st.st_size);
		goto close;
	}
	*page = (struct energy_page){
		.header = map,
		.writable = writable ? map : NULL,
		.map_size = st.st_size,
		.nr_vcpus = header.nr_vcpus,
		.nr_events = header.nr_events,
		.vcpu_offset = header.vcpu_offset,
		.vcpu_stride = header.vcpu_stride,
	};
	ret = 0;
close:
	if (fd >= 0)
		close(fd);
	return ret;
}

int page_open(const char *path, struct energy_page *page, const char **why)
{
	return open_page(path, false, page, why);
}

int page_open_writable(const char *path, struct energy_page *page,
		       const char **why)
{
	return open_page(path, true, page, why);
}

void page_close(struct energy_page *page)
{
	munmap((void *)page->header, page->map_size);
	page->header = page->writable = NULL;
}

const struct pvenergy_vcpu *page_vcpu(const struct energy_page *page,
				      unsigned int index)
{
	return (const void *)((const char *)page->header + page->vcpu_offset +
			      (size_t)index * page->vcpu_stride);
}

int page_read_virtual(const struct energy_page *page, unsigned int index,
		      uint64_t counters[PVENERGY_MAX_EVENTS])
{
	const struct pvenergy_vcpu *vcpu;
	uint32_t seq;

	if (index >= page->nr_vcpus)
		return -ERANGE;
	vcpu = page_vcpu(page, index);
	memset(counters, 0, PVENERGY_MAX_EVENTS * sizeof(counters[0]));

	for (int i = 0; i < READ_TRIES; i++) {
		seq = __atomic_load_n(&vcpu->seq, __ATOMIC_ACQUIRE);
		if (seq & 1)
			continue;
		for (unsigned int e = 0; e < page->nr_events; e++)
			counters[e] =
				__atomic_load_n(&vcpu->raw[e], __ATOMIC_RELAXED) -
				__atomic_load_n(&vcpu->foreign[e], __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&vcpu->seq, __ATOMIC_RELAXED) == seq)
			return 0;
	}
	return -EAGAIN;
}

void page_set_base(struct energy_page *page, uint64_t base_nj)
{
	__u64 *meter = &page->writable->base_nj;

	if (base_nj > __atomic_load_n(meter, __ATOMIC_RELAXED))
		__atomic_store_n(meter, base_nj, __ATOMIC_RELAXED);
}

static bool same_events(const struct energy_page *page, const struct model *model)
{
	const struct pvenergy_event *event = page->header->events;

	if (page->nr_events != model->nr_events)
		return false;
	for (unsigned int e = 0; e < model->nr_events; e++)
		if (strncmp(event[e].name, model->event[e].name, PVENERGY_NAME_LEN) ||
		    event[e].flags != model->event[e].flags)
			return false;
	return true;
}

int page_set_weights(struct energy_page *page, const struct model *model)
{
	struct pvenergy_header *header = page->writable;
	bool differ = header->weight_seq & 1;

	if (!same_events(page, model))
		return -EINVAL;
	for (unsigned int e = 0; e < model->nr_events; e++)
		differ |= header->events[e].weight_pj != model->event[e].weight_pj;
	if (!differ)
		return 0;
	__atomic_store_n(&header->weight_seq, header->weight_seq | 1,
			 __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (unsigned int e = 0; e < model->nr_events; e++)
		__atomic_store_n(&header->events[e].weight_pj,
				 model->event[e].weight_pj, __ATOMIC_RELAXED);
	__atomic_store_n(&header->weight_seq, header->weight_seq + 1,
			 __ATOMIC_RELEASE);
	return 1;
}
