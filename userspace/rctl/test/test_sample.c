// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of what rctl's top, stat, bind, info and model gather: differences
 * of samples, order, sets of tasks, columns.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../columns.h"
#include "../info.h"
#include "../sample.h"
#include "../tasks.h"

#define SECOND	1000000000ULL

static struct rcfs_buf text_buf(const char *text)
{
	struct rcfs_buf buf = { .data = strdup(text), .len = strlen(text) };

	assert_non_null(buf.data);
	return buf;
}

static void set_energy(struct rcfs_energy *energy, const char *text)
{
	struct rcfs_buf buf = text_buf(text);

	assert_int_equal(rcfs_parse_energy(&buf, energy), 0);
	rcfs_buf_free(&buf);
}

/* A container of a sample, with its energy files. */
static struct rcfs_node *node(struct rcfs_node *parent, const char *name,
			      uint64_t ino, uint64_t time_ns,
			      const char *energy, const char *local)
{
	struct rcfs_node *n = calloc(1, sizeof(*n));

	assert_non_null(n);
	n->name = strdup(name);
	n->ino = ino;
	n->time_ns = time_ns;
	n->parent = parent;
	if (energy) {
		set_energy(&n->energy, energy);
		n->have |= RCFS_ENERGY;
	}
	if (local) {
		set_energy(&n->local, local);
		n->have |= RCFS_LOCAL;
	}
	if (parent) {
		parent->child = reallocarray(parent->child, parent->nchild + 1,
					     sizeof(n));
		assert_non_null(parent->child);
		parent->child[parent->nchild++] = n;
	}
	return n;
}

static struct sample sample(uint64_t time_ns, struct rcfs_node *top)
{
	struct sample s = { .time_ns = time_ns, .ntops = 1 };

	s.top = calloc(1, sizeof(*s.top));
	assert_non_null(s.top);
	s.top[0] = top;
	s.machine = node(NULL, "/", 1, time_ns, "cpu.access_uj 0\n", NULL);
	return s;
}

static const struct usage *used_by(const struct usages *all, const char *name)
{
	size_t i;

	for (i = 0; i < all->n; i++)
		if (!strcmp(all->u[i].node->name, name))
			return &all->u[i];
	return NULL;
}

static void test_subtract(void **state)
{
	struct rcfs_node *top = node(NULL, "/", 1, SECOND, "cpu.access_uj 10\n"
				     "cpu.base_uj 20\n", NULL);
	struct sample before = sample(SECOND, top), now;
	const struct usage *u;
	struct usages used;

	node(top, "a", 2, SECOND + 5, "cpu.access_uj 1\n", NULL);
	node(top, "b", 3, SECOND, "cpu.access_uj 4\n", NULL);
	top = node(NULL, "/", 1, 3 * SECOND, "cpu.access_uj 110\n"
		   "cpu.base_uj 19\ndisk.access_uj 7\n", NULL);
	now = sample(3 * SECOND, top);
	node(top, "a", 2, 3 * SECOND + 6, "cpu.access_uj 1\n", NULL);
	/* Another one of the same name, and one more. */
	node(top, "b", 33, 3 * SECOND, "cpu.access_uj 5\n", NULL);
	node(top, "c", 4, 3 * SECOND, "cpu.access_uj 6\n", NULL);

	assert_int_equal(sample_subtract(&before, &now, false, &used), 0);
	assert_int_equal(used.n, 4);
	u = used_by(&used, "/");
	assert_true(u->known);
	assert_int_equal(u->ns, 2 * SECOND);
	assert_int_equal(rcfs_find_device(&u->used, "cpu")->access, 100);
	/* Rounding: not less than nothing. */
	assert_int_equal(rcfs_find_device(&u->used, "cpu")->base, 0);
	assert_int_equal(rcfs_find_device(&u->used, "disk")->access, 7);
	u = used_by(&used, "a");
	assert_int_equal(u->ns, 2 * SECOND + 1);
	assert_int_equal(rcfs_energy_total(&u->used), 0);
	assert_int_equal(rcfs_energy_total(&used_by(&used, "b")->used), 5);
	u = used_by(&used, "c");
	assert_int_equal(rcfs_energy_total(&u->used), 6);
	assert_int_equal(u->ns, 2 * SECOND);
	usages_free(&used);
	sample_free(&before);
	sample_free(&now);
}

