// SPDX-License-Identifier: GPL-2.0
/*
 * Who owns a byte on its way to a disk.
 *
 * Model
 * -----
 *
 * A disk's energy belongs to the container that the disk works for.  Tasks submit
 * reads and direct writes themselves.  Other writes they do not: a page is dirtied
 * now and written later by a kernel thread, or by a task that happens to wait for
 * the file, together with pages of others.  So a page remembers the container that
 * dirtied it, and the bio that writes the page asks for it.  Lang, Energy Accounting
 * for Virtual Machines (Karlsruhe 2006), 4.4.2, tracks requests in this way.
 *
 *	buffer head	b_owner; set when a clean buffer is dirtied, so that
 *			blocks that share a page have an owner each
 *	page		page_ext; set when a clean page is dirtied that has no
 *			buffers, or is dirtied as a whole
 *	bio		bi_owner; the submitter's container, unless it writes
 *			back pages or a buffer head
 *	request		its bios; a flush, which has none, has the owner of the
 *			first request that waits for it
 *
 * Who dirties what is dirty already changes nothing: the write was due.  Kernel
 * threads that work for nobody else own nothing and change no owner, so that
 * writeback, journals and reclaim can move dirt around; what nobody owns is the
 * root's.  Owners are weak references: a page may stay dirty for longer than
 * its owner lives, and is then paid for by the owner's parent.
 *
 * What page_ext says of a page frame counts only as long as the frame is the
 * same page of the same file as then.  So nothing is to be done where frames
 * come into the page cache or leave it.
 *
 * A bio has one owner
 * -------------------
 *
 * ext4, whose blocks may be smaller than pages, ends a bio where the owner of
 * the next buffer head differs.  Others fill bios from pages without asking;
 * such a bio is marked BLK_ENERGY_OF_PAGES by wbc_init_bio() and is cut at
 * changes of owner when it is submitted, since later the pages may be dirtied by
 * others.  Cloning, splitting and remapping keep the owner.
 *
 * Requests take bios of several owners only for a driver that splits a
 * request's cost among them, see charge.c; otherwise the request could not be
 * served in anybody's name.
 *
 * Locking
 * -------
 *
 * None: an owner is a number.  Page owners are written with the page locked or
 * newly dirty and read under writeback.  Where pages need not be stable then,
 * one of several folios of a bio may be dirtied anew before the bio is submitted:
 * its first write is the second owner's, too.
 */
#include <linux/bio.h>
#include <linux/blk-energy.h>
#include <linux/blk-mq.h>
#include <linux/blkdev.h>
#include <linux/buffer_head.h>
#include <linux/export.h>
#include <linux/fscrypt.h>
#include <linux/hash.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/page_ext.h>

static struct bio_set blk_energy_bios;

static bool __init blk_energy_needs_page_ext(void)
{
	return true;
}

/**
 * struct blk_energy_page - who owns a page
 * @owner: weak reference, 0 for nobody
 * @place: which page of which file that is said of, as a hash
 */
struct blk_energy_page {
	u32	owner;
	u32	place;
};

struct page_ext_operations blk_energy_page_ext_ops = {
	.size = sizeof(struct blk_energy_page),
	.need = blk_energy_needs_page_ext,
};

/* A wrong owner takes two places of the same hash and a frame that was in both. */
static u32 page_place(struct page *page)
{
	struct folio *folio = page_folio(page);

	return hash_ptr(folio->mapping, 32) + folio->index + folio_page_idx(folio, page);
}

static void set_page_owner_id(struct page *page, u32 owner)
{
	struct page_ext *ext = page_ext_get(page);
	struct blk_energy_page *p;

	if (!ext)
		return;
	p = page_ext_data(ext, &blk_energy_page_ext_ops);
	WRITE_ONCE(p->owner, owner);
	/* Pairs with the acquire in page_owner_id(): the owner before the place. */
	smp_store_release(&p->place, page_place(page));
	page_ext_put(ext);
}

static u32 page_owner_id(struct page *page)
{
	struct page_ext *ext = page_ext_get(page);
	const struct blk_energy_page *p;
	u32 owner = 0;

	if (!ext)
		return 0;
	p = page_ext_data(ext, &blk_energy_page_ext_ops);
	/* Pairs with the release in set_page_owner_id(). */
	if (smp_load_acquire(&p->place) == page_place(page))
		owner = READ_ONCE(p->owner);
	page_ext_put(ext);
	return owner;
}

