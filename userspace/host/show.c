// SPDX-License-Identifier: GPL-2.0-or-later
/* See show.h. */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>

#include "cli.h"
#include "show.h"

#define PJ_PER_UJ		1000000

/* Picojoules as microjoules, all digits. */
static char *format_uj(energy_t pj)
{
	bool negative = pj >> 127;

	if (negative)
		pj = -pj;
	return format("%s%ju.%06u", negative ? "-" : "",
		      (uintmax_t)(pj / PJ_PER_UJ), (unsigned int)(pj % PJ_PER_UJ));
}

void samples_open(struct samples *s, const char *path, const struct model *model)
{
	s->file = fopen(path, "we");
	if (!s->file)
		err(exit_failure, "%s", path);
	fputs("seconds,vm,base_uj,access_uj", s->file);
	for (unsigned int e = 0; e < model->nr_events; e++)
		fprintf(s->file, ",%s", model->event[e].name);
	fputc('\n', s->file);
}

void samples_add(struct samples *s, const struct account *a, double seconds,
		 bool final)
{
	struct machine_set present = { 0 };

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		const struct account_vm *vm = &a->vm[slot];
		char *base, *access;

		if (vm->present)
			machine_set_add(&present, slot);
		if (!vm->generation ||
		    !(final || vm->present || machine_set_has(&s->listed, slot)))
			continue;
		base = format_uj(vm->sum.base_pj);
		access = format_uj(vm->sum.access_pj);
		fprintf(s->file, "%.3f,%s,%s,%s", seconds, vm->name, base, access);
		for (unsigned int e = 0; e < a->model.nr_events; e++)
			fprintf(s->file, ",%" PRIu64, vm->sum.counts[e]);
		fputc('\n', s->file);
		free(base);
		free(access);
	}
	s->listed = present;
	if (fflush(s->file))
		err(exit_failure, "cannot write samples");
}

void samples_close(struct samples *s)
{
	if (fclose(s->file))
		err(exit_failure, "cannot write samples");
}

static void add_line(struct libscols_table *table, const struct model *model,
		     const char *name, const struct account_sum *sum)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	unsigned int column = 0;

	if (!line || scols_line_set_data(line, column++, name))
		errx(exit_failure, "cannot allocate memory");
	for (unsigned int e = 0; e < model->nr_events; e++)
		scols_line_refer_data(line, column++,
				      format("%" PRId64, (int64_t)sum->counts[e]));
	scols_line_refer_data(line, column++, format_uj(sum->base_pj));
	scols_line_refer_data(line, column++, format_uj(sum->access_pj));
}

static void add_column(struct libscols_table *table, const char *name, int flags)
{
	struct libscols_column *column;

	column = scols_table_new_column(table, name, 0, flags);
	if (!column)
		errx(exit_failure, "cannot allocate memory");
	if (flags & SCOLS_FL_RIGHT)
		scols_column_set_json_type(column, SCOLS_JSON_NUMBER);
}

static bool is_zero(const struct account_sum *sum)
{
	static const struct account_sum zero;

	return !memcmp(sum->counts, zero.counts, sizeof(zero.counts)) &&
	       !sum->base_pj && !sum->access_pj;
}

bool show_table(const struct account *a, bool json)
{
	const struct model *model = &a->model;
	struct libscols_table *table;
	struct account_sum sum;
	bool differ;

	scols_init_debug(0);
	table = scols_new_table();
	if (!table)
		errx(exit_failure, "cannot allocate memory");
	scols_table_enable_json(table, json);
	scols_table_set_name(table, "cpuacctd");
	add_column(table, "VM", 0);
	for (unsigned int e = 0; e < model->nr_events; e++)
		add_column(table, model->event[e].name, SCOLS_FL_RIGHT);
	add_column(table, "base_uj", SCOLS_FL_RIGHT);
	add_column(table, "access_uj", SCOLS_FL_RIGHT);

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		if (a->vm[slot].generation)
			add_line(table, model, a->vm[slot].name,
				 &a->vm[slot].sum);
	if (!is_zero(&a->ended))
		add_line(table, model, "(ended)", &a->ended);
	sum = a->nobody;
	sum.base_pj += a->carry_pj;
	if (!is_zero(&sum))
		add_line(table, model, "(nobody)", &sum);
	account_machine(a, &sum);
	add_line(table, model, "machine", &sum);
	differ = account_difference(a, &sum);
	add_line(table, model, "difference", &sum);

	if (scols_print_table(table) || fflush(stdout))
		err(exit_failure, "cannot write");
	scols_unref_table(table);
	if (a->overruns)
		warnx("%" PRIu64 " overruns of the log, made good from the totals",
		      a->overruns);
	return !differ;
}
