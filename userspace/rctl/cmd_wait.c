// SPDX-License-Identifier: GPL-2.0-or-later
/* rctl wait */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cmd.h"
#include "quantity.h"
#include "wait.h"

/* As timeout(1). */
#define EXIT_TIMED_OUT	124

#define HIGH		"energy.high"
#define NONE		UINT64_MAX

/**
 * struct waiting - for what is waited
 * @path: canonical path of the container
 * @dirfd: its directory
 * @highfd: its energy.high, to be read and polled
 * @target_uj: the energy waited for
 * @until_ms: CLOCK_MONOTONIC, when it is enough; 0 for never
 * @buf: for files
 */
struct waiting {
	const char *path;
	int dirfd;
	int highfd;
	uint64_t target_uj;
	uint64_t until_ms;
	struct rcfs_buf buf;
};

static void usage(void)
{
	puts("\nUsage:\n rctl wait [options] <name> <energy>\n\n"
	     "Wait until a container and those below have used as much energy, such as 5J or\n"
	     "2.5kJ, or that much more from now on, such as +5J; microjoules without a unit.\n\n"
	     "Options:\n"
	     " -t, --timeout <s>      wait for so many seconds at most");
	cmd_usage_options();
	cmd_usage_tail();
}

static uint64_t now_ms(void)
{
	return monotonic_ns() / NSEC_PER_MSEC;
}

static int read_total(struct waiting *w, uint64_t *uj)
{
	struct rcfs_energy energy;
	int ret = rcfs_read_energy(w->dirfd, "energy", &w->buf, &energy);

	if (ret)
		return ret;
	if (!energy.ndevs)
		errx(EXIT_FAILURE, "'%s' uses no energy: the kernel found no counters (see rctl info)",
		     rcfs_show_name(w->path));
	*uj = rcfs_energy_total(&energy);
	rcfs_energy_free(&energy);
	return 0;
}

/* What is polled for is a change since this. */
static int read_high(struct waiting *w, uint64_t *uj)
{
	char text[32];
	ssize_t n = pread(w->highfd, text, sizeof(text) - 1, 0);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	*uj = NONE;
	return strcmp(text, "max") ? rcfs_parse_u64(text, uj) : 0;
}

static int set_high(struct waiting *w, uint64_t uj)
{
	char text[32] = "max\n";

	if (uj != NONE)
		snprintf(text, sizeof(text), "%" PRIu64 "\n", uj);
	return rcfs_write(w->dirfd, HIGH, text);
}

/* Until something may have changed; false if time is over. */
static bool poll_high(const struct waiting *w)
{
	struct pollfd pfd = { .fd = w->highfd, .events = POLLPRI };
	uint64_t now = now_ms();
	int ms = -1;

	if (w->until_ms) {
		if (now >= w->until_ms)
			return false;
		ms = w->until_ms - now < 1000000 ? w->until_ms - now : 1000000;
	}
	if (poll(&pfd, 1, ms) < 0 && errno != EINTR)
		err(EXIT_FAILURE, "cannot wait");
	return true;
}

/*
 * There is one threshold, and others may wait too.  Who waits for less goes
 * first: whoever is woken looks, and sets it anew if that is not enough for him.
 */
static int wait_for_it(struct waiting *w)
{
	uint64_t high, uj;
	int ret;

	for (;;) {
		ret = read_high(w, &high);
		if (!ret)
			ret = read_total(w, &uj);
		if (ret)
			return ret;
		if (uj >= w->target_uj)
			return 0;
		if (high <= uj || high > w->target_uj) {
			ret = set_high(w, w->target_uj);
			if (ret)
				return ret;
			/* That was a change, too. */
			high = w->target_uj;
		}
		if (poll_high(w))
			continue;
		if (high == w->target_uj)
			set_high(w, NONE);
		return -ETIME;
	}
}

static int wait_path(struct waiting *w, bool relative)
{
	uint64_t uj;
	int ret;

	w->highfd = openat(w->dirfd, HIGH, O_RDWR | O_CLOEXEC);
	if (w->highfd < 0) {
		if (errno == ENOENT)
			errx(EXIT_FAILURE, "cannot wait for '%s': this kernel has no thresholds of energy",
			     rcfs_show_name(w->path));
		return -errno;
	}
	if (relative) {
		ret = read_total(w, &uj);
		if (ret)
			return ret;
		if (__builtin_add_overflow(w->target_uj, uj, &w->target_uj))
			return -ERANGE;
	}
	ret = wait_for_it(w);
	close(w->highfd);
	return ret;
}

static int wait_main(struct rctl *ctl, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "timeout",	required_argument, NULL, 't' },
		CMD_LONGOPTS
	};
	struct waiting w = { 0 };
	const char *energy;
	bool relative;
	char *path;
	int c, ret;

	while ((c = getopt_long(argc, argv, "t:" CMD_SHORTOPTS, longopts,
				NULL)) != -1) {
		if (c == 't')
			w.until_ms = now_ms() + option_milliseconds("timeout", optarg);
		else
			cmd_option(ctl, c);
	}
	if (argc - optind < 2)
		cmd_bad_usage(ctl, argc == optind ? "no container specified" :
						    "no energy specified");
	if (argc - optind > 2)
		cmd_bad_usage(ctl, "unexpected argument: '%s'", argv[optind + 2]);
	energy = argv[optind + 1];
	relative = *energy == '+';
	if (quantity_parse(energy + relative, "J", &w.target_uj))
		errx(EXIT_FAILURE, "'%s' is not an energy, such as 5J, +2.5kJ or 5000000 (microjoules)",
		     energy);

	cmd_open(ctl);
	path = cmd_path(argv[optind]);
	if (!path)
		return EXIT_FAILURE;
	w.path = path;
	w.dirfd = cmd_open_container(ctl, path);
	if (w.dirfd < 0) {
		free(path);
		return EXIT_FAILURE;
	}
	ret = wait_path(&w, relative);
	if (ret == -ENODEV)
		warnx("'%s' was deleted meanwhile", path);
	else if (ret && ret != -ETIME)
		cmd_warn_container(path, "wait for", ret);
	rcfs_buf_free(&w.buf);
	close(w.dirfd);
	free(path);
	return !ret ? EXIT_SUCCESS : ret == -ETIME ? EXIT_TIMED_OUT : EXIT_FAILURE;
}

const struct cmd cmd_wait = {
	.name = "wait",
	.main = wait_main,
	.usage = usage,
	.help = "wait until a container has used some energy",
};
