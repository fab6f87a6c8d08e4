/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, their columns and the options about them; units for people. */
#ifndef RCONTAINER_PRINT_H
#define RCONTAINER_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct libscols_table;
struct libscols_line;

#define PRINT_MAX_COLUMNS	32

/**
 * struct colinfo - a column that a command offers
 * @name: heading, and name for --output
 * @whint: width hint of libsmartcols
 * @flags: SCOLS_FL_*
 * @help: for --help
 * @json_type: SCOLS_JSON_* when values are exact
 * @energy: values have units unless --exact is given
 */
struct colinfo {
	const char *name;
	double whint;
	int flags;
	const char *help;
	int json_type;
	bool energy;
};

/**
 * struct print - how to print
 * @name: of the table, in JSON
 * @infos: columns there are
 * @ninfos: number of @infos
 * @columns: indices of the columns to print
 * @ncolumns: number of @columns
 * @json: --json
 * @raw: --raw
 * @noheadings: --noheadings
 * @exact: --exact
 */
struct print {
	const char *name;
	const struct colinfo *infos;
	size_t ninfos;
	int columns[PRINT_MAX_COLUMNS];
	size_t ncolumns;
	bool json;
	bool raw;
	bool noheadings;
	bool exact;
};

/* Room for any number or quantity. */
#define PRINT_NUMBER	48

/* Options of all commands that print a table; see print_option(). */
#define PRINT_SHORTOPTS	"bJno:r"
#define PRINT_LONGOPTS					\
	{ "exact",	no_argument,	   NULL, 'b' },	\
	{ "json",	no_argument,	   NULL, 'J' },	\
	{ "noheadings",	no_argument,	   NULL, 'n' },	\
	{ "output",	required_argument, NULL, 'o' },	\
	{ "raw",	no_argument,	   NULL, 'r' }

/**
 * print_option() - handle an option of PRINT_SHORTOPTS
 * @p: changed; must already have its default columns
 * @c: option
 * @arg: its argument
 *
 * Returns true if @c was such an option; exits on a bad list of columns.
 */
bool print_option(struct print *p, int c, const char *arg);

/**
 * print_set_columns() - parse a list of columns
 * @p: its columns are replaced, or added to if @list begins with "+"
 * @list: names separated by commas, in any case
 * @unknown: set to the name that is not a column
 *
 * Returns 0 or a negative errno: -EINVAL for an unknown column, -E2BIG for
 * more than PRINT_MAX_COLUMNS.
 */
int print_set_columns(struct print *p, const char *list, char **unknown);

bool print_has_column(const struct print *p, int id);
void print_usage_options(FILE *out);
void print_usage_columns(FILE *out, const struct colinfo *infos, size_t n);

/* These three exit if there is no memory. */
struct libscols_table *print_new_table(const struct print *p);
struct libscols_line *print_new_line(struct libscols_table *tb,
				     struct libscols_line *parent);
void print_cell(struct libscols_line *ln, size_t column, const char *text);

/* Print the table and free it; false if that failed. */
bool print_table(struct libscols_table *tb);

/* @uj for a cell of @p: exact, or with a unit. */
const char *print_energy(const struct print *p, uint64_t uj, char *buf);

/**
 * format_micro() - a quantity with three significant digits and an SI prefix
 * @micro: quantity in millionths of @unit
 * @unit: "J", "W"
 * @sep: what to put between number and unit
 * @buf: PRINT_NUMBER bytes
 *
 * Digits are cut by integer arithmetic: no locale's comma, no float's doubt.
 */
const char *format_micro(uint64_t micro, const char *unit, const char *sep,
			 char *buf);

typedef unsigned __int128 print_u128;

/* A 128-bit number in decimal; @buf has PRINT_NUMBER bytes. */
const char *format_u128(print_u128 value, bool negative, char *buf);

#endif
