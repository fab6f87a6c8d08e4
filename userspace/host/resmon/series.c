// SPDX-License-Identifier: GPL-2.0-or-later
/* Recordings as power over time; see series.h. */
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cmd.h"
#include "record.h"
#include "series.h"

#define NJ_PER_J	1e9

enum { SECONDS, VM, SUBSYSTEM, DEVICE, KIND, GENERATION, BASE, ACCESS };

/* A figure whose power is the difference to what it was before. */
struct meter {
	char *key;
	uint64_t generation;
	uint64_t base_nj;
	uint64_t access_nj;
};

struct loader {
	const char *file;
	unsigned int line;
	const struct series_config *config;
	struct series_set *set;
	struct meter *meter;
	size_t nr_meters;
};

static void *grow(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n, size);

	if (!p)
		err(EXIT_FAILURE, "cannot allocate memory");
	return p;
}

static uint64_t number(const struct loader *l, const char *text)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		errx(EXIT_FAILURE, "%s:%u: '%s' is not a number", l->file, l->line,
		     text);
	return n;
}

static double seconds(const struct loader *l, const char *text)
{
	char *end;
	double s = strtod(text, &end);

	if (*text < '0' || *text > '9' || *end || s > 1e12)
		errx(EXIT_FAILURE, "%s:%u: '%s' is no time", l->file, l->line,
		     text);
	return s;
}

static size_t add_time(struct loader *l, double at)
{
	struct series_set *set = l->set;
	size_t n = set->nr_times;

	if (n && set->seconds[n - 1] == at)
		return n - 1;
	if (n && at < set->seconds[n - 1])
		errx(EXIT_FAILURE, "%s:%u: time goes backwards", l->file, l->line);
	set->seconds = grow(set->seconds, n + 1, sizeof(double));
	set->seconds[n] = at;
	set->nr_times++;
	for (size_t i = 0; i < set->nr_series; i++) {
		set->series[i].watts = grow(set->series[i].watts, n + 1,
					    sizeof(double));
		set->series[i].watts[n] = 0;
	}
	return n;
}

static struct meter *find_meter(struct loader *l, char **field)
{
	char *key = format("%s,%s,%s", field[VM], field[SUBSYSTEM], field[DEVICE]);

	for (size_t i = 0; i < l->nr_meters; i++) {
		if (!strcmp(l->meter[i].key, key)) {
			free(key);
			return &l->meter[i];
		}
	}
	l->meter = grow(l->meter, l->nr_meters + 1, sizeof(*l->meter));
	l->meter[l->nr_meters] = (struct meter){ .key = key };
	return &l->meter[l->nr_meters++];
}

static char *series_name(const struct loader *l, char **field, const char *cost)
{
	const char *part[] = { field[VM], field[SUBSYSTEM], field[DEVICE],
			       field[KIND], cost };
	char *name = NULL;

	for (unsigned int i = 0; i < sizeof(part) / sizeof(*part); i++) {
		char *longer;

		if (!(l->config->by & 1U << i))
			continue;
		longer = format("%s%s%s", name ? name : "", name ? " " : "", part[i]);
		free(name);
		name = longer;
	}
	return name ? name : format("power");
}

static void add_watts(struct loader *l, char **field, const char *cost,
		      size_t time, double watts)
{
	struct series_set *set = l->set;
	char *name = series_name(l, field, cost);
	size_t i;

	for (i = 0; i < set->nr_series; i++)
		if (!strcmp(set->series[i].name, name))
			break;
	if (i == set->nr_series) {
		set->series = grow(set->series, i + 1, sizeof(*set->series));
		set->series[i].name = name;
		set->series[i].watts = calloc(set->nr_times, sizeof(double));
		if (!set->series[i].watts)
			err(EXIT_FAILURE, "cannot allocate memory");
		set->nr_series++;
	} else {
		free(name);
	}
	set->series[i].watts[time] += watts;
}

static double difference(uint64_t now, uint64_t before)
{
	return now > before ? (now - before) / NJ_PER_J : 0;
}

static void add_row(struct loader *l, char **field)
{
	size_t time = add_time(l, seconds(l, field[SECONDS]));
	struct meter *meter = find_meter(l, field);
	struct meter now = {
		.key = meter->key,
		.generation = number(l, field[GENERATION]),
		.base_nj = number(l, field[BASE]),
		.access_nj = number(l, field[ACCESS]),
	};
	struct meter before = *meter;
	double s;

	*meter = now;
	/* What others leave behind there is nothing that was consumed now. */
	if (!time || !strcmp(field[VM], FIGURE_ENDED) ||
	    !cmd_wanted(field[VM], l->config->vms))
		return;
	/* New ones begin at zero, in the interval that ends here. */
	if (before.generation != now.generation) {
		before.base_nj = 0;
		before.access_nj = 0;
	}
	s = l->set->seconds[time] - l->set->seconds[time - 1];
	/* Most devices are not their subsystem's own: they have none. */
	if (l->config->base && now.base_nj)
		add_watts(l, field, "base", time,
			  difference(now.base_nj, before.base_nj) / s);
	if (l->config->access)
		add_watts(l, field, "access", time,
			  difference(now.access_nj, before.access_nj) / s);
}

static void parse_line(struct loader *l, char *line)
{
	char *field[RECORD_FIELDS];
	unsigned int n = 0;
	char *part;

	while ((part = strsep(&line, ","))) {
		if (n < RECORD_FIELDS)
			field[n] = part;
		n++;
	}
	if (n != RECORD_FIELDS)
		errx(EXIT_FAILURE, "%s:%u: there are %u fields, not %d", l->file,
		     l->line, n, RECORD_FIELDS);
	add_row(l, field);
}

static void read_lines(struct loader *l, FILE *f)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, f)) > 0) {
		l->line++;
		if (line[len - 1] != '\n') {
			warnx("%s:%u: the last line is cut off", l->file, l->line);
			break;
		}
		line[len - 1] = '\0';
		if (strlen(line) != (size_t)len - 1)
			errx(EXIT_FAILURE, "%s:%u: not a line of text", l->file,
			     l->line);
		if (l->line > 1)
			parse_line(l, line);
		else if (strcmp(line, RECORD_HEADER))
			errx(EXIT_FAILURE, "%s: not a recording: the first line is not '%s'",
			     l->file, RECORD_HEADER);
	}
	free(line);
	if (ferror(f))
		err(EXIT_FAILURE, "%s", l->file);
	if (!l->line)
		errx(EXIT_FAILURE, "%s: not a recording: it is empty", l->file);
}

void series_load(struct series_set *set, const char *file,
		 const struct series_config *config)
{
	struct loader l = { .file = file, .config = config, .set = set };
	FILE *f = fopen(file, "re");

	*set = (struct series_set){ 0 };
	if (!f)
		err(EXIT_FAILURE, "%s", file);
	read_lines(&l, f);
	fclose(f);
	for (size_t i = 0; i < l.nr_meters; i++)
		free(l.meter[i].key);
	free(l.meter);
}

void series_free(struct series_set *set)
{
	for (size_t i = 0; i < set->nr_series; i++) {
		free(set->series[i].name);
		free(set->series[i].watts);
	}
	free(set->series);
	free(set->seconds);
}
