// SPDX-License-Identifier: GPL-2.0
/*
 * Who pays for a request that a disk has served.
 */
#include <linux/blk-energy.h>
#include <linux/blk-mq.h>
#include <linux/export.h>
#include <linux/irqflags.h>
#include <linux/rcontainer-device.h>

#include "split.h"

static noinline void charge_shares(struct request *rq, const unsigned int *device,
				   const u64 *access_pj, unsigned int nr)
{
	u64 share_pj[RCONTAINER_MAX_DEVICES];
	u64 total = 0, done = 0;
	struct bio *bio;
	unsigned int i;

	__rq_for_each_bio(bio, rq)
		total += bio->bi_iter.bi_size;
	if (!total) {
		rcontainer_charge_costs(blk_energy_rq_owner(rq), device, access_pj, nr);
		return;
	}

	guard(irqsave)();
	rcontainer_costs_returned(device, access_pj, nr);
	__rq_for_each_bio(bio, rq) {
		for (i = 0; i < nr; i++)
			share_pj[i] = blk_energy_share(access_pj[i], done,
						       bio->bi_iter.bi_size, total);
		rcontainer_charge_share(bio->bi_owner, device, share_pj, nr);
		done += bio->bi_iter.bi_size;
	}
}

/**
 * blk_energy_charge() - charge a request's cost to the owners of its bios
 * @rq: the request, not ended yet, not even in part
 * @device: devices that it kept busy, as of rcontainer_register_device()
 * @access_pj: what each returned for it, in picojoules
 * @nr: how many, at most RCONTAINER_MAX_DEVICES
 *
 * Each bio's share is that of its bytes; the sum of the shares is the cost.
 *
 * A driver that calls this sets BLK_FEAT_SPLITS_COST, or its requests have one
 * owner each.
 *
 * Context: any but NMI.
 */
void blk_energy_charge(struct request *rq, const unsigned int *device,
		       const u64 *access_pj, unsigned int nr)
{
	struct bio *bio = rq->bio;

	if (likely(bio == rq->biotail))
		rcontainer_charge_costs(bio ? bio->bi_owner : rq->owner, device,
					access_pj, nr);
	else
		charge_shares(rq, device, access_pj, nr);
}
EXPORT_SYMBOL_GPL(blk_energy_charge);
