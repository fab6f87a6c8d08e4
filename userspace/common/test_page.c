// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../host/model.h"
#include "page.h"

static const struct model model = {
	.nr_events = 2,
	.event = {
		{ .name = "tsc", .weight_pj = 6170, .flags = PVENERGY_EVENT_BASE },
		{ .name = "other", .weight_pj = PVENERGY_MAX_WEIGHT_PJ },
	},
};

struct fixture {
	char dir[32];
	char path[64];
};

static int setup(void **state)
{
	static struct fixture f;

	strcpy(f.dir, "/tmp/test_page.XXXXXX");
	if (!mkdtemp(f.dir))
		return -1;
	snprintf(f.path, sizeof(f.path), "%s/page", f.dir);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	return rmdir(f->dir);
}

static void create(const struct fixture *f, unsigned int nr_vcpus)
{
	int fd = page_create(f->path, "vm", nr_vcpus, &model, 0, 100000);

	assert_true(fd >= 0);
	close(fd);
}

/* The page as its writer sees it. */
static struct pvenergy_header *map(const struct fixture *f, size_t size)
{
	int fd = open(f->path, O_RDWR);
	void *p;

	assert_true(fd >= 0);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	close(fd);
	return p;
}

static void open_page(const struct fixture *f, struct energy_page *page)
{
	const char *why;

	assert_int_equal(page_open(f->path, page, &why), 0);
}

static void refused(const struct fixture *f, const char *message)
{
	struct energy_page page;
	const char *why = "";

	assert_int_equal(page_open(f->path, &page, &why), -EINVAL);
	assert_string_equal(why, message);
}

static void test_sizes(void **state)
{
	assert_int_equal(page_file_size(1), 1 << 20);
	assert_int_equal(page_file_size(125), 1 << 20);
	assert_int_equal(page_file_size(126), 1 << 21);
	assert_int_equal(page_file_size(PVENERGY_MAX_VCPUS), 1 << 24);
}

static void test_create(void **state)
{
	const struct fixture *f = *state;
	struct energy_page page;
	struct stat st;

	create(f, 3);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 1 << 20);

	open_page(f, &page);
	assert_true(page.header->magic == PVENERGY_MAGIC);
	assert_memory_equal(page.header, "PVENERGY", 8);
	assert_int_equal(page.header->version, PVENERGY_VERSION);
	assert_int_equal(page.header->header_size, 448);
	assert_int_equal(page.header->size, 448 + 3 * 8384);
	assert_int_equal(page.header->log_entries, PVENERGY_LOG_ENTRIES);
	assert_int_equal(page.header->weight_seq, 0);
	assert_int_equal(page.header->tsc_khz, 100000);
	assert_string_equal(page.header->vm_name, "vm");
	assert_memory_equal(page.header->events, model.event,
			    sizeof(model.event));
	assert_int_equal(page.nr_vcpus, 3);
	assert_int_equal(page.nr_events, 2);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(page_vcpu(&page, i)->id, i);
	page_close(&page);
}

static void test_create_most_vcpus(void **state)
{
	const struct fixture *f = *state;
	struct energy_page page;

	create(f, PVENERGY_MAX_VCPUS);
	open_page(f, &page);
	assert_int_equal(page_vcpu(&page, PVENERGY_MAX_VCPUS - 1)->id,
			 PVENERGY_MAX_VCPUS - 1);
	page_close(&page);
}

static void test_create_refuses(void **state)
{
	const struct fixture *f = *state;
	struct model none = { 0 };

	assert_int_equal(page_create(f->path, "vm", 0, &model, 0, 0), -EINVAL);
	assert_int_equal(page_create(f->path, "vm", PVENERGY_MAX_VCPUS + 1,
				     &model, 0, 0), -EINVAL);
	assert_int_equal(page_create(f->path, "a/b", 1, &model, 0, 0), -EINVAL);
	assert_int_equal(page_create(f->path, "vm", 1, &none, 0, 0), -EINVAL);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(page_create("/nonexistent/page", "vm", 1, &model, 0, 0),
			 -ENOENT);

	create(f, 1);
	assert_int_equal(page_create(f->path, "vm", 1, &model, 0, 0), -EEXIST);
	assert_int_equal(access(f->path, F_OK), 0);
}

static void test_names(void **state)
{
	assert_true(page_vm_name_valid("a"));
	assert_true(page_vm_name_valid("Debian-13.1_x"));
	assert_true(page_vm_name_valid("12345678901234567890123"));
	assert_false(page_vm_name_valid("123456789012345678901234"));
	assert_false(page_vm_name_valid(""));
	assert_false(page_vm_name_valid("."));
	assert_false(page_vm_name_valid(".a"));
	assert_false(page_vm_name_valid("a b"));
	assert_false(page_vm_name_valid("a,b"));
	assert_false(page_vm_name_valid("../a"));
}

