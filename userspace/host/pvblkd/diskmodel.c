// SPDX-License-Identifier: GPL-2.0-or-later
/* Parser of disk models; the format is described in diskmodel.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cost.h"
#include "diskmodel.h"

#define BLANK	" \t\r\n\v\f"

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
	const char *file;
	unsigned int line;
	char *err;
	bool seen[NR_PROPERTIES];
	uint64_t number[NR_PROPERTIES];
};

__attribute__((format(printf, 3, 4)))
static int fail(const struct parser *p, int error, const char *fmt, ...)
{
	va_list args;
	int n;

	if (p->line)
		n = snprintf(p->err, DISKMODEL_ERR_LEN, "%s:%u: ", p->file, p->line);
	else
		n = snprintf(p->err, DISKMODEL_ERR_LEN, "%s: ", p->file);
	if (n < 0 || n >= DISKMODEL_ERR_LEN)
		return error;
	va_start(args, fmt);
	vsnprintf(p->err + n, DISKMODEL_ERR_LEN - n, fmt, args);
	va_end(args);
	return error;
}

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

static int set(struct parser *p, struct diskmodel *model, enum property property,
	       const char *value)
{
	uint64_t max = properties[property].max;

	if (p->seen[property])
		return fail(p, -EINVAL, "%s is there already",
			    properties[property].name);
	p->seen[property] = true;
	if (property == NAME) {
		if (!diskmodel_name_valid(value))
			return fail(p, -EINVAL,
				    "'%.64s' is not up to %d of a-z, 0-9, '-' and '_', a letter first",
				    value, PVBLK_NAME_LEN - 1);
		strcpy(model->name, value);
		return 0;
	}
	if (!parse_number(value, max, &p->number[property]))
		return fail(p, -EINVAL, "'%.64s' is not a number", value);
	if (p->number[property] > max)
		return fail(p, -EINVAL, "%s is above %ju",
			    properties[property].name, (uintmax_t)max);
	return 0;
}

static int parse_line(struct parser *p, char *line, struct diskmodel *model)
{
	const char *keyword, *value, *extra;
	char *rest;

	line[strcspn(line, "#")] = '\0';
	keyword = strtok_r(line, BLANK, &rest);
	if (!keyword)
		return 0;
	value = strtok_r(NULL, BLANK, &rest);
	extra = strtok_r(NULL, BLANK, &rest);
	for (int i = 0; i < NR_PROPERTIES; i++) {
		if (strcmp(keyword, properties[i].name))
			continue;
		if (!value)
			return fail(p, -EINVAL, "%s of what?", keyword);
		if (extra)
			return fail(p, -EINVAL, "'%.64s' is too much", extra);
		return set(p, model, i, value);
	}
	return fail(p, -EINVAL, "unknown keyword '%.64s'", keyword);
}

static int finish(struct parser *p, struct diskmodel *model)
{
	struct cost_disk cost;

	for (int i = IDLE_POWER; i < NR_PROPERTIES; i++)
		if (!p->seen[i])
			return fail(p, -EINVAL, "%s is missing", properties[i].name);
	if (!p->number[TRANSFER_RATE])
		return fail(p, -EINVAL, "transfer_rate is zero");
	if (p->number[ACTIVE_POWER] < p->number[IDLE_POWER])
		return fail(p, -EINVAL, "active_power_mw is below idle_power_mw");
	model->idle_power_mw = p->number[IDLE_POWER];
	model->speed.active_power_mw = p->number[ACTIVE_POWER];
	model->speed.transfer_rate = p->number[TRANSFER_RATE];
	cost_disk_init(&cost, model);
	if (cost.max_byte_pj > PVBLK_MAX_BYTE_PJ)
		return fail(p, -EINVAL, "a byte costs more than %llu pJ",
			    PVBLK_MAX_BYTE_PJ);
	return 0;
}

int diskmodel_read(FILE *f, const char *file, struct diskmodel *model,
		   char err[DISKMODEL_ERR_LEN])
{
	struct parser p = { .file = file, .err = err };
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int ret = 0;

	memset(model, 0, sizeof(*model));
	strcpy(model->name, "disk");
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
	return ret ? ret : finish(&p, model);
}

int diskmodel_load(const char *file, struct diskmodel *model,
		   char err[DISKMODEL_ERR_LEN])
{
	struct parser p = { .file = file, .err = err };
	FILE *f = fopen(file, "re");
	int ret;

	if (!f)
		return fail(&p, -errno, "%s", strerror(errno));
	ret = diskmodel_read(f, file, model, err);
	fclose(f);
	return ret;
}