static void test_subtract_local(void **state)
{
	struct rcfs_node *top, *sub;
	struct sample before, now;
	struct usages used;

	top = node(NULL, "/", 1, SECOND, "cpu.access_uj 1000\n",
		   "cpu.access_uj 100\n");
	before = sample(SECOND, top);
	sub = node(top, "gone", 2, SECOND, "cpu.access_uj 500\n",
		   "cpu.access_uj 300\n");
	node(sub, "below", 3, SECOND, "cpu.access_uj 200\n",
	     "cpu.access_uj 200\n");
	node(top, "last", 4, SECOND, "cpu.access_uj 400\n",
	     "cpu.access_uj 400\n");
	/* The root: 5 itself, 3 from those gone, whose 900 are its now. */
	top = node(NULL, "/", 1, 2 * SECOND, "cpu.access_uj 1009\n",
		   "cpu.access_uj 1008\n");
	now = sample(2 * SECOND, top);
	node(top, "kept", 5, 2 * SECOND, "cpu.access_uj 1\n",
	     "cpu.access_uj 1\n");

	assert_int_equal(sample_subtract(&before, &now, true, &used), 0);
	assert_true(used.local);
	assert_int_equal(rcfs_energy_total(&used_by(&used, "/")->used), 8);
	assert_int_equal(rcfs_energy_total(&used_by(&used, "kept")->used), 1);
	usages_free(&used);
	sample_free(&before);
	sample_free(&now);
}

/* What could not be read one of the two times is not known. */
static void test_subtract_unknown(void **state)
{
	struct rcfs_node *top = node(NULL, "/", 1, SECOND, "cpu.access_uj 1\n",
				     NULL);
	struct sample before = sample(SECOND, top), now;
	struct usages used;

	node(top, "a", 2, 0, NULL, NULL);
	node(top, "b", 3, SECOND, "cpu.access_uj 1\n", NULL);
	top = node(NULL, "/", 1, 2 * SECOND, "cpu.access_uj 2\n", NULL);
	now = sample(2 * SECOND, top);
	node(top, "a", 2, 2 * SECOND, "cpu.access_uj 9\n", NULL);
	node(top, "b", 3, 2 * SECOND, NULL, NULL);

	assert_int_equal(sample_subtract(&before, &now, false, &used), 0);
	assert_false(used_by(&used, "a")->known);
	assert_false(used_by(&used, "b")->known);
	assert_true(used_by(&used, "/")->known);
	usages_free(&used);

	/* A path that is gone, and one that comes back. */
	rcfs_node_free(before.top[0]);
	before.top[0] = NULL;
	assert_int_equal(sample_subtract(&before, &now, false, &used), 0);
	assert_int_equal(rcfs_energy_total(&used_by(&used, "/")->used), 2);
	usages_free(&used);
	assert_int_equal(sample_subtract(&now, &before, false, &used), 0);
	assert_int_equal(used.n, 0);
	usages_free(&used);
	sample_free(&before);
	sample_free(&now);
}

static void test_power(void **state)
{
	struct usages all = { 0 };
	struct usage u = { 0 };

	assert_int_equal(usage_uw(5, 0), 0);
	assert_int_equal(usage_uw(5, SECOND), 5);
	assert_int_equal(usage_uw(5, SECOND / 2), 10);
	assert_int_equal(usage_uw(1, 3 * SECOND), 0);
	assert_int_equal(usage_uw(2000000, 3 * SECOND), 666666);
	assert_true(usage_uw(UINT64_MAX, SECOND) == UINT64_MAX);
	assert_true(usage_uw(UINT64_MAX, 1) == UINT64_MAX);

	set_energy(&u.used, "cpu.access_uj 1\n");
	assert_int_equal(usage_share(&all, &u), 0);
	set_energy(&all.machine.used, "cpu.access_uj 2\ncpu.base_uj 1\n");
	assert_int_equal(usage_share(&all, &u), 333333);
	rcfs_energy_free(&u.used);
	rcfs_energy_free(&all.machine.used);
}

