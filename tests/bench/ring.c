// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A token goes round a ring of processes, in a guest, as with lmbench's lat_ctx:
 * each has an array that it sums up before it passes the token on.  But what is
 * counted is what the emulated processor counts, its cycles among it, of which
 * misses in its first-level cache and mispredicted branches cost many.
 *
 *	ring none|same|each KIB PROCESSES ROUNDS
 *
 * The containers are below $RING_TOP, a path with a '/' at its end.
 * none: no container; same: all in one; each: each in one of its own.
 * Prints, of one switch together with the sum of the array, and of the sum alone:
 *
 *	ring: CONFIG KIB PROCESSES INSTRUCTIONS CYCLES MISSES INSTRUCTIONS CYCLES MISSES
 */
#include "../boot/check.h"
#include "mark.h"
#include "raw.h"

#define MAX_PROCESSES	128

static int pipes[MAX_PROCESSES][2];
static size_t words;
static volatile uint32_t *array;
static volatile uint32_t sum;

static void work(void)
{
	uint32_t n = 0;

	for (size_t i = 0; i < words; i++)
		n += array[i];
	sum = n;
}

static void bind_self(const char *config, int i)
{
	const char *top = getenv("RING_TOP");
	char path[512];

	if (!strcmp(config, "none"))
		return;
	if (!strcmp(config, "same"))
		i = 0;
	snprintf(path, sizeof(path), RCFS "/%sring%d", top ? top : "", i);
	if (mkdir(path, 0755) && errno != EEXIST)
		err(EXIT_FAILURE, "%s", path);
	if (rcfs_bind(path + strlen(RCFS), 0, "tasks"))
		err(EXIT_FAILURE, "%s", path);
}

/* Whoever has the token. */
static void turn(int i, int nr)
{
	char token;

	if (read(pipes[i][0], &token, 1) != 1)
		_exit(0);
	work();
	if (write(pipes[(i + 1) % nr][1], &token, 1) != 1)
		_exit(1);
}

static void allocate(void)
{
	array = calloc(words + 1, sizeof(*array));
	if (!array)
		err(EXIT_FAILURE, "calloc");
	memset((void *)array, 1, words * sizeof(*array));
}

static void member(const char *config, int i, int nr)
{
	for (int p = 0; p < nr; p++) {
		if (p != i)
			close(pipes[p][0]);
		if (p != (i + 1) % nr)
			close(pipes[p][1]);
	}
	bind_self(config, i);
	allocate();
	for (;;)
		turn(i, nr);
}

static void print(const struct raw_counts *to, const struct raw_counts *from, double n)
{
	const uint64_t *a = from->own, *b = to->own;

	printf(" %.2f %.2f %.2f", raw_instructions(b, a) / n,
	       (b[PVENERGY_UNHALTED_CYCLES] - a[PVENERGY_UNHALTED_CYCLES]) / n,
	       (b[PVENERGY_L1_LOAD_MISSES] - a[PVENERGY_L1_LOAD_MISSES]) / n);
}

int main(int argc, char **argv)
{
	struct raw_counts from, to, walk_from, walk_to;
	int nr, rounds;

	if (argc != 5)
		errx(EXIT_FAILURE, "usage: ring none|same|each KIB PROCESSES ROUNDS");
	words = atol(argv[2]) * 1024 / sizeof(*array);
	nr = atoi(argv[3]);
	rounds = atoi(argv[4]);
	if (nr < 2 || nr > MAX_PROCESSES || rounds < 1)
		errx(EXIT_FAILURE, "bad number");
	raw_open();
	for (int i = 0; i < nr; i++)
		if (pipe(pipes[i]))
			err(EXIT_FAILURE, "pipe");
	for (int i = 1; i < nr; i++)
		if (!fork())
			member(argv[1], i, nr);
	for (int i = 1; i < nr; i++) {
		close(pipes[i][0]);
		if (i != 1)
			close(pipes[i][1]);
	}
	close(pipes[0][1]);
	bind_self(argv[1], 0);
	allocate();

	if (write(pipes[1][1], "x", 1) != 1)
		err(EXIT_FAILURE, "write");
	for (int i = -rounds / 10 - 1; i < rounds; i++) {
		if (!i) {
			raw_read(&from);
			MARK(MARK_BEGIN);
		}
		turn(0, nr);
	}
	MARK(MARK_END);
	raw_read(&to);
	for (int i = -2; i < 64; i++) {
		if (!i)
			raw_read(&walk_from);
		work();
	}
	raw_read(&walk_to);
	printf("ring: %s %s %d", argv[1], argv[2], nr);
	print(&to, &from, (double)rounds * nr);
	print(&walk_to, &walk_from, 64);
	putchar('\n');
	return EXIT_SUCCESS;
}
