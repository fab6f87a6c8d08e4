// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of info/: what the kernel counts, and from where. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "info.h"

static int add_fact(struct rcfs_facts *facts, const char *file, const char *key,
		    const char *value)
{
	struct rcfs_fact *f;

	f = reallocarray(facts->fact, facts->n + 1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	facts->fact = f;
	f += facts->n++;
	f->file = strdup(file);
	f->key = strdup(key);
	f->value = strdup(value);
	return f->file && f->key && f->value ? 0 : -ENOMEM;
}

/* As in "equal [access] root". */
static bool is_choice(const char *line)
{
	const char *open = strchr(line, '[');

	return open && (open == line || open[-1] == ' ') && strchr(open, ']');
}

int rcfs_parse_facts(struct rcfs_buf *buf, const char *file,
		     struct rcfs_facts *facts)
{
	char *cursor = buf->data, *line;
	int ret;

	while ((ret = rcfs_next_line(&cursor, &line)) > 0) {
		char *space = is_choice(line) ? NULL : strchr(line, ' ');

		if (space)
			*space++ = '\0';
		ret = add_fact(facts, file, space ? line : file,
			       space ? space : line);
		if (ret)
			break;
	}
	return ret;
}

/* The others are tables, with a command each; root alone may read some. */
static int is_fact_file(const struct dirent *d)
{
	return d->d_name[0] != '.' && strcmp(d->d_name, "containers") &&
	       strcmp(d->d_name, "counters") && strcmp(d->d_name, "snapshot");
}

int rcfs_read_facts(const struct rcfs *fs, struct rcfs_facts *facts, char **file)
{
	int ret = 0, i, n, fd = rcfs_open_dir(fs->fd, "info");
	struct rcfs_buf buf = { 0 };
	struct dirent **names;

	memset(facts, 0, sizeof(*facts));
	*file = NULL;
	if (fd < 0)
		return fd;
	n = scandirat(fd, ".", &names, is_fact_file, alphasort);
	if (n < 0)
		ret = -errno;
	for (i = 0; i < n; i++) {
		if (!ret) {
			ret = rcfs_read(fd, names[i]->d_name, &buf);
			if (!ret)
				ret = rcfs_parse_facts(&buf, names[i]->d_name,
						       facts);
			if (ret)
				*file = strdup(names[i]->d_name);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	rcfs_buf_free(&buf);
	close(fd);
	return ret;
}

void rcfs_facts_free(struct rcfs_facts *facts)
{
	size_t i;

	for (i = 0; i < facts->n; i++) {
		free(facts->fact[i].file);
		free(facts->fact[i].key);
		free(facts->fact[i].value);
	}
	free(facts->fact);
	memset(facts, 0, sizeof(*facts));
}

bool rcfs_counter_is_base(const struct rcfs_counter *c)
{
	/* "metered" is base cost, too. */
	return strcmp(c->kind, "access");
}

/* "NAME PICOJOULES KIND"; more words may follow one day. */
static int parse_counter(char *line, struct rcfs_counter *c)
{
	char *name = strsep(&line, " "), *weight = strsep(&line, " ");
	char *kind = strsep(&line, " ");
	int ret;

	if (!*name || !weight || !kind || !*kind)
		return -EBADMSG;
	ret = rcfs_parse_u64(weight, &c->weight_pj);
	if (ret)
		return ret;
	c->name = strdup(name);
	c->kind = strdup(kind);
	return c->name && c->kind ? 0 : -ENOMEM;
}

int rcfs_parse_counters(struct rcfs_buf *buf, struct rcfs_counters *counters)
{
	char *cursor = buf->data, *line;
	int ret;

	memset(counters, 0, sizeof(*counters));
	while ((ret = rcfs_next_line(&cursor, &line)) > 0) {
		struct rcfs_counter *c;

		c = reallocarray(counters->c, counters->n + 1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		counters->c = c;
		c += counters->n;
		memset(c, 0, sizeof(*c));
		counters->n++;
		ret = parse_counter(line, c);
		if (ret)
			break;
	}
	return ret;
}

int rcfs_read_counters(const struct rcfs *fs, struct rcfs_counters *counters)
{
	struct rcfs_buf buf = { 0 };
	int ret = rcfs_read(fs->fd, "info/counters", &buf);

	memset(counters, 0, sizeof(*counters));
	if (!ret)
		ret = rcfs_parse_counters(&buf, counters);
	if (ret)
		rcfs_counters_free(counters);
	rcfs_buf_free(&buf);
	return ret;
}

void rcfs_counters_free(struct rcfs_counters *counters)
{
	size_t i;

	for (i = 0; i < counters->n; i++) {
		free(counters->c[i].name);
		free(counters->c[i].kind);
	}
	free(counters->c);
	memset(counters, 0, sizeof(*counters));
}

int rcfs_set_weight(const struct rcfs *fs, const char *event, uint64_t weight_pj)
{
	char *text;
	int ret;

	if (asprintf(&text, "%s %" PRIu64 "\n", event, weight_pj) < 0)
		return -ENOMEM;
	ret = rcfs_write(fs->fd, "info/counters", text);
	free(text);
	return ret;
}

int rcfs_reset_weights(const struct rcfs *fs)
{
	return rcfs_write(fs->fd, "info/counters", "default\n");
}
