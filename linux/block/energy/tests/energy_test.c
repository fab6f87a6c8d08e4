// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of owners and of the split of a request's cost among its bios.
 */
#include <kunit/test.h>
#include <linux/bio.h>
#include <linux/blk-energy.h>
#include <linux/blk-mq.h>
#include <linux/buffer_head.h>
#include <linux/mm.h>

#include "../merge.h"
#include "../split.h"

struct split_case {
	const char	*name;
	u64		cost_pj;
	unsigned int	nr;
	u64		bytes[4];
	u64		expected[4];
};

static const struct split_case split_cases[] = {
	{
		.name = "halves",
		.cost_pj = 1000,
		.nr = 2, .bytes = { 4096, 4096 },
		.expected = { 500, 500 },
	}, {
		.name = "the rest of one is the next one's",
		.cost_pj = 10,
		.nr = 3, .bytes = { 512, 512, 512 },
		.expected = { 3, 3, 4 },
	}, {
		.name = "an empty part pays nothing",
		.cost_pj = 999,
		.nr = 3, .bytes = { 512, 0, 1024 },
		.expected = { 333, 0, 666 },
	}, {
		.name = "less than a picojoule each",
		.cost_pj = 1,
		.nr = 4, .bytes = { 512, 512, 512, 512 },
		.expected = { 0, 0, 0, 1 },
	}, {
		.name = "products beyond 64 bits",
		.cost_pj = U64_MAX,
		.nr = 2, .bytes = { 1ULL << 31, 1ULL << 31 },
		.expected = { U64_MAX / 2, U64_MAX / 2 + 1 },
	},
};

KUNIT_ARRAY_PARAM_DESC(split, split_cases, name);

static void test_split(struct kunit *test)
{
	const struct split_case *p = test->param_value;
	u64 total = 0, done = 0, sum = 0, share;
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		total += p->bytes[i];
	for (i = 0; i < p->nr; i++) {
		share = blk_energy_share(p->cost_pj, done, p->bytes[i], total);
		KUNIT_EXPECT_EQ(test, share, p->expected[i]);
		sum += share;
		done += p->bytes[i];
	}
	KUNIT_EXPECT_EQ(test, sum, p->cost_pj);
}

/* A buffer's own owner comes first; its page's only while in a file. */
static void test_bh_owner(struct kunit *test)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);
	struct buffer_head bh = { .b_folio = folio, .b_owner = 77 };

	KUNIT_ASSERT_NOT_NULL(test, folio);
	KUNIT_EXPECT_EQ(test, __blk_energy_bh_owner(&bh), 77);
	/* A kernel thread dirties in nobody's name. */
	__blk_energy_bh_dirtied(&bh);
	KUNIT_EXPECT_EQ(test, __blk_energy_bh_owner(&bh), 77);
	bh.b_owner = 0;
	KUNIT_EXPECT_EQ(test, __blk_energy_bh_owner(&bh), 0);
	folio_put(folio);
}

static u32 page_owner(struct folio *folio)
{
	struct buffer_head bh = { .b_folio = folio };

	return __blk_energy_bh_owner(&bh);
}

static struct folio *folio_at(struct kunit *test, struct address_space *mapping,
			      pgoff_t index)
{
	struct folio *folio = folio_alloc(GFP_KERNEL, 0);

	KUNIT_ASSERT_NOT_NULL(test, folio);
	folio->mapping = mapping;
	folio->index = index;
	return folio;
}

static void folio_gone(struct folio *folio)
{
	folio->mapping = NULL;
	folio_put(folio);
}

