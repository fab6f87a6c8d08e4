// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for a request that a disk has served.
 */
#include <linux/blk-energy.h>
#include <linux/blk-mq.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/math64.h>
#include <linux/rcupdate.h>

#include "split.h"

static void charge(struct rcontainer *c, const struct blk_energy_cost *costs,
		   unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		rcontainer_charge_device(c, costs[i].device, costs[i].access_pj);
}

static void charge_shares(struct request *rq, const struct blk_energy_cost *costs,
			  unsigned int nr, u64 total)
{
	u64 done = 0, share_pj;
	struct rcontainer *c;
	struct bio *bio;
	unsigned int i;

	__rq_for_each_bio(bio, rq) {
		c = rcontainer_by_id(bio->bi_owner);
		for (i = 0; i < nr; i++) {
			share_pj = blk_energy_share(costs[i].access_pj, done,
						    bio->bi_iter.bi_size, total);
			rcontainer_charge_device(c, costs[i].device, share_pj);
		}
		done += bio->bi_iter.bi_size;
	}
}

/**
 * blk_energy_charge() - charge a request's cost to the owners of its bios
 * @rq: the request, not ended yet, not even in part
 * @costs: what the device returned for it
 * @nr: number of costs
 *
 * Each bio's share is that of its bytes; the sum of the shares is the cost.
 *
 * A driver that calls this sets BLK_FEAT_SPLITS_COST, or its requests have one
 * owner each.
 *
 * Context: any but NMI.
 */
void blk_energy_charge(struct request *rq, const struct blk_energy_cost *costs,
		       unsigned int nr)
{
	u64 total = 0;
	struct bio *bio;
	unsigned int i;

	guard(rcu)();
	guard(irqsave)();
	for (i = 0; i < nr; i++)
		rcontainer_device_returned(costs[i].device, costs[i].access_pj);
	if (rq->bio != rq->biotail)
		__rq_for_each_bio(bio, rq)
			total += bio->bi_iter.bi_size;
	if (total)
		charge_shares(rq, costs, nr, total);
	else
		charge(rcontainer_by_id(blk_energy_rq_owner(rq)), costs, nr);
}
EXPORT_SYMBOL_GPL(blk_energy_charge);
