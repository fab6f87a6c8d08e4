// SPDX-License-Identifier: GPL-2.0-or-later
#include "coalesce.h"

#define LEAST_PATIENCE	16
#define MOST_PATIENCE	4096

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

void coalesce_init(struct coalesce *c)
{
	c->limit = COALESCE_MAX;
	c->good = 0;
	c->patience = LEAST_PATIENCE;
}

unsigned int coalesce_target(struct coalesce *c, unsigned int depth)
{
	unsigned int wanted = least(depth / 2, COALESCE_MAX);

	if (!wanted)
		return 1;
	if ((wanted > c->limit || wanted == COALESCE_MAX) && ++c->good >= c->patience) {
		c->good = 0;
		if (c->limit < COALESCE_MAX)
			c->limit++;
		else if (c->patience > LEAST_PATIENCE)
			c->patience /= 2;
	}
	return least(wanted, c->limit);
}

void coalesce_late(struct coalesce *c, unsigned int waiting)
{
	/* The guest has ended, and nobody was kept waiting. */
	if (!waiting)
		return;
	c->good = 0;
	c->limit = least(c->limit, waiting);
	if (c->patience < MOST_PATIENCE)
		c->patience *= 2;
}