static void set_folio_owner_id(struct folio *folio, u32 owner)
{
	long i, nr = folio_nr_pages(folio);

	for (i = 0; i < nr; i++)
		set_page_owner_id(folio_page(folio, i), owner);
}

/**
 * __blk_energy_folio_dirtied() - a clean folio was dirtied by current
 * @folio: the folio, of a file that is written back
 *
 * Context: any.
 */
void __blk_energy_folio_dirtied(struct folio *folio)
{
	u32 owner = blk_energy_current();

	if (owner)
		set_folio_owner_id(folio, owner);
}

/**
 * __blk_energy_range_dirtied() - current dirties a part of a folio
 * @folio: the folio
 * @state: bitmap, its second half says which blocks are dirty already; NULL if
 *	   the folio is or will be dirty as a whole
 * @offset: where the part begins, in bytes
 * @len: how long it is
 *
 * A page gets an owner with its first dirty block.  Blocks can be larger than
 * pages.
 *
 * Context: any; others may dirty blocks of the folio meanwhile.
 */
void __blk_energy_range_dirtied(struct folio *folio, const unsigned long *state,
				size_t offset, size_t len)
{
	unsigned int bits, nr_blocks;
	unsigned long page, end;
	u32 owner = blk_energy_current();

	if (!owner || !state || !len)
		return;
	bits = folio->mapping->host->i_blkbits;
	nr_blocks = folio_size(folio) >> bits;
	end = round_up(offset + len, 1UL << bits);
	for (page = round_down(offset, 1UL << bits) >> PAGE_SHIFT;
	     page << PAGE_SHIFT < end; page++) {
		unsigned long first = nr_blocks + (page << PAGE_SHIFT >> bits);
		unsigned long last = nr_blocks + ((((page + 1) << PAGE_SHIFT) - 1) >> bits);

		if (find_next_bit(state, last + 1, first) > last)
			set_page_owner_id(folio_page(folio, page), owner);
	}
}
EXPORT_SYMBOL_GPL(__blk_energy_range_dirtied);

/**
 * __blk_energy_folio_migrated() - a folio's contents moved
 * @to: where to
 * @from: where from, of the same size
 *
 * Context: process context, both locked.
 */
void __blk_energy_folio_migrated(struct folio *to, struct folio *from)
{
	long i, nr = folio_nr_pages(from);

	for (i = 0; i < nr; i++)
		set_page_owner_id(folio_page(to, i),
				  page_owner_id(folio_page(from, i)));
}

/**
 * __blk_energy_bh_dirtied() - current is about to dirty a buffer
 * @bh: the buffer head; if it is dirty already nothing changes
 *
 * Context: any.
 */
void __blk_energy_bh_dirtied(struct buffer_head *bh)
{
	u32 owner = blk_energy_current();

	if (!owner || buffer_dirty(bh))
		return;
	WRITE_ONCE(bh->b_owner, owner);
	/*
	 * The owner before the dirty bit, which set_buffer_dirty() does not order.
	 * Pairs with test_clear_buffer_dirty() or folio_start_writeback() of the
	 * thread that writes the buffer.
	 */
	smp_wmb();
}
EXPORT_SYMBOL_GPL(__blk_energy_bh_dirtied);

/**
 * __blk_energy_bh_copied() - a buffer will be written to another place, too
 * @to: the copy, as in a journal
 * @from: the original
 *
 * Context: any.
 */
void __blk_energy_bh_copied(struct buffer_head *to, const struct buffer_head *from)
{
	WRITE_ONCE(to->b_owner, __blk_energy_bh_owner(from));
}
EXPORT_SYMBOL_GPL(__blk_energy_bh_copied);

/**
 * __blk_energy_bh_owner() - who pays for writing a buffer
 * @bh: the buffer head
 *
 * Context: any.
 * Return: its owner; if it has none, its page's; if that has none, current.
 */
