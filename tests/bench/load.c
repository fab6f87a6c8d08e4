// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs of different character, each of the same length whenever it runs.
 *
 *	load PROGRAM AMOUNT	AMOUNT 0: for ever
 *
 *	integer		additions in registers
 *	chase		follows pointers all over 256 KiB
 *	branchy		branches that nobody can predict
 *	stream		sums up and writes 1 MiB, from end to end
 *	syscalls	asks the kernel for its parent
 *	faults		touches pages that are not there
 *	mixed		all of these by turns
 *
 * AMOUNT 1 is about a million instructions.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NODES		(256 * 1024 / 64)
#define WORDS		(1024 * 1024 / sizeof(uint64_t))
#define PAGES		1024
#define PAGE		4096

static struct node {
	struct node *next;
	char pad[64 - sizeof(void *)];
} node[NODES], *at = node;

static volatile uint64_t words[WORDS];
static volatile uint64_t sink;
static char *pages;
static uint32_t random_state = 1;

static uint32_t next_random(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

/* One cycle through all nodes, by a permutation of theirs. */
static void prepare(void)
{
	static uint32_t order[NODES];

	for (uint32_t i = 0; i < NODES; i++)
		order[i] = i;
	for (uint32_t i = NODES - 1; i > 0; i--) {
		uint32_t j = next_random() % (i + 1), t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (uint32_t i = 0; i < NODES; i++)
		node[order[i]].next = &node[order[(i + 1) % NODES]];
	pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
}

static void integer(void)
{
	uint64_t n = 0;

	for (int i = 0; i < 50000; i++)
		__asm__ volatile(".rept 18\n\tadd $1, %0\n\t.endr" : "+r" (n));
	sink = n;
}

static void chase(void)
{
	struct node *p = at;

	for (int i = 0; i < 330000; i++) {
		p = p->next;
		__asm__ volatile("" : "+r" (p));
	}
	at = p;
}

static void branchy(void)
{
	uint64_t n = 0;

	for (int i = 0; i < 110000; i++) {
		if (next_random() & 1)
			__asm__ volatile("add $1, %0" : "+r" (n));
		else
			__asm__ volatile("sub $3, %0" : "+r" (n));
	}
	sink = n;
}

static void stream(void)
{
	uint64_t n = 0;

	for (size_t i = 0; i < WORDS; i++) {
		n += words[i];
		words[i] = n;
	}
	sink = n;
}

static void syscalls(void)
{
	for (int i = 0; i < 5000; i++)
		syscall(SYS_getppid);
}

/* So many that it averages out which ones the kernel finds: they share the cache. */
static void faults(void)
{
	static int page;

	for (int i = 0; i < 384; i++) {
		if (page == PAGES) {
			if (madvise(pages, PAGES * PAGE, MADV_DONTNEED))
				err(EXIT_FAILURE, "madvise");
			page = 0;
		}
		pages[page++ * PAGE] = 1;
	}
}

static void (*const programs[])(void) = {
	integer, chase, branchy, stream, syscalls, faults,
};
static const char *const names[] = {
	"integer", "chase", "branchy", "stream", "syscalls", "faults",
};
#define NR	(sizeof(programs) / sizeof(programs[0]))

int main(int argc, char **argv)
{
	unsigned int which = 0;
	long amount;

	if (argc != 3)
		errx(EXIT_FAILURE, "usage: load PROGRAM AMOUNT");
	while (which < NR && strcmp(argv[1], names[which]))
		which++;
	if (which == NR && strcmp(argv[1], "mixed"))
		errx(EXIT_FAILURE, "no program '%s'", argv[1]);
	amount = atol(argv[2]);
	prepare();
	for (long i = 0; !amount || i < amount; i++)
		programs[which == NR ? (unsigned long)i % NR : which]();
	return EXIT_SUCCESS;
}
