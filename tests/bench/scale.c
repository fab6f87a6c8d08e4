// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many containers, and what it takes to read the root's energy.
 *
 *	scale make NUMBER DEPTH [FIRST]
 *					NUMBER beside each other, from FIRST on;
 *					DEPTH, one in another
 *	scale read TIMES		prints "scale: read NANOSECONDS" of each, of
 *					virtual time: instructions
 */
#include <sys/stat.h>
#include <time.h>

#include "../boot/check.h"
#include "raw.h"

static void make(int number, int depth, int first)
{
	char path[1024];
	int len;

	for (int i = first; i < first + number; i++) {
		snprintf(path, sizeof(path), RCFS "/many%d", i);
		if (mkdir(path, 0755))
			err(EXIT_FAILURE, "%s", path);
	}
	len = snprintf(path, sizeof(path), RCFS);
	for (int i = 0; i < depth; i++) {
		len += snprintf(path + len, sizeof(path) - len, "/d");
		if (mkdir(path, 0755) && errno != EEXIST)
			err(EXIT_FAILURE, "%s", path);
	}
}

static long long now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void read_root(int times)
{
	char text[65536];
	long long begin = 0;

	/* The first one is to get warm. */
	for (int i = -1; i < times; i++) {
		int fd = open(RCFS "/energy", O_RDONLY);

		if (!i)
			begin = now_ns();
		if (fd < 0 || read(fd, text, sizeof(text)) <= 0)
			err(EXIT_FAILURE, RCFS "/energy");
		close(fd);
	}
	printf("scale: read %lld\n", (now_ns() - begin) / times);
}

int main(int argc, char **argv)
{
	if ((argc == 4 || argc == 5) && !strcmp(argv[1], "make"))
		make(atoi(argv[2]), atoi(argv[3]), argc == 5 ? atoi(argv[4]) : 0);
	else if (argc == 3 && !strcmp(argv[1], "read") && atoi(argv[2]) > 0)
		read_root(atoi(argv[2]));
	else
		errx(EXIT_FAILURE, "usage: scale make NUMBER DEPTH [FIRST], scale read TIMES");
	return EXIT_SUCCESS;
}
