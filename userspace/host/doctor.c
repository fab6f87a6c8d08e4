// SPDX-License-Identifier: GPL-2.0-or-later
/* See doctor.h: the list of things, and how it is printed. */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>

#include "cli.h"
#include "doctorlook.h"
#include "print.h"

/* Of 80 columns, what state and thing leave to the text. */
#define TEXT_COLUMNS	62

static const struct {
	const char *name;
	void (*look)(const struct doctor *d, struct doctor_line *l);
} things[] = {
	{ "perf",	doctor_perf },
	{ "ptrace",	doctor_ptrace },
	{ "model",	doctor_model },
	{ "pmu",	doctor_pmu },
	{ "watchdog",	doctor_watchdog },
	{ "kvm",	doctor_kvm },
	{ "vpmu",	doctor_vpmu },
	{ "exits",	doctor_exits },
	{ "qemu",	doctor_qemu },
	{ "vcpus",	doctor_vcpus },
	{ "cgroup",	doctor_cgroup },
	{ "slice",	doctor_slice },
	{ "rapl",	doctor_rapl },
	{ "btf",	doctor_btf },
	{ "resmond",	doctor_resmond },
	{ "io_uring",	doctor_io_uring },
};

#define NR_THINGS	(sizeof(things) / sizeof(*things))
_Static_assert(NR_THINGS <= DOCTOR_MAX_LINES, "a report has room for all things");

void doctor_say(struct doctor_line *l, enum doctor_state state, const char *advice,
		const char *fmt, ...)
{
	va_list args;

	l->state = state;
	l->advice = advice;
	va_start(args, fmt);
	if (vasprintf(&l->found, fmt, args) < 0)
		err(exit_failure, "cannot allocate memory");
	va_end(args);
}

bool doctor_look(const struct doctor *d, struct doctor_report *report)
{
	bool able = true;

	report->nr = NR_THINGS;
	for (unsigned int i = 0; i < NR_THINGS; i++) {
		struct doctor_line *l = &report->line[i];

		l->thing = things[i].name;
		things[i].look(d, l);
		able &= l->state != DOCTOR_LACKS;
	}
	return able;
}

const char *doctor_state_name(enum doctor_state state)
{
	static const char *const name[] = {
		[DOCTOR_OK]	= "ok",
		[DOCTOR_INFO]	= "info",
		[DOCTOR_WORSE]	= "worse",
		[DOCTOR_LACKS]	= "lacks",
	};

	return name[state];
}

/* Put line ends in place of spaces, so that no line is longer than a terminal has room. */
static void fold(char *text)
{
	char *space = NULL;

	for (char *line = text; *text; text++) {
		if (*text == ' ')
			space = text;
		if (text - line < TEXT_COLUMNS || !space)
			continue;
		*space = '\n';
		line = space + 1;
		space = NULL;
	}
}

/* On a terminal a cell may have several lines. */
static void allow_lines(struct libscols_table *table, unsigned int column)
{
	struct libscols_column *cl = scols_table_get_column(table, column);

	scols_column_set_safechars(cl, "\n");
	scols_column_set_wrapfunc(cl, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
}

enum { COL_STATE, COL_THING, COL_FOUND, COL_ADVICE };

bool doctor_print(const struct doctor_report *report, bool json)
{
	static const struct colinfo infos[] = {
		[COL_STATE]	= { .name = "STATE" },
		[COL_THING]	= { .name = "THING" },
		[COL_FOUND]	= { .name = "FOUND", .flags = SCOLS_FL_WRAP },
		[COL_ADVICE]	= { .name = "ADVICE" },
	};
	const struct print print = {
		.name = "doctor",
		.infos = infos,
		.ninfos = sizeof(infos) / sizeof(*infos),
		.columns = { COL_STATE, COL_THING, COL_FOUND, COL_ADVICE },
		.ncolumns = json ? 4 : 3,
		.json = json,
	};
	struct libscols_table *table;

	scols_init_debug(0);
	table = print_new_table(&print);
	if (!json)
		allow_lines(table, COL_FOUND);
	for (unsigned int i = 0; i < report->nr; i++) {
		const struct doctor_line *l = &report->line[i];
		struct libscols_line *line = print_new_line(table, NULL);
		char *text;

		print_cell(line, COL_STATE, doctor_state_name(l->state));
		print_cell(line, COL_THING, l->thing);
		if (json) {
			print_cell(line, COL_FOUND, l->found);
			print_cell(line, COL_ADVICE, l->advice);
			continue;
		}
		text = format("%s%s%s", l->found, l->advice ? ": " : "",
			      l->advice ? l->advice : "");
		if (isatty(STDOUT_FILENO))
			fold(text);
		print_cell(line, COL_FOUND, text);
		free(text);
	}
	return print_table(table) && !fflush(stdout);
}

void doctor_free(struct doctor_report *report)
{
	for (unsigned int i = 0; i < report->nr; i++)
		free(report->line[i].found);
	report->nr = 0;
}
