// SPDX-License-Identifier: GPL-2.0-or-later
/* Running one QEMU process. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "supervise.h"

/* How long guest and QEMU have when they are asked to end. */
#define GRACE_MS	3000
#define NEVER		INT64_MAX

struct qemu {
	pid_t pid;
	int pidfd;
	int signal_fd;
	int qmp_fd;
	/* An unfinished line of the control connection. */
	char line[1024];
	size_t len;
	struct outcome outcome;
};

static int64_t now_ms(void)
{
	return monotonic_ns() / NSEC_PER_MSEC;
}

static void exec_qemu(char **argv, const int *child_fds, bool keep_stdin,
		      const sigset_t *mask, pid_t parent, int report_fd)
{
	int error;

	/* If the launcher died before, no signal comes: so look. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (; *child_fds >= 0; child_fds++)
		fcntl(*child_fds, F_SETFD, 0);
	if (!keep_stdin)
		dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	error = errno;
	if (write(report_fd, &error, sizeof(error)) < 0)
		_exit(1);
	_exit(1);
}

/* QEMU must not outlive what is cleaned up after it. */
__attribute__((noreturn))
static void give_up(const struct qemu *q, const char *what)
{
	int error = errno;

	kill(q->pid, SIGKILL);
	waitpid(q->pid, NULL, 0);
	errno = error;
	err(exit_failure, "cannot watch QEMU: %s", what);
}

/* Start QEMU; a program that cannot be executed is the end. */
static void start(struct qemu *q, char **argv, const int *child_fds,
		  bool keep_stdin, const sigset_t *mask)
{
	pid_t parent = getpid();
	int report[2], error;

	if (pipe2(report, O_CLOEXEC))
		err(exit_failure, "cannot create pipe");
	q->pid = fork();
	if (q->pid < 0)
		err(exit_failure, "cannot fork");
	if (!q->pid)
		exec_qemu(argv, child_fds, keep_stdin, mask, parent, report[1]);
	close(report[1]);
	if (read(report[0], &error, sizeof(error)) == sizeof(error)) {
		waitpid(q->pid, NULL, 0);
		errno = error;
		err(exit_failure, "cannot execute %s", argv[0]);
	}
	close(report[0]);
	q->pidfd = pidfd_open(q->pid, 0);
	if (q->pidfd < 0)
		give_up(q, "pidfd_open");
}

static void control(const struct qemu *q, const char *commands)
{
	send(q->qmp_fd, commands, strlen(commands), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* An answer comes only from the main loop, when all is set up. */
static void ask_for_life(const struct qemu *q)
{
	control(q, "{\"execute\":\"qmp_capabilities\"}\n"
		   "{\"execute\":\"query-status\"}\n");
}

/* A kernel with unknown_nmi_panic says where it is, and ends. */
static void ask_for_place(const struct qemu *q)
{
	control(q, "{\"execute\":\"inject-nmi\"}\n");
}

static void control_line(struct qemu *q)
{
	if (strstr(q->line, "\"return\"") && strstr(q->line, "\"running\""))
		q->outcome.started = true;
	if (strstr(q->line, "\"SHUTDOWN\"") && strstr(q->line, "\"guest-reset\""))
		q->outcome.reset = true;
}

/* Return: whether there may be more, later. */
static bool read_control(struct qemu *q)
{
	char buffer[512];
	ssize_t n;

	while ((n = recv(q->qmp_fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		for (ssize_t i = 0; i < n; i++) {
			if (buffer[i] == '\n') {
				q->line[q->len] = '\0';
				control_line(q);
				q->len = 0;
			} else if (q->len < sizeof(q->line) - 1) {
				q->line[q->len++] = buffer[i];
			}
		}
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool read_signal(struct qemu *q)
{
	struct signalfd_siginfo info;

	if (read(q->signal_fd, &info, sizeof(info)) != sizeof(info))
		return false;
	q->outcome.signal = info.ssi_signo;
	return true;
}

static int poll_timeout(int64_t deadline)
{
	int64_t left = deadline - now_ms();

	if (deadline == NEVER)
		return -1;
	if (left > 60000)
		left = 60000;
	return left < 0 ? 0 : left;
}

/* Wait for QEMU's end, which we bring about on a signal or at the deadline. */
static void watch(struct qemu *q, uint64_t timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = q->pidfd, .events = POLLIN },
		{ .fd = q->signal_fd, .events = POLLIN },
		{ .fd = q->qmp_fd, .events = POLLIN },
	};
	int64_t deadline = timeout_ms ? now_ms() + (int64_t)timeout_ms : NEVER;
	enum { RUNS, INTERRUPTED, TERMINATED, KILLED } state = RUNS;

	for (;;) {
		if (poll(fds, 3, poll_timeout(deadline)) < 0 && errno != EINTR)
			give_up(q, "poll");
		if (fds[2].revents && !read_control(q))
			fds[2].fd = -1;
		if (fds[0].revents)
			break;
		/* Who interrupts us does not ask where it is. */
		if (fds[1].revents && read_signal(q) && state < TERMINATED)
			state = INTERRUPTED;
		else if (deadline > now_ms())
			continue;
		deadline = ++state < KILLED ? now_ms() + GRACE_MS : NEVER;
		if (state == INTERRUPTED) {
			q->outcome.timed_out = true;
			ask_for_place(q);
		} else {
			pidfd_send_signal(q->pidfd, state == TERMINATED ? SIGTERM : SIGKILL,
					  NULL, 0);
		}
	}
	while (waitpid(q->pid, &q->outcome.wait_status, 0) < 0 && errno == EINTR)
		;
	/* A terminal's signal reaches both: QEMU may have been the quicker. */
	read_signal(q);
}

static void handled_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

void supervise_begin(sigset_t *mask)
{
	sigset_t handled;

	handled_signals(&handled);
	sigprocmask(SIG_BLOCK, &handled, mask);
}

struct outcome supervise(char **argv, int qmp_fd, const int *child_fds,
			 uint64_t timeout_ms, bool keep_stdin,
			 const sigset_t *mask)
{
	struct qemu q = { .qmp_fd = qmp_fd };
	struct termios terminal;
	sigset_t handled;
	bool is_terminal;

	handled_signals(&handled);
	q.signal_fd = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
	if (q.signal_fd < 0)
		err(exit_failure, "signalfd");

	/* QEMU makes the terminal raw, and may not live to undo it. */
	is_terminal = keep_stdin && !tcgetattr(STDIN_FILENO, &terminal);
	ask_for_life(&q);
	start(&q, argv, child_fds, keep_stdin, mask);
	watch(&q, timeout_ms);
	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal);

	close(q.pidfd);
	close(q.signal_fd);
	return q.outcome;
}