static void test_sort(void **state)
{
	static const struct {
		const char *name;
		const char *used;
		const char *total;
		uint64_t ns;
	} rows[] = {
		{ "a", "cpu.access_uj 1\ncpu.base_uj 9\n", "cpu.access_uj 50\n", SECOND },
		{ "b", "cpu.access_uj 8\n", "cpu.access_uj 60\n", SECOND / 2 },
		{ "c", "cpu.access_uj 1\ncpu.base_uj 9\n", "cpu.access_uj 70\n", SECOND },
		{ "d", "cpu.access_uj 2\n", "cpu.access_uj 50\n", SECOND },
	};
	static const char *const order[] = {
		[USAGE_BY_PATH] = "abcd",
		[USAGE_BY_POWER] = "bacd",
		[USAGE_BY_ACCESS] = "bdac",
		[USAGE_BY_BASE] = "acbd",
		[USAGE_BY_TOTAL] = "cbad",
	};
	size_t key, i;

	for (key = USAGE_BY_PATH; key <= USAGE_BY_TOTAL; key++) {
		struct usage u[4] = { 0 };
		struct usages all = { .u = u, .n = 4 };
		struct rcfs_node *n[4];
		char found[5] = "";

		for (i = 0; i < 4; i++) {
			u[i].node = n[i] = node(NULL, rows[i].name, i, 0,
						rows[i].total, NULL);
			u[i].ns = rows[i].ns;
			set_energy(&u[i].used, rows[i].used);
		}
		assert_int_equal(usages_sort(&all, key), 0);
		for (i = 0; i < 4; i++)
			strcat(found, u[i].node->name);
		assert_string_equal(found, order[key]);
		for (i = 0; i < 4; i++) {
			rcfs_energy_free(&u[i].used);
			rcfs_node_free(n[i]);
		}
	}
}

static void test_ids(void **state)
{
	static const unsigned int some[] = { 7, 3, 200, 3 };
	struct rcfs_ids ids = { 0 };
	size_t i;

	rcfs_ids_sort(&ids);
	assert_false(rcfs_ids_has(&ids, 7));
	for (i = 0; i < 4; i++)
		assert_int_equal(rcfs_ids_add(&ids, some[i]), 0);
	rcfs_ids_sort(&ids);
	assert_true(rcfs_ids_has(&ids, 3) && rcfs_ids_has(&ids, 7) &&
		    rcfs_ids_has(&ids, 200));
	assert_false(rcfs_ids_has(&ids, 0) || rcfs_ids_has(&ids, 8) ||
		     rcfs_ids_has(&ids, 201));
	rcfs_ids_free(&ids);
	for (i = 0; i < 1000; i++)
		assert_int_equal(rcfs_ids_add(&ids, i), 0);
	assert_int_equal(ids.n, 1000);
	rcfs_ids_free(&ids);
}

