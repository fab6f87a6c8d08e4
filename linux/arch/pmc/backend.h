/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the back ends share: who may serve, and the step from a reading to the
 * counts.
 */
#ifndef _PMC_BACKEND_H
#define _PMC_BACKEND_H

#include <linux/compiler.h>
#include <linux/types.h>

/* The values of the boot parameter pmc=. */
enum pmc_choice {
	PMC_AUTO,
	PMC_NONE,
	PMC_PVPAGE,
	PMC_RDPMC,
	PMC_PERF,
};

int pmc_choice_parse(const char *name);
bool pmc_choice_allows(enum pmc_choice choice, enum pmc_choice backend);
bool pmc_allowed(enum pmc_choice backend);

struct pmc_backend;

const struct pmc_backend *pmc_first_started(const struct pmc_backend *backend);

/**
 * pmc_advance() - charge what one cumulative counter advanced
 * @now: its reading
 * @last: previous reading
 * @sum: where to add the difference
 *
 * A reading below the previous one changes nothing, and what follows counts
 * from where the counter has caught up.
 *
 * Context: as struct pmc_ops.charge.
 */
static __always_inline void pmc_advance(u64 now, u64 *last, u64 *sum)
{
	if (unlikely((s64)(now - *last) < 0))
		return;
	WRITE_ONCE(*sum, *sum + (now - *last));
	*last = now;
}

#endif /* _PMC_BACKEND_H */
