// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cpuacctd - the CPU accountant: has a source (source.h) tell what virtual
 * machines do, period by period, and shows and publishes what accounting
 * (account.h) makes of it.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "account.h"
#include "cli.h"
#include "clock.h"
#include "doctor.h"
#include "meter.h"
#include "model.h"
#include "perfhost.h"
#include "publish.h"
#include "show.h"
#include "source.h"

/* Exit status; success is 0. */
#define STATUS_DIFFERENCE	1
#define STATUS_ERROR		2
#define STATUS_UNABLE		3

/* How often a source looks thoroughly. */
#define THOROUGH_MS		200

enum source_kind { SOURCE_AUTO, SOURCE_LOG, SOURCE_PERF, SOURCE_CLOCK };

struct settings {
	enum source_kind source;
	struct perf_select select;
	const char *dir;
	const char *model;
	const char *samples;
	const char *subsystem;
	const char *resmond;
	unsigned int period_ms;
	uint64_t interval_ms;
	bool wait;
	bool once;
	bool json;
	bool doctor;
};

struct accountant {
	struct source *source;
	struct account a;
	struct samples samples;
	/* NULL if nothing is published. */
	struct publisher *publisher;
	/* NULL if there are none, or they are not ours. */
	struct meters *meters;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = 1;
}

