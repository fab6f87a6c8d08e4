// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Thresholds of energy: who polls is woken when one was passed, and not before,
 * when it was set anew, and when the container is gone.  Needs counters.
 */
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define PATH(p) RCFS "/" p

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int set_high(const char *container, long long uj)
{
	char path[256], text[32];

	snprintf(path, sizeof(path), "%s/energy.high", container);
	snprintf(text, sizeof(text), "%lld\n", uj);
	return rcfs_write(path, text);
}

/* What is polled for is a change since the file was read. */
static void reread(int fd, char *text, size_t size)
{
	ssize_t n = pread(fd, text, size - 1, 0);

	CHECK(n > 0);
	text[n > 0 ? n : 0] = '\0';
}

static bool woken(int fd, int ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLPRI };

	return poll(&pfd, 1, ms) == 1 && pfd.revents == (POLLPRI | POLLERR);
}

static pid_t spin_in(const char *container)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (rcfs_bind(container, 0, "procs"))
		_exit(1);
	for (;;)
		;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_file(void)
{
	char text[64];
	int fd;

	CHECK(!mkdir(PATH("f"), 0755));
	fd = open(PATH("f/energy.high"), O_RDWR);
	reread(fd, text, sizeof(text));
	CHECK(!strcmp(text, "max\n"));
	CHECK(!woken(fd, 0));
	CHECK(!rcfs_write("f/energy.high", "1000000000000\n"));
	CHECK(woken(fd, 0));
	reread(fd, text, sizeof(text));
	CHECK(!strcmp(text, "1000000000000\n"));
	CHECK(!woken(fd, 50));
	CHECK_ERRNO(rcfs_write("f/energy.high", "1J\n"), EINVAL);
	CHECK_ERRNO(rcfs_write("f/energy.high", "\n"), EINVAL);
	CHECK_ERRNO(rcfs_write("f/energy.high", "-1\n"), EINVAL);
	CHECK_ERRNO(rcfs_write("f/energy.high", "99999999999999999999\n"), ERANGE);
	CHECK_ERRNO(rcfs_write("f/energy.events", "high 0\n"), EACCES);
	reread(fd, text, sizeof(text));
	CHECK(!strcmp(text, "1000000000000\n"));
	CHECK(!rcfs_write("f/energy.high", "max"));
	CHECK(rcfs_value("f/energy.events", "high") == 0);
	/* What is passed already is passed at once. */
	CHECK(!rcfs_write("f/energy.high", "0\n"));
	CHECK(rcfs_value("f/energy.events", "high") == 1);

	/* Removed. */
	reread(fd, text, sizeof(text));
	CHECK(!woken(fd, 0));
	if (!fork()) {
		usleep(100000);
		_exit(rmdir(PATH("f")) != 0);
	}
	CHECK(woken(fd, 10000));
	wait(NULL);
	CHECK_ERRNO(pread(fd, text, sizeof(text), 0), ENODEV);
	close(fd);
}

/* In a child's container, for its parent. */
static void test_passed(void)
{
	long long begin, uj;
	double start, late;
	char text[64];
	int events;
	pid_t pid;

	CHECK(!mkdir(PATH("p"), 0755));
	CHECK(!mkdir(PATH("p/c"), 0755));
	pid = spin_in("p/c");
	start = now_ms();
	begin = rcfs_total("p");
	usleep(500000);
	uj = rcfs_total("p") - begin;
	printf("# %.0f mW\n", uj / (now_ms() - start));
	CHECK(uj > 0);

	events = open(PATH("p/energy.events"), O_RDONLY);
	reread(events, text, sizeof(text));
	CHECK(!strcmp(text, "high 0\n"));
	begin = rcfs_total("p") + 8 * uj;
	CHECK(!set_high("p", begin));
	/* That it is another was said. */
	CHECK(woken(events, 0));
	reread(events, text, sizeof(text));
	CHECK(!strcmp(text, "high 0\n"));
	CHECK(rcfs_total("p") < begin);
	CHECK(woken(events, 60000));
	late = rcfs_total("p") - begin;
	printf("# noticed after %.1f %% of what was waited for\n", late * 100 / (8 * uj));
	CHECK(late >= 0);
	reread(events, text, sizeof(text));
	CHECK(!strcmp(text, "high 1\n"));
	/* Once. */
	CHECK(!woken(events, 1500));
	CHECK(rcfs_value("p/c/energy.events", "high") == 0);

	/* Nothing is used: nobody is woken. */
	stop(pid);
	begin = rcfs_total("p") + 1000000;
	CHECK(!set_high("p", begin));
	reread(events, text, sizeof(text));
	CHECK(!woken(events, 1500));
	CHECK(rcfs_total("p") < begin);
	/* Until much is, all at once. */
	pid = spin_in("p/c");
	CHECK(woken(events, 30000));
	CHECK(rcfs_total("p") >= begin);
	stop(pid);
	CHECK(rcfs_value("p/energy.events", "high") == 2);
	close(events);
	CHECK(!rmdir(PATH("p/c")));
	CHECK(!rmdir(PATH("p")));
}

static void test_permissions(void)
{
	char text[64];
	int status;
	pid_t pid;

	CHECK(!mkdir(PATH("u"), 0755));
	CHECK(!mkdir(PATH("o"), 0755));
	CHECK(!chown(PATH("u/energy.high"), 1000, 1000));
	pid = fork();
	if (!pid) {
		int fd = open(PATH("o/energy.events"), O_RDONLY);

		check_failures = 0;
		CHECK(!setgid(1000) && !setuid(1000));
		CHECK(!set_high("u", 0));
		CHECK_ERRNO(set_high("o", 0), EACCES);
		CHECK_ERRNO(set_high("", 0), EACCES);
		/* But poll. */
		reread(fd, text, sizeof(text));
		CHECK(!woken(fd, 0));
		_exit(check_failures != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	CHECK(rcfs_value("u/energy.events", "high") == 1);
	CHECK(!rmdir(PATH("u")));
	CHECK(!rmdir(PATH("o")));
}

/* Many at a time, some removed, some renamed while they wait. */
static void test_many(void)
{
	char path[64], to[64];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), RCFS "/m%d", i);
		CHECK(!mkdir(path, 0755));
		CHECK(!set_high(path + sizeof(RCFS), 1 + i % 2 * 1000000000LL));
	}
	usleep(200000);
	for (i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), RCFS "/m%d", i);
		snprintf(to, sizeof(to), RCFS "/n%d", i);
		if (i % 3) {
			CHECK(!rename(path, to));
			strcpy(path, to);
		}
		CHECK(!rmdir(path));
	}
	usleep(1200000);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_file();
	test_passed();
	test_permissions();
	test_many();
	return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
