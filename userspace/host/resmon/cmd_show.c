// SPDX-License-Identifier: GPL-2.0-or-later
/* resmon show */
#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>

#include "cmd.h"

enum {
	COL_VM,
	COL_SUBSYSTEM,
	COL_DEVICE,
	COL_KIND,
	COL_BASE,
	COL_ACCESS,
	COL_TOTAL,
	COL_PRESENT,
	COL_GENERATION,
	COL_AGE,
};

#define ENERGY(h)	0, SCOLS_FL_RIGHT, h, SCOLS_JSON_NUMBER, true

static const struct colinfo infos[] = {
	[COL_VM]	 = { "VM", 0.2, 0, "virtual machine; (ended): those without a line any more; (nobody): cost that no one pays" },
	[COL_SUBSYSTEM]	 = { "SUBSYSTEM", 0.1, 0, "device subsystem that accounts it" },
	[COL_DEVICE]	 = { "DEVICE", 0.1, 0, "physical device" },
	[COL_KIND]	 = { "KIND", 0.1, 0, "what kind of device: cpu, disk, network, other" },
	[COL_BASE]	 = { "BASE", ENERGY("share of what the device consumes in any case") },
	[COL_ACCESS]	 = { "ACCESS", ENERGY("consumed on the virtual machine's behalf") },
	[COL_TOTAL]	 = { "TOTAL", ENERGY("base and access energy") },
	[COL_PRESENT]	 = { "PRESENT", 0, 0, "whether the virtual machine is there", SCOLS_JSON_BOOLEAN },
	[COL_GENERATION] = { "GENERATION", 0, SCOLS_FL_RIGHT, "changes if the figures begin anew", SCOLS_JSON_NUMBER },
	[COL_AGE]	 = { "AGE", 0, SCOLS_FL_RIGHT, "milliseconds since the last change", SCOLS_JSON_NUMBER },
};

#define NINFOS	(sizeof(infos) / sizeof(infos[0]))

static void usage(void)
{
	puts("\nUsage:\n resmon show [options] [<vm>...]\n\n"
	     "Show the energy of virtual machines, for each device, base and access apart.\n\n"
	     "Options:");
	cmd_usage_table();
	cmd_usage_tail(infos, NINFOS);
}

static const char *number(uint64_t n, char *buf)
{
	snprintf(buf, PRINT_NUMBER, "%" PRIu64, n);
	return buf;
}

static const char *cell(const struct print *p, int id, const struct view *v,
			const struct figure *f, char *buf)
{
	switch (id) {
	case COL_VM:
		return f->vm;
	case COL_SUBSYSTEM:
		return f->subsystem;
	case COL_DEVICE:
		return f->device;
	case COL_KIND:
		return kind_name(f->kind);
	case COL_BASE:
		return f->has_base ? cmd_energy(p, f->base_nj, buf) : NULL;
	case COL_ACCESS:
		return cmd_energy(p, f->access_nj, buf);
	case COL_TOTAL:
		return cmd_energy(p, (unsigned __int128)f->base_nj + f->access_nj,
				  buf);
	case COL_PRESENT:
		return f->generation ? f->present ? "1" : "0" : NULL;
	case COL_GENERATION:
		return f->generation ? number(f->generation, buf) : NULL;
	case COL_AGE:
		if (!f->generation || f->updated_ns > v->time_ns)
			return NULL;
		return number((v->time_ns - f->updated_ns) / 1000000, buf);
	}
	return NULL;
}

static bool exists(const struct view *v, const char *vm)
{
	for (size_t i = 0; i < v->nr_figures; i++)
		if (!strcmp(v->figure[i].vm, vm))
			return true;
	warnx("no virtual machine '%s' (to list them: resmon list)", vm);
	return false;
}

static int show_main(int argc, char **argv)
{
	static const struct option longopts[] = {
		PRINT_LONGOPTS,
		CMD_LONGOPTS
	};
	struct print p = {
		.name = "energy",
		.infos = infos,
		.ninfos = NINFOS,
		.columns = { COL_VM, COL_SUBSYSTEM, COL_DEVICE, COL_BASE,
			     COL_ACCESS, COL_TOTAL },
		.ncolumns = 6,
	};
	struct libscols_table *tb;
	char buf[PRINT_NUMBER];
	struct view v;
	int c, format = 0;
	bool ok = true;

	while ((c = getopt_long(argc, argv, PRINT_SHORTOPTS CMD_SHORTOPTS,
				longopts, NULL)) != -1) {
		cmd_exclusive(c, &format);
		if (!print_option(&p, c, optarg))
			cmd_option(c);
	}

	view_open(&v, cmd_socket);
	view_read(&v);
	for (int i = optind; i < argc; i++)
		ok &= exists(&v, argv[i]);
	tb = print_new_table(&p);
	for (size_t i = 0; i < v.nr_figures; i++) {
		const struct figure *f = &v.figure[i];
		struct libscols_line *ln;

		if (!cmd_wanted(f->vm, argv + optind))
			continue;
		ln = print_new_line(tb, NULL);
		for (size_t col = 0; col < p.ncolumns; col++)
			print_cell(ln, col, cell(&p, p.columns[col], &v, f, buf));
	}
	ok &= !view_incomplete(&v);
	ok &= print_table(tb);
	view_close(&v);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

const struct cmd cmd_show = {
	.name = "show",
	.main = show_main,
	.usage = usage,
	.help = "show energy of virtual machines",
};
