// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The doctor looks at hosts that are written by hand, tests/doctor/NAME.host.  A line is
 *
 *	PATH=TEXT	a file with that text and a line end; \n and \t stand for themselves
 *	PATH=@socket	a socket
 *	PATH=@unreadable
 *			a file that cannot be read: a directory, since root reads any file
 *	PATH/		a directory
 *	@KEY VALUE	what no file tells, see parse_script()
 *	> LINE		what the doctor says, in that order
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "doctor.h"
#include "perfsource.h"

#define MAX_UNCOUNTED	4
#define LINE_LEN	512
/* The status of cpuacctd --doctor where it cannot account. */
#define STATUS_UNABLE	3

/* A host as a test sees it. */
static struct host {
	char dir[32];
	int kvm;
	int own;
	int other;
	/* Free counters, or why no hardware event is counted. */
	int counters;
	unsigned int nr_uncounted;
	char uncounted[MAX_UNCOUNTED][64];
	unsigned int qemu;
	unsigned int named;
	unsigned int unnamed;
	int status;
	char model_file[32];
	unsigned int nr_said;
	char said[DOCTOR_MAX_LINES][LINE_LEN];
} host;

static struct model model;

/* ------------------------------------------------------------- the script's side */

static int script_open_kvm(void *arg)
{
	return host.kvm;
}

static int script_open_event(void *arg, pid_t pid)
{
	return pid ? host.other : host.own;
}

/* An event that is not counted has a config of 1. */
static const char *script_encode(void *arg, const char *name, struct perf_event_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	for (unsigned int i = 0; i < host.nr_uncounted; i++)
		if (strstr(name, host.uncounted[i]))
			attr->config = 1;
	return NULL;
}

static int script_count(void *arg, const struct perf_event_attr *attr, unsigned int nr,
			struct perf_reading *reading)
{
	if (host.counters < 0)
		return host.counters;
	for (unsigned int i = 0; i < nr; i++) {
		uint64_t enabled = 1000000 + i;

		if (attr[i].config)
			return -ENOENT;
		reading[i].enabled = enabled;
		reading[i].running = nr > (unsigned int)host.counters ?
				     enabled * host.counters / nr : enabled;
	}
	return 0;
}

static unsigned int script_qemu_version(void *arg, const char *program)
{
	return host.qemu;
}

/* Processes have the pids 1, 2, ...: first those that name their threads. */
static unsigned int script_processes(void *arg, struct perf_process *list, unsigned int max)
{
	unsigned int nr = host.named + host.unnamed;

	for (unsigned int i = 0; i < nr && i < max; i++)
		list[i] = (struct perf_process){ .pid = i + 1, .start = 1 };
	return nr;
}

static unsigned int script_threads(void *arg, pid_t pid, struct perf_thread *list,
				   unsigned int max)
{
	list[0] = (struct perf_thread){ .tid = pid };
	list[1] = (struct perf_thread){
		.tid = pid + 1000,
		.vcpu = (unsigned int)pid <= host.named,
	};
	return 2;
}

static const struct doctor_ops script = {
	.open_kvm = script_open_kvm,
	.encode = script_encode,
	.open_event = script_open_event,
	.count = script_count,
	.qemu_version = script_qemu_version,
};

static const struct perf_ops script_host = {
	.processes = script_processes,
	.threads = script_threads,
};

/* --------------------------------------------------------------- recorded hosts */

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int setup(void **state)
{
	char error[MODEL_ERR_LEN];

	assert_int_equal(model_load(MODELS "/generic.model", &model, error), 0);
	memset(&host, 0, sizeof(host));
	strcpy(host.dir, "/tmp/test_doctor.XXXXXX");
	return mkdtemp(host.dir) ? 0 : -1;
}

