// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl run */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "print.h"

/* What the child could not do. */
struct failure {
	enum { FAILED_BIND, FAILED_EXEC } what;
	int error;
};

/* Energy at one moment; energy.ndevs is 0 if it cannot be read. */
struct meter {
	struct rcfs_energy energy;
	uint64_t time_ns;
};

static volatile pid_t child_pid;

static void usage(void)
{
	puts("\nUsage:\n rctl run [options] <name> [--] <command> [<argument>...]\n\n"
	     "Run a command in a resource container and tell what energy that took.\n\n"
	     "Options:\n"
	     " -b, --exact            print microjoules, as plain numbers\n"
	     " -c, --create           create the container if there is none\n"
	     " -e, --exec             become the command, and tell nothing\n"
	     " -q, --quiet            do not print the energy");
	cmd_usage_options();
	cmd_usage_tail();
}

static void forward(int sig)
{
	if (child_pid > 0)
		kill(child_pid, sig);
}

/* The terminal sends these to the child too; who ends us, ends the command. */
static void set_signals(struct sigaction *old)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction pass = { .sa_handler = forward };

	sigaction(SIGINT, &ignore, &old[0]);
	sigaction(SIGQUIT, &ignore, &old[1]);
	sigaction(SIGTERM, &pass, &old[2]);
	sigaction(SIGHUP, &pass, &old[3]);
}

static void restore_signals(const struct sigaction *old)
{
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGQUIT, &old[1], NULL);
	sigaction(SIGTERM, &old[2], NULL);
	sigaction(SIGHUP, &old[3], NULL);
}

/* Returns only if that fails. */
static struct failure become(int dirfd, char **argv)
{
	struct failure failure = { .what = FAILED_BIND };

	failure.error = rcfs_write_id(dirfd, "procs", 0);
	if (!failure.error) {
		execvp(argv[0], argv);
		failure.what = FAILED_EXEC;
		failure.error = -errno;
	}
	return failure;
}

