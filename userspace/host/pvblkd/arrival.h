/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notice that a file appears, though the directories above it may not be there. */
#ifndef PVBLKD_ARRIVAL_H
#define PVBLKD_ARRIVAL_H

struct arrival;
struct io;

/**
 * arrival_watch() - look for a file
 * @io: the event loop
 * @path: an absolute path
 * @there: called when it was made; once more or less does no harm
 * @owner: for @there
 *
 * Return: what looks for it, or NULL where that cannot be had.
 */
struct arrival *arrival_watch(struct io *io, const char *path,
			      void (*there)(void *owner), void *owner);

/* A null pointer is none. */
void arrival_stop(struct arrival *arrival);

#endif /* PVBLKD_ARRIVAL_H */
