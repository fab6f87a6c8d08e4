// SPDX-License-Identifier: GPL-2.0-or-later
/* Tests of the microarchitecture model, against what was computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "../branch.h"
#include "../insn.h"
#include "../uarch.h"

#define BYTES(n) ((uint32_t)((1U << (n)) - 1))

static struct uarch u;

static int setup(void **state)
{
	memset(&u, 0, sizeof(u));
	return 0;
}

/* Through the fast path if that takes it, as the plugin does. */
static bool load_misses(uint64_t addr, unsigned int size)
{
	uint64_t replays = 0;

	if (uarch_easy(&u, addr, BYTES(size), false))
		return false;
	return uarch_load(&u, addr, BYTES(size), &replays);
}

static bool load_replays(uint64_t addr, unsigned int size)
{
	uint64_t replays = 0;

	if (!uarch_easy(&u, addr, BYTES(size), false))
		uarch_load(&u, addr, BYTES(size), &replays);
	return replays;
}

static void store(uint64_t addr, unsigned int size)
{
	if (!uarch_easy(&u, addr, BYTES(size), true))
		uarch_store(&u, addr, BYTES(size));
}

static bool mispredicts(const struct branch *b, uint64_t pc)
{
	return b->kind & BRANCH_COND ? uarch_cond_mispredicts(&u, b, pc) :
				       uarch_other_mispredicts(&u, b, pc);
}

static size_t bytes_of(uint8_t *insn, const char *hex)
{
	size_t n = 0;
	char *end;

	for (; *hex; hex = end)
		insn[n++] = strtoul(hex, &end, 16);
	return n;
}

static struct branch decode(uint64_t pc, const char *hex)
{
	uint8_t insn[15];
	struct branch b;
	size_t n = bytes_of(insn, hex);

	branch_decode(&b, pc, insn, n);
	return b;
}

static void test_decode_kinds(void **state)
{
	static const struct {
		const char *insn;
		unsigned int kind;
	} t[] = {
		{ "90", BRANCH_NONE },
		{ "40", BRANCH_NONE },			/* inc %eax */
		{ "66 40", BRANCH_NONE },
		{ "0f af c3", BRANCH_NONE },
		{ "ff c0", BRANCH_NONE },		/* inc */
		{ "ff 30", BRANCH_NONE },		/* push */
		{ "f4", BRANCH_NONE },
		{ "f3 a4", BRANCH_NONE },
		{ "48 e8 00 00 00 00", BRANCH | BRANCH_CALL },
		{ "e8 00 00 00 00", BRANCH | BRANCH_CALL },
		{ "eb 00", BRANCH },
		{ "e9 00 00", BRANCH },
		{ "cf", BRANCH }, { "48 cf", BRANCH },
		{ "cd 80", BRANCH }, { "0f 05", BRANCH },
		{ "48 0f 07", BRANCH }, { "0f 34", BRANCH },
		{ "ff e0", BRANCH | BRANCH_INDIRECT },
		{ "41 ff e3", BRANCH | BRANCH_INDIRECT },
		{ "3e ff 24 c5 00 00 00 00", BRANCH | BRANCH_INDIRECT },
		{ "ff d0", BRANCH | BRANCH_INDIRECT | BRANCH_CALL },
		{ "ff 1c 24", BRANCH }, { "ff 2c 24", BRANCH },
		{ "c3", BRANCH | BRANCH_RET },
		{ "f3 c3", BRANCH | BRANCH_RET },
		{ "c2 08 00", BRANCH | BRANCH_RET },
		{ "cb", BRANCH },
		{ "74 00", BRANCH | BRANCH_COND },
		{ "e2 fe", BRANCH | BRANCH_COND },
		{ "67 e3 00", BRANCH | BRANCH_COND },
		{ "0f 84 00 00 00 00", BRANCH | BRANCH_COND },
	};
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++)
		assert_int_equal(decode(0x1000, t[i].insn).kind, t[i].kind);
}

static void test_string_accesses(void **state)
{
	static const struct {
		const char *insn;
		unsigned int accesses;
	} t[] = {
		{ "f3 aa", 1 }, { "f3 48 ab", 1 }, { "f3 a4", 2 },
		{ "f2 66 a7", 2 }, { "f3 6c", 1 }, { "67 f3 48 a5", 2 },
		{ "a4", 0 }, { "48 ab", 0 }, { "f3 c3", 0 }, { "f3 90", 0 },
		{ "f3 0f ae f0", 0 }, { "f3", 0 },
	};
	uint8_t insn[15];
	size_t i, n;

	for (i = 0; i < sizeof(t) / sizeof(*t); i++) {
		n = bytes_of(insn, t[i].insn);
		assert_int_equal(insn_string_accesses(insn, n), t[i].accesses);
	}
}

