// SPDX-License-Identifier: GPL-2.0-or-later
/* The server, and waiting in general: a signal ends it, whenever it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "resmon/cmd.h"
#include "resmon/http.h"
#include "wait.h"

#define KERNEL_SIGSET	8

/*
 * In place of the C library's: the signal comes when it has been asked for the last
 * time whether there was one.
 */
int ppoll(struct pollfd *p, nfds_t n, const struct timespec *timeout,
	  const sigset_t *mask)
{
	struct timespec left = timeout ? *timeout : (struct timespec){ 0 };

	raise(SIGTERM);
	return syscall(SYS_ppoll, p, n, timeout ? &left : NULL, mask,
		       KERNEL_SIGSET);
}

int poll(struct pollfd *p, nfds_t n, int timeout)
{
	raise(SIGTERM);
	return syscall(SYS_poll, p, n, timeout);
}

/* Who sleeps over it is killed. */
static int setup(void **state)
{
	wait_stop = 0;
	wait_catch_signals();
	alarm(20);
	return 0;
}

static void test_server(void **state)
{
	http_serve(http_listen("127.0.0.1:0"), NULL, NULL);
	assert_true(wait_stop);
}

static void test_wait(void **state)
{
	uint64_t hour = monotonic_ns() + 3600 * NSEC_PER_SEC;

	assert_true(wait_until(hour, -1) < 0);
	assert_true(wait_stop);
	/* And if it had come before. */
	assert_true(wait_until(hour, -1) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_server, setup),
		cmocka_unit_test_setup(test_wait, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
