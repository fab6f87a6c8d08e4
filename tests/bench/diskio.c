// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests of 4 KiB, with a mark after each step of some, in a guest.
 *
 *	diskio FILE OPERATION DEPTH STEPS
 *
 * OPERATION is one of
 *	read	DEPTH direct reads at once, at distant places
 *	write	the same, writing
 *	dirty	write DEPTH pages through the page cache and have them written
 *		back; the file has its blocks already
 */
#include <err.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mark.h"

#define SIZE		4096
#define MAX_DEPTH	256
/* Of the file: two of them are never neighbours in a step. */
#define BLOCKS		16384
#define STRIDE		4099

static char buffer[MAX_DEPTH][SIZE] __attribute__((aligned(SIZE)));
static struct iocb iocb[MAX_DEPTH], *list[MAX_DEPTH];
static struct io_event event[MAX_DEPTH];
static aio_context_t context;
static uint64_t next;

static off_t place(void)
{
	return next++ * STRIDE % BLOCKS * SIZE;
}

static void direct(int fd, int opcode, long depth)
{
	for (long i = 0; i < depth; i++) {
		iocb[i] = (struct iocb){
			.aio_fildes = fd,
			.aio_lio_opcode = opcode,
			.aio_buf = (uintptr_t)buffer[i],
			.aio_nbytes = SIZE,
			.aio_offset = place(),
		};
		list[i] = &iocb[i];
	}
	if (syscall(SYS_io_submit, context, depth, list) != depth)
		err(EXIT_FAILURE, "io_submit");
	if (syscall(SYS_io_getevents, context, depth, depth, event, NULL) != depth)
		err(EXIT_FAILURE, "io_getevents");
	for (long i = 0; i < depth; i++)
		if (event[i].res != SIZE)
			errx(EXIT_FAILURE, "a request returned %lld", event[i].res);
}

static void dirty(int fd, long depth)
{
	for (long i = 0; i < depth; i++)
		if (pwrite(fd, buffer[i], SIZE, place()) != SIZE)
			err(EXIT_FAILURE, "pwrite");
	if (fdatasync(fd))
		err(EXIT_FAILURE, "fdatasync");
}

int main(int argc, char **argv)
{
	long depth, steps;
	bool buffered;
	int fd, opcode;

	if (argc != 5)
		errx(EXIT_FAILURE, "usage: diskio FILE OPERATION DEPTH STEPS");
	buffered = !strcmp(argv[2], "dirty");
	opcode = strcmp(argv[2], "read") ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
	depth = atol(argv[3]);
	steps = atol(argv[4]);
	if (depth < 1 || depth > MAX_DEPTH || steps < 1)
		errx(EXIT_FAILURE, "bad number");
	fd = open(argv[1], O_RDWR | (buffered ? 0 : O_DIRECT));
	if (fd < 0)
		err(EXIT_FAILURE, "%s", argv[1]);
	memset(buffer, 1, sizeof(buffer));
	if (syscall(SYS_io_setup, MAX_DEPTH, &context))
		err(EXIT_FAILURE, "io_setup");

	/* The first tenth is to get warm. */
	for (long i = -steps / 10; i < steps; i++) {
		if (!i)
			MARK(MARK_BEGIN);
		if (buffered)
			dirty(fd, depth);
		else
			direct(fd, opcode, depth);
		MARK(MARK_STEP);
	}
	MARK(MARK_END);
	return EXIT_SUCCESS;
}
