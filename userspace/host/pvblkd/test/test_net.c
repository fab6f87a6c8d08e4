// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net.h"

#define GOOD "byte_pj 8\npacket_pj 1000\nsegment_size 1448\n"

static char err[MODELTEXT_ERR_LEN];
static struct netmodel m;

static int parse(const char *text)
{
	FILE *f = fmemopen((void *)text, strlen(text), "r");
	int ret;

	assert_non_null(f);
	err[0] = '\0';
	ret = netmodel_read(f, "M", &m, err);
	fclose(f);
	return ret;
}

static void refuse(const char *text, const char *message)
{
	assert_int_equal(parse(text), -EINVAL);
	assert_string_equal(err, message);
}

static void test_format(void **state)
{
	assert_int_equal(parse(GOOD), 0);
	assert_string_equal(m.name, "net");
	assert_int_equal(m.byte_pj, 8);
	assert_int_equal(m.packet_pj, 1000);
	assert_int_equal(m.segment_size, 1448);
	assert_int_equal(parse("# mine\nname san-0\n" GOOD), 0);
	assert_string_equal(m.name, "san-0");
	assert_int_equal(netmodel_load(MODELS "/gigabit.net", &m, err), 0);
	assert_string_equal(m.name, "net");
	assert_int_equal(m.byte_pj, 8000);

	refuse("#\n", "M: byte_pj is missing");
	refuse("byte_pj 1\npacket_pj 1\n", "M: segment_size is missing");
	refuse("byte_pj 1\npacket_pj 1\nsegment_size 0\n", "M: segment_size is zero");
	refuse(GOOD "byte_pj 8\n", "M:4: byte_pj is there already");
	refuse("mtu 1500\n", "M:1: unknown keyword 'mtu'");
	refuse("byte_pj\n", "M:1: byte_pj of what?");
	refuse("byte_pj 1 2\n", "M:1: '2' is too much");
	refuse("byte_pj 1.5\n", "M:1: '1.5' is not a number");
	refuse("segment_size 65537\n", "M:1: segment_size is above 65536");
	refuse("name Net\n",
	       "M:1: 'Net' is not up to 23 of a-z, 0-9, '-' and '_', a letter first");
	refuse("byte_pj 1000000000\npacket_pj 1\nsegment_size 1\n",
	       "M: a byte costs more than 1000000000 pJ");
	refuse("byte_pj 1\npacket_pj 1000000000000\nsegment_size 65536\n",
	       "M: a request costs more than 1000000000000000 pJ");
	assert_int_equal(netmodel_load("/nowhere", &m, err), -ENOENT);
	assert_string_equal(err, "/nowhere: No such file or directory");
}

static void test_cost(void **state)
{
	assert_int_equal(parse(GOOD), 0);
	/* A header there, and one back: a packet each. */
	assert_int_equal(net_command_pj(&m, 0, 0), (28 + 16) * 8 + 2 * 1000);
	/* The header is in the first packet, together with data. */
	assert_int_equal(net_command_pj(&m, 1420, 0), (1420 + 44) * 8 + 2 * 1000);
	assert_int_equal(net_command_pj(&m, 1421, 0), (1421 + 44) * 8 + 3 * 1000);
	assert_int_equal(net_command_pj(&m, 0, 1432), (1432 + 44) * 8 + 2 * 1000);
	assert_int_equal(net_command_pj(&m, 0, 1433), (1433 + 44) * 8 + 3 * 1000);
	/* 4124 bytes are three packets. */
	assert_int_equal(net_command_pj(&m, 4096, 0), 4140 * 8 + 4 * 1000);
}

/* However a request is cut into commands. */
static void test_bounds(void **state)
{
	static const char * const models[] = {
		GOOD,
		"byte_pj 0\npacket_pj 1\nsegment_size 1\n",
		"byte_pj 0\npacket_pj 100000\nsegment_size 65536\n",
		"byte_pj 3\npacket_pj 7\nsegment_size 5\n",
	};

	srand(3);
	for (unsigned int i = 0; i < sizeof(models) / sizeof(*models); i++) {
		assert_int_equal(parse(models[i]), 0);
		for (int turn = 0; turn < 1000; turn++) {
			unsigned int pieces = 1 + rand() % NET_MAX_PIECES;
			uint64_t bytes = 0, pj = net_command_pj(&m, 0, 0);

			for (unsigned int n = 0; n < pieces; n++) {
				uint64_t len = 1 + rand() % (turn % 2 ? 4096 : 3);

				pj += net_command_pj(&m, len, 0);
				bytes += len;
			}
			for (unsigned int n = rand() % 3; n; n--) {
				pj += net_command_pj(&m, 0, NET_MIN_COMMAND);
				bytes += NET_MIN_COMMAND;
			}
			assert_true(pj <= net_max_request_pj(&m) +
				    bytes * net_max_byte_pj(&m));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
