// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cpuacctd - the CPU accountant: takes cuts of the emulated machine, and shows
 * what accounting (account.h) makes of them.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libsmartcols/libsmartcols.h>

#include "account.h"
#include "cli.h"
#include "machine.h"
#include "model.h"
#include "publish.h"

/* Exit status; success is 0. */
#define STATUS_DIFFERENCE	1
#define STATUS_ERROR		2

#define PJ_PER_UJ		1000000
#define NSEC_PER_SEC		1000000000LL
#define NSEC_PER_MSEC		1000000LL

struct settings {
	const char *dir;
	const char *samples;
	const char *subsystem;
	const char *resmond;
	unsigned int period_ms;
	uint64_t interval_ms;
	bool wait;
	bool once;
	bool json;
};

struct accountant {
	struct machine *m;
	struct account a;
	struct account_cut cut;
	/* The machine's file, to see when another has taken its place. */
	char *path;
	struct stat st;
	FILE *samples;
	/* NULL if nothing is published. */
	struct publisher *publisher;
	/* Slots in the last sample. */
	uint32_t listed;
	bool damaged;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = 1;
}

static int64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	struct timespec ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/*
 * The locks are held for a copy only, so that virtual CPUs, which take them at
 * each switch, do not feel it.
 */
static void take_period(struct accountant *d)
{
	uint64_t now[PVENERGY_MAX_EVENTS];
	struct machine_vm vm[MACHINE_MAX_VMS];
	struct machine *m = d->m;
	unsigned int differ = 0;
	uint32_t alive = 0;

	for (unsigned int cpu = 0; cpu < d->a.nr_cpus; cpu++) {
		machine_pcpu_lock(m, cpu);
		machine_pcpu_counters(m, cpu, now);
		account_take_cut(&d->cut, &m->pcpu[cpu], now,
				 d->a.cpu[cpu].log_head);
		machine_pcpu_unlock(m, cpu);
		differ += account_cpu(&d->a, cpu, &d->cut);
	}
	if (differ && !d->damaged) {
		warnx("%s: log and totals disagree", d->path);
		d->damaged = true;
	}

	machine_lock(&m->lock);
	memcpy(vm, m->vm, sizeof(vm));
	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		if (machine_vm_alive(m, slot))
			alive |= 1U << slot;
	machine_unlock(&m->lock);
	if (d->publisher)
		publish(d->publisher);
	account_vms(&d->a, vm, alive);
	if (d->publisher) {
		publish(d->publisher);
		publish_poll(d->publisher);
	}
}

/* Picojoules as microjoules, all digits. */
static char *format_uj(energy_t pj)
{
	bool negative = pj >> 127;

	if (negative)
		pj = -pj;
	return format("%s%ju.%06u", negative ? "-" : "",
		      (uintmax_t)(pj / PJ_PER_UJ), (unsigned int)(pj % PJ_PER_UJ));
}

static void print_samples_header(const struct accountant *d)
{
	fputs("seconds,vm,base_uj,access_uj", d->samples);
	for (unsigned int e = 0; e < d->a.model.nr_events; e++)
		fprintf(d->samples, ",%s", d->a.model.event[e].name);
	fputc('\n', d->samples);
}

static void print_sample(struct accountant *d, bool final)
{
	double seconds = (monotonic_ns() - (int64_t)d->m->tsc_zero_ns) / 1e9;
	uint32_t present = 0;

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++) {
		const struct account_vm *vm = &d->a.vm[slot];
		char *base, *access;

		if (vm->present)
			present |= 1U << slot;
		if (!vm->generation ||
		    !(final || (present | d->listed) & (1U << slot)))
			continue;
		base = format_uj(vm->sum.base_pj);
		access = format_uj(vm->sum.access_pj);
		fprintf(d->samples, "%.3f,%s,%s,%s", seconds, vm->name, base,
			access);
		for (unsigned int e = 0; e < d->a.model.nr_events; e++)
			fprintf(d->samples, ",%" PRIu64, vm->sum.counts[e]);
		fputc('\n', d->samples);
		free(base);
		free(access);
	}
	d->listed = present;
	if (fflush(d->samples))
		err(STATUS_ERROR, "cannot write samples");
}