static int teardown(void **state)
{
	return nftw(host.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void parse_script(const char *key, const char *value)
{
	int n = atoi(value);

	if (!strcmp(key, "kvm"))
		host.kvm = n;
	else if (!strcmp(key, "own"))
		host.own = n;
	else if (!strcmp(key, "other"))
		host.other = n;
	else if (!strcmp(key, "counters"))
		host.counters = n;
	else if (!strcmp(key, "qemu"))
		host.qemu = n;
	else if (!strcmp(key, "named"))
		host.named = n;
	else if (!strcmp(key, "unnamed"))
		host.unnamed = n;
	else if (!strcmp(key, "status"))
		host.status = n;
	else if (!strcmp(key, "model"))
		snprintf(host.model_file, sizeof(host.model_file), "%s", value);
	else if (!strcmp(key, "uncounted") && host.nr_uncounted < MAX_UNCOUNTED)
		snprintf(host.uncounted[host.nr_uncounted++], sizeof(host.uncounted[0]),
			 "%s", value);
	else
		fail_msg("@%s is unknown", key);
}

static void make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (const char *s = text; *s; s++) {
		int c = *s;

		if (c == '\\') {
			c = *++s == 'n' ? '\n' : '\t';
			assert_true(*s == 'n' || *s == 't');
		}
		fputc(c, f);
	}
	fputc('\n', f);
	assert_int_equal(fclose(f), 0);
}

/* @entry is PATH/ or PATH=TEXT, the path below the host's directory. */
static void make_entry(char *entry)
{
	char *text = strchr(entry, '='), *path;

	if (text)
		*text++ = '\0';
	path = format("%s/%s", host.dir, entry);
	for (char *slash = strchr(path + strlen(host.dir) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(!mkdir(path, 0755) || errno == EEXIST);
		*slash = '/';
	}
	if (text && !strcmp(text, "@socket"))
		assert_int_equal(mknod(path, S_IFSOCK | 0666, 0), 0);
	else if (text && !strcmp(text, "@unreadable"))
		assert_int_equal(mkdir(path, 0755), 0);
	else if (text)
		make_file(path, text);
	free(path);
}

static void make_host(const char *name)
{
	char *path = format(HOSTS "/%s.host", name);
	FILE *f = fopen(path, "r");
	char line[LINE_LEN], *value;

	assert_non_null(f);
	free(path);
	while (fgets(line, sizeof(line), f)) {
		assert_non_null(strchr(line, '\n'));
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "> ", 2)) {
			assert_true(host.nr_said < DOCTOR_MAX_LINES);
			strcpy(host.said[host.nr_said++], line + 2);
		} else if (*line == '@') {
			value = strchr(line, ' ');
			assert_non_null(value);
			*value = '\0';
			parse_script(line + 1, value + 1);
		} else if (*line && *line != '#') {
			make_entry(line);
		}
	}
	fclose(f);
}

static bool look(struct doctor_report *report)
{
	struct doctor d = {
		.root = open(host.dir, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.ops = &script,
		.host = &script_host,
		.model = &model,
		.model_file = *host.model_file ? host.model_file : NULL,
		.cgroup = "machine.slice",
		.resmond = "/run/rcontainer/resmond.sock",
	};
	bool able;

	assert_true(d.root >= 0);
	able = doctor_look(&d, report);
	close(d.root);
	return able;
}

static void test_host(void **state)
{
	struct doctor_report report;
	bool able;

	make_host(*state);
	able = look(&report);
	assert_int_equal(report.nr, host.nr_said);
	for (unsigned int i = 0; i < report.nr; i++) {
		const struct doctor_line *l = &report.line[i];
		char *said = format("%-5s %-8s %s%s%s", doctor_state_name(l->state),
				    l->thing, l->found, l->advice ? ": " : "",
				    l->advice ? l->advice : "");

		assert_string_equal(said, host.said[i]);
		free(said);
	}
	doctor_free(&report);
	assert_int_equal(able ? 0 : STATUS_UNABLE, host.status);
}

/* The line about a thing has that state, and a text with @found in it. */
static void assert_line(const struct doctor_report *report, const char *thing,
			enum doctor_state state, const char *found)
{
	for (unsigned int i = 0; i < report->nr; i++) {
		const struct doctor_line *l = &report->line[i];

		if (strcmp(l->thing, thing))
			continue;
		assert_int_equal(l->state, state);
		assert_non_null(strstr(l->found, found));
		return;
	}
	fail_msg("no line about %s", thing);
}

/* Events without a name for perf leave the time; without powers, nothing is left. */
static void test_models(void **state)
{
	struct doctor_report report;

	make_host("debian-13-intel");
	*model.perf[0] = '\0';
	assert_true(look(&report));
	assert_line(&report, "model", DOCTOR_WORSE, "by CPU time");
	assert_line(&report, "pmu", DOCTOR_OK, "of the model's 0 events 0");
	doctor_free(&report);
	model.active_mw = 0;
	assert_false(look(&report));
	assert_line(&report, "model", DOCTOR_LACKS, "is of no use");
	doctor_free(&report);
}

int main(void)
{
#define HOST(file) { \
		.name = file, .test_func = test_host, .setup_func = setup, \
		.teardown_func = teardown, .initial_state = (void *)(file), \
	}
	const struct CMUnitTest tests[] = {
		HOST("debian-13-intel"),
		HOST("debian-13-user"),
		HOST("guest"),
		HOST("mediated"),
		HOST("cgroup-v1"),
		HOST("amd"),
		HOST("hybrid"),
		HOST("few-events"),
		HOST("nothing"),
		HOST("refused"),
		cmocka_unit_test_setup_teardown(test_models, setup, teardown),
	};

	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
