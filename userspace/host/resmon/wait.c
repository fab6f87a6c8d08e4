// SPDX-License-Identifier: GPL-2.0-or-later
/* Waiting, and the signals that end it; see cmd.h. */
#include <time.h>

#include "cmd.h"

#define NSEC_PER_SEC	1000000000ULL

volatile sig_atomic_t cmd_stop;

static void on_signal(int sig)
{
	cmd_stop = 1;
}

void cmd_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int cmd_poll(struct pollfd *p, nfds_t n, const struct timespec *timeout)
{
	sigset_t blocked, before;
	int ret = -1;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	/* One that came between the question and the answer would be slept over. */
	sigprocmask(SIG_BLOCK, &blocked, &before);
	if (!cmd_stop)
		ret = ppoll(p, n, timeout, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}

uint64_t cmd_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

bool cmd_wait_until(uint64_t ns, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = cmd_now(), left = ns > now ? ns - now : 0;
	struct timespec ts = { left / NSEC_PER_SEC, left % NSEC_PER_SEC };

	return cmd_poll(&p, 1, &ts) == 1;
}
