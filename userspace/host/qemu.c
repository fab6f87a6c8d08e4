// SPDX-License-Identifier: GPL-2.0-or-later
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "qemu.h"
#include "qemuversion.h"

/* Append to an array of strings that ends with NULL. */
static void append(char ***array, size_t *n, const char *text)
{
	*array = reallocarray(*array, *n + 2, sizeof(**array));
	if (!*array)
		err(exit_failure, "cannot allocate memory");
	(*array)[(*n)++] = (char *)text;
	(*array)[*n] = NULL;
}

/* What was allocated for the arguments is freed with them. */
static char *keep(struct qemu_args *a, char *text)
{
	append(&a->kept, &a->nr_kept, text);
	return text;
}

static void add(struct qemu_args *a, const char *arg)
{
	append(&a->argv, &a->nr_args, arg);
}

static void add2(struct qemu_args *a, const char *option, const char *arg)
{
	add(a, option);
	add(a, arg);
}

/* In QEMU's option lists a comma that is none must be doubled. */
static char *escape(struct qemu_args *a, const char *value)
{
	char *out = malloc(2 * strlen(value) + 1);
	char *to = out;

	if (!out)
		err(exit_failure, "cannot allocate memory");
	do {
		if (*value == ',')
			*to++ = ',';
		*to++ = *value;
	} while (*value++);
	return keep(a, out);
}

static char *pcpu_list(struct qemu_args *a, const struct qemu_config *c)
{
	char *list = format("%u", c->pcpu[0]);

	for (unsigned int i = 1; i < c->nr_vcpus; i++) {
		char *longer = format("%s:%u", list, c->pcpu[i]);

		free(list);
		list = longer;
	}
	return keep(a, list);
}

static void add_plugin(struct qemu_args *a, const struct qemu_config *c)
{
	const char *slice = c->slice_us ?
		keep(a, format(",slice_us=%ju", (uintmax_t)c->slice_us)) : "";

	add2(a, "-plugin",
	     keep(a, format("%s,machine=%s,page=%s,name=%s,pcpus=%s%s%s%s",
			    escape(a, c->plugin), escape(a, c->machine_dir),
			    escape(a, c->page), c->name, pcpu_list(a, c), slice,
			    c->no_subtract ? ",subtract=off" : "",
			    c->no_memory ? ",memory=off" : "")));
}

/*
 * Without --icount, virtual CPUs run in parallel in real time.  With it they
 * take turns in one thread, an instruction takes one nanosecond of virtual
 * time, waiting takes none of real time, and nothing depends on the date or on
 * chance.
 */
static void add_clock(struct qemu_args *a, const struct qemu_config *c)
{
	if (!c->icount) {
		add2(a, "-accel", "tcg,thread=multi");
		return;
	}
	add2(a, "-accel", "tcg,thread=single");
	add2(a, "-icount", "shift=0,sleep=off");
	add2(a, "-rtc", "base=2024-01-01,clock=vm");
	add2(a, "-seed", "1");
}

/*
 * Who serves a disk reads and writes the guest's memory, so that is shared.  It
 * may be restarted meanwhile: QEMU connects again every second.
 */
static void add_disks(struct qemu_args *a, const struct qemu_config *c)
{
	const char *reconnect = c->version >= QEMU_VERSION(9, 2) ?
				"reconnect-ms=1000" : "reconnect=1";

	for (unsigned int i = 0; i < c->nr_disks; i++) {
		const struct qemu_disk *d = &c->disks[i];
		const char *queues = d->queues ?
			keep(a, format(",num-queues=%u", d->queues)) : "";

		add2(a, "-chardev",
		     keep(a, format("socket,id=disk%u.socket,path=%s,%s",
				    i, escape(a, d->socket), reconnect)));
		add2(a, "-device",
		     keep(a, format("vhost-user-blk-pci,id=disk%u,chardev=disk%u.socket%s",
				    i, i, queues)));
	}
}

void qemu_args_make(struct qemu_args *a, const struct qemu_config *c)
{
	*a = (struct qemu_args){ 0 };
	add(a, c->qemu);
	add2(a, "-name", c->name);
	add2(a, "-machine", c->nr_disks ? "pc,memory-backend=memory" : "pc");
	add_clock(a, c);
	/*
	 * "max" would change with QEMU's version, and brings what costs an
	 * emulated guest much and gives it nothing, as 5-level page tables.
	 */
	add2(a, "-cpu", "qemu64");
	/*
	 * With a single virtual CPU QEMU leaves out memory barriers, but who
	 * serves a disk is another CPU.
	 */
	add2(a, "-smp", c->nr_disks && c->nr_vcpus == 1 ? "1,maxcpus=2" :
			 keep(a, format("%u", c->nr_vcpus)));
	add2(a, "-m", keep(a, format("%u", c->memory_mib)));
	if (c->nr_disks)
		add2(a, "-object",
		     keep(a, format("memory-backend-memfd,id=memory,size=%uM,share=on",
				    c->memory_mib)));
	add(a, "-nodefaults");
	add(a, "-no-user-config");
	add(a, "-no-reboot");
	add2(a, "-display", "none");
	add2(a, "-chardev", keep(a, format("socket,id=control,fd=%d", c->qmp_fd)));
	if (c->version >= QEMU_VERSION(11, 1))
		add2(a, "-object", "monitor-qmp,id=control.qmp,chardev=control");
	else
		add2(a, "-mon", "chardev=control,mode=control");
	add2(a, "-serial", strcmp(c->serial, "stdio") ?
		keep(a, format("file:%s", c->serial)) : "stdio");
	add2(a, "-device", "isa-debug-exit,iobase=0xf4,iosize=4");
	if (c->kernel) {
		add2(a, "-kernel", c->kernel);
		add2(a, "-append", c->append);
	}
	if (c->initrd)
		add2(a, "-initrd", c->initrd);
	if (c->show_page) {
		add2(a, "-object",
		     keep(a, format("memory-backend-file,id=pvenergy,mem-path=%s,"
				    "size=%zu,share=on,readonly=on",
				    escape(a, c->page), c->page_size)));
		add2(a, "-device", "ivshmem-plain,memdev=pvenergy");
	}
	add_disks(a, c);
	if (c->plugin)
		add_plugin(a, c);
	for (char **extra = c->extra; *extra; extra++)
		add(a, *extra);
}

void qemu_args_free(struct qemu_args *a)
{
	for (size_t i = 0; i < a->nr_kept; i++)
		free(a->kept[i]);
	free(a->kept);
	free(a->argv);
}
