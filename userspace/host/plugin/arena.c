// SPDX-License-Identifier: GPL-2.0-or-later
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "arena.h"

#define CHUNK_BLOCKS	1024

struct chunk {
	struct chunk *next;
	unsigned int used;
	struct block block[CHUNK_BLOCKS];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct chunk *chunks;	/* protected by lock */

struct block *arena_block(void)
{
	struct block *block;
	struct chunk *chunk;

	pthread_mutex_lock(&lock);
	chunk = chunks;
	if (!chunk || chunk->used == CHUNK_BLOCKS) {
		chunk = aligned_alloc(_Alignof(struct chunk), sizeof(*chunk));
		if (!chunk) {
			fprintf(stderr, "pvplugin: out of memory\n");
			exit(EXIT_FAILURE);
		}
		chunk->next = chunks;
		chunk->used = 0;
		chunks = chunk;
	}
	block = &chunk->block[chunk->used++];
	pthread_mutex_unlock(&lock);
	return block;
}

void arena_free(void)
{
	struct chunk *chunk;

	pthread_mutex_lock(&lock);
	while ((chunk = chunks)) {
		chunks = chunk->next;
		free(chunk);
	}
	pthread_mutex_unlock(&lock);
}