static void test_may_access(void **state)
{
	static const char *const never[] = {
		"90", "66 90", "0f 1f 44 00 00", "89 c3", "48 89 c3", "48 8d 44 24 08",
		"31 c0", "05 01 00 00 00", "3c 01", "83 c0 01", "48 81 e4 f0 ff ff ff",
		"74 10", "0f 84 00 00 00 00", "eb fe", "b8 01 00 00 00", "c1 e0 04",
		"f7 f1", "85 c0", "0f b6 c0", "0f af c3", "0f 94 c0", "48 63 c8", "d1 e0",
	};
	static const char *const may[] = {
		"", "55", "c3", "e8 00 00 00 00", "89 03", "8b 44 24 08", "48 8b 04 25 00 00 00 00",
		"01 03", "83 00 01", "f0 ff 00", "ff d0", "ff e0", "0f b6 00", "0f 01 d0",
		"c6 00 01", "a1 00 00 00 00", "a5", "6c", "06", "0f a0", "9c", "c9", "8e d8",
		"f6 00 01", "d9 00", "0f ae 00", "c5 f8 28 00", "1e", "1e 00",
	};
	uint8_t insn[15];
	size_t i, n;

	for (i = 0; i < sizeof(never) / sizeof(*never); i++) {
		n = bytes_of(insn, never[i]);
		assert_false(insn_may_access(insn, n));
	}
	for (i = 0; i < sizeof(may) / sizeof(*may); i++) {
		n = bytes_of(insn, may[i]);
		assert_true(insn_may_access(insn, n));
	}
}

static void test_decode_targets(void **state)
{
	struct branch b = decode(0x1000, "75 fe");

	assert_int_equal(b.next, 0x1002);
	assert_int_equal(b.target, 0x1000);
	b = decode(0xffffffff81000000, "0f 85 00 00 00 80");
	assert_int_equal(b.next, 0xffffffff81000006);
	assert_int_equal(b.target, 0xffffffff01000006);
	b = decode(0x7c00, "0f 85 fc 7f");
	assert_int_equal(b.target, 0x7c04 + 0x7ffc);
	b = decode(0x7c00, "66 0f 85 00 00 01 00");
	assert_int_equal(b.target, 0x7c07 + 0x10000);
}

static void test_conditional(void **state)
{
	struct branch b = decode(0x1000, "75 80");
	int i;

	/* Not taken, says each counter at first: 0000, 0001, 0011, 0111, and 1111 twice. */
	assert_false(mispredicts(&b, b.next));
	for (i = 0; i < 6; i++)
		assert_true(mispredicts(&b, b.target));
	for (i = 0; i < 5; i++)
		assert_false(mispredicts(&b, b.target));
	/* 3, saturated: one exception does not change its mind.  What follows is new. */
	assert_true(mispredicts(&b, b.next));
	for (i = 0; i < 4; i++)
		assert_true(mispredicts(&b, b.target));
	assert_false(mispredicts(&b, b.target));
	/* Two do; from 3 again, and now that what follows is not all new. */
	assert_true(mispredicts(&b, b.next));
	for (i = 0; i < 4; i++)
		mispredicts(&b, b.target);
	assert_true(mispredicts(&b, b.next));
	for (i = 0; i < 4; i++)
		mispredicts(&b, b.target);
	assert_false(mispredicts(&b, b.next));
	/* An interrupt came in between: nothing is learned. */
	memset(&u, 0, sizeof(u));
	assert_false(mispredicts(&b, 0x5123));
	assert_int_equal(u.cond[b.index], 0);
	/* The same code at another address. */
	assert_true(mispredicts(&b, b.target + 0x7000));
}

/* What comes again after at most four others is foreseen. */
static void test_pattern(void **state)
{
	static const char pattern[] = "TNTTN";
	struct branch b = decode(0x1000, "75 80");
	int i, wrong = 0;

	for (i = 0; i < 500; i++)
		wrong += mispredicts(&b, pattern[i % 5] == 'T' ? b.target : b.next);
	/* T after 0000 and 0010 once, and twice after 0101, 0110 and 1010. */
	assert_int_equal(wrong, 8);
	/* Nor does an interrupt take it out of step. */
	assert_false(mispredicts(&b, 0x5123));
	assert_false(mispredicts(&b, b.target));
	assert_false(mispredicts(&b, b.next));
}

static void test_aliasing(void **state)
{
	struct branch a = decode(0x1000, "75 80");
	struct branch b = decode(0x1000 ^ 0x3002, "75 80");
	struct branch c = decode(0x1001, "75 80");
	int i;

	/* 0x1000 ^ 1 = 0x1001; 0x2002 ^ 2 = 0x2000; 0x1001 ^ 1 = 0x1000. */
	assert_int_equal(a.index, 1);
	assert_int_equal(b.index, 0);
	assert_int_equal(c.index, 0);
	for (i = 0; i < 6; i++)
		mispredicts(&b, b.target);
	assert_false(mispredicts(&c, c.target));
	assert_true(mispredicts(&a, a.target));
}

static void test_indirect(void **state)
{
	struct branch b = decode(0x1000, "ff e0");

	assert_true(mispredicts(&b, 0x2000));
	assert_false(mispredicts(&b, 0x2000));
	assert_true(mispredicts(&b, 0x3000));
	assert_true(mispredicts(&b, 0x2000));
}

