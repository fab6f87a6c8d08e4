// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables, their columns and the options about them; units for people. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>

#include "print.h"

static int find_column(const struct print *p, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < p->ninfos; i++)
		if (strlen(p->infos[i].name) == len &&
		    !strncasecmp(p->infos[i].name, name, len))
			return i;
	return -1;
}

int print_set_columns(struct print *p, const char *list, char **unknown)
{
	*unknown = NULL;
	if (*list == '+')
		list++;
	else
		p->ncolumns = 0;

	for (;;) {
		size_t len = strcspn(list, ",");
		int id = find_column(p, list, len);

		if (id < 0) {
			*unknown = strndup(list, len);
			return -EINVAL;
		}
		if (p->ncolumns == PRINT_MAX_COLUMNS)
			return -E2BIG;
		p->columns[p->ncolumns++] = id;
		if (!list[len])
			return 0;
		list += len + 1;
	}
}

bool print_option(struct print *p, int c, const char *arg)
{
	char *unknown;

	switch (c) {
	case 'b':
		p->exact = true;
		return true;
	case 'J':
		p->json = true;
		return true;
	case 'n':
		p->noheadings = true;
		return true;
	case 'r':
		p->raw = true;
		return true;
	case 'o':
		switch (print_set_columns(p, arg, &unknown)) {
		case 0:
			return true;
		case -E2BIG:
			errx(EXIT_FAILURE, "too many columns, at most %d",
			     PRINT_MAX_COLUMNS);
		}
		errx(EXIT_FAILURE, "unknown column: '%s' (--help lists them)",
		     unknown ? unknown : arg);
	}
	return false;
}

bool print_has_column(const struct print *p, int id)
{
	size_t i;

	for (i = 0; i < p->ncolumns; i++)
		if (p->columns[i] == id)
			return true;
	return false;
}

void print_usage_options(FILE *out)
{
	fputs(" -b, --exact            print energy in microjoules, as plain numbers\n", out);
	fputs(" -J, --json             use JSON output format\n", out);
	fputs(" -n, --noheadings       don't print headings\n", out);
	fputs(" -o, --output <list>    columns to print (+<list> to add to the default)\n", out);
	fputs(" -r, --raw              use raw output format\n", out);
}

void print_usage_columns(FILE *out, const struct colinfo *infos, size_t n)
{
	size_t i;

	fputs("\nAvailable output columns:\n", out);
	for (i = 0; i < n; i++)
		fprintf(out, " %11s  %s\n", infos[i].name, infos[i].help);
}

struct libscols_table *print_new_table(const struct print *p)
{
	struct libscols_table *tb = scols_new_table();
	size_t i;

	if (!tb)
		err(EXIT_FAILURE, "cannot make a table");
	scols_table_enable_json(tb, p->json);
	scols_table_enable_raw(tb, p->raw);
	scols_table_enable_noheadings(tb, p->noheadings);
	scols_table_set_name(tb, p->name);

	for (i = 0; i < p->ncolumns; i++) {
		const struct colinfo *info = &p->infos[p->columns[i]];
		struct libscols_column *cl;
		int flags = info->flags;

		/* A raw line stands for itself. */
		if (p->raw)
			flags &= ~SCOLS_FL_TREE;
		cl = scols_table_new_column(tb, info->name, info->whint, flags);
		if (!cl)
			err(EXIT_FAILURE, "cannot make a column");
		/* "12.3 J" is a string, as with lsblk's sizes. */
		if (p->json)
			scols_column_set_json_type(cl, info->energy && !p->exact ?
						   SCOLS_JSON_STRING :
						   info->json_type);
	}
	return tb;
}

struct libscols_line *print_new_line(struct libscols_table *tb,
				     struct libscols_line *parent)
{
	struct libscols_line *ln = scols_table_new_line(tb, parent);

	if (!ln)
		err(EXIT_FAILURE, "cannot make a line");
	return ln;
}

void print_cell(struct libscols_line *ln, size_t column, const char *text)
{
	if (scols_line_set_data(ln, column, text))
		err(EXIT_FAILURE, "cannot fill a line");
}

bool print_table(struct libscols_table *tb)
{
	bool ok = !scols_print_table(tb);

	scols_unref_table(tb);
	return ok;
}

const char *print_energy(const struct print *p, uint64_t uj, char *buf)
{
	if (!p->exact)
		return format_micro(uj, "J", p->raw ? "" : " ", buf);
	snprintf(buf, PRINT_NUMBER, "%" PRIu64, uj);
	return buf;
}

const char *format_micro(uint64_t micro, const char *unit, const char *sep,
			 char *buf)
{
	static const char *const prefix[] = { "u", "m", "", "k", "M", "G", "T" };
	static const unsigned int pow10[] = { 1, 10, 100 };
	unsigned int i = 0, decimals = 0;
	uint64_t scale = 1, step, digits;

	while (micro / scale >= 1000 && i < 6) {
		scale *= 1000;
		i++;
	}
	if (i)
		decimals = micro / scale < 10 ? 2 : micro / scale < 100 ? 1 : 0;
	step = scale / pow10[decimals];
	digits = micro / step + (micro % step >= step - step / 2 && step > 1);

	/* 9.996 became 10.00, or 999.6 became 1000. */
	if (i && digits >= 1000 && decimals) {
		digits /= 10;
		decimals--;
	} else if (digits >= 1000 && i < 6) {
		digits = 100;
		decimals = 2;
		i++;
	}

	if (!micro)
		snprintf(buf, PRINT_NUMBER, "0%s%s", sep, unit);
	else if (!decimals)
		snprintf(buf, PRINT_NUMBER, "%" PRIu64 "%s%s%s", digits, sep,
			 prefix[i], unit);
	else
		snprintf(buf, PRINT_NUMBER, "%" PRIu64 ".%0*" PRIu64 "%s%s%s",
			 digits / pow10[decimals], (int)decimals,
			 digits % pow10[decimals], sep, prefix[i], unit);
	return buf;
}

const char *format_u128(print_u128 value, bool negative, char *buf)
{
	char *p = buf + PRINT_NUMBER;

	*--p = '\0';
	do {
		*--p = '0' + (int)(value % 10);
		value /= 10;
	} while (value);
	if (negative)
		*--p = '-';
	return memmove(buf, p, strlen(p) + 1);
}
