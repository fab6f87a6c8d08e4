/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many requests to wait for before they are done, all at once.  Pure
 * arithmetic.
 *
 * A kick costs the guest an exit, and a signal an interrupt: often more than what
 * is between them, where the disk is memory.  A guest that has many requests under
 * way need not have both for each of them.  So a kick is asked for only when a
 * number of them is there: half of what the guest waits for, so that it has
 * something to do meanwhile, and no more than a limit.  Who waits for three
 * requests or fewer is never kept waiting.
 *
 * Nobody knows whether a guest will go on as it did.  A deadline bounds what it
 * costs if it does not.  When it finds fewer requests than were hoped for, their
 * number becomes the limit.  The limit grows by one after so many times when
 * there might have been more, and that is twice as many after each deadline.
 */
#ifndef PVBLKD_COALESCE_H
#define PVBLKD_COALESCE_H

#define COALESCE_NS	100000
#define COALESCE_MAX	8

/**
 * struct coalesce - a queue's state
 * @limit: wait for no more than that
 * @good: times when there might have been more, since it last changed
 * @patience: how many it takes
 */
struct coalesce {
	unsigned int limit;
	unsigned int good;
	unsigned int patience;
};

void coalesce_init(struct coalesce *c);

/* How many requests to wait for, of a guest that waits for @depth. */
unsigned int coalesce_target(struct coalesce *c, unsigned int depth);

/* They did not come in time: @waiting did. */
void coalesce_late(struct coalesce *c, unsigned int waiting);

#endif /* PVBLKD_COALESCE_H */
