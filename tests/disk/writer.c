// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Write pages first, first + stride, ... of a file, and no more: whatever
 * writes them to the disk, it is not this program.  Prints the bytes.
 *
 *	writer FILE FIRST STRIDE COUNT
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE	4096

int main(int argc, char **argv)
{
	long long first, stride, count, i;
	char page[PAGE];
	int fd;

	if (argc != 5)
		errx(EXIT_FAILURE, "usage: writer FILE FIRST STRIDE COUNT");
	first = atoll(argv[2]);
	stride = atoll(argv[3]);
	count = atoll(argv[4]);
	fd = open(argv[1], O_WRONLY);
	if (fd < 0)
		err(EXIT_FAILURE, "%s", argv[1]);
	for (i = 0; i < count; i++) {
		memset(page, first + i, sizeof(page));
		if (pwrite(fd, page, PAGE, (first + i * stride) * PAGE) != PAGE)
			err(EXIT_FAILURE, "%s", argv[1]);
	}
	printf("%lld\n", count * PAGE);
	return EXIT_SUCCESS;
}