static void test_bad_files(void **state)
{
	const struct fixture *f = *state;
	struct energy_page page;
	const char *why = "";
	void *p;
	int fd;

	assert_int_equal(page_open(f->path, &page, &why), -ENOENT);
	assert_string_equal(why, "No such file or directory");
	assert_int_equal(page_open(f->dir, &page, &why), -EINVAL);
	assert_string_equal(why, "not a regular file");

	fd = open(f->path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	refused(f, "too short for an energy page");
	assert_int_equal(ftruncate(fd, 447), 0);
	refused(f, "too short for an energy page");
	assert_int_equal(ftruncate(fd, 4096), 0);
	refused(f, "not an energy page");

	p = map(f, 4096);
	memset(p, 0xff, 4096);
	refused(f, "not an energy page");
	/* A device that is gone reads all ones; so may all but the magic. */
	((struct pvenergy_header *)p)->magic = PVENERGY_MAGIC;
	refused(f, "energy page of an unknown version");
	((struct pvenergy_header *)p)->version = PVENERGY_VERSION;
	refused(f, "the file is shorter than the header says");
	munmap(p, 4096);
	close(fd);

	unlink(f->path);
	create(f, 2);
	assert_int_equal(truncate(f->path, 448 + 2 * 8384 - 1), 0);
	refused(f, "the file is shorter than the header says");
	assert_int_equal(truncate(f->path, 448 + 2 * 8384), 0);
	open_page(f, &page);
	page_close(&page);
}

/* A field of the header set to something else, the message, and undone. */
#define CORRUPT(field, value, message) do {			\
	__typeof__(h->field) saved = h->field;			\
	h->field = (value);					\
	refused(f, message);					\
	h->field = saved;					\
} while (0)

static void test_corrupt_headers(void **state)
{
	const struct fixture *f = *state;
	struct pvenergy_header *h;
	struct energy_page page;

	create(f, 2);
	h = map(f, PAGE_MIN_SIZE);
	CORRUPT(magic, 0, "not an energy page");
	CORRUPT(version, 0, "energy page of an unknown version");
	CORRUPT(version, 2, "energy page of an unknown version");
	CORRUPT(header_size, 447, "the header is too small");
	CORRUPT(header_size, 449, "bad place of the virtual CPUs");
	CORRUPT(header_size, UINT32_MAX, "bad place of the virtual CPUs");
	CORRUPT(size, PAGE_MIN_SIZE + 1, "the file is shorter than the header says");
	CORRUPT(size, UINT64_MAX, "the file is shorter than the header says");
	CORRUPT(size, h->size - 1, "the virtual CPUs reach beyond the end");
	CORRUPT(size, 0, "the virtual CPUs reach beyond the end");
	CORRUPT(nr_vcpus, 0, "bad number of virtual CPUs");
	CORRUPT(nr_vcpus, 3, "the virtual CPUs reach beyond the end");
	CORRUPT(nr_vcpus, 1025, "bad number of virtual CPUs");
	CORRUPT(nr_events, 0, "bad number of events");
	CORRUPT(nr_events, 9, "bad number of events");
	CORRUPT(nr_events, 3, "an event has a bad name");
	CORRUPT(log_entries, 65, "bad size of the log");
	CORRUPT(vcpu_offset, 0, "bad place of the virtual CPUs");
	CORRUPT(vcpu_offset, 449, "bad place of the virtual CPUs");
	CORRUPT(vcpu_offset, 512, "the virtual CPUs reach beyond the end");
	CORRUPT(vcpu_offset, 0xffffffc0, "the virtual CPUs reach beyond the end");
	CORRUPT(vcpu_stride, 0, "bad distance of the virtual CPUs");
	CORRUPT(vcpu_stride, 8384 - 64, "bad distance of the virtual CPUs");
	CORRUPT(vcpu_stride, 8385, "bad distance of the virtual CPUs");
	CORRUPT(vcpu_stride, 0xffffffc0, "the virtual CPUs reach beyond the end");
	CORRUPT(vm_name[0], '\0', "the virtual machine has a bad name");
	CORRUPT(vm_name[0], '/', "the virtual machine has a bad name");
	CORRUPT(events[1].name[0], '\0', "an event has a bad name");
	CORRUPT(events[1].name[2], 'A', "an event has a bad name");
	CORRUPT(events[1].weight_pj, PVENERGY_MAX_WEIGHT_PJ + 1,
		"an event's weight is too high");

	memset(h->vm_name, 'x', sizeof(h->vm_name));
	refused(f, "the virtual machine has a bad name");
	strcpy(h->vm_name, "vm");
	memset(h->events[0].name, 'x', sizeof(h->events[0].name));
	refused(f, "an event has a bad name");
	strcpy(h->events[0].name, "tsc");

	open_page(f, &page);
	page_close(&page);
	munmap(h, PAGE_MIN_SIZE);
}