static void test_returns(void **state)
{
	struct branch call = decode(0x1000, "e8 00 00 00 00");
	struct branch ret = decode(0x2000, "c3");
	int i;

	assert_true(mispredicts(&ret, 0x1005));
	assert_false(mispredicts(&call, 0x2000));
	assert_false(mispredicts(&ret, 0x1005));
	assert_false(mispredicts(&call, 0x2000));
	assert_true(mispredicts(&ret, 0x1006));
	for (i = 0; i < 18; i++) {
		call.next = 0x1000 + i;
		assert_false(mispredicts(&call, 0x2000));
	}
	for (i = 17; i >= 0; i--)
		assert_int_equal(mispredicts(&ret, 0x1000 + i), i < 2);
}

static void test_cache_lru(void **state)
{
	int i;

	/* One set: lines 2 KiB apart.  Four ways hold four. */
	for (i = 0; i < 4; i++)
		assert_true(load_misses(i * 2048, 4));
	for (i = 0; i < 4; i++)
		assert_false(load_misses(i * 2048 + 60, 4));
	assert_false(load_misses(0, 1));
	/* The least recently used is 1 now. */
	assert_true(load_misses(4 * 2048, 4));
	assert_false(load_misses(0, 4));
	assert_false(load_misses(2 * 2048, 4));
	assert_false(load_misses(3 * 2048, 4));
	assert_true(load_misses(1 * 2048, 4));
	/* Which evicted 4. */
	assert_true(load_misses(4 * 2048, 4));
	assert_true(load_misses(64, 4));
}

static void test_cache_stores_and_splits(void **state)
{
	store(0x1000, 4);
	assert_false(load_misses(0x1020, 4));
	assert_true(load_misses(0x103e, 4));
	assert_false(load_misses(0x1040, 4));
	store(0x20fc, 8);
	assert_false(load_misses(0x20c0, 4));
	assert_false(load_misses(0x2100, 4));
}

static void test_cache_slots(void **state)
{
	const uint64_t user = 0x7fff12345640, kernel = 0xffff888012345640;

	assert_true(load_misses(uarch_addr(0, user), 8));
	assert_true(load_misses(uarch_addr(MACHINE_MAX_VMS - 1, user), 8));
	assert_true(load_misses(uarch_addr(MACHINE_MAX_VMS - 1, kernel), 8));
	assert_true(load_misses(uarch_addr(0, kernel), 8));
	assert_false(load_misses(uarch_addr(0, user), 8));
	assert_false(load_misses(uarch_addr(MACHINE_MAX_VMS - 1, user), 8));
}

static void test_forwarding(void **state)
{
	store(0x1000, 4);
	assert_false(load_replays(0x1000, 4));
	assert_false(load_replays(0x1001, 2));
	assert_false(load_replays(0x1004, 4));
	assert_true(load_replays(0x1000, 8));
	assert_true(load_replays(0x1003, 2));
	/* The last store counts, not the sum of them. */
	store(0x1004, 4);
	assert_true(load_replays(0x1000, 8));
	assert_false(load_replays(0x1004, 4));
	/* Known limit: the older one of the same eight bytes is forgotten. */
	store(0x2000, 1);
	store(0x2007, 1);
	assert_false(load_replays(0x2000, 4));
}

static void test_forwarding_ages(void **state)
{
	int i;

	store(0x1000, 1);
	for (i = 1; i < UARCH_STORE_BUFFER; i++) {
		assert_true(load_replays(0x1000, 4));
		store(0x2008, 4);
	}
	assert_true(load_replays(0x1000, 4));
	store(0x2008, 4);
	assert_false(load_replays(0x1000, 4));
	/* Known limit: 512 bytes apart, they share an entry. */
	store(0x1000, 1);
	store(0x1200, 1);
	assert_false(load_replays(0x1000, 4));
}

static void test_forwarding_splits(void **state)
{
	store(0x1006, 4);
	assert_false(load_replays(0x1006, 4));
	assert_false(load_replays(0x1007, 2));
	assert_true(load_replays(0x1005, 4));
	assert_true(load_replays(0x1004, 8));
	assert_false(load_replays(0x1006, 2));
	/* Each half within a store, but not in the same. */
	store(0x1008, 8);
	assert_true(load_replays(0x1006, 4));
	/* Half of it was never stored. */
	assert_true(load_replays(0x100e, 4));
	assert_false(load_replays(0x1014, 8));
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_decode_kinds),
		TEST(test_string_accesses),
		TEST(test_may_access),
		TEST(test_decode_targets),
		TEST(test_conditional),
		TEST(test_pattern),
		TEST(test_aliasing),
		TEST(test_indirect),
		TEST(test_returns),
		TEST(test_cache_lru),
		TEST(test_cache_stores_and_splits),
		TEST(test_cache_slots),
		TEST(test_forwarding),
		TEST(test_forwarding_ages),
		TEST(test_forwarding_splits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
