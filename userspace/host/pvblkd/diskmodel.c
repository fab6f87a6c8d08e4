// SPDX-License-Identifier: GPL-2.0-or-later
/* Parser of disk models; the format is described in diskmodel.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "diskmodel.h"

enum property { NAME, IDLE_POWER, ACTIVE_POWER, TRANSFER_RATE, NR_PROPERTIES };

static const struct {
	const char *name;
	uint64_t max;
} properties[NR_PROPERTIES] = {
	[NAME]		= { "name" },
	[IDLE_POWER]	= { "idle_power_mw", DISKMODEL_MAX_MW },
	[ACTIVE_POWER]	= { "active_power_mw", DISKMODEL_MAX_MW },
	[TRANSFER_RATE]	= { "transfer_rate", DISKMODEL_MAX_RATE },
};

struct parser {
	struct diskmodel *model;
	bool seen[NR_PROPERTIES];
	uint64_t number[NR_PROPERTIES];
};

bool diskmodel_name_valid(const char *name)
{
	size_t len = strlen(name);

	return len && len < PVBLK_NAME_LEN && *name >= 'a' && *name <= 'z' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

/* Plain decimal; anything above the limit yields limit + 1. */
static bool parse_number(const char *s, uint64_t max, uint64_t *value)
{
	*value = 0;
	for (const char *c = s; *c; c++) {
		if (*c < '0' || *c > '9')
			return false;
		*value = *value * 10 + (*c - '0');
		if (*value > max)
			*value = max + 1;
	}
	return *s;
}

static int set(struct modeltext *t, struct parser *p, enum property property,
	       const char *value)
{
	uint64_t max = properties[property].max;

	if (p->seen[property])
		return modeltext_fail(t, -EINVAL, "%s is there already",
			    properties[property].name);
	p->seen[property] = true;
	if (property == NAME) {
		if (!diskmodel_name_valid(value))
			return modeltext_fail(t, -EINVAL,
				    "'%.64s' is not up to %d of a-z, 0-9, '-' and '_', a letter first",
				    value, PVBLK_NAME_LEN - 1);
		strcpy(p->model->name, value);
		return 0;
	}
	if (!parse_number(value, max, &p->number[property]))
		return modeltext_fail(t, -EINVAL, "'%.64s' is not a number", value);
	if (p->number[property] > max)
		return modeltext_fail(t, -EINVAL, "%s is above %ju",
			    properties[property].name, (uintmax_t)max);
	return 0;
}

static int parse_line(struct modeltext *t, const char *keyword, char **rest,
		      void *parser)
{
	const char *value = strtok_r(NULL, MODELTEXT_BLANK, rest);
	const char *extra = strtok_r(NULL, MODELTEXT_BLANK, rest);

	for (int i = 0; i < NR_PROPERTIES; i++) {
		if (strcmp(keyword, properties[i].name))
			continue;
		if (!value)
			return modeltext_fail(t, -EINVAL, "%s of what?", keyword);
		if (extra)
			return modeltext_fail(t, -EINVAL, "'%.64s' is too much", extra);
		return set(t, parser, i, value);
	}
	return modeltext_fail(t, -EINVAL, "unknown keyword '%.64s'", keyword);
}

static int finish(struct modeltext *t, struct parser *p)
{
	struct diskmodel *model = p->model;
	struct cost_disk cost;

	for (int i = IDLE_POWER; i < NR_PROPERTIES; i++)
		if (!p->seen[i])
			return modeltext_fail(t, -EINVAL, "%s is missing", properties[i].name);
	if (!p->number[TRANSFER_RATE])
		return modeltext_fail(t, -EINVAL, "transfer_rate is zero");
	if (p->number[ACTIVE_POWER] < p->number[IDLE_POWER])
		return modeltext_fail(t, -EINVAL, "active_power_mw is below idle_power_mw");
	model->idle_power_mw = p->number[IDLE_POWER];
	model->speed.active_power_mw = p->number[ACTIVE_POWER];
	model->speed.transfer_rate = p->number[TRANSFER_RATE];
	cost_disk_init(&cost, model);
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
