// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rcfs as users see it: directories, bindings, error numbers.  Needs counters
 * and two CPUs for a part of it.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"

#define PATH(p) RCFS "/" p

static void test_directories(void)
{
	char name[sizeof(RCFS) + 300];

	CHECK(!mkdir(PATH("a"), 0755));
	CHECK(!mkdir(PATH("a/b"), 0755));
	CHECK(!access(PATH("a/b/tasks"), W_OK));
	CHECK(!access(PATH("a/b/procs"), W_OK));
	CHECK(!access(PATH("a/b/energy"), R_OK));
	CHECK(!access(PATH("a/b/energy.local"), R_OK));
	CHECK(!access(PATH("a/b/events"), R_OK));
	CHECK(access(PATH("a/info"), F_OK));
	CHECK(access(PATH("idle/tasks"), F_OK));

	CHECK_ERRNO(mkdir(PATH("a"), 0755), EEXIST);
	CHECK_ERRNO(mkdir(PATH("info"), 0755), EEXIST);
	CHECK_ERRNO(mkdir(PATH("tasks"), 0755), EEXIST);
	CHECK_ERRNO(mkdir(PATH("with space"), 0755), EINVAL);
	CHECK_ERRNO(mkdir(PATH("new\nline"), 0755), EINVAL);
	CHECK_ERRNO(mkdir(PATH("none/x"), 0755), ENOENT);
	CHECK_ERRNO(mkdir(PATH("idle/x"), 0755), EPERM);
	CHECK_ERRNO(mkdir(PATH("interrupt/x"), 0755), EPERM);
	CHECK_ERRNO(mkdir(PATH("info/x"), 0755), EPERM);
	memset(name, 'n', sizeof(name) - 1);
	memcpy(name, PATH(""), sizeof(PATH("")) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK_ERRNO(mkdir(name, 0755), ENAMETOOLONG);

	CHECK_ERRNO(rmdir(PATH("idle")), EPERM);
	CHECK_ERRNO(rmdir(PATH("info")), EPERM);
	CHECK_ERRNO(rmdir(PATH("a")), EBUSY);
	CHECK_ERRNO(unlink(PATH("a/tasks")), EPERM);
	CHECK(!rmdir(PATH("a/b")));
	CHECK(!rmdir(PATH("a")));
	CHECK_ERRNO(rmdir(PATH("a")), ENOENT);
}

static void test_depth(void)
{
	char path[4096] = RCFS;
	size_t len = strlen(path);
	int depth = 0;

	while (depth < 100) {
		strcpy(path + len, "/d");
		if (mkdir(path, 0755))
			break;
		len += 2;
		depth++;
	}
	CHECK(errno == EAGAIN);
	CHECK(depth == 64);
	while (depth--) {
		path[len] = '\0';
		CHECK(!rmdir(path));
		len -= 2;
	}
}

static void test_binding(void)
{
	int status, go[2];
	char c;
	pid_t pid;

	CHECK(!mkdir(PATH("a"), 0755));
	CHECK(rcfs_lists("tasks", getpid()));
	CHECK(!rcfs_bind("a", 0, "tasks"));
	CHECK(rcfs_lists("a/tasks", getpid()));
	CHECK(rcfs_lists("a/procs", getpid()));
	CHECK(!rcfs_lists("tasks", getpid()));

	/* A child is where its parent is. */
	CHECK(!pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		_exit(read(go[0], &c, 1) != 0);
	}
	CHECK(rcfs_lists("a/tasks", pid));
	CHECK(!rcfs_bind("", 0, "tasks"));
	CHECK(rcfs_lists("a/tasks", pid));
	CHECK_ERRNO(rmdir(PATH("a")), EBUSY);

	/* A zombie is nobody. */
	close(go[1]);
	waitid(P_PID, pid, NULL, WEXITED | WNOWAIT);
	CHECK(!rcfs_lists("a/tasks", pid));
	CHECK_ERRNO(rcfs_bind("a", pid, "tasks"), ESRCH);
	CHECK(!rmdir(PATH("a")));
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(!status);
	close(go[0]);

	CHECK(!mkdir(PATH("a"), 0755));
	CHECK_ERRNO(rcfs_bind("a", -1, "tasks"), EINVAL);
	CHECK_ERRNO(rcfs_bind("a", 4194303, "tasks"), ESRCH);
	CHECK_ERRNO(rcfs_write("a/tasks", "one\n"), EINVAL);
	CHECK_ERRNO(rcfs_write("a/tasks", "99999999999\n"), ERANGE);
	CHECK_ERRNO(rcfs_write("a/tasks", "1 2\n"), EINVAL);
	/* kthreadd */
	CHECK_ERRNO(rcfs_bind("a", 2, "tasks"), EINVAL);
	CHECK_ERRNO(rcfs_bind("idle", 0, "tasks"), ENOENT);
	CHECK(!rmdir(PATH("a")));
}

static void *thread(void *barrier)
{
	pthread_barrier_wait(barrier);
	pthread_barrier_wait(barrier);
	return (void *)(long)gettid();
}

static void test_threads(void)
{
	pthread_barrier_t barrier;
	pthread_t threads[3];
	char line[32];
	int i, tasks = 0;
	FILE *f;

	pthread_barrier_init(&barrier, NULL, 4);
	CHECK(!mkdir(PATH("p"), 0755));
	for (i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, thread, &barrier);
	pthread_barrier_wait(&barrier);
	CHECK(!rcfs_bind("p", getpid(), "procs"));
	f = fopen(PATH("p/tasks"), "r");
	CHECK(f);
	while (f && fgets(line, sizeof(line), f))
		tasks++;
	CHECK(tasks == 4);
	/* One thread alone elsewhere. */
	CHECK(!rcfs_bind("", gettid(), "tasks"));
	CHECK(!rcfs_lists("p/tasks", gettid()));
	CHECK(rcfs_lists("p/procs", getpid()));
	CHECK(rcfs_lists("procs", getpid()));
	CHECK(!rcfs_write("procs", "0\n"));
	pthread_barrier_wait(&barrier);
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	CHECK(!rmdir(PATH("p")));
	if (f)
		fclose(f);
}

/* Who may write a container's tasks and owns the task may bind it. */
static void test_permissions(void)
{
	int status;
	pid_t pid;

	CHECK(!mkdir(PATH("u"), 0755));
	CHECK(!mkdir(PATH("root"), 0755));
	CHECK(!chown(PATH("u"), 1000, 1000));
	CHECK(!chown(PATH("u/tasks"), 1000, 1000));
	pid = fork();
	if (!pid) {
		check_failures = 0;
		CHECK(!setgid(1000) && !setuid(1000));
		CHECK(!rcfs_bind("u", 0, "tasks"));
		CHECK_ERRNO(rcfs_bind("root", 0, "tasks"), EACCES);
		CHECK_ERRNO(rcfs_bind("u", 1, "tasks"), EACCES);
		CHECK_ERRNO(mkdir(PATH("x"), 0755), EACCES);
		CHECK(!mkdir(PATH("u/own"), 0755));
		CHECK(!rcfs_bind("u/own", 0, "tasks"));
		CHECK(!rcfs_bind("u", 0, "tasks"));
		CHECK(!rmdir(PATH("u/own")));
		_exit(check_failures != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	CHECK(!rmdir(PATH("u")));
	CHECK(!rmdir(PATH("root")));
}

/* Nor can they have it done, by one with more rights who writes to what they opened. */
static void test_inherited_file(void)
{
	int fd, status;
	pid_t pid;

	CHECK(!mkdir(PATH("u"), 0755));
	CHECK(!chown(PATH("u/procs"), 1000, 1000));
	pid = fork();
	if (!pid) {
		check_failures = 0;
		CHECK(!seteuid(1000));
		fd = open(PATH("u/procs"), O_WRONLY);
		CHECK(fd >= 0);
		CHECK(!seteuid(0));
		CHECK_ERRNO(write(fd, "1", 1), EACCES);
		CHECK_ERRNO(write(fd, "0", 1), EACCES);
		close(fd);
		/* And with own rights. */
		CHECK(!rcfs_bind("u", 0, "procs"));
		_exit(check_failures != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	CHECK(!rmdir(PATH("u")));
}

static void test_removed_while_open(void)
{
	char buf[64];
	int energy, tasks;

	CHECK(!mkdir(PATH("r"), 0755));
	energy = open(PATH("r/energy"), O_RDONLY);
	tasks = open(PATH("r/tasks"), O_RDWR);
	CHECK(energy >= 0 && tasks >= 0);
	CHECK(!rmdir(PATH("r")));
	CHECK_ERRNO(read(energy, buf, sizeof(buf)), ENODEV);
	CHECK_ERRNO(write(tasks, "0", 1), ENODEV);
	close(energy);
	close(tasks);
}

static pid_t spinner(int cpu)
{
	cpu_set_t set;
	pid_t pid = fork();

	if (pid)
		return pid;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (;;)
		;
}

/* Soon, that is, however busy the host. */
static bool exceeds(const char *path, long long cycles)
{
	int i;

	for (i = 0; i < 100; i++) {
		usleep(100000);
		if (rcfs_value(path, "unhalted_cycles") > cycles)
			return true;
	}
	return false;
}

/* A task that runs on another CPU is charged anew at once. */
static void test_rebind_running(void)
{
	long long a, b, local;
	pid_t pid;

	CHECK(!mkdir(PATH("a"), 0755));
	CHECK(!mkdir(PATH("b"), 0755));
	pid = spinner(sysconf(_SC_NPROCESSORS_ONLN) - 1);
	CHECK(!rcfs_bind("a", pid, "procs"));
	CHECK(exceeds("a/events", 100000));
	CHECK(!rcfs_bind("b", pid, "procs"));
	a = rcfs_value("a/events", "unhalted_cycles");
	b = rcfs_value("b/events", "unhalted_cycles");
	CHECK(exceeds("b/events", b + 100000));
	CHECK(rcfs_value("a/events", "unhalted_cycles") == a);
	CHECK(rcfs_value("b/energy", "cpu.access_uj") > 0);
	CHECK(rcfs_value("b/energy", "cpu.base_uj") > 0);

	/* What a removed container was charged is its parent's. */
	local = rcfs_value("energy.local", "cpu.access_uj");
	a = rcfs_value("a/energy", "cpu.access_uj");
	CHECK(!rmdir(PATH("a")));
	CHECK(rcfs_value("energy.local", "cpu.access_uj") >= local + a - 1);

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK(!rmdir(PATH("b")));
}

static void test_rename(void)
{
	long long energy;
	int status, fd;
	char buf[64];
	pid_t pid;

	CHECK(!mkdir(PATH("a"), 0755));
	CHECK(!mkdir(PATH("a/b"), 0755));
	CHECK(!mkdir(PATH("c"), 0755));
	fd = open(PATH("a/b/id"), O_RDONLY);
	CHECK(!rcfs_bind("a/b", 0, "procs"));
	energy = rcfs_value("a/b/energy", "cpu.access_uj");
	CHECK(!rename(PATH("a"), PATH("d")));
	CHECK_ERRNO(access(PATH("a"), F_OK), ENOENT);
	CHECK(rcfs_lists("d/b/tasks", getpid()));
	CHECK(rcfs_value("d/b/energy", "cpu.access_uj") >= energy);
	CHECK(!rename(PATH("d/b"), PATH("d/x")));
	CHECK(rcfs_lists("d/x/tasks", getpid()));
	CHECK(pread(fd, buf, sizeof(buf), 0) > 0);
	CHECK(rcfs_value("info/containers", "/d/b") == -1);
	CHECK(rcfs_value("info/containers", "/d/x") > 0);

	CHECK_ERRNO(rename(PATH("d/x"), PATH("x")), EINVAL);
	CHECK_ERRNO(rename(PATH("d"), PATH("c/d")), EINVAL);
	CHECK_ERRNO(rename(PATH("d"), PATH("c")), EEXIST);
	CHECK_ERRNO(rename(PATH("d"), PATH("info")), EEXIST);
	CHECK_ERRNO(rename(PATH("d"), PATH("with space")), EINVAL);
	CHECK_ERRNO(rename(PATH("none"), PATH("d2")), ENOENT);
	CHECK_ERRNO(rename(PATH("idle"), PATH("busy")), EPERM);
	CHECK_ERRNO(rename(PATH("info"), PATH("about")), EPERM);
	CHECK_ERRNO(rename(PATH("d/energy"), PATH("d/power")), EPERM);
	CHECK_ERRNO(renameat2(AT_FDCWD, PATH("d"), AT_FDCWD, PATH("c"), RENAME_EXCHANGE),
		    EINVAL);

	/* Who may write the parent. */
	CHECK(!chown(PATH("d"), 1000, 1000));
	pid = fork();
	if (!pid) {
		check_failures = 0;
		CHECK(!setgid(1000) && !setuid(1000));
		CHECK_ERRNO(rename(PATH("d"), PATH("e")), EACCES);
		CHECK(!rename(PATH("d/x"), PATH("d/y")));
		_exit(check_failures != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);

	CHECK(!rcfs_write("procs", "0\n"));
	CHECK(!rmdir(PATH("d/y")));
	/* An old name is free. */
	CHECK(!mkdir(PATH("a"), 0755));
	CHECK(!rmdir(PATH("a")));
	CHECK(!rmdir(PATH("d")));
	CHECK(!rmdir(PATH("c")));
	close(fd);
}

/* info/containers says what the files of each container say. */
static void test_containers(void)
{
	static char text[65536];
	char *line, *rest = text;
	int fd, n, all = 0;

	CHECK(!mkdir(PATH("l"), 0755));
	CHECK(!mkdir(PATH("l/m"), 0700));
	CHECK(!rcfs_bind("l/m", 0, "procs"));
	fd = open(PATH("info/containers"), O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n > 0);
	text[n > 0 ? n : 0] = '\0';
	line = strsep(&rest, "\n");
	CHECK(!strncmp(line, "container inode tasks procs", 27));
	while ((line = strsep(&rest, "\n"))) {
		unsigned long long ino, tasks, procs, access, base;
		char name[256], path[512];
		struct stat st;

		n = sscanf(line, "%255s %llu %llu %llu %llu %llu", name, &ino, &tasks,
			   &procs, &access, &base);
		if (n < 4)
			continue;
		all++;
		snprintf(path, sizeof(path), RCFS "%s", name);
		CHECK(!stat(path, &st) && st.st_ino == ino);
		if (!strcmp(name, "/l"))
			CHECK(tasks == 0 && procs == 0);
		if (!strcmp(name, "/l/m"))
			CHECK(tasks == 1 && procs == 1);
		snprintf(path, sizeof(path), "%s/energy", name + 1);
		if (n == 6)
			CHECK(rcfs_value(path, "cpu.access_uj") >= (long long)access);
	}
	CHECK(all == 5);
	/* Again from its beginning. */
	CHECK(lseek(fd, 0, SEEK_SET) == 0 && read(fd, text, sizeof(text)) > 0);
	close(fd);
	CHECK(!rcfs_write("procs", "0\n"));
	CHECK(!rmdir(PATH("l/m")));
	CHECK(!rmdir(PATH("l")));
}

static void test_base_policy(void)
{
	int status;
	pid_t pid;

	CHECK(!rcfs_write("info/base_policy", "access\n"));
	CHECK(!rcfs_write("info/base_policy", "root"));
	CHECK_ERRNO(rcfs_write("info/base_policy", "fair\n"), EINVAL);
	CHECK_ERRNO(rcfs_write("info/base_policy", "\n"), EINVAL);
	CHECK_ERRNO(rcfs_write("info/base_policy", "equal root\n"), EINVAL);
	CHECK_ERRNO(rcfs_write("info/base_policy", "[root]\n"), EINVAL);
	pid = fork();
	if (!pid) {
		check_failures = 0;
		CHECK(!setgid(1000) && !setuid(1000));
		CHECK_ERRNO(rcfs_write("info/base_policy", "equal\n"), EACCES);
		CHECK_ERRNO(rcfs_write("info/counters", "default\n"), EACCES);
		CHECK_ERRNO(open(PATH("info/containers"), O_RDONLY), EACCES);
		CHECK(!access(PATH("info/base_policy"), R_OK));
		_exit(check_failures != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status);
	CHECK(!rcfs_write("info/base_policy", "equal\n"));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	test_directories();
	test_depth();
	test_binding();
	test_threads();
	test_permissions();
	test_inherited_file();
	test_removed_while_open();
	test_rename();
	test_containers();
	test_base_policy();
	if (rcfs_value("events", "unhalted_cycles") >= 0)
		test_rebind_running();
	else
		printf("# no counters: nothing to charge\n");
	return check_failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