/* A frame's owner is forgotten when it is in another place, and moves along. */
static void test_page_owner(struct kunit *test)
{
	struct address_space *mapping = kunit_kcalloc(test, 2, sizeof(*mapping), GFP_KERNEL);
	struct folio *folio, *other;

	KUNIT_ASSERT_NOT_NULL(test, mapping);
	folio = folio_at(test, mapping, 3);
	other = folio_at(test, mapping, 4);
	KUNIT_EXPECT_EQ(test, page_owner(folio), 0);
	current->rcontainer_id = 77;
	__blk_energy_folio_dirtied(folio);
	current->rcontainer_id = 0;
	KUNIT_EXPECT_EQ(test, page_owner(folio), 77);
	/* A kernel thread dirties in nobody's name. */
	__blk_energy_folio_dirtied(folio);
	KUNIT_EXPECT_EQ(test, page_owner(folio), 77);

	folio->index = 4;
	KUNIT_EXPECT_EQ(test, page_owner(folio), 0);
	folio->index = 3;
	folio->mapping = mapping + 1;
	KUNIT_EXPECT_EQ(test, page_owner(folio), 0);
	folio->mapping = mapping;
	KUNIT_EXPECT_EQ(test, page_owner(folio), 77);

	other->index = 3;
	__blk_energy_folio_migrated(other, folio);
	KUNIT_EXPECT_EQ(test, page_owner(other), 77);
	folio_gone(other);
	folio_gone(folio);
}

static void test_bio_owner(struct kunit *test)
{
	struct bio bio, clone;

	bio_init(&bio, NULL, NULL, 0, REQ_OP_WRITE);
	KUNIT_EXPECT_EQ(test, bio.bi_owner, 0);
	bio.bi_owner = 42;
	KUNIT_EXPECT_EQ(test, bio_init_clone(NULL, &clone, &bio, GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, clone.bi_owner, 42);
	bio_uninit(&clone);
	bio_reset(&bio, NULL, REQ_OP_READ);
	KUNIT_EXPECT_EQ(test, bio.bi_owner, 0);
	bio_uninit(&bio);
}

/* Several owners in a request only where its cost is split. */
static void test_mergeable(struct kunit *test)
{
	struct request_queue *q = kunit_kzalloc(test, sizeof(*q), GFP_KERNEL);
	struct bio a = { .bi_owner = 1 }, b = { .bi_owner = 2 };
	struct request *rq = kunit_kzalloc(test, sizeof(*rq), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, q);
	KUNIT_ASSERT_NOT_NULL(test, rq);
	rq->q = q;
	rq->bio = &a;
	rq->biotail = &a;
	KUNIT_EXPECT_TRUE(test, blk_energy_mergeable(rq, &a));
	KUNIT_EXPECT_FALSE(test, blk_energy_mergeable(rq, &b));
	q->limits.features = BLK_FEAT_SPLITS_COST;
	KUNIT_EXPECT_TRUE(test, blk_energy_mergeable(rq, &b));
}

static void test_flush_owner(struct kunit *test)
{
	struct request *first = kunit_kzalloc(test, sizeof(*first), GFP_KERNEL);
	struct request *flush = kunit_kzalloc(test, sizeof(*flush), GFP_KERNEL);
	struct bio bio = { .bi_owner = 7 };

	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_NOT_NULL(test, flush);
	blk_energy_flush_of(flush, first);
	KUNIT_EXPECT_EQ(test, blk_energy_rq_owner(flush), 0);
	/* Its data is written already: only the tail is left. */
	first->biotail = &bio;
	blk_energy_flush_of(flush, first);
	KUNIT_EXPECT_EQ(test, blk_energy_rq_owner(flush), 7);
}

static struct kunit_case energy_test_cases[] = {
	KUNIT_CASE_PARAM(test_split, split_gen_params),
	KUNIT_CASE(test_bh_owner),
	KUNIT_CASE(test_page_owner),
	KUNIT_CASE(test_bio_owner),
	KUNIT_CASE(test_mergeable),
	KUNIT_CASE(test_flush_owner),
	{ }
};

static struct kunit_suite energy_test_suite = {
	.name		= "blk-energy",
	.test_cases	= energy_test_cases,
};

kunit_test_suite(energy_test_suite);