static void __attribute__((noreturn))
run_child(int dirfd, int pipefd, char **argv)
{
	struct failure failure = become(dirfd, argv);

	if (write(pipefd, &failure, sizeof(failure)) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

/* Returns 0, or the exit status after a message. */
static int explain_failure(const struct failure *failure, const char *path,
			   const char *command)
{
	errno = -failure->error;
	if (failure->what == FAILED_EXEC) {
		warn("cannot run '%s'", command);
		return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	}
	if (rcfs_is_builtin(path))
		warnx("cannot run in '%s': this container is built in and takes no tasks",
		      path);
	else if (failure->error == -ENOENT || failure->error == -ENODEV)
		warnx("cannot run in '%s': it takes no tasks any more; was it removed meanwhile?",
		      rcfs_show_name(path));
	else
		cmd_warn_container(path, "run in", failure->error);
	return EXIT_FAILURE;
}

/* Returns the exit status, and in *ran whether the command began at all. */
static int run_command(int dirfd, const char *path, char **argv, bool *ran)
{
	struct sigaction old[4];
	struct failure failure;
	sigset_t passed, mask;
	int pipefd[2], wstatus;
	ssize_t got;

	if (pipe2(pipefd, O_CLOEXEC))
		err(EXIT_FAILURE, "cannot make a pipe");
	fflush(NULL);
	set_signals(old);
	/* The command may be under way before its id is known here. */
	sigemptyset(&passed);
	sigaddset(&passed, SIGTERM);
	sigaddset(&passed, SIGHUP);
	sigprocmask(SIG_BLOCK, &passed, &mask);
	child_pid = fork();
	if (child_pid < 0)
		err(EXIT_FAILURE, "cannot fork");
	if (!child_pid) {
		restore_signals(old);
		sigprocmask(SIG_SETMASK, &mask, NULL);
		run_child(dirfd, pipefd[1], argv);
	}
	sigprocmask(SIG_SETMASK, &mask, NULL);

	close(pipefd[1]);
	do
		got = read(pipefd[0], &failure, sizeof(failure));
	while (got < 0 && errno == EINTR);
	close(pipefd[0]);
	while (waitpid(child_pid, &wstatus, 0) < 0)
		if (errno != EINTR)
			err(EXIT_FAILURE, "cannot wait for '%s'", argv[0]);
	child_pid = 0;
	restore_signals(old);

	*ran = got != sizeof(failure);
	if (!*ran)
		return explain_failure(&failure, path, argv[0]);
	return WIFSIGNALED(wstatus) ? 128 + WTERMSIG(wstatus) :
				      WEXITSTATUS(wstatus);
}

static void read_meter(int dirfd, const char *path, struct meter *meter)
{
	struct rcfs_buf buf = { 0 };
	int ret;

	meter->time_ns = monotonic_ns();
	ret = rcfs_read_energy(dirfd, "energy", &buf, &meter->energy);
	rcfs_buf_free(&buf);
	if (!ret)
		return;
	rcfs_energy_free(&meter->energy);
	errno = -ret;
	if (ret == -EBADMSG || ret == -ERANGE)
		warnx("%s: 'energy' does not have the expected format",
		      rcfs_show_name(path));
	else
		warn("%s: cannot read 'energy'", rcfs_show_name(path));
}

static void report_exact(const char *path, const struct rcfs_energy *used,
			 uint64_t us)
{
	size_t i;

	fprintf(stderr, "container %s\nelapsed_us %" PRIu64 "\n",
		rcfs_show_name(path), us);
	for (i = 0; i < used->ndevs; i++)
		fprintf(stderr, "%s.access_uj %" PRIu64 "\n%s.base_uj %" PRIu64 "\n",
			used->dev[i].name, used->dev[i].access,
			used->dev[i].name, used->dev[i].base);
	fprintf(stderr, "total_uj %" PRIu64 "\n", rcfs_energy_total(used));
}

static void report_line(const char *device, const char *kind, uint64_t uj)
{
	char label[64], buf[PRINT_NUMBER];

	snprintf(label, sizeof(label), "%s%s", device, kind);
	fprintf(stderr, "%-12s %s\n", label, format_micro(uj, "J", " ", buf));
}

static void report(const char *path, const struct rcfs_energy *used, uint64_t us)
{
	uint64_t total = rcfs_energy_total(used);
	char buf[PRINT_NUMBER];
	size_t i;

	fprintf(stderr, "\n%-12s %s\n", "container", rcfs_show_name(path));
	fprintf(stderr, "%-12s %s\n", "elapsed", format_micro(us, "s", " ", buf));
	for (i = 0; i < used->ndevs; i++) {
		report_line(used->dev[i].name, ".access", used->dev[i].access);
		report_line(used->dev[i].name, ".base", used->dev[i].base);
	}
	report_line("total", "", total);
	if (us) {
		print_u128 uw = (print_u128)total * 1000000 / us;

		fprintf(stderr, "%-12s %s\n", "power",
			format_micro(uw > UINT64_MAX ? UINT64_MAX : uw, "W",
				     " ", buf));
	}
}

static int run(int dirfd, const char *path, char **argv, bool quiet, bool exact)
{
	struct meter before = { 0 }, after = { 0 };
	uint64_t us;
	bool ran;
	int status;

	if (!quiet)
		read_meter(dirfd, path, &before);
	status = run_command(dirfd, path, argv, &ran);
	if (ran && !quiet) {
		read_meter(dirfd, path, &after);
		us = (after.time_ns - before.time_ns) / 1000;
		rcfs_energy_subtract(&after.energy, &before.energy);
		if (after.energy.ndevs)
			(exact ? report_exact : report)(path, &after.energy, us);
		else
			warnx("'%s' has no energy meters (see info/backend)",
			      rcfs_show_name(path));
	}
	rcfs_energy_free(&before.energy);
	rcfs_energy_free(&after.energy);
	return status;
}

static int run_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "create",	no_argument, NULL, 'c' },
		{ "exact",	no_argument, NULL, 'b' },
		{ "exec",	no_argument, NULL, 'e' },
		{ "quiet",	no_argument, NULL, 'q' },
		CMD_LONGOPTS
	};
	bool create = false, exact = false, exec = false, quiet = false;
	int c, dirfd = -1, status = EXIT_FAILURE;
	char *path;

	/* The command's options are not ours. */
	while ((c = getopt_long(argc, argv, "+bceq" CMD_SHORTOPTS, longopts,
				NULL)) != -1) {
		if (c == 'b')
			exact = true;
		else if (c == 'c')
			create = true;
		else if (c == 'e')
			exec = true;
		else if (c == 'q')
			quiet = true;
		else
			cmd_option(ctl, c);
	}
	if (optind == argc)
		cmd_bad_usage(ctl, "no container specified");
	path = cmd_path(argv[optind++]);
	if (!path)
		return EXIT_FAILURE;
	if (optind < argc && !strcmp(argv[optind], "--"))
		optind++;
	if (optind == argc)
		cmd_bad_usage(ctl, "no command specified");

	cmd_open(ctl);
	if (!create || !cmd_create_path(ctl, path, true))
		dirfd = cmd_open_container(ctl, path);
	if (dirfd >= 0) {
		argv += optind;
		if (exec) {
			struct failure failure = become(dirfd, argv);

			status = explain_failure(&failure, path, argv[0]);
		} else {
			status = run(dirfd, path, argv, quiet, exact);
		}
		close(dirfd);
	}
	free(path);
	return status;
}

const struct cmd cmd_run = {
	.name = "run",
	.main = run_main,
	.usage = usage,
	.help = "run a command in a container and tell its energy",
};
