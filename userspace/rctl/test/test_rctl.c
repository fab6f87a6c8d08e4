// SPDX-License-Identifier: GPL-2.0-or-later
/* Unit tests of rctl: parsers, names, units, sums. */
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

#include "print.h"
#include "../rcfs.h"
#include "../snapshot.h"
#include "../tree.h"

static struct rcfs_buf text_buf(const char *text)
{
	struct rcfs_buf buf = { .data = strdup(text), .len = strlen(text) };

	assert_non_null(buf.data);
	return buf;
}

static void test_u64(void **state)
{
	static const char *const bad[] = {
		"", " ", "-1", "+1", "1 ", " 1", "0x10", "1e3", "1\n", "1.5",
	};
	uint64_t v = 99;
	size_t i;

	assert_int_equal(rcfs_parse_u64("0", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(rcfs_parse_u64("007", &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(rcfs_parse_u64("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
	v = 99;
	assert_int_equal(rcfs_parse_u64("18446744073709551616", &v), -ERANGE);
	assert_int_equal(rcfs_parse_u64("99999999999999999999999", &v), -ERANGE);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rcfs_parse_u64(bad[i], &v), -EBADMSG);
	assert_int_equal(v, 99);
}

static void test_lines(void **state)
{
	char text[] = "a\n\nb\ncut";
	char *cursor = text, *line;

	assert_int_equal(rcfs_next_line(&cursor, &line), 1);
	assert_string_equal(line, "a");
	assert_int_equal(rcfs_next_line(&cursor, &line), 1);
	assert_string_equal(line, "");
	assert_int_equal(rcfs_next_line(&cursor, &line), 1);
	assert_string_equal(line, "b");
	assert_int_equal(rcfs_next_line(&cursor, &line), -EBADMSG);
	cursor += 3;
	assert_int_equal(rcfs_next_line(&cursor, &line), 0);
}

static int energy(const char *text, struct rcfs_energy *e)
{
	struct rcfs_buf buf = text_buf(text);
	int ret = rcfs_parse_energy(&buf, e);

	rcfs_buf_free(&buf);
	return ret;
}

static void test_energy(void **state)
{
	struct rcfs_energy e;

	assert_int_equal(energy("cpu.access_uj 5\ndisk.0.base_uj 3\n"
				"cpu.base_uj 7\nfuture 1\n.access_uj 8\n"
				"cpu.pages 9\n", &e), 0);
	assert_int_equal(e.ndevs, 2);
	assert_string_equal(e.dev[0].name, "cpu");
	assert_int_equal(e.dev[0].access, 5);
	assert_int_equal(e.dev[0].base, 7);
	assert_string_equal(e.dev[1].name, "disk.0");
	assert_int_equal(e.dev[1].access, 0);
	assert_int_equal(e.dev[1].base, 3);
	assert_int_equal(rcfs_energy_access(&e), 5);
	assert_int_equal(rcfs_energy_base(&e), 10);
	assert_int_equal(rcfs_energy_total(&e), 15);
	assert_ptr_equal(rcfs_find_device(&e, "cpu"), &e.dev[0]);
	assert_null(rcfs_find_device(&e, "cp"));
	rcfs_energy_free(&e);

	assert_int_equal(energy("", &e), 0);
	assert_int_equal(e.ndevs, 0);
	rcfs_energy_free(&e);
}

static void test_energy_garbage(void **state)
{
	static const struct {
		const char *text;
		int ret;
	} bad[] = {
		{ "cpu.access_uj 5", -EBADMSG },
		{ "cpu.access_uj\n", -EBADMSG },
		{ "cpu.access_uj \n", -EBADMSG },
		{ " 5\n", -EBADMSG },
		{ "\n", -EBADMSG },
		{ "cpu.access_uj  5\n", -EBADMSG },
		{ "cpu.access_uj 5 6\n", -EBADMSG },
		{ "cpu.access_uj -5\n", -EBADMSG },
		{ "cpu.access_uj 18446744073709551616\n", -ERANGE },
		{ "cpu.access_uj 1\ncpu.base_uj x\n", -EBADMSG },
	};
	struct rcfs_energy e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(energy(bad[i].text, &e), bad[i].ret);
		rcfs_energy_free(&e);
	}
}

static void test_energy_overflow(void **state)
{
	struct rcfs_energy e;

	assert_int_equal(energy("a.access_uj 18446744073709551615\n"
				"b.access_uj 1\nb.base_uj 1\n", &e), 0);
	assert_true(rcfs_energy_access(&e) == UINT64_MAX);
	assert_int_equal(rcfs_energy_base(&e), 1);
	assert_true(rcfs_energy_total(&e) == UINT64_MAX);
	rcfs_energy_free(&e);
}

static void test_events(void **state)
{
	struct rcfs_buf buf = text_buf("tsc 1\nunhalted_cycles 22\n");
	struct rcfs_events ev;

	assert_int_equal(rcfs_parse_events(&buf, &ev), 0);
	assert_int_equal(ev.nevents, 2);
	assert_string_equal(ev.ev[1].name, "unhalted_cycles");
	assert_int_equal(ev.ev[1].count, 22);
	rcfs_events_free(&ev);
	rcfs_buf_free(&buf);

	buf = text_buf("tsc 1\nunhalted");
	assert_int_equal(rcfs_parse_events(&buf, &ev), -EBADMSG);
	rcfs_events_free(&ev);
	rcfs_buf_free(&buf);
}

static int ids(const char *text, size_t *count)
{
	struct rcfs_buf buf = text_buf(text);
	int ret = rcfs_count_ids(&buf, count);

	rcfs_buf_free(&buf);
	return ret;
}

static void test_ids(void **state)
{
	size_t n;

	assert_int_equal(ids("", &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(ids("1\n22\n333\n", &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(ids("1\n22", &n), -EBADMSG);
	assert_int_equal(ids("\n", &n), -EBADMSG);
	assert_int_equal(ids("1\nx\n", &n), -EBADMSG);
	assert_int_equal(ids("1 2\n", &n), -EBADMSG);
}

static void test_names(void **state)
{
	static const char *const good[][2] = {
		{ "web", "web" },
		{ "web/front", "web/front" },
		{ "web//front///", "web/front" },
		{ "/", "." },
		{ "//", "." },
		{ "/sys/fs/rcontainer", "." },
		{ "/sys/fs/rcontainer/", "." },
		{ "/sys/fs/rcontainer/web/a", "web/a" },
		{ "web/info", "web/info" },
		{ "information", "information" },
		{ "..web", "..web" },
		{ "...", "..." },
		{ ".hidden", ".hidden" },
		{ "-x", "-x" },
	};
	static const char *const bad[] = {
		"", ".", "..", "../web", "web/..", "web/../x", "web/./x",
		"/etc", "/sys/fs/rcontainer2", "/sys/fs/rcontainer/..",
		"info", "info/x", "a b", "a\n", "\t", "a\033", "//x",
		"/sys/fs/rcontainer/info",
	};
	char *path, name[300];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_null(rcfs_check_name(good[i][0], &path));
		assert_string_equal(path, good[i][1]);
		free(path);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_non_null(rcfs_check_name(bad[i], &path));
		assert_null(path);
	}
	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	assert_non_null(rcfs_check_name(name, &path));
	name[255] = '\0';
	assert_null(rcfs_check_name(name, &path));
	free(path);
	assert_string_equal(rcfs_show_name("."), "/");
	assert_string_equal(rcfs_show_name("web/a"), "web/a");
	assert_true(rcfs_is_builtin("idle"));
	assert_true(rcfs_is_builtin("interrupt"));
	assert_false(rcfs_is_builtin("web/idle"));
}

static void test_units(void **state)
{
	static const struct {
		uint64_t uj;
		const char *text;
	} cases[] = {
		{ 0, "0 J" }, { 1, "1 uJ" }, { 999, "999 uJ" },
		{ 1000, "1.00 mJ" }, { 4560, "4.56 mJ" }, { 4565, "4.57 mJ" },
		{ 4564, "4.56 mJ" }, { 9994, "9.99 mJ" }, { 9995, "10.0 mJ" },
		{ 9996, "10.0 mJ" }, { 12300, "12.3 mJ" }, { 99949, "99.9 mJ" },
		{ 99950, "100 mJ" }, { 999499, "999 mJ" }, { 999500, "1.00 J" },
		{ 12300000, "12.3 J" }, { 1234567890, "1.23 kJ" },
		{ 999999999, "1.00 kJ" },
		{ 18446744073709551615ULL, "18.4 TJ" },
	};
	char buf[PRINT_NUMBER];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(format_micro(cases[i].uj, "J", " ", buf),
				    cases[i].text);
	assert_string_equal(format_micro(12300000, "W", "", buf), "12.3W");
}

static void test_u128(void **state)
{
	char buf[PRINT_NUMBER];

	assert_string_equal(format_u128(0, false, buf), "0");
	assert_string_equal(format_u128(1, true, buf), "-1");
	assert_string_equal(format_u128(UINT64_MAX, false, buf),
			    "18446744073709551615");
	assert_string_equal(format_u128(~(print_u128)0, true, buf),
			    "-340282366920938463463374607431768211455");
}

static void test_columns(void **state)
{
	static const struct colinfo infos[] = {
		{ .name = "NAME" }, { .name = "TOTAL" }, { .name = "TOTALS" },
	};
	struct print p = { .infos = infos, .ninfos = 3, .ncolumns = 1 };
	char many[200] = "name", *unknown;
	int i;

	assert_int_equal(print_set_columns(&p, "total,NAME", &unknown), 0);
	assert_int_equal(p.ncolumns, 2);
	assert_int_equal(p.columns[0], 1);
	assert_int_equal(p.columns[1], 0);
	assert_int_equal(print_set_columns(&p, "+totals", &unknown), 0);
	assert_int_equal(p.ncolumns, 3);
	assert_true(print_has_column(&p, 2));
	assert_int_equal(print_set_columns(&p, "name,,total", &unknown), -EINVAL);
	assert_string_equal(unknown, "");
	free(unknown);
	assert_int_equal(print_set_columns(&p, "", &unknown), -EINVAL);
	free(unknown);
	assert_int_equal(print_set_columns(&p, "tot", &unknown), -EINVAL);
	assert_string_equal(unknown, "tot");
	free(unknown);
	for (i = 0; i < PRINT_MAX_COLUMNS; i++)
		strcat(many, ",name");
	assert_int_equal(print_set_columns(&p, many, &unknown), -E2BIG);
}

static int snapshot(const char *text, const char *path,
		    struct rcfs_snapshot *snap)
{
	struct rcfs_buf buf = text_buf(text);
	int ret = rcfs_parse_snapshot(&buf, path, snap);

	rcfs_buf_free(&buf);
	return ret;
}

static void test_snapshot(void **state)
{
	struct rcfs_snapshot s;

	assert_int_equal(snapshot("container tsc cycles\n/ 1 2\n/a 3 4\n"
				  "/a/b 5 6\nvirtual 9 12\n", "a", &s), 0);
	assert_int_equal(s.nevents, 2);
	assert_int_equal(s.ncontainers, 3);
	assert_string_equal(s.total[1].name, "cycles");
	assert_true(s.total[0].sum == 9 && s.total[0].virt == 9);
	assert_true(s.total[1].sum == 12 && s.total[1].virt == 12);
	assert_non_null(s.local);
	assert_int_equal(s.local[1], 4);
	rcfs_snapshot_free(&s);

	assert_int_equal(snapshot("container tsc\n/ 7\nvirtual 8\n", ".", &s), 0);
	assert_int_equal(s.local[0], 7);
	rcfs_snapshot_free(&s);

	/* Without counters there is nothing to sum, and nothing wrong. */
	assert_int_equal(snapshot("", ".", &s), 0);
	assert_int_equal(s.ncontainers, 0);
	assert_null(s.local);
	rcfs_snapshot_free(&s);
	assert_int_equal(snapshot("container\n/\nvirtual\n", "x", &s), 0);
	assert_int_equal(s.nevents, 0);
	assert_null(s.local);
	rcfs_snapshot_free(&s);
}

static void test_snapshot_wraps(void **state)
{
	struct rcfs_snapshot s;

	/* Counts are modulo 2^64: picojoules of a disk get there in months. */
	assert_int_equal(snapshot("container tsc\n/ 18446744073709551615\n"
				  "/a 18446744073709551615\n"
				  "virtual 18446744073709551614\n", NULL, &s), 0);
	assert_true(s.total[0].sum == s.total[0].virt);
	rcfs_snapshot_free(&s);
}

static void test_snapshot_garbage(void **state)
{
	static const struct {
		const char *text;
		unsigned int line;
	} bad[] = {
		{ "\n", 1 },
		{ "container tsc", 1 },
		{ "containers tsc\n/ 1\nvirtual 1\n", 1 },
		{ "container  tsc\n/ 1\nvirtual 1\n", 1 },
		{ "container tsc\n", 2 },
		{ "container tsc\n/ 1\n", 3 },
		{ "container tsc\n/ 1\nvirtual 1", 3 },
		{ "container tsc\n/ 1\nvirtual 1\n/a 0\n", 4 },
		{ "container tsc\n/ 1 2\nvirtual 1\n", 2 },
		{ "container tsc x\n/ 1\nvirtual 1\n", 2 },
		{ "container tsc\n/ -1\nvirtual 1\n", 2 },
		{ "container tsc\n/ 18446744073709551616\nvirtual 0\n", 2 },
		{ "container tsc\n/ 1\n/b c 1\nvirtual 1\n", 3 },
		{ "container tsc\n/ 1\nweb 1\nvirtual 1\n", 3 },
		{ "container tsc\n\nvirtual 1\n", 2 },
		{ "container tsc\n/a 1\n/a 1\nvirtual 2\n", 3 },
	};
	struct rcfs_snapshot s;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(snapshot(bad[i].text, "a", &s), -EBADMSG);
		assert_int_equal(s.line, bad[i].line);
		assert_non_null(s.why);
		rcfs_snapshot_free(&s);
	}
}

static void test_read(void **state)
{
	char name[] = "/tmp/test_rctl.XXXXXX";
	struct rcfs_buf buf = { 0 };
	int i, fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(rcfs_read(AT_FDCWD, name, &buf), 0);
	assert_int_equal(buf.len, 0);
	assert_string_equal(buf.data, "");
	/* Longer than any buffer to begin with. */
	for (i = 0; i < 10000; i++)
		assert_int_equal(write(fd, "0123456789\n", 11), 11);
	assert_int_equal(rcfs_read(AT_FDCWD, name, &buf), 0);
	assert_int_equal(buf.len, 110000);
	assert_int_equal(strlen(buf.data), 110000);
	assert_int_equal(write(fd, "\0\n", 2), 2);
	assert_int_equal(rcfs_read(AT_FDCWD, name, &buf), -EBADMSG);
	close(fd);
	unlink(name);
	assert_int_equal(rcfs_read(AT_FDCWD, name, &buf), -ENOENT);
	rcfs_buf_free(&buf);
}

static void test_node_path(void **state)
{
	struct rcfs_node root = { .name = (char *)"/" };
	struct rcfs_node a = { .name = (char *)"a", .parent = &root };
	struct rcfs_node b = { .name = (char *)"bb", .parent = &a };
	struct rcfs_node top = { .name = (char *)"x/y" };
	struct rcfs_node z = { .name = (char *)"z", .parent = &top };
	const struct rcfs_node *const nodes[] = { &root, &a, &b, &top, &z };
	const char *const paths[] = { "/", "a", "a/bb", "x/y", "x/y/z" };
	size_t i;

	for (i = 0; i < 5; i++) {
		char *path = rcfs_node_path(nodes[i]);

		assert_string_equal(path, paths[i]);
		free(path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_energy),
		cmocka_unit_test(test_energy_garbage),
		cmocka_unit_test(test_energy_overflow),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_u128),
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_snapshot_wraps),
		cmocka_unit_test(test_snapshot_garbage),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_node_path),
	};

	return cmocka_run_group_tests_name("rctl", tests, NULL, NULL);
}
