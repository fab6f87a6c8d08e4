// SPDX-License-Identifier: GPL-2.0-or-later
/* Parser of energy models; the format is described in energy-model(5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define PJ_PER_NJ	1000

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

static int parse_event(const struct modeltext *t, char **rest, struct model *model)
{
	const char *name = strtok_r(NULL, MODELTEXT_BLANK, rest);
	const char *weight = strtok_r(NULL, MODELTEXT_BLANK, rest);
	const char *flag = strtok_r(NULL, MODELTEXT_BLANK, rest);
	const char *extra = strtok_r(NULL, MODELTEXT_BLANK, rest);
	struct pvenergy_event event = { 0 };

	if (!name || !weight)
		return modeltext_fail(t, -EINVAL, "expected: event NAME WEIGHT [base]");

	if (strlen(name) >= sizeof(event.name))
		return modeltext_fail(t, -EINVAL, "event name '%.64s' is longer than %zu letters",
			    name, sizeof(event.name) - 1);
	strcpy(event.name, name);
	if (!model_event_name_valid(event.name))
		return modeltext_fail(t, -EINVAL,
			    "event name '%s' is not of a-z, 0-9 and '_'", name);
	for (unsigned int i = 0; i < model->nr_events; i++)
		if (!strcmp(model->event[i].name, name))
			return modeltext_fail(t, -EINVAL, "event '%s' is there already", name);

	if (!parse_weight(weight, &event.weight_pj))
		return modeltext_fail(t, -EINVAL,
			    "weight '%.64s' is not a number with at most 3 fraction digits",
			    weight);
	if (event.weight_pj > PVENERGY_MAX_WEIGHT_PJ)
		return modeltext_fail(t, -EINVAL, "weight %.64s is above %llu nJ", weight,
			    PVENERGY_MAX_WEIGHT_PJ / PJ_PER_NJ);

	if (flag) {
		if (strcmp(flag, "base"))
			return modeltext_fail(t, -EINVAL, "expected 'base', not '%.64s'", flag);
		event.flags |= PVENERGY_EVENT_BASE;
	}
	if (extra)
		return modeltext_fail(t, -EINVAL, "'%.64s' is too much", extra);

	if (model->nr_events == PVENERGY_MAX_EVENTS)
		return modeltext_fail(t, -EINVAL, "more than %d events", PVENERGY_MAX_EVENTS);
	model->event[model->nr_events++] = event;
	return 0;
}

/* libpfm4's names have letters of both cases, digits and some signs. */
static bool perf_name_valid(const char *name)
{
	return strlen(name) < MODEL_PERF_LEN &&
	       strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			    "0123456789_-.:=") == strlen(name);
}

static int parse_perf(const struct modeltext *t, char **rest, struct model *model)
{
	const char *name = strtok_r(NULL, MODELTEXT_BLANK, rest);
	const char *perf = strtok_r(NULL, MODELTEXT_BLANK, rest);
	const char *extra = strtok_r(NULL, MODELTEXT_BLANK, rest);
	unsigned int e;

	if (!name || !perf)
		return modeltext_fail(t, -EINVAL, "expected: perf NAME EVENT");
	if (extra)
		return modeltext_fail(t, -EINVAL, "'%.64s' is too much", extra);
	for (e = 0; e < model->nr_events; e++)
		if (!strcmp(model->event[e].name, name))
			break;
	if (e == model->nr_events)
		return modeltext_fail(t, -EINVAL, "there is no event '%.64s' above", name);
	if (model->event[e].flags & PVENERGY_EVENT_BASE)
		return modeltext_fail(t, -EINVAL, "'%s' is base cost, which is not counted", name);
	if (*model->perf[e])
		return modeltext_fail(t, -EINVAL, "perf of '%s' is there already", name);
	if (!perf_name_valid(perf))
		return modeltext_fail(t, -EINVAL, "'%.64s' is no name of libpfm4", perf);
	strcpy(model->perf[e], perf);
	return 0;
}

struct parser {
	struct model *model;
	bool has_idle;
	bool has_active;
};

static int parse_power(const struct modeltext *t, const char *keyword, char **rest,
		       bool *has, unsigned int *mw)
{
	const char *value = modeltext_value(t, keyword, rest);
	uint64_t number;

	if (!value)
		return -EINVAL;
	if (*has)
		return modeltext_fail(t, -EINVAL, "%s is there already", keyword);
	if (modeltext_number(t, keyword, value, MODEL_MAX_MW, &number))
		return -EINVAL;
	*has = true;
	*mw = number;
	return 0;
}

static int parse_line(struct modeltext *t, const char *keyword, char **rest,
		      void *arg)
{
	struct parser *p = arg;

	if (!strcmp(keyword, "event"))
		return parse_event(t, rest, p->model);
	if (!strcmp(keyword, "perf"))
		return parse_perf(t, rest, p->model);
	if (!strcmp(keyword, "idle_power_mw"))
		return parse_power(t, keyword, rest, &p->has_idle, &p->model->idle_mw);
	if (!strcmp(keyword, "active_power_mw"))
		return parse_power(t, keyword, rest, &p->has_active, &p->model->active_mw);
	return modeltext_fail(t, -EINVAL, "unknown keyword '%.64s'", keyword);
}

static int finish(const struct modeltext *t, const struct parser *p)
{
	const struct model *model = p->model;

	if (!model->nr_events)
		return modeltext_fail(t, -EINVAL, "no events");
	if (p->has_idle != p->has_active)
		return modeltext_fail(t, -EINVAL, "%s is missing",
				      p->has_idle ? "active_power_mw" : "idle_power_mw");
	if (p->has_active && !model->active_mw)
		return modeltext_fail(t, -EINVAL, "active_power_mw is zero");
	if (model->active_mw < model->idle_mw)
		return modeltext_fail(t, -EINVAL, "active_power_mw is below idle_power_mw");
	return 0;
}

int model_read(FILE *f, const char *file, struct model *model,
	       char err[MODEL_ERR_LEN])
{
	struct modeltext t = { .file = file, .err = err };
	struct parser p = { .model = model };
	int ret;

	memset(model, 0, sizeof(*model));
	ret = modeltext_read(&t, f, parse_line, &p);
	return ret ? ret : finish(&t, &p);
}

int model_load(const char *file, struct model *model, char err[MODEL_ERR_LEN])
{
	struct modeltext t = { .file = file, .err = err };
	FILE *f;
	int ret;

	f = modeltext_open(&t, &ret);
	if (!f)
		return ret;
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
