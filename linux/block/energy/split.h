/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _BLK_ENERGY_SPLIT_H
#define _BLK_ENERGY_SPLIT_H

#include <linux/math64.h>

/**
 * blk_energy_share() - the part of a cost that falls to some of the bytes
 * @cost_pj: the cost of all of them
 * @done: bytes whose share was told before
 * @bytes: how many are next
 * @total: number of all bytes, at least one
 *
 * With the bytes told one after the other, the shares add up to @cost_pj: each
 * is the difference of two points on the way, so that what one rounds off falls
 * to the next.
 *
 * Return: picojoules.
 */
static inline u64 blk_energy_share(u64 cost_pj, u64 done, u64 bytes, u64 total)
{
	return mul_u64_u64_div_u64(cost_pj, done + bytes, total) -
	       mul_u64_u64_div_u64(cost_pj, done, total);
}

#endif /* _BLK_ENERGY_SPLIT_H */