static void test_read_virtual(void **state)
{
	const struct fixture *f = *state;
	struct pvenergy_header *h;
	struct pvenergy_vcpu *vcpu;
	struct energy_page page;
	uint64_t counters[PVENERGY_MAX_EVENTS];

	create(f, 2);
	h = map(f, PAGE_MIN_SIZE);
	vcpu = (void *)((char *)h + h->vcpu_offset + h->vcpu_stride);
	open_page(f, &page);

	vcpu->raw[0] = 1000;
	vcpu->foreign[0] = 300;
	/* Now on a physical CPU whose counter is lower. */
	vcpu->raw[1] = 5;
	vcpu->foreign[1] = -95ULL;
	vcpu->raw[2] = 77;
	assert_int_equal(page_read_virtual(&page, 1, counters), 0);
	assert_int_equal(counters[0], 700);
	assert_int_equal(counters[1], 100);
	assert_int_equal(counters[2], 0);

	assert_int_equal(page_read_virtual(&page, 0, counters), 0);
	assert_int_equal(counters[0], 0);
	assert_int_equal(page_read_virtual(&page, 2, counters), -ERANGE);

	/* A writer that was stopped in mid-update, then one that came on. */
	vcpu->seq = 7;
	assert_int_equal(page_read_virtual(&page, 1, counters), -EAGAIN);
	vcpu->seq = 8;
	assert_int_equal(page_read_virtual(&page, 1, counters), 0);

	/* What was checked stays in force whatever the writer does then. */
	h->nr_vcpus = UINT32_MAX;
	h->vcpu_stride = UINT32_MAX;
	assert_int_equal(page_read_virtual(&page, 2, counters), -ERANGE);
	assert_int_equal(page_read_virtual(&page, 1, counters), 0);
	assert_int_equal(counters[0], 700);

	page_close(&page);
	munmap(h, PAGE_MIN_SIZE);
}

static void test_meter(void **state)
{
	const struct fixture *f = *state;
	struct energy_page page;
	const char *why = "";
	int fd;

	fd = page_create(f->path, "vm", 1, &model, PVENERGY_METER, 100000);
	assert_true(fd >= 0);
	close(fd);
	open_page(f, &page);
	assert_int_equal(page.header->flags, PVENERGY_METER);
	assert_null(page.writable);
	page_close(&page);

	assert_int_equal(page_open_writable(f->path, &page, &why), 0);
	page_set_base(&page, 12345);
	assert_int_equal(page.header->base_nj, 12345);
	page_set_base(&page, 12344);
	assert_int_equal(page.header->base_nj, 12345);
	page_set_base(&page, UINT64_MAX);
	assert_true(page.header->base_nj == UINT64_MAX);
	page_close(&page);
}

static void test_open_writable_refuses(void **state)
{
	const struct fixture *f = *state;
	struct energy_page page;
	const char *why = "";
	char link[80];

	create(f, 1);
	snprintf(link, sizeof(link), "%s/link", f->dir);
	assert_int_equal(symlink(f->path, link), 0);
	assert_int_equal(page_open_writable(link, &page, &why), -ELOOP);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(mkfifo(link, 0600), 0);
	assert_int_equal(page_open_writable(link, &page, &why), -EINVAL);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(truncate(f->path, 100), 0);
	assert_int_equal(page_open_writable(f->path, &page, &why), -EINVAL);
}

static void test_weights(void **state)
{
	const struct fixture *f = *state;
	struct model other = model;
	struct energy_page page;
	const char *why = "";

	create(f, 1);
	assert_int_equal(page_open_writable(f->path, &page, &why), 0);
	assert_int_equal(page_set_weights(&page, &model), 0);
	assert_int_equal(page.header->weight_seq, 0);
	other.event[1].weight_pj = 5;
	assert_int_equal(page_set_weights(&page, &other), 1);
	assert_int_equal(page.header->weight_seq, 2);
	assert_int_equal(page.header->events[0].weight_pj, 6170);
	assert_int_equal(page.header->events[1].weight_pj, 5);

	/* One that was killed at it leaves an odd number. */
	page.writable->weight_seq = 3;
	assert_int_equal(page_set_weights(&page, &other), 1);
	assert_int_equal(page.header->weight_seq, 4);

	other.event[0].flags = 0;
	assert_int_equal(page_set_weights(&page, &other), -EINVAL);
	other = model;
	other.event[1].name[0] = 'x';
	assert_int_equal(page_set_weights(&page, &other), -EINVAL);
	other = model;
	other.nr_events = 1;
	assert_int_equal(page_set_weights(&page, &other), -EINVAL);
	assert_int_equal(page.header->weight_seq, 4);
	page_close(&page);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_names),
		TEST(test_create),
		TEST(test_create_most_vcpus),
		TEST(test_create_refuses),
		TEST(test_bad_files),
		TEST(test_corrupt_headers),
		TEST(test_read_virtual),
		TEST(test_meter),
		TEST(test_open_writable_refuses),
		TEST(test_weights),
	};

	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
