// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first process of the guests in tests and demos: mounts what is needed,
 * runs the scripts that the kernel command line names, and reports with TAP
 * lines on the console and, on x86, an exit status on QEMU's isa-debug-exit device.
 *
 *	run=NAME[,NAME...]	runs /tests/NAME each, with what follows a ':' as
 *				argument; exit status 77 means skipped
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#ifdef __x86_64__
#include <sys/io.h>
#endif

#define DEBUG_EXIT_PORT	0xf4
#define EXIT_SKIPPED	77

static void must_mount(const char *type, const char *dir)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, 0, NULL) && errno != EBUSY)
		err(EXIT_FAILURE, "mount %s", dir);
}

/*
 * The emulated CPU has no source of random numbers, and programs that make file
 * systems wait for one.  Nothing here is secret.
 */
static void seed_random(void)
{
	struct {
		struct rand_pool_info info;
		char seed[32];
	} pool = { .info = { .entropy_count = 256, .buf_size = 32 } };
	int fd = open("/dev/urandom", O_WRONLY);

	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool))
		warn("/dev/urandom");
	close(fd);
}

/* In a kernel with modules, load those of what the machine has. */
static void load_modules(void)
{
	if (!access("/sbin/load-modules", X_OK) && system("/sbin/load-modules"))
		warnx("not all modules were loaded");
}

/* The value of key= on the kernel command line, or NULL. */
static char *cmdline_value(char *cmdline, const char *key)
{
	size_t len = strlen(key);
	char *word, *rest = cmdline;

	while ((word = strsep(&rest, " \n")))
		if (!strncmp(word, key, len) && word[len] == '=')
			return word + len + 1;
	return NULL;
}

static int run_one(char *name)
{
	char path[256], *arg = strchr(name, ':');
	int status;
	pid_t pid;

	if (arg)
		*arg++ = '\0';
	snprintf(path, sizeof(path), "/tests/%s", name);
	pid = fork();
	if (pid < 0)
		err(EXIT_FAILURE, "fork");
	if (!pid) {
		execl(path, path, arg, NULL);
		err(127, "%s", path);
	}
	while (waitpid(pid, &status, 0) != pid)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_all(char *names)
{
	int status, nr = 0, failed = 0;
	char *name;

	while ((name = strsep(&names, ","))) {
		status = run_one(name);
		if (status == EXIT_SKIPPED)
			printf("ok %d - %s # SKIP\n", ++nr, name);
		else if (!status)
			printf("ok %d - %s\n", ++nr, name);
		else
			printf("not ok %d - %s (status %d)\n", ++nr, name, status);
		failed += status && status != EXIT_SKIPPED;
	}
	printf("1..%d\n", nr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*
 * The kernel's warnings, which do not reach a quiet console; those of locking
 * and WARN() are among them.  The host looks for them.
 */
static void show_warnings(void)
{
	char record[8192], *text;
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	unsigned int level;
	ssize_t n;

	if (fd < 0)
		return;
	/* EPIPE: some were overwritten meanwhile. */
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 || errno == EPIPE) {
		if (n <= 0)
			continue;
		record[n] = '\0';
		text = strchr(record, ';');
		if (!text || sscanf(record, "%u", &level) != 1)
			continue;
		text[strcspn(text, "\n")] = '\0';
		if ((level & 7) <= 4)
			printf("# kernel: %s\n", text + 1);
	}
	close(fd);
}

/* In a kernel with kmemleak, show what it finds: the host looks for it. */
static void show_leaks(void)
{
	char buf[4096];
	ssize_t n;
	int fd, i;

	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	fd = open("/sys/kernel/debug/kmemleak", O_RDWR);
	if (fd < 0)
		return;
	/* It says nothing of what is younger than five seconds. */
	sleep(6);
	for (i = 0; i < 2; i++)
		if (write(fd, "scan", 4) != 4)
			warn("kmemleak");
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	printf("# kmemleak has looked\n");
	close(fd);
}

static void tell_status(int status)
{
#ifdef __x86_64__
	if (!ioperm(DEBUG_EXIT_PORT, 1, 1))
		outb(status, DEBUG_EXIT_PORT);
#endif
}

static void power_off(int status)
{
	fflush(NULL);
	sync();
	tcdrain(STDOUT_FILENO);
	tell_status(status);
	reboot(RB_POWER_OFF);
}

int main(void)
{
	char cmdline[4096] = "";
	int fd, status = EXIT_FAILURE;
	char *names;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (getpid() != 1)
		errx(EXIT_FAILURE, "only as the first process of a guest");
	setenv("PATH", "/bin:/sbin:/usr/bin:/tests", 1);
	setenv("HOME", "/", 1);
	puts("# first process");
	must_mount("proc", "/proc");
	must_mount("sysfs", "/sys");
	must_mount("devtmpfs", "/dev");
	must_mount("tmpfs", "/tmp");
	seed_random();
	load_modules();
	if (mount("none", "/sys/fs/rcontainer", "rcontainer", 0, NULL))
		warn("mount /sys/fs/rcontainer");

	fd = open("/proc/cmdline", O_RDONLY);
	if (fd < 0 || read(fd, cmdline, sizeof(cmdline) - 1) < 0)
		warn("/proc/cmdline");
	names = cmdline_value(cmdline, "run");
	if (names)
		status = run_all(names);
	else
		warnx("nothing to run: no run= on the kernel command line");
	show_leaks();
	show_warnings();
	power_off(status);
	return status;
}
