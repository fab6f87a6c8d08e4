// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "modeltext.h"

int modeltext_fail(const struct modeltext *t, int error, const char *fmt, ...)
{
	va_list args;
	int n;

	if (t->line)
		n = snprintf(t->err, MODELTEXT_ERR_LEN, "%s:%u: ", t->file, t->line);
	else
		n = snprintf(t->err, MODELTEXT_ERR_LEN, "%s: ", t->file);
	if (n < 0 || n >= MODELTEXT_ERR_LEN)
		return error;
	va_start(args, fmt);
	vsnprintf(t->err + n, MODELTEXT_ERR_LEN - n, fmt, args);
	va_end(args);
	return error;
}

int modeltext_read(struct modeltext *t, FILE *f,
		   int (*line)(struct modeltext *t, const char *keyword,
			       char **rest, void *arg), void *arg)
{
	const char *keyword;
	char *text = NULL, *rest;
	size_t size = 0;
	ssize_t len;
	int ret = 0;

	while (!ret && (errno = 0, len = getline(&text, &size, f)) >= 0) {
		t->line++;
		if (strlen(text) != (size_t)len) {
			ret = modeltext_fail(t, -EINVAL, "the line has a zero byte");
			break;
		}
		text[strcspn(text, "#")] = '\0';
		keyword = strtok_r(text, MODELTEXT_BLANK, &rest);
		if (keyword)
			ret = line(t, keyword, &rest, arg);
	}
	t->line = 0;
	if (!ret && !feof(f))
		ret = modeltext_fail(t, errno ? -errno : -EIO, "%s",
				     strerror(errno ? errno : EIO));
	free(text);
	return ret;
}

const char *modeltext_value(const struct modeltext *t, const char *keyword,
			    char **rest)
{
	const char *value = strtok_r(NULL, MODELTEXT_BLANK, rest);
	const char *extra = strtok_r(NULL, MODELTEXT_BLANK, rest);

	if (!value)
		modeltext_fail(t, -EINVAL, "%s of what?", keyword);
	else if (extra)
		modeltext_fail(t, -EINVAL, "'%.64s' is too much", extra);
	return extra ? NULL : value;
}

int modeltext_number(const struct modeltext *t, const char *keyword,
		     const char *value, uint64_t max, uint64_t *number)
{
	if (strspn(value, "0123456789") != strlen(value))
		return modeltext_fail(t, -EINVAL, "'%.64s' is not a number", value);
	errno = 0;
	*number = strtoull(value, NULL, 10);
	if (errno || *number > max)
		return modeltext_fail(t, -EINVAL, "%s is above %ju", keyword,
				      (uintmax_t)max);
	return 0;
}

FILE *modeltext_open(const struct modeltext *t, int *ret)
{
	FILE *f = fopen(t->file, "re");

	*ret = f ? 0 : modeltext_fail(t, -errno, "%s", strerror(errno));
	return f;
}
