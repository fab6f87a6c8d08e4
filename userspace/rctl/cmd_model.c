// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl model */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols/libsmartcols.h>

#include "cmd.h"
#include "info.h"
#include "model.h"
#include "print.h"

#define PJ_PER_NJ	1000

enum {
	COL_EVENT,
	COL_WEIGHT,
	COL_KIND,
};

static const struct colinfo infos[] = {
	[COL_EVENT]  = { "EVENT", 0.3, 0, "name of the event" },
	[COL_WEIGHT] = { "WEIGHT", 0, SCOLS_FL_RIGHT, "energy of one, in picojoules if exact", SCOLS_JSON_NUMBER, true },
	[COL_KIND]   = { "KIND", 0, 0, "base or access energy; metered: base energy, but as a meter shows it" },
};

#define NINFOS	(sizeof(infos) / sizeof(infos[0]))

static void usage(void)
{
	puts("\nUsage:\n rctl model [options]\n\n"
	     "Show or set what one event of the CPU costs.\n\n"
	     "Options:\n"
	     " -b, --exact            print picojoules, as plain numbers\n"
	     " -d, --dump             print a file that --import takes\n"
	     " -i, --import <file>    set the weights that a model file has ('-': standard input)\n"
	     " -J, --json             use JSON output format\n"
	     " -n, --noheadings       don't print headings\n"
	     " -o, --output <list>    columns to print (+<list> to add to the default)\n"
	     " -r, --raw              use raw output format\n"
	     " -R, --reset            set the weights that the host gives\n"
	     " -s, --set <event>=<nanojoules>\n"
	     "                        set the weight of an event; may be repeated");
	cmd_usage_options();
	print_usage_columns(stdout, infos, NINFOS);
	cmd_usage_tail();
}

/* Each --set is a line of a model file: one parser, and one kind of message. */
static void add_set(FILE *sets, const struct rctl *ctl, const char *arg)
{
	const char *equal = strchr(arg, '=');

	if (!equal || equal == arg || !equal[1] ||
	    arg[strcspn(arg, MODELTEXT_BLANK "#")])
		cmd_bad_usage(ctl, "'%s' is not <event>=<nanojoules>", arg);
	fprintf(sets, "event %.*s %s\n", (int)(equal - arg), arg, equal + 1);
}

static void parse_sets(char *text, size_t len, struct model *model)
{
	char message[MODEL_ERR_LEN];
	FILE *f = fmemopen(text, len, "r");

	if (!f)
		err(EXIT_FAILURE, "cannot read --set");
	if (model_read(f, "--set", model, message))
		errx(EXIT_FAILURE, "%s", message);
	fclose(f);
}

static void import(const char *file, struct model *model)
{
	char message[MODEL_ERR_LEN];
	int ret;

	if (!strcmp(file, "-"))
		ret = model_read(stdin, "standard input", model, message);
	else
		ret = model_load(file, model, message);
	if (ret)
		errx(EXIT_FAILURE, "%s", message);
}

static void gather(const struct rctl *ctl, struct rcfs_counters *counters)
{
	int ret = rcfs_read_counters(&ctl->fs, counters);

	errno = -ret;
	if (ret == -EBADMSG || ret == -ERANGE)
		errx(EXIT_FAILURE, "'info/counters' does not have the expected format");
	if (ret)
		err(EXIT_FAILURE, "cannot read 'info/counters'%s",
		    ret == -EACCES ? " (are you root?)" : "");
	if (!counters->n)
		errx(EXIT_FAILURE, "there is no model: the kernel found no counters (see rctl info)");
}

static int reset(const struct rctl *ctl)
{
	int ret = rcfs_reset_weights(&ctl->fs);

	if (!ret)
		return 0;
	errno = -ret;
	if (ret == -EINVAL)
		warnx("cannot reset the weights: this kernel does not offer it");
	else
		warn("cannot reset the weights%s",
		     ret == -EACCES || ret == -EPERM ? " (are you root?)" : "");
	return -1;
}

static const struct rcfs_counter *find(const struct rcfs_counters *counters,
				       const char *name)
{
	size_t i;

	for (i = 0; i < counters->n; i++)
		if (!strcmp(counters->c[i].name, name))
			return &counters->c[i];
	return NULL;
}

/* All is looked at before anything is changed. */
static int check_model(const struct rcfs_counters *counters,
		       const struct model *model, const char *file)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < model->nr_events; i++) {
		const struct pvenergy_event *e = &model->event[i];
		const struct rcfs_counter *c = find(counters, e->name);
		bool base = e->flags & PVENERGY_EVENT_BASE;

		if (!c) {
			warnx("%s: event '%s' is not counted here (rctl model lists those that are)",
			      file ? file : "--set", e->name);
			ret = -1;
		} else if (file && rcfs_counter_is_base(c) != base) {
			warnx("%s: event '%s' is of %s energy, but here it is of %s energy",
			      file, e->name, base ? "base" : "access",
			      base ? "access" : "base");
			ret = -1;
		}
	}
	return ret;
}

