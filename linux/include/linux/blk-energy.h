/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who owns a page, a buffer head, a bio, a request: the hooks of the memory
 * manager, file systems and the block layer, and what disk drivers call.
 *
 * Owners are weak references to resource containers (struct rcontainer.id);
 * zero says nobody.  What has to find an owner out is behind a static key that
 * is off until the first container is created; all is an empty stub when
 * configured out.
 * block/energy/owner.c explains the model.
 */
#ifndef _LINUX_BLK_ENERGY_H
#define _LINUX_BLK_ENERGY_H

#include <linux/blk_types.h>
#include <linux/preempt.h>
#include <linux/rcontainer.h>
#include <linux/sched.h>

struct buffer_head;
struct folio;
struct request;

#ifdef CONFIG_BLK_ENERGY

/* bio->bi_owner until submission: whoever owns the pages. */
#define BLK_ENERGY_OF_PAGES	U32_MAX

extern struct page_ext_operations blk_energy_page_ext_ops;

void __blk_energy_folio_dirtied(struct folio *folio);
void __blk_energy_range_dirtied(struct folio *folio, const unsigned long *state,
				size_t offset, size_t len);
void __blk_energy_folio_migrated(struct folio *to, struct folio *from);
void __blk_energy_bh_dirtied(struct buffer_head *bh);
void __blk_energy_bh_copied(struct buffer_head *to, const struct buffer_head *from);
u32 __blk_energy_bh_owner(const struct buffer_head *bh);
void __blk_energy_submit_bio(struct bio *bio);
u32 blk_energy_rq_owner(const struct request *rq);
void blk_energy_flush_of(struct request *flush, const struct request *first);
void blk_energy_charge(struct request *rq, const unsigned int *device,
		       const u64 *access_pj, unsigned int nr);

/* Who pays for what is done now: nobody in an interrupt. */
static inline u32 blk_energy_current(void)
{
	return in_task() ? READ_ONCE(current->rcontainer_id) : 0;
}

static inline void blk_energy_folio_dirtied(struct folio *folio)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		__blk_energy_folio_dirtied(folio);
}

/* Its blocks are about to be set in the second half of the bitmap @state. */
static inline void blk_energy_range_dirtied(struct folio *folio,
					    const unsigned long *state,
					    size_t offset, size_t len)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		__blk_energy_range_dirtied(folio, state, offset, len);
}

static inline void blk_energy_folio_migrated(struct folio *to, struct folio *from)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		__blk_energy_folio_migrated(to, from);
}

static inline void blk_energy_bh_dirtied(struct buffer_head *bh)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		__blk_energy_bh_dirtied(bh);
}

static inline void blk_energy_bh_copied(struct buffer_head *to,
					const struct buffer_head *from)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		__blk_energy_bh_copied(to, from);
}

static inline void blk_energy_bio_init(struct bio *bio)
{
	bio->bi_owner = 0;
	if (static_branch_unlikely(&rcontainer_enabled))
		bio->bi_owner = blk_energy_current();
}

static inline void blk_energy_bio_cloned(struct bio *bio, const struct bio *from)
{
	bio->bi_owner = from->bi_owner;
}

static inline void blk_energy_bio_of_pages(struct bio *bio)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		bio->bi_owner = BLK_ENERGY_OF_PAGES;
}

static inline void blk_energy_bio_of_bh(struct bio *bio, struct buffer_head *bh)
{
	if (static_branch_unlikely(&rcontainer_enabled))
		bio->bi_owner = __blk_energy_bh_owner(bh);
}

/* May @bh go into @bio as far as their owners are concerned? */
static inline bool blk_energy_mergeable_bio_bh(const struct bio *bio,
					       const struct buffer_head *bh)
{
	return !static_branch_unlikely(&rcontainer_enabled) ||
	       bio->bi_owner == __blk_energy_bh_owner(bh);
}

static inline void blk_energy_submit_bio(struct bio *bio)
{
	if (unlikely(bio->bi_owner == BLK_ENERGY_OF_PAGES))
		__blk_energy_submit_bio(bio);
}

/* A kernel thread serves @rq, or what @bio asked for. */
static inline struct rcontainer *blk_energy_serve_rq(const struct request *rq)
{
	return rcontainer_work_begin(blk_energy_rq_owner(rq));
}

static inline struct rcontainer *blk_energy_serve_bio(const struct bio *bio)
{
	return rcontainer_work_begin(bio->bi_owner);
}

static inline void blk_energy_served(struct rcontainer *own)
{
	rcontainer_work_end(own);
}

#else /* !CONFIG_BLK_ENERGY */

static inline void blk_energy_folio_dirtied(struct folio *folio) { }
static inline void blk_energy_range_dirtied(struct folio *folio,
					    const unsigned long *state,
					    size_t offset, size_t len) { }
static inline void blk_energy_folio_migrated(struct folio *to,
					     struct folio *from) { }
static inline void blk_energy_bh_dirtied(struct buffer_head *bh) { }
static inline void blk_energy_bh_copied(struct buffer_head *to,
					const struct buffer_head *from) { }
static inline void blk_energy_bio_init(struct bio *bio) { }
static inline void blk_energy_bio_cloned(struct bio *bio,
					 const struct bio *from) { }
static inline void blk_energy_bio_of_pages(struct bio *bio) { }
static inline void blk_energy_bio_of_bh(struct bio *bio,
					struct buffer_head *bh) { }
static inline bool blk_energy_mergeable_bio_bh(const struct bio *bio,
					       const struct buffer_head *bh)
{
	return true;
}

static inline void blk_energy_submit_bio(struct bio *bio) { }
static inline void blk_energy_flush_of(struct request *flush,
				       const struct request *first) { }
static inline struct rcontainer *blk_energy_serve_rq(const struct request *rq)
{
	return NULL;
}

static inline struct rcontainer *blk_energy_serve_bio(const struct bio *bio)
{
	return NULL;
}

static inline void blk_energy_served(struct rcontainer *own) { }

#endif /* CONFIG_BLK_ENERGY */

#endif /* _LINUX_BLK_ENERGY_H */
