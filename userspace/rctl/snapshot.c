// SPDX-License-Identifier: GPL-2.0-or-later
/* info/snapshot: the counts of all containers at one moment. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot.h"

static int bad(struct rcfs_snapshot *snap, const char *why)
{
	snap->why = why;
	return -EBADMSG;
}

/* strsep() at single spaces: two in a row are an empty, hence bad, word. */
static char *next_word(char **cursor)
{
	return strsep(cursor, " ");
}

static int parse_header(char *line, struct rcfs_snapshot *snap)
{
	char *word = next_word(&line);

	if (strcmp(word, "container"))
		return bad(snap, "the header does not begin with 'container'");
	while ((word = next_word(&line))) {
		struct rcfs_total *total;

		if (!*word)
			return bad(snap, "an event has no name");
		total = reallocarray(snap->total, snap->nevents + 1,
				     sizeof(*total));
		if (!total)
			return -ENOMEM;
		snap->total = total;
		total += snap->nevents;
		memset(total, 0, sizeof(*total));
		total->name = strdup(word);
		if (!total->name)
			return -ENOMEM;
		snap->nevents++;
	}
	return 0;
}

static int parse_counts(char *line, uint64_t *count, struct rcfs_snapshot *snap)
{
	char *word;
	size_t i;

	for (i = 0; i < snap->nevents; i++) {
		word = next_word(&line);
		if (!word)
			return bad(snap, "fewer counts than events");
		if (rcfs_parse_u64(word, &count[i]))
			return bad(snap, "a count is not a 64-bit number");
	}
	return line ? bad(snap, "more counts than events") : 0;
}

static bool is_wanted(const char *word, const char *path)
{
	return path && (!strcmp(word + 1, path) ||
			(!word[1] && !strcmp(path, ".")));
}

static int parse_line(char *line, const char *path, uint64_t *count,
		      struct rcfs_snapshot *snap)
{
	const char *word = next_word(&line);
	bool virt = !strcmp(word, "virtual");
	size_t i;
	int ret;

	if (!virt && *word != '/')
		return bad(snap, "neither a container's path nor 'virtual'");
	ret = parse_counts(line, count, snap);
	if (ret)
		return ret;

	for (i = 0; i < snap->nevents; i++) {
		if (virt)
			snap->total[i].virt = count[i];
		else
			snap->total[i].sum += count[i];
	}
	if (virt)
		return 1;

	snap->ncontainers++;
	if (is_wanted(word, path)) {
		if (snap->local)
			return bad(snap, "the container is there twice");
		snap->local = malloc((snap->nevents + 1) * sizeof(*count));
		if (!snap->local)
			return -ENOMEM;
		memcpy(snap->local, count, snap->nevents * sizeof(*count));
	}
	return 0;
}

int rcfs_parse_snapshot(struct rcfs_buf *buf, const char *path,
			struct rcfs_snapshot *snap)
{
	char *cursor = buf->data, *line;
	uint64_t *count = NULL;
	int ret, done = 0;

	memset(snap, 0, sizeof(*snap));
	while ((ret = rcfs_next_line(&cursor, &line)) > 0) {
		snap->line++;
		if (done) {
			ret = bad(snap, "something follows 'virtual'");
			break;
		}
		if (snap->line > 1) {
			ret = done = parse_line(line, path, count, snap);
		} else {
			ret = parse_header(line, snap);
			count = calloc(snap->nevents + 1, sizeof(*count));
			if (!count)
				ret = -ENOMEM;
		}
		if (ret < 0)
			break;
	}
	free(count);
	if (ret == -EBADMSG && !snap->why) {
		snap->line++;
		snap->why = "the line is cut off";
	}
	if (!ret && snap->line && !done) {
		snap->line++;
		return bad(snap, "the line 'virtual' is missing");
	}
	return ret;
}

int rcfs_read_snapshot(const struct rcfs *fs, const char *path,
		       struct rcfs_snapshot *snap)
{
	struct rcfs_buf buf = { 0 };
	int ret;

	memset(snap, 0, sizeof(*snap));
	ret = rcfs_read(fs->fd, "info/snapshot", &buf);
	if (!ret)
		ret = rcfs_parse_snapshot(&buf, path, snap);
	else if (ret == -EBADMSG)
		snap->why = "it contains a NUL byte";
	rcfs_buf_free(&buf);
	return ret;
}

void rcfs_snapshot_free(struct rcfs_snapshot *snap)
{
	size_t i;

	for (i = 0; i < snap->nevents; i++)
		free(snap->total[i].name);
	free(snap->total);
	free(snap->local);
	memset(snap, 0, sizeof(*snap));
}
