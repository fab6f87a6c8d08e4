// SPDX-License-Identifier: GPL-2.0-or-later
/* Waiting, and the signals that end it; see wait.h. */
#include "wait.h"

volatile sig_atomic_t wait_stop;

static void on_signal(int sig)
{
	wait_stop = 1;
}

void wait_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int wait_poll(struct pollfd *p, nfds_t n, const struct timespec *timeout)
{
	sigset_t blocked, before;
	int ret = -1;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	/* One that came between the question and the answer would be slept over. */
	sigprocmask(SIG_BLOCK, &blocked, &before);
	if (!wait_stop)
		ret = ppoll(p, n, timeout, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int wait_until(uint64_t ns, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = monotonic_ns(), left = ns > now ? ns - now : 0;
	struct timespec ts = { left / NSEC_PER_SEC, left % NSEC_PER_SEC };

	return wait_poll(&p, 1, &ts);
}