static void add_line(struct libscols_table *table, const struct model *model,
		     const char *name, const struct account_sum *sum)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	unsigned int column = 0;

	if (!line || scols_line_set_data(line, column++, name))
		errx(STATUS_ERROR, "cannot allocate memory");
	for (unsigned int e = 0; e < model->nr_events; e++)
		scols_line_refer_data(line, column++,
				      format("%" PRId64, (int64_t)sum->counts[e]));
	scols_line_refer_data(line, column++, format_uj(sum->base_pj));
	scols_line_refer_data(line, column++, format_uj(sum->access_pj));
}

static void add_column(struct libscols_table *table, const char *name, int flags)
{
	struct libscols_column *column;

	column = scols_table_new_column(table, name, 0, flags);
	if (!column)
		errx(STATUS_ERROR, "cannot allocate memory");
	if (flags & SCOLS_FL_RIGHT)
		scols_column_set_json_type(column, SCOLS_JSON_NUMBER);
}

static bool is_zero(const struct account_sum *sum)
{
	static const struct account_sum zero;

	return !memcmp(sum->counts, zero.counts, sizeof(zero.counts)) &&
	       !sum->base_pj && !sum->access_pj;
}

/* Return: whether the sums add up. */
static bool print_table(const struct accountant *d, bool json)
{
	const struct model *model = &d->a.model;
	struct libscols_table *table;
	struct account_sum sum;
	bool differ;

	scols_init_debug(0);
	table = scols_new_table();
	if (!table)
		errx(STATUS_ERROR, "cannot allocate memory");
	scols_table_enable_json(table, json);
	scols_table_set_name(table, "cpuacctd");
	add_column(table, "VM", 0);
	for (unsigned int e = 0; e < model->nr_events; e++)
		add_column(table, model->event[e].name, SCOLS_FL_RIGHT);
	add_column(table, "base_uj", SCOLS_FL_RIGHT);
	add_column(table, "access_uj", SCOLS_FL_RIGHT);

	for (unsigned int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		if (d->a.vm[slot].generation)
			add_line(table, model, d->a.vm[slot].name,
				 &d->a.vm[slot].sum);
	if (!is_zero(&d->a.ended))
		add_line(table, model, "(ended)", &d->a.ended);
	sum = d->a.nobody;
	sum.base_pj += d->a.carry_pj;
	if (!is_zero(&sum))
		add_line(table, model, "(nobody)", &sum);
	account_machine(&d->a, &sum);
	add_line(table, model, "machine", &sum);
	differ = account_difference(&d->a, &sum);
	add_line(table, model, "difference", &sum);

	if (scols_print_table(table) || fflush(stdout))
		err(STATUS_ERROR, "cannot write");
	scols_unref_table(table);
	if (d->a.overruns)
		warnx("%" PRIu64 " overruns of the log, made good from the totals",
		      d->a.overruns);
	return !differ && !d->damaged;
}

/* The machine's directory was removed, or is another one's now. */
static bool machine_is_gone(const struct accountant *d)
{
	struct stat st;

	return stat(d->path, &st) || st.st_ino != d->st.st_ino ||
	       st.st_dev != d->st.st_dev;
}

static void open_machine(struct accountant *d, const struct settings *s)
{
	int error;

	d->path = format("%s/" MACHINE_FILE, s->dir);
	while (!(d->m = machine_open(s->dir, 1, &error)) || stat(d->path, &d->st)) {
		if (!d->m && (error == -EPROTO || error == -EINVAL))
			errx(STATUS_ERROR, "%s: not a machine, or of another version",
			     d->path);
		if (!d->m && (error != -ENOENT || !s->wait))
			errx(STATUS_ERROR, "%s: %s", d->path, strerror(-error));
		if (d->m)
			machine_close(d->m);
		if (stop)
			exit(EXIT_SUCCESS);
		sleep_until(monotonic_ns() + s->period_ms * NSEC_PER_MSEC);
	}
}

static void run(struct accountant *d, const struct settings *s)
{
	int64_t period = s->period_ms * NSEC_PER_MSEC;
	int64_t interval = s->interval_ms * NSEC_PER_MSEC;
	int64_t now = monotonic_ns();
	int64_t next = now, next_sample = now + interval;

	while (!stop) {
		take_period(d);
		now = monotonic_ns();
		if (now >= next_sample) {
			next_sample += (now - next_sample) / interval * interval +
				       interval;
			if (machine_is_gone(d)) {
				warnx("%s: the machine is gone", d->path);
				break;
			}
			if (d->samples)
				print_sample(d, false);
		}
		/* After a delay, go on in step instead of catching up. */
		next += period;
		if (next < now)
			next += (now - next) / period * period;
		sleep_until(next);
	}
	take_period(d);
	if (d->samples)
		print_sample(d, true);
}

static void usage(void)
{
	char *dir = default_machine_dir();

	printf("\nUsage:\n %s [options]\n", program_invocation_short_name);
	puts("\nAccount the physical CPUs' energy to virtual machines.\n\n"
	     "Options:");
	printf(" -M, --machine DIR      the emulated machine (default: %s)\n", dir);
	puts(" -m, --model FILE       energy weights (default: Pentium 4)\n"
	     " -s, --samples FILE     write cumulative sums as CSV\n"
	     " -i, --interval SECONDS between samples (default: 1)\n"
	     " -p, --period-ms MS     between looks at the log (default: 20)\n"
	     " -r, --resmond PATH     the resource monitor's socket; 'none': publish nothing\n"
	     " -S, --subsystem NAME   as what to publish (default: cpu)\n"
	     " -w, --wait             wait for the machine\n"
	     " -1, --once             show the sums up to now, and end\n"
	     " -J, --json             show sums as JSON\n"
	     "\n"
	     " -h, --help             display this help\n"
	     " -V, --version          display version\n"
	     "\n"
	     "For more details see cpuacctd(8).");
	free(dir);
}

/* Return: the model's file, NULL for the default. */
static const char *parse(int argc, char **argv, struct settings *s)
{
	static const struct option options[] = {
		{ "machine",	required_argument, NULL, 'M' },
		{ "model",	required_argument, NULL, 'm' },
		{ "samples",	required_argument, NULL, 's' },
		{ "interval",	required_argument, NULL, 'i' },
		{ "period-ms",	required_argument, NULL, 'p' },
		{ "resmond",	required_argument, NULL, 'r' },
		{ "subsystem",	required_argument, NULL, 'S' },
		{ "wait",	no_argument,	   NULL, 'w' },
		{ "once",	no_argument,	   NULL, '1' },
		{ "json",	no_argument,	   NULL, 'J' },
		{ "help",	no_argument,	   NULL, 'h' },
		{ "version",	no_argument,	   NULL, 'V' },
		{ 0 }
	};
	const char *model_file = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "M:m:s:i:p:r:S:w1JhV", options, NULL)) >= 0) {
		switch (c) {
		case 'M':
			s->dir = optarg;
			break;
		case 'm':
			model_file = optarg;
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
		case 'w':
			s->wait = true;
			break;
		case '1':
			s->once = true;
			break;
		case 'J':
			s->json = true;
			break;
		default:
			option_rest(c, usage);
		}
	}
	if (optind < argc)
		errx(STATUS_ERROR, "unexpected argument '%s'", argv[optind]);
	if (s->once && s->samples)
		errx(STATUS_ERROR, "--once and --samples exclude each other");
	return model_file;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct settings s = { .period_ms = 20, .interval_ms = 1000,
			      .subsystem = "cpu" };
	/* Large: a whole log is in it. */
	static struct accountant d;
	char *default_dir = NULL;
	const char *model_file;
	struct model model;
	bool sound;

	exit_failure = STATUS_ERROR;
	model_file = parse(argc, argv, &s);
	if (!s.dir)
		s.dir = default_dir = default_machine_dir();
	option_model(model_file, &model);

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	open_machine(&d, &s);
	account_init(&d.a, &model, d.m->nr_pcpus);
	if (s.samples) {
		d.samples = fopen(s.samples, "we");
		if (!d.samples)
			err(STATUS_ERROR, "%s", s.samples);
		print_samples_header(&d);
	}

	if (!s.once && !(s.resmond && !strcmp(s.resmond, "none")))
		d.publisher = publish_open(s.subsystem, s.resmond, &d.a,
					   d.m->tsc_zero_ns);

	if (s.once)
		take_period(&d);
	else
		run(&d, &s);
	sound = print_table(&d, s.json);

	if (d.publisher)
		publish_close(d.publisher);
	if (d.samples && fclose(d.samples))
		err(STATUS_ERROR, "%s", s.samples);
	machine_close(d.m);
	free(d.path);
	free(default_dir);
	return sound ? EXIT_SUCCESS : STATUS_DIFFERENCE;
}