/* A file below a scratch directory, which is made with all its parents. */
static void put(const char *dir, const char *path, const char *text)
{
	char full[4096], *p;
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", dir, path);
	for (p = full + strlen(dir) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void check_ids(struct rcfs_ids *ids, const char *expected)
{
	char text[256] = "";
	size_t i;

	for (i = 0; i < ids->n; i++)
		sprintf(text + strlen(text), "%s%u", i ? " " : "", ids->id[i]);
	assert_string_equal(text, expected);
	rcfs_ids_free(ids);
}

static void remove_tree(const char *dir)
{
	char command[4096];

	snprintf(command, sizeof(command), "rm -r '%s'", dir);
	assert_int_equal(system(command), 0);
}

static void test_tree(void **state)
{
	char dir[] = "/tmp/test_sample.XXXXXX";
	struct rcfs fs = { .sysroot = dir };
	struct rcfs_ids roots = { 0 }, ids = { 0 };

	assert_non_null(mkdtemp(dir));
	assert_int_equal(rcfs_ids_tree(&fs, &roots, &ids), -ENOENT);
	put(dir, "/proc/1/stat", "1 (init) S 0 1");
	put(dir, "/proc/50/stat", "50 (a) S 1 1 1");
	put(dir, "/proc/9/stat", "9 (x) R 7 (y) S 50 1");
	put(dir, "/proc/60/stat", "60 (b) S 50 1");
	put(dir, "/proc/61/stat", "61 (c) S 60 1");
	put(dir, "/proc/8/stat", "8 (d) S 9 1");
	put(dir, "/proc/70/stat", "70 (e) S 1 1");
	put(dir, "/proc/71/stat", "71 (garbage");
	put(dir, "/proc/self/stat", "5 (self) S 50 1");

	rcfs_ids_add(&roots, 50);
	assert_int_equal(rcfs_ids_tree(&fs, &roots, &ids), 0);
	check_ids(&ids, "50 9 60 8 61");
	/* One that is gone, and one below the other. */
	rcfs_ids_add(&roots, 60);
	rcfs_ids_add(&roots, 99);
	rcfs_ids_sort(&roots);
	assert_int_equal(rcfs_ids_tree(&fs, &roots, &ids), 0);
	check_ids(&ids, "50 60 9 61 8");
	rcfs_ids_free(&roots);
	remove_tree(dir);
}

static void test_cgroup(void **state)
{
	char dir[] = "/tmp/test_sample.XXXXXX";
	struct rcfs fs = { .sysroot = dir };
	struct rcfs_ids ids = { 0 };

	assert_non_null(mkdtemp(dir));
	put(dir, "/sys/fs/cgroup/a/cgroup.threads", "5\n0\n6\n");
	put(dir, "/sys/fs/cgroup/a/b/c/cgroup.threads", "8\n");
	put(dir, "/sys/fs/cgroup/a/b/cgroup.threads", "7\n");
	put(dir, "/sys/fs/cgroup/cpu/tasks", "7\n");
	put(dir, "/sys/fs/cgroup/bad/cgroup.threads", "7");
	assert_int_equal(rcfs_ids_cgroup(&fs, "a", &ids), 0);
	check_ids(&ids, "5 6 7 8");
	assert_int_equal(rcfs_ids_cgroup(&fs, "/a/b/", &ids), 0);
	check_ids(&ids, "7 8");
	assert_int_equal(rcfs_ids_cgroup(&fs, "/sys/fs/cgroup/a/b/c", &ids), 0);
	check_ids(&ids, "8");
	assert_int_equal(rcfs_ids_cgroup(&fs, "cpu", &ids), -EMEDIUMTYPE);
	assert_int_equal(rcfs_ids_cgroup(&fs, "bad", &ids), -EBADMSG);
	assert_int_equal(rcfs_ids_cgroup(&fs, "no", &ids), -ENOENT);
	rcfs_ids_free(&ids);
	remove_tree(dir);
}

static void test_facts(void **state)
{
	struct rcfs_buf buf = text_buf("backend pvpage\nvm a b\nword\n"
				       "x [y] z\n[x] y\nodd a[0] b\n");
	static const char *const expected[][2] = {
		{ "backend", "pvpage" }, { "vm", "a b" }, { "file", "word" },
		{ "file", "x [y] z" }, { "file", "[x] y" }, { "odd", "a[0] b" },
	};
	struct rcfs_facts facts = { 0 };
	size_t i;

	assert_int_equal(rcfs_parse_facts(&buf, "file", &facts), 0);
	assert_int_equal(facts.n, 6);
	for (i = 0; i < facts.n; i++) {
		assert_string_equal(facts.fact[i].file, "file");
		assert_string_equal(facts.fact[i].key, expected[i][0]);
		assert_string_equal(facts.fact[i].value, expected[i][1]);
	}
	rcfs_facts_free(&facts);
	rcfs_buf_free(&buf);
	buf = text_buf("cut");
	assert_int_equal(rcfs_parse_facts(&buf, "file", &facts), -EBADMSG);
	rcfs_facts_free(&facts);
	rcfs_buf_free(&buf);
}

static int counters(const char *text, struct rcfs_counters *c)
{
	struct rcfs_buf buf = text_buf(text);
	int ret = rcfs_parse_counters(&buf, c);

	rcfs_buf_free(&buf);
	return ret;
}

static void test_counters(void **state)
{
	static const struct {
		const char *text;
		int ret;
	} bad[] = {
		{ "tsc\n", -EBADMSG },
		{ "tsc 1\n", -EBADMSG },
		{ "tsc 1 \n", -EBADMSG },
		{ " 1 base\n", -EBADMSG },
		{ "tsc x base\n", -EBADMSG },
		{ "tsc  1 base\n", -EBADMSG },
		{ "tsc 18446744073709551616 base\n", -ERANGE },
		{ "tsc 1 base\ncycles 1 access", -EBADMSG },
	};
	struct rcfs_counters c;
	size_t i;

	assert_int_equal(counters("tsc 6170 metered\ncycles 1 access\n"
				  "x 0 base more\n", &c), 0);
	assert_int_equal(c.n, 3);
	assert_string_equal(c.c[0].name, "tsc");
	assert_int_equal(c.c[0].weight_pj, 6170);
	assert_true(rcfs_counter_is_base(&c.c[0]));
	assert_false(rcfs_counter_is_base(&c.c[1]));
	assert_string_equal(c.c[2].kind, "base");
	rcfs_counters_free(&c);
	assert_int_equal(counters("", &c), 0);
	assert_int_equal(c.n, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(counters(bad[i].text, &c), bad[i].ret);
		rcfs_counters_free(&c);
	}
}

static void check_columns(const struct columns *c, const char *expected)
{
	char text[512] = "";
	size_t i;

	for (i = 0; i < c->p.ncolumns; i++) {
		strcat(text, i ? " " : "");
		strcat(text, c->p.infos[c->p.columns[i]].name);
	}
	assert_string_equal(text, expected);
}

static void test_columns(void **state)
{
	static const struct colinfo fixed[COL_FIXED] = {
		{ .name = "PATH" }, { .name = "SECONDS" }, { .name = "POWER" },
		{ .name = "ENERGY" }, { .name = "ACCESS" }, { .name = "BASE" },
		{ .name = "SHARE" }, { .name = "TOTAL" }, { .name = "TASKS" },
	};
	static const int defaults[] = { COL_POWER, COL_DEVICES, COL_PATH };
	struct columns c = {
		.fixed = fixed, .defaults = defaults, .ndefaults = 3,
		.list = "+Disk.Access,tasks",
	};
	struct sample s = sample(0, node(NULL, "/", 1, 0, "cpu.access_uj 1\n"
					 "n-t.0.base_uj 1\n", NULL));
	char *unknown;

	assert_int_equal(columns_update(&c, &s, &unknown), 0);
	check_columns(&c, "POWER CPU N-T.0 PATH DISK.ACCESS TASKS");
	assert_int_equal(columns_update(&c, &s, &unknown), 0);
	/* Another device comes: it is shown, too. */
	rcfs_energy_free(&s.machine->energy);
	set_energy(&s.machine->energy, "gpu.access_uj 1\n");
	assert_int_equal(columns_update(&c, &s, &unknown), 0);
	check_columns(&c, "POWER CPU N-T.0 GPU PATH DISK.ACCESS TASKS");
	/* And so is the one that was asked for, by its own name. */
	rcfs_energy_free(&s.machine->energy);
	set_energy(&s.machine->energy, "disk.access_uj 1\n");
	assert_int_equal(columns_update(&c, &s, &unknown), 0);
	check_columns(&c, "POWER CPU N-T.0 DISK GPU PATH DISK.ACCESS TASKS");
	assert_string_equal(c.device[2].name, "disk");
	columns_free(&c);

	memset(&c.p, 0, sizeof(c.p));
	c.list = "path,net";
	assert_int_equal(columns_update(&c, &s, &unknown), -EINVAL);
	assert_string_equal(unknown, "net");
	free(unknown);
	columns_free(&c);
	sample_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subtract),
		cmocka_unit_test(test_subtract_local),
		cmocka_unit_test(test_subtract_unknown),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_columns),
	};

	return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
