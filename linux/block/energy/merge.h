/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BLK_ENERGY_MERGE_H
#define _BLK_ENERGY_MERGE_H

#include <linux/blk-mq.h>
#include <linux/blkdev.h>

/*
 * May @bio go into @rq as far as their owners are concerned?  Bios of several
 * owners only if the driver splits the cost, see blk_energy_charge().
 */
static inline bool blk_energy_mergeable(const struct request *rq,
					const struct bio *bio)
{
#ifdef CONFIG_BLK_ENERGY
	return !rq->bio || rq->bio->bi_owner == bio->bi_owner ||
	       rq->q->limits.features & BLK_FEAT_SPLITS_COST;
#else
	return true;
#endif
}

#endif /* _BLK_ENERGY_MERGE_H */