u32 __blk_energy_bh_owner(const struct buffer_head *bh)
{
	u32 owner = READ_ONCE(bh->b_owner);

	if (!owner && folio_mapping(bh->b_folio))
		owner = page_owner_id(folio_page(bh->b_folio,
						 bh_offset(bh) >> PAGE_SHIFT));
	return owner ?: blk_energy_current();
}
EXPORT_SYMBOL_GPL(__blk_energy_bh_owner);

/*
 * The buffer that a segment begins with, in files whose pages have buffers.
 * They stay with the page while it is locked or under writeback.
 */
static const struct buffer_head *segment_bh(const struct bio_vec *bv,
					    struct folio *folio,
					    const struct address_space *mapping)
{
	size_t offset = folio_page_idx(folio, bv->bv_page) * PAGE_SIZE + bv->bv_offset;
	const struct buffer_head *bh;

	if (!IS_ENABLED(CONFIG_BUFFER_HEAD) ||
	    mapping->a_ops->dirty_folio != block_dirty_folio)
		return NULL;
	bh = folio_buffers(folio);
	while (bh && bh_offset(bh) + bh->b_size <= offset)
		bh = bh->b_this_page;
	return bh;
}

/* Pages that are in no file have no owner. */
static u32 segment_owner(const struct bio_vec *bv)
{
	struct folio *folio = page_folio(bv->bv_page);
	const struct address_space *mapping;
	const struct buffer_head *bh;
	u32 owner = 0;

	if (fscrypt_is_bounce_folio(folio))
		return page_owner_id(folio_page(fscrypt_pagecache_folio(folio), 0));
	mapping = folio_mapping(folio);
	if (!mapping)
		return 0;
	bh = segment_bh(bv, folio, mapping);
	if (bh)
		owner = READ_ONCE(bh->b_owner);
	return owner ?: page_owner_id(bv->bv_page);
}

/* How many bytes from the beginning belong to one owner? */
static unsigned int first_owner(const struct bio *bio, u32 *owner)
{
	struct bvec_iter iter;
	unsigned int len = 0;
	struct bio_vec bv;

	*owner = 0;
	bio_for_each_segment(bv, bio, iter) {
		u32 next = segment_owner(&bv);

		if (!len)
			*owner = next;
		else if (next != *owner)
			break;
		len += bv.bv_len;
	}
	return len;
}

/**
 * __blk_energy_submit_bio() - give each owner of a bio's pages a bio
 * @bio: a bio that writes pages back; left over is the last part
 *
 * The parts before it are submitted.  Where a bio must not be cut the first
 * page decides.
 *
 * Context: submit_bio(), process context, may sleep.
 */
void __blk_energy_submit_bio(struct bio *bio)
{
	struct bio *part;
	unsigned int len;
	u32 owner;

	for (;;) {
		len = first_owner(bio, &owner);
		if (len >= bio->bi_iter.bi_size || bio_op(bio) != REQ_OP_WRITE ||
		    bio->bi_opf & (REQ_ATOMIC | REQ_NOWAIT))
			break;
		part = bio_split(bio, len >> SECTOR_SHIFT, GFP_NOIO,
				 &blk_energy_bios);
		if (IS_ERR_OR_NULL(part))
			break;
		part->bi_owner = owner;
		bio_chain(part, bio);
		submit_bio_noacct(part);
	}
	bio->bi_owner = owner;
}

/**
 * blk_energy_rq_owner() - whom a request is served for
 * @rq: a request of one owner
 *
 * Context: any.
 * Return: the owner's id, 0 for nobody.
 */
u32 blk_energy_rq_owner(const struct request *rq)
{
	return rq->bio ? rq->bio->bi_owner : rq->owner;
}
EXPORT_SYMBOL_GPL(blk_energy_rq_owner);

/**
 * blk_energy_flush_of() - who pays for a flush
 * @flush: the flush request, which has no bio
 * @first: the first of the requests that wait for it
 *
 * Context: any.
 */
void blk_energy_flush_of(struct request *flush, const struct request *first)
{
	flush->owner = first->biotail ? first->biotail->bi_owner : 0;
}

static int __init blk_energy_init(void)
{
	return bioset_init(&blk_energy_bios, BIO_POOL_SIZE, 0, BIOSET_NEED_BVECS);
}
subsys_initcall(blk_energy_init);
