/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all model files have in common: lines of words, '#' begins a comment,
 * empty lines mean nothing, and errors say where they are.
 */
#ifndef RCONTAINER_MODELTEXT_H
#define RCONTAINER_MODELTEXT_H

#include <stdint.h>
#include <stdio.h>

/* Holds any message that does not quote a long path. */
#define MODELTEXT_ERR_LEN	512

#define MODELTEXT_BLANK		" \t\r\n\v\f"

/**
 * struct modeltext - a text that is being parsed
 * @file: its name, for messages
 * @line: number of the line, 0 where the whole text is meant
 * @err: receives a message, MODELTEXT_ERR_LEN bytes
 */
struct modeltext {
	const char *file;
	unsigned int line;
	char *err;
};

/* Sets the message to "FILE:LINE: ..." or "FILE: ..."; returns @error. */
__attribute__((format(printf, 3, 4)))
int modeltext_fail(const struct modeltext *t, int error, const char *fmt, ...);

/**
 * modeltext_read() - parse a text line by line
 * @t: the text; @t->line is 0 again afterwards
 * @f: where to read
 * @line: called for each line that says something: with the first word, from
 *	strtok_r(), its @rest, and @arg; returns 0 or a negative errno
 * @arg: for @line
 *
 * Return: 0; -EINVAL if the text is wrong, or another negative errno if it
 * cannot be read: then @t->err is set.
 */
int modeltext_read(struct modeltext *t, FILE *f,
		   int (*line)(struct modeltext *t, const char *keyword,
			       char **rest, void *arg), void *arg);

/* The only word behind @keyword: NULL, with the message set, if there is none or more. */
const char *modeltext_value(const struct modeltext *t, const char *keyword,
			    char **rest);

/**
 * modeltext_number() - parse a plain decimal number
 * @t: the text
 * @keyword: what it is, for messages
 * @value: the word
 * @max: the limit
 * @number: set
 *
 * Return: 0, or -EINVAL with the message set.
 */
int modeltext_number(const struct modeltext *t, const char *keyword,
		     const char *value, uint64_t max, uint64_t *number);

/* Open @t->file: NULL, with *@ret and the message set, if that fails. */
FILE *modeltext_open(const struct modeltext *t, int *ret);

#endif /* RCONTAINER_MODELTEXT_H */
