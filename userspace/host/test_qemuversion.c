// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qemuversion.h"

static void test_parse(void **state)
{
	assert_int_equal(qemu_version_parse("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\n"),
			 QEMU_VERSION(7, 2));
	assert_int_equal(qemu_version_parse("QEMU emulator version 10.0.13"),
			 QEMU_VERSION(10, 0));
	assert_true(qemu_version_parse("QEMU emulator version 9.2.0") <
		    qemu_version_parse("QEMU emulator version 11.1.3"));
}

static void test_none(void **state)
{
	assert_int_equal(qemu_version_parse(""), 0);
	assert_int_equal(qemu_version_parse("echo (GNU coreutils) 9.1\n"), 0);
	assert_int_equal(qemu_version_parse("QEMU emulator version \n"), 0);
}

static void test_program(void **state)
{
	assert_int_equal(qemu_version("/bin/true"), 0);
	assert_int_equal(qemu_version("/bin/echo"), 0);
	assert_int_equal(qemu_version("/nonexistent/qemu"), 0);
	assert_true(qemu_version("qemu-system-x86_64") >= QEMU_VERSION_OLDEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