static void sleep_until(int64_t ns)
{
	struct timespec ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* An accountant before this one may have told virtual machines what they paid. */
static void go_on_from_meters(struct accountant *d)
{
	energy_t base_pj[MACHINE_MAX_VMS];

	meters_known(d->meters, base_pj);
	if (!account_known_base(&d->a, base_pj))
		warnx("energy meters show more than there was: left out of account");
}

static void take_period(struct accountant *d, bool thorough)
{
	struct source *s = d->source;

	s->ops->look(s, &d->a, thorough);
	if (d->meters) {
		meters_find(d->meters, s->vm, &s->alive);
		if (!d->a.started)
			go_on_from_meters(d);
	}
	if (d->publisher && account_changes_hands(&d->a, s->vm))
		publish(d->publisher);
	account_vms(&d->a, s->vm, &s->alive);
	if (d->publisher) {
		publish(d->publisher);
		publish_poll(d->publisher);
	}
	/* A meter cannot be taken back, so it waits for what sums go on from. */
	if (d->meters && (!d->publisher || publish_settled(d->publisher)))
		meters_write(d->meters, &d->a);
}

static void take_sample(struct accountant *d, bool final)
{
	double seconds = (int64_t)(monotonic_ns() - d->source->zero_ns) / 1e9;

	if (d->samples.file)
		samples_add(&d->samples, &d->a, seconds, final);
}

/* The next time in step; after a delay, without catching up. */
static int64_t next_in_step(int64_t last, int64_t step, int64_t now)
{
	int64_t next = last + step;

	return next < now ? next + (now - next) / step * step : next;
}

static void run(struct accountant *d, const struct settings *s)
{
	int64_t period = s->period_ms * NSEC_PER_MSEC;
	int64_t interval = s->interval_ms * NSEC_PER_MSEC;
	int64_t now = monotonic_ns();
	int64_t next = now, next_sample = now + interval, next_thorough = now;

	while (!stop) {
		take_period(d, now >= next_thorough);
		if (now >= next_thorough)
			next_thorough = now + THOROUGH_MS * NSEC_PER_MSEC;
		now = monotonic_ns();
		if (now >= next_sample) {
			next_sample += (now - next_sample) / interval * interval +
				       interval;
			if (d->source->ops->gone(d->source)) {
				warnx("%s: gone", d->source->name);
				break;
			}
			take_sample(d, false);
		}
		next = next_in_step(next, period, now);
		sleep_until(next);
		now = monotonic_ns();
	}
	take_period(d, true);
	take_sample(d, true);
}

static void usage(void)
{
	char *dir = default_machine_dir();

	printf("\nUsage:\n %s [options]\n %s --check-model FILE\n %s --doctor [options]\n",
	       program_invocation_short_name, program_invocation_short_name,
	       program_invocation_short_name);
	puts("\nAccount the physical CPUs' energy to virtual machines.\n\n"
	     "Options:\n"
	     " -x, --source SOURCE    where events are known from: 'log', 'perf', or 'clock',\n"
	     "                          which is perf without events (default: by the others)");
	printf(" -M, --machine DIR      log: the emulated machine\n"
	       "                          (default: %s)\n", dir);
	puts(" -w, --wait             log: wait for the machine\n"
	     " -P, --pid PID          perf: that process; may be repeated\n"
	     " -g, --cgroup PATH      perf: QEMU's processes in that cgroup\n"
	     " -q, --qemu             perf: all of QEMU's processes\n"
	     " -m, --model FILE       energy weights (default: log: Pentium 4, perf: generic)\n"
	     " -s, --samples FILE     write cumulative sums as CSV\n"
	     " -i, --interval SECONDS between samples (default: 1)\n"
	     " -p, --period-ms MS     between looks at the source (default: 20)\n"
	     " -r, --resmond PATH     the resource monitor's socket; 'none': publish nothing\n"
	     " -S, --subsystem NAME   as what to publish (default: cpu)\n"
	     " -1, --once             log: show the sums up to now, and end\n"
	     " -J, --json             show sums as JSON\n"
	     " -c, --check-model FILE say whether a model is right, and end\n"
	     " -D, --doctor           say what this host has and lacks for perf, and end\n"
	     "\n"
	     " -h, --help             display this help\n"
	     " -V, --version          display version\n"
	     "\n"
	     "For more details see cpuacctd(8).");
	free(dir);
}

_Noreturn static void check_model(const char *file)
{
	char message[MODEL_ERR_LEN];
	struct model model;

	if (model_load(file, &model, message))
		errx(STATUS_ERROR, "%s", message);
	perf_host_check_model(&model, file);
	exit(EXIT_SUCCESS);
}

static enum source_kind parse_source(const char *arg)
{
	static const char *const names[] = {
		[SOURCE_AUTO]	= "auto",
		[SOURCE_LOG]	= "log",
		[SOURCE_PERF]	= "perf",
		[SOURCE_CLOCK]	= "clock",
	};

	for (unsigned int i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(arg, names[i]))
			return i;
	errx(STATUS_ERROR, "--source: '%s' is not log, perf, clock or auto", arg);
}

static void add_pid(struct perf_select *select, const char *arg)
{
	if (select->nr_pids == PERF_MAX_PIDS)
		errx(STATUS_ERROR, "--pid: no more than %d", PERF_MAX_PIDS);
	select->pid[select->nr_pids++] = option_number("pid", arg, 1, INT32_MAX);
}

static const struct option options[] = {
	{ "source",	 required_argument, NULL, 'x' },
	{ "machine",	 required_argument, NULL, 'M' },
	{ "wait",	 no_argument,	    NULL, 'w' },
	{ "pid",	 required_argument, NULL, 'P' },
	{ "cgroup",	 required_argument, NULL, 'g' },
	{ "qemu",	 no_argument,	    NULL, 'q' },
	{ "model",	 required_argument, NULL, 'm' },
	{ "samples",	 required_argument, NULL, 's' },
	{ "interval",	 required_argument, NULL, 'i' },
	{ "period-ms",	 required_argument, NULL, 'p' },
	{ "resmond",	 required_argument, NULL, 'r' },
	{ "subsystem",	 required_argument, NULL, 'S' },
	{ "once",	 no_argument,	    NULL, '1' },
	{ "json",	 no_argument,	    NULL, 'J' },
	{ "check-model", required_argument, NULL, 'c' },
	{ "doctor",	 no_argument,	    NULL, 'D' },
	{ "help",	 no_argument,	    NULL, 'h' },
	{ "version",	 no_argument,	    NULL, 'V' },
	{ 0 }
};

static void parse_option(int c, struct settings *s)
{
	switch (c) {
	case 'x':
		s->source = parse_source(optarg);
		break;
	case 'M':
		s->dir = optarg;
		break;
	case 'w':
		s->wait = true;
		break;
	case 'P':
		add_pid(&s->select, optarg);
		break;
	case 'g':
		s->select.cgroup = optarg;
		break;
	case 'q':
		s->select.qemu = true;
		break;
	case 'm':
		s->model = optarg;
		break;
	case 's':
		s->samples = optarg;
		break;
	case 'i':
		s->interval_ms = option_milliseconds("interval", optarg);
		break;
	case 'p':
		s->period_ms = option_number("period-ms", optarg, 1, 60000);
		break;
	case 'r':
		s->resmond = optarg;
		break;
	case 'S':
		s->subsystem = optarg;
		break;
	case '1':
		s->once = true;
		break;
	case 'J':
		s->json = true;
		break;
	case 'D':
		s->doctor = true;
		break;
	case 'c':
		check_model(optarg);
	default:
		option_rest(c, usage);
	}
}

/* Which source, where that is not said. */
static enum source_kind choose_source(const struct settings *s, bool for_log,
				      bool for_perf)
{
	char *dir, *path;
	bool there;

	if (for_log || for_perf)
		return for_log ? SOURCE_LOG : SOURCE_PERF;
	dir = default_machine_dir();
	path = format("%s/" MACHINE_FILE, dir);
	there = !access(path, F_OK);
	free(path);
	free(dir);
	return there ? SOURCE_LOG : SOURCE_PERF;
}

static void parse(int argc, char **argv, struct settings *s)
{
	const struct perf_select *select = &s->select;
	unsigned int selections;
	bool for_log;
	int c;

	while ((c = getopt_long(argc, argv, "x:M:wP:g:qm:s:i:p:r:S:1Jc:DhV", options,
				NULL)) >= 0)
		parse_option(c, s);
	if (optind < argc)
		errx(STATUS_ERROR, "unexpected argument '%s'", argv[optind]);
	selections = !!select->nr_pids + !!select->cgroup + select->qemu;
	for_log = s->dir || s->wait || s->once;
	if (selections > 1)
		errx(STATUS_ERROR, "--pid, --cgroup and --qemu exclude each other");
	if (s->once && s->samples)
		errx(STATUS_ERROR, "--once and --samples exclude each other");
	if (s->doctor && (for_log || select->nr_pids || s->samples ||
			  s->source != SOURCE_AUTO))
		errx(STATUS_ERROR, "--doctor goes with --cgroup, --model, --resmond and --json only");
	if (for_log && selections)
		errx(STATUS_ERROR, "--machine, --wait and --once exclude --pid, --cgroup and --qemu");
	if (s->source == SOURCE_AUTO)
		s->source = choose_source(s, for_log, selections);
	if (s->source == SOURCE_LOG && selections)
		errx(STATUS_ERROR, "--source log excludes --pid, --cgroup and --qemu");
	if (s->source != SOURCE_LOG && for_log)
		errx(STATUS_ERROR, "--machine, --wait and --once need --source log");
	if (s->source != SOURCE_LOG && !selections)
		s->select.qemu = true;
	if (s->source == SOURCE_LOG && !s->dir)
		s->dir = default_machine_dir();
}

/* Read the model for perf.  Return: its file, to be freed. */
static char *read_perf_model(const struct settings *s, struct model *model)
{
	char *file = s->model ? format("%s", s->model) : data_file("models/generic.model");
	char message[MODEL_ERR_LEN];

	if (model_load(file, model, message))
		errx(STATUS_ERROR, "%s", message);
	return file;
}

/* Return: the exit status. */
static int doctor(const struct settings *s)
{
	struct model model;

	free(read_perf_model(s, &model));
	return doctor_host(&model, s->model, s->select.cgroup, s->resmond, s->json) ?
	       EXIT_SUCCESS : STATUS_UNABLE;
}

/* Return: the source, with the model of its sums; NULL if waiting was ended. */
static struct source *open_source(const struct settings *s, struct model *model)
{
	struct source *source;
	struct model read;
	char *file;

	if (s->source == SOURCE_LOG) {
		option_model(s->model, model);
		return log_source_open(s->dir, s->wait ? s->period_ms : 0, &stop);
	}
	file = read_perf_model(s, &read);
	source = perf_source_open(&s->select, &read, file, s->source == SOURCE_CLOCK,
				  model);
	free(file);
	return source;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct settings s = { .period_ms = 20, .interval_ms = 1000,
			      .subsystem = "cpu" };
	/* Large: all virtual machines are in it. */
	static struct accountant d;
	struct model model;
	bool sound;

	exit_failure = STATUS_ERROR;
	parse(argc, argv, &s);
	if (s.doctor)
		return doctor(&s);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	d.source = open_source(&s, &model);
	if (!d.source)
		return EXIT_SUCCESS;
	account_init(&d.a, &model, d.source->nr_cpus);
	if (s.samples)
		samples_open(&d.samples, s.samples, &model);
	if (!s.once && !(s.resmond && !strcmp(s.resmond, "none")))
		d.publisher = publish_open(s.subsystem, s.resmond, &d.a, d.source->id,
					   d.source->run);
	if (s.source == SOURCE_LOG && !s.once)
		d.meters = meters_open(s.dir, s.model ? &model : NULL);

	if (s.once)
		take_period(&d, true);
	else
		run(&d, &s);
	sound = show_table(&d.a, s.json) && !d.source->damaged;
	if (s.source != SOURCE_LOG)
		perf_source_report(d.source);

	if (d.meters)
		meters_close(d.meters);
	if (d.publisher)
		publish_close(d.publisher);
	if (s.samples)
		samples_close(&d.samples);
	d.source->ops->close(d.source);
	return sound ? EXIT_SUCCESS : STATUS_DIFFERENCE;
}
