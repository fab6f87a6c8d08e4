// SPDX-License-Identifier: GPL-2.0-or-later
/* Parser of energy models; the format is described in model.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define PJ_PER_NJ	1000
#define BLANK		" \t\r\n\v\f"

static const char *const machine_events[PVENERGY_MAX_EVENTS] = {
	[PVENERGY_TSC]			= "tsc",
	[PVENERGY_UNHALTED_CYCLES]	= "unhalted_cycles",
	[PVENERGY_UOP_QUEUE_WRITES]	= "uop_queue_writes",
	[PVENERGY_RETIRED_BRANCHES]	= "retired_branches",
	[PVENERGY_MISPRED_BRANCHES]	= "mispred_branches",
	[PVENERGY_MEMORY_RETIRED]	= "memory_retired",
	[PVENERGY_MOB_LOAD_REPLAYS]	= "mob_load_replays",
	[PVENERGY_L1_LOAD_MISSES]	= "l1_load_misses",
};

struct parser {
	const char *file;
	unsigned int line;
	char *err;
};

__attribute__((format(printf, 3, 4)))
static int fail(const struct parser *p, int error, const char *fmt, ...)
{
	va_list args;
	int n;

	if (p->line)
		n = snprintf(p->err, MODEL_ERR_LEN, "%s:%u: ", p->file, p->line);
	else
		n = snprintf(p->err, MODEL_ERR_LEN, "%s: ", p->file);
	if (n < 0 || n >= MODEL_ERR_LEN)
		return error;
	va_start(args, fmt);
	vsnprintf(p->err + n, MODEL_ERR_LEN - n, fmt, args);
	va_end(args);
	return error;
}

bool model_event_name_valid(const char name[PVENERGY_NAME_LEN])
{
	size_t len = strnlen(name, PVENERGY_NAME_LEN);

	return len && len < PVENERGY_NAME_LEN &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

/*
 * Decimal nanojoules to picojoules, exactly.  Digits stand on both sides of a
 * point or there is no point.  Anything above the limit yields limit + 1.
 */
static bool parse_weight(const char *s, __u64 *pj)
{
	__u64 value = 0;
	int fraction = -1;	/* digits after the point, -1 before it */

	for (const char *c = s; *c; c++) {
		if (*c == '.' && fraction < 0 && c != s && c[1]) {
			fraction = 0;
			continue;
		}
		if (*c < '0' || *c > '9' || fraction == 3)
			return false;
		if (fraction >= 0)
			fraction++;
		value = value * 10 + (*c - '0');
		/* Fraction digits included, so this is no early refusal. */
		if (value > PVENERGY_MAX_WEIGHT_PJ)
			value = PVENERGY_MAX_WEIGHT_PJ + 1;
	}
	for (int digits = fraction < 0 ? 0 : fraction; digits < 3; digits++)
		value *= 10;
	*pj = value;
	return *s;
}

static int parse_event(const struct parser *p, char **rest, struct model *model)
{
	const char *name = strtok_r(NULL, BLANK, rest);
	const char *weight = strtok_r(NULL, BLANK, rest);
	const char *flag = strtok_r(NULL, BLANK, rest);
	const char *extra = strtok_r(NULL, BLANK, rest);
	struct pvenergy_event event = { 0 };

	if (!name || !weight)
		return fail(p, -EINVAL, "expected: event NAME WEIGHT [base]");

	if (strlen(name) >= sizeof(event.name))
		return fail(p, -EINVAL, "event name '%.64s' is longer than %zu letters",
			    name, sizeof(event.name) - 1);
	strcpy(event.name, name);
	if (!model_event_name_valid(event.name))
		return fail(p, -EINVAL,
			    "event name '%s' is not of a-z, 0-9 and '_'", name);
	for (unsigned int i = 0; i < model->nr_events; i++)
		if (!strcmp(model->event[i].name, name))
			return fail(p, -EINVAL, "event '%s' is there already", name);

	if (!parse_weight(weight, &event.weight_pj))
		return fail(p, -EINVAL,
			    "weight '%.64s' is not a number with at most 3 fraction digits",
			    weight);
	if (event.weight_pj > PVENERGY_MAX_WEIGHT_PJ)
		return fail(p, -EINVAL, "weight %.64s is above %llu nJ", weight,
			    PVENERGY_MAX_WEIGHT_PJ / PJ_PER_NJ);

	if (flag) {
		if (strcmp(flag, "base"))
			return fail(p, -EINVAL, "expected 'base', not '%.64s'", flag);
		event.flags |= PVENERGY_EVENT_BASE;
	}
	if (extra)
		return fail(p, -EINVAL, "'%.64s' is too much", extra);

	if (model->nr_events == PVENERGY_MAX_EVENTS)
		return fail(p, -EINVAL, "more than %d events", PVENERGY_MAX_EVENTS);
	model->event[model->nr_events++] = event;
	return 0;
}

static int parse_line(const struct parser *p, char *line, struct model *model)
{
	char *rest;
	const char *keyword;

	line[strcspn(line, "#")] = '\0';
	keyword = strtok_r(line, BLANK, &rest);
	if (!keyword)
		return 0;
	if (!strcmp(keyword, "event"))
		return parse_event(p, &rest, model);
	return fail(p, -EINVAL, "unknown keyword '%.64s'", keyword);
}

int model_read(FILE *f, const char *file, struct model *model,
	       char err[MODEL_ERR_LEN])
{
	struct parser p = { .file = file, .err = err };
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int ret = 0;

	memset(model, 0, sizeof(*model));
	while (!ret && (errno = 0, len = getline(&line, &size, f)) >= 0) {
		p.line++;
		if (strlen(line) != (size_t)len)
			ret = fail(&p, -EINVAL, "the line has a zero byte");
		else
			ret = parse_line(&p, line, model);
	}
	free(line);
	p.line = 0;
	if (!ret && !feof(f))
		ret = fail(&p, errno ? -errno : -EIO, "%s",
			   strerror(errno ? errno : EIO));
	if (!ret && !model->nr_events)
		ret = fail(&p, -EINVAL, "no events");
	return ret;
}

int model_load(const char *file, struct model *model, char err[MODEL_ERR_LEN])
{
	struct parser p = { .file = file, .err = err };
	FILE *f = fopen(file, "re");
	int ret;

	if (!f)
		return fail(&p, -errno, "%s", strerror(errno));
	ret = model_read(f, file, model, err);
	fclose(f);
	return ret;
}

int model_fits_machine(const struct model *model)
{
	for (unsigned int i = 0; i < model->nr_events; i++)
		if (strcmp(model->event[i].name, machine_events[i]))
			return i;
	return -1;
}

const char *model_machine_event(unsigned int index)
{
	return machine_events[index];
}
