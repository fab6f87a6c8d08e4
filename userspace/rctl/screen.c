// SPDX-License-Identifier: GPL-2.0-or-later
/* A table on the whole terminal, for rctl top. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>

/* Its functions are called as such, not by names that it defines for all. */
#define NCURSES_NOMACROS
#include <curses.h>

#include "screen.h"

/* Title, status, heading. */
#define OVERHEAD	3

static SCREEN *screen;

void screen_close(void)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

void screen_open(void)
{
	const char *term = getenv("TERM");

	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		errx(EXIT_FAILURE, "cannot use a terminal of type '%s' (--batch needs none)",
		     term ? term : "");
	atexit(screen_close);
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
}

int screen_key(void)
{
	int key = wgetch(stdscr);

	switch (key) {
	case ERR:
		return SCREEN_NONE;
	case KEY_RESIZE:
		return SCREEN_RESIZED;
	case KEY_UP:
		return SCREEN_UP;
	case KEY_DOWN:
		return SCREEN_DOWN;
	case KEY_PPAGE:
		return SCREEN_PAGE_UP;
	case KEY_NPAGE:
		return SCREEN_PAGE_DOWN;
	case KEY_HOME:
		return SCREEN_TOP;
	case KEY_END:
		return SCREEN_BOTTOM;
	}
	return key < 256 ? key : SCREEN_OTHER;
}

size_t screen_rows(void)
{
	return LINES > OVERHEAD ? LINES - OVERHEAD : 0;
}

/* Text that is too wide goes on in the next line, which is then cleared. */
static void put_line(int row, const char *text, attr_t attr)
{
	if (row >= LINES)
		return;
	wmove(stdscr, row, 0);
	wclrtobot(stdscr);
	wattrset(stdscr, attr);
	waddnstr(stdscr, text, -1);
	/* A heading goes from side to side. */
	if (attr & A_REVERSE)
		mvwchgat(stdscr, row, 0, -1, attr, 0, NULL);
	wattrset(stdscr, A_NORMAL);
}

/* Splits @text. */
static void put_lines(char *text, attr_t heading)
{
	int row = OVERHEAD - 1;
	char *line;

	while (text && *text && (line = strsep(&text, "\n"))) {
		put_line(row, line, row == OVERHEAD - 1 ? heading : A_NORMAL);
		row++;
	}
	if (row < LINES) {
		wmove(stdscr, row, 0);
		wclrtobot(stdscr);
	}
	wrefresh(stdscr);
}

void screen_draw(const char *title, const char *status,
		 struct libscols_table *tb)
{
	char *text = NULL;

	if (tb) {
		scols_table_set_termforce(tb, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(tb, COLS);
		if (scols_print_table_to_string(tb, &text))
			text = NULL;
		scols_unref_table(tb);
	}
	put_line(0, title, A_BOLD);
	put_line(1, status, A_NORMAL);
	put_lines(text, A_REVERSE);
	free(text);
}

void screen_text(const char *title, const char *text)
{
	char *copy = strdup(text);

	put_line(0, title, A_BOLD);
	put_line(1, "", A_NORMAL);
	put_lines(copy, A_NORMAL);
	free(copy);
}
