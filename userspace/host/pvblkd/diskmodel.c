// SPDX-License-Identifier: GPL-2.0-or-later
/* Parser of disk models; the format is described in diskmodel.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "diskmodel.h"

enum property {
	NAME, WINDOW, BUSY, SPEED,
	/* of each speed */
	IDLE_POWER, ACTIVE_POWER, TRANSFER_RATE,
	NR_PROPERTIES
};

static const struct {
	const char *name;
	uint64_t max;
} properties[NR_PROPERTIES] = {
	[NAME]		= { "name" },
	[WINDOW]	= { "window_ms", DISKMODEL_MAX_WINDOW_MS },
	[BUSY]		= { "busy_percent", 100 },
	[SPEED]		= { "speed" },
	[IDLE_POWER]	= { "idle_power_mw", DISKMODEL_MAX_MW },
	[ACTIVE_POWER]	= { "active_power_mw", DISKMODEL_MAX_MW },
	[TRANSFER_RATE]	= { "transfer_rate", DISKMODEL_MAX_RATE },
};

/* @sections: there are lines that begin a speed */
struct parser {
	struct diskmodel *model;
	bool sections;
	bool seen[NR_PROPERTIES];
	uint64_t number[NR_PROPERTIES];
};

bool diskmodel_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len && len < PVBLK_NAME_LEN && *name >= 'a' && *name <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

int diskmodel_set_name(const struct modeltext *t, char name[PVBLK_NAME_LEN],
		       const char *value)
{
	if (!diskmodel_name_valid(value))
		return modeltext_fail(t, -EINVAL,
				      "'%.64s' is not up to %d of a-z, 0-9, '-' and '_', a letter first",
				      value, PVBLK_NAME_LEN - 1);
	strcpy(name, value);
	return 0;
}

/* All of the speed is known that the lines before were about. */
static int end_speed(struct modeltext *t, struct parser *p)
{
	struct diskmodel *model = p->model;
	struct diskmodel_speed *speed = &model->speed[model->nr_speeds];
	const char *at = p->sections ? speed->name : "";
	const char *colon = p->sections ? ": " : "";

	for (int i = IDLE_POWER; i < NR_PROPERTIES; i++)
		if (!p->seen[i])
			return modeltext_fail(t, -EINVAL, "%s%s%s is missing",
					      at, colon, properties[i].name);
	speed->idle_power_mw = p->number[IDLE_POWER];
	speed->active_power_mw = p->number[ACTIVE_POWER];
	speed->transfer_rate = p->number[TRANSFER_RATE];
	if (!speed->transfer_rate)
		return modeltext_fail(t, -EINVAL, "%s%stransfer_rate is zero", at, colon);
	if (speed->active_power_mw < speed->idle_power_mw)
		return modeltext_fail(t, -EINVAL,
				      "%s%sactive_power_mw is below idle_power_mw",
				      at, colon);
	if (model->nr_speeds && speed[-1].transfer_rate >= speed->transfer_rate)
		return modeltext_fail(t, -EINVAL, "%s is not faster than %s", at,
				      speed[-1].name);
	if (model->nr_speeds && speed[-1].idle_power_mw > speed->idle_power_mw)
		return modeltext_fail(t, -EINVAL, "%s: idle_power_mw is below that of %s",
				      at, speed[-1].name);
	model->nr_speeds++;
	memset(&p->seen[IDLE_POWER], 0, (NR_PROPERTIES - IDLE_POWER) * sizeof(*p->seen));
	return 0;
}

static int begin_speed(struct modeltext *t, struct parser *p, const char *name)
{
	struct diskmodel *model = p->model;
	int ret;

	for (int i = IDLE_POWER; i < NR_PROPERTIES && !p->sections; i++)
		if (p->seen[i])
			return modeltext_fail(t, -EINVAL, "%s is of which speed?",
					      properties[i].name);
	ret = p->sections ? end_speed(t, p) : 0;
	if (ret)
		return ret;
	p->sections = true;
	if (model->nr_speeds == DISKMODEL_MAX_SPEEDS)
		return modeltext_fail(t, -EINVAL, "more than %d speeds",
				      DISKMODEL_MAX_SPEEDS);
	return diskmodel_set_name(t, model->speed[model->nr_speeds].name, name);
}

static int set(struct modeltext *t, struct parser *p, enum property property,
	       const char *value)
{
	if (property == SPEED)
		return begin_speed(t, p, value);
	if (p->sections && property < IDLE_POWER)
		return modeltext_fail(t, -EINVAL, "%s is not of a speed",
				      properties[property].name);
	if (p->seen[property])
		return modeltext_fail(t, -EINVAL, "%s is there already",
			    properties[property].name);
	p->seen[property] = true;
	if (property == NAME)
		return diskmodel_set_name(t, p->model->name, value);
	return modeltext_number(t, properties[property].name, value,
				properties[property].max, &p->number[property]);
}

static int parse_line(struct modeltext *t, const char *keyword, char **rest,
		      void *parser)
{
	const char *value;

	for (int i = 0; i < NR_PROPERTIES; i++) {
		if (strcmp(keyword, properties[i].name))
			continue;
		value = modeltext_value(t, keyword, rest);
		return value ? set(t, parser, i, value) : -EINVAL;
	}
	return modeltext_fail(t, -EINVAL, "unknown keyword '%.64s'", keyword);
}

static int take_policy(struct modeltext *t, struct parser *p)
{
	p->model->window_ms = p->seen[WINDOW] ? p->number[WINDOW] : DISKMODEL_WINDOW_MS;
	p->model->busy_percent = p->seen[BUSY] ? p->number[BUSY] : DISKMODEL_BUSY_PERCENT;
	for (int i = WINDOW; i <= BUSY; i++) {
		if (p->seen[i] && !p->number[i])
			return modeltext_fail(t, -EINVAL, "%s is zero", properties[i].name);
		if (p->seen[i] && p->model->nr_speeds == 1)
			return modeltext_fail(t, -EINVAL, "%s of a disk of one speed",
					      properties[i].name);
	}
	return 0;
}

static int finish(struct modeltext *t, struct parser *p)
{
	struct cost_disk cost;
	int ret = end_speed(t, p);

	if (!ret)
		ret = take_policy(t, p);
	if (ret)
		return ret;
	if (!cost_disk_init(&cost, p->model))
		return modeltext_fail(t, -EINVAL,
				      "the least common multiple of the transfer rates is above %llu",
				      COST_MAX_RATE);
	if (cost.max_byte_pj > PVBLK_MAX_BYTE_PJ)
		return modeltext_fail(t, -EINVAL, "a byte costs more than %llu pJ",
			    PVBLK_MAX_BYTE_PJ);
	return 0;
}

int diskmodel_read(FILE *f, const char *file, struct diskmodel *model,
		   char err[DISKMODEL_ERR_LEN])
{
	struct modeltext t = { .file = file, .err = err };
	struct parser p = { .model = model };
	int ret;

	memset(model, 0, sizeof(*model));
	strcpy(model->name, "disk");
	ret = modeltext_read(&t, f, parse_line, &p);
	return ret ? ret : finish(&t, &p);
}

int diskmodel_load(const char *file, struct diskmodel *model,
		   char err[DISKMODEL_ERR_LEN])
{
	struct modeltext t = { .file = file, .err = err };
	FILE *f;
	int ret;

	f = modeltext_open(&t, &ret);
	if (!f)
		return ret;
	ret = diskmodel_read(f, file, model, err);
	fclose(f);
	return ret;
}
