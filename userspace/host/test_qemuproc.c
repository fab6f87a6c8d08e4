// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "qemuproc.h"

static void test_is_qemu(void **state)
{
	assert_true(qemuproc_is_qemu("/usr/bin/qemu-system-x86_64"));
	assert_true(qemuproc_is_qemu("/usr/bin/qemu-system-x86_64 (deleted)"));
	assert_true(qemuproc_is_qemu("qemu-system-aarch64"));
	assert_false(qemuproc_is_qemu("/usr/bin/qemu-img"));
	assert_false(qemuproc_is_qemu("/qemu-system-x86_64/sh"));
	assert_false(qemuproc_is_qemu(""));
}

#define NAME(cmdline) qemuproc_name(cmdline, sizeof(cmdline), name)

static void test_name(void **state)
{
	char name[PVENERGY_NAME_LEN] = "";

	assert_true(NAME("qemu\0-name\0web"));
	assert_string_equal(name, "web");
	assert_true(NAME("qemu\0-m\0" "64\0--name\0guest=web-2,debug-threads=on\0-smp\0" "2"));
	assert_string_equal(name, "web-2");
	assert_true(NAME("qemu\0-name\0debug-threads=on,guest=x"));
	assert_string_equal(name, "x");
	assert_true(NAME("qemu\0-name\0a,process=b"));
	assert_string_equal(name, "a");
	assert_true(NAME("qemu\0-name\0a\0-name\0b"));
	assert_string_equal(name, "b");
	assert_true(NAME("qemu\0-name\0guest=12345678901234567890123"));
	assert_string_equal(name, "12345678901234567890123");
}

static void test_no_name(void **state)
{
	char name[PVENERGY_NAME_LEN] = "";

	assert_false(NAME("qemu"));
	assert_false(NAME("qemu\0-name"));
	assert_false(NAME("qemu\0-name\0debug-threads=on"));
	assert_false(NAME("qemu\0-name\0"));
	assert_false(NAME("qemu\0-name\0guest=../x"));
	assert_false(NAME("qemu\0-name\0two words"));
	/* A comma that is part of the name, which it may not be. */
	assert_false(NAME("qemu\0-name\0a,,b"));
	assert_false(NAME("qemu\0-name\0guest=123456789012345678901234"));
	assert_false(NAME("qemu\0-name\0" "1234567890123456789012345678901234567890"));
	/* What follows is an argument, not an option. */
	assert_true(NAME("qemu\0-name\0-name\0x"));
	assert_string_equal(name, "-name");
	/* Nothing, and a text that was cut off. */
	assert_false(qemuproc_name("", 0, name));
	assert_false(qemuproc_name("qemu\0-name\0we", 13, name));
}

static void test_is_vcpu(void **state)
{
	assert_true(qemuproc_is_vcpu("CPU 0/KVM\n"));
	assert_true(qemuproc_is_vcpu("CPU 127/TCG"));
	assert_true(qemuproc_is_vcpu("ALL CPUs/TCG\n"));
	assert_false(qemuproc_is_vcpu("CPU /KVM"));
	assert_false(qemuproc_is_vcpu("CPU 0"));
	assert_false(qemuproc_is_vcpu("CPU 0/"));
	assert_false(qemuproc_is_vcpu("qemu-system-x86"));
	assert_false(qemuproc_is_vcpu("IO mon_iothread"));
	assert_false(qemuproc_is_vcpu(""));
}

static void test_start(void **state)
{
	assert_int_equal(qemuproc_start("1234 (a) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 "
					"16 17 0 9876 5 5\n"), 9876);
	assert_int_equal(qemuproc_start("1234 (x) y (z) R 1 2 3 4 5 6 7 8 9 10 11 12 13 "
					"14 15 16 17 0 77 5 5\n"), 77);
	assert_int_equal(qemuproc_start("1234 (a) S 1 2 3"), 0);
	assert_int_equal(qemuproc_start("1234 (a) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 "
					"16 17 0 9876 5 5\n"), 0);
	assert_int_equal(qemuproc_start(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_qemu),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_no_name),
		cmocka_unit_test(test_is_vcpu),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests_name("qemuproc", tests, NULL, NULL);
}