static void warn_weight(const char *event, int error)
{
	errno = -error;
	if (error == -EACCES || error == -EPERM)
		warn("cannot set the weight of '%s' (are you root?)", event);
	else
		warn("cannot set the weight of '%s'", event);
}

/* A model that cannot be set as a whole is not set at all. */
static int apply(const struct rctl *ctl, const struct rcfs_counters *counters,
		 const struct model *model)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < model->nr_events; i++) {
		ret = rcfs_set_weight(&ctl->fs, model->event[i].name,
				      model->event[i].weight_pj);
		if (ret)
			warn_weight(model->event[i].name, ret);
	}
	if (!ret)
		return 0;
	for (i--; i--;) {
		const struct rcfs_counter *c;

		c = find(counters, model->event[i].name);
		ret = rcfs_set_weight(&ctl->fs, c->name, c->weight_pj);
		if (ret)
			warn_weight(c->name, ret);
	}
	return -1;
}

/* Nanojoules without zeros at the end, as model files have them. */
static char *format_nj(uint64_t pj, char *buf)
{
	int len = snprintf(buf, PRINT_NUMBER, "%" PRIu64 ".%03" PRIu64,
			   pj / PJ_PER_NJ, pj % PJ_PER_NJ);

	while (buf[len - 1] == '0')
		buf[--len] = '\0';
	if (buf[len - 1] == '.')
		buf[--len] = '\0';
	return buf;
}

static void dump(const struct rcfs_counters *counters)
{
	char buf[PRINT_NUMBER];
	size_t i;

	for (i = 0; i < counters->n; i++)
		printf("event %s %s%s\n", counters->c[i].name,
		       format_nj(counters->c[i].weight_pj, buf),
		       rcfs_counter_is_base(&counters->c[i]) ? " base" : "");
}

static const char *cell(const struct print *p, int id,
			const struct rcfs_counter *c, char *buf)
{
	switch (id) {
	case COL_EVENT:
		return c->name;
	case COL_WEIGHT:
		if (p->exact)
			snprintf(buf, PRINT_NUMBER, "%" PRIu64, c->weight_pj);
		else
			strcat(format_nj(c->weight_pj, buf),
			       p->raw ? "nJ" : " nJ");
		return buf;
	case COL_KIND:
		return c->kind;
	}
	return NULL;
}

static bool print_model(const struct print *p,
			const struct rcfs_counters *counters)
{
	struct libscols_table *tb = print_new_table(p);
	char buf[PRINT_NUMBER];
	size_t i, j;

	for (i = 0; i < counters->n; i++) {
		struct libscols_line *ln = print_new_line(tb, NULL);

		for (j = 0; j < p->ncolumns; j++)
			print_cell(ln, j, cell(p, p->columns[j],
					       &counters->c[i], buf));
	}
	return print_table(tb);
}

static int model_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "dump",	no_argument,	   NULL, 'd' },
		{ "import",	required_argument, NULL, 'i' },
		{ "reset",	no_argument,	   NULL, 'R' },
		{ "set",	required_argument, NULL, 's' },
		PRINT_LONGOPTS,
		CMD_LONGOPTS
	};
	struct print p = {
		.name = "model",
		.infos = infos,
		.ninfos = NINFOS,
		.columns = { COL_EVENT, COL_WEIGHT, COL_KIND },
		.ncolumns = 3,
	};
	struct rcfs_counters counters;
	const char *file = NULL;
	struct model model;
	char *text = NULL;
	size_t len = 0;
	FILE *sets = open_memstream(&text, &len);
	int c, excl = 0, action = 0, status = EXIT_SUCCESS;

	if (!sets)
		err(EXIT_FAILURE, "cannot allocate memory");
	while ((c = getopt_long(argc, argv, "di:Rs:" PRINT_SHORTOPTS CMD_SHORTOPTS,
				longopts, NULL)) != -1) {
		cmd_exclusive(c, "Jr", &excl, longopts);
		cmd_exclusive(c, "diRs", &action, longopts);
		if (c == 'i')
			file = optarg;
		else if (c == 's')
			add_set(sets, ctl, optarg);
		else if (c != 'd' && c != 'R' && !print_option(&p, c, optarg))
			cmd_option(ctl, c);
	}
	fclose(sets);
	if (optind < argc)
		cmd_bad_usage(ctl, "unexpected argument: '%s'", argv[optind]);
	if (action == 's')
		parse_sets(text, len, &model);
	else if (action == 'i')
		import(file, &model);
	free(text);

	cmd_open(ctl);
	gather(ctl, &counters);
	if (action == 'd')
		dump(&counters);
	else if (action == 'R')
		status = reset(ctl) ? EXIT_FAILURE : EXIT_SUCCESS;
	else if (action)
		status = check_model(&counters, &model, file) ||
			 apply(ctl, &counters, &model) ? EXIT_FAILURE :
							 EXIT_SUCCESS;
	else if (!print_model(&p, &counters))
		status = EXIT_FAILURE;
	rcfs_counters_free(&counters);
	return status;
}

const struct cmd cmd_model = {
	.name = "model",
	.main = model_main,
	.usage = usage,
	.help = "show or set what events of the CPU cost",
};
