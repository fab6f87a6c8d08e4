/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table on the whole terminal, for rctl top. */
#ifndef RCTL_SCREEN_H
#define RCTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

struct libscols_table;

/* Keys without a letter. */
enum {
	SCREEN_NONE = 256,	/* nothing was typed */
	SCREEN_RESIZED,
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_TOP,
	SCREEN_BOTTOM,
	SCREEN_OTHER,
};

/*
 * Take the terminal, or exit if it cannot be used.  It is given back at exit,
 * or by screen_close() before.
 */
void screen_open(void);
void screen_close(void);

/* A letter or one of the above; does not wait. */
int screen_key(void);

/* How many lines of a table fit below title, status and heading. */
size_t screen_rows(void);

/**
 * screen_draw() - draw all anew
 * @title: first line
 * @status: second line
 * @tb: table, freed; or NULL
 */
void screen_draw(const char *title, const char *status,
		 struct libscols_table *tb);

/* Some text in place of a table; lines end with a newline. */
void screen_text(const char *title, const char *text);

#endif
