// SPDX-License-Identifier: GPL-2.0-or-later
/* See doctor.h: performance events, who may count them, and what is free. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctorlook.h"
#include "perfsource.h"
#include "textfile.h"

#define PARANOID	"proc/sys/kernel/perf_event_paranoid"
/* A level of it, and capabilities. */
#define RIGHTS		"(kernel.perf_event_paranoid %ld, %s)"
#define WATCHDOG	"proc/sys/kernel/nmi_watchdog"
/* No level of kernel.perf_event_paranoid. */
#define NO_LEVEL	(-100)
/* Debian's level, at which each event takes CAP_SYS_ADMIN. */
#define LEVEL_DEBIAN	3

/* --------------------------------------------------------------- who may count */

static bool has_capability(const struct doctor *d, unsigned int capability)
{
	static const char key[] = "\nCapEff:";
	unsigned long long set = 0;
	char text[4096], *line;

	text_read(d->root, "proc/self/status", text, sizeof(text));
	line = strstr(text, key);
	if (line)
		sscanf(line + strlen(key), "%llx", &set);
	return set >> capability & 1;
}

static const char *capabilities_text(bool admin, bool perfmon)
{
	if (admin)
		return "CAP_SYS_ADMIN";
	return perfmon ? "CAP_PERFMON" : "no CAP_PERFMON";
}

static const char *refusal_advice(long level, bool admin, bool perfmon)
{
	if (admin || (perfmon && level < LEVEL_DEBIAN))
		return "find the seccomp filter or security module that refuses it";
	if (level < LEVEL_DEBIAN)
		return "give CAP_PERFMON";
	return "give CAP_SYS_ADMIN; or CAP_PERFMON, with sysctl kernel.perf_event_paranoid=2";
}

void doctor_perf(const struct doctor *d, struct doctor_line *l)
{
	long level = doctor_number(d, PARANOID, NO_LEVEL);
	bool admin = has_capability(d, CAP_SYS_ADMIN);
	bool perfmon = has_capability(d, CAP_PERFMON);
	const char *caps = capabilities_text(admin, perfmon);
	const char *advice = refusal_advice(level, admin, perfmon);
	/* There is always a first process, and it is another one. */
	int other = d->ops->open_event(d->arg, 1);
	int own = other ? d->ops->open_event(d->arg, 0) : 0;

	if (level == NO_LEVEL)
		doctor_say(l, DOCTOR_LACKS, "boot a kernel with CONFIG_PERF_EVENTS",
			   "no performance events in this kernel");
	else if (!other)
		doctor_say(l, DOCTOR_OK, NULL,
			   "all processes can be counted " RIGHTS, level, caps);
	else if (!own)
		doctor_say(l, DOCTOR_WORSE, advice,
			   "only this user's processes can be counted " RIGHTS, level, caps);
	else
		doctor_say(l, DOCTOR_LACKS, advice,
			   "no process can be counted " RIGHTS, level, caps);
}

void doctor_ptrace(const struct doctor *d, struct doctor_line *l)
{
	if (has_capability(d, CAP_SYS_PTRACE))
		doctor_say(l, DOCTOR_OK, NULL, "all users' QEMUs are found (CAP_SYS_PTRACE)");
	else
		doctor_say(l, DOCTOR_WORSE, "give CAP_SYS_PTRACE",
			   "only this user's QEMUs are found (no CAP_SYS_PTRACE)");
}

/* ------------------------------------------------------------------- the model */

void doctor_model(const struct doctor *d, struct doctor_line *l)
{
	struct model m;
	const char *no_events = perf_model(d->model, false, &m);
	const char *no_time = perf_model(d->model, true, &m);
	const char *file = d->model_file ? d->model_file : "generic.model";

	if (no_time)
		doctor_say(l, DOCTOR_LACKS,
			   "correct it, or give --model another one, see energy-model(5)",
			   "%s is of no use, %s", file, no_time);
	else if (no_events)
		doctor_say(l, DOCTOR_WORSE, "complete it, see energy-model(5)",
			   "access cost goes by CPU time with %s, %s", file, no_events);
	else if (!d->model_file)
		doctor_say(l, DOCTOR_WORSE,
			   "give --model one of this processor, see energy-model(5)",
			   "%s, an estimate for no processor in particular", file);
	else
		doctor_say(l, DOCTOR_OK, NULL, "%s", file);
}

/* -------------------------------------------------------------------- counters */

/*
 * Events that find no counter take turns: two on one counter are counted for half of
 * the time each, which makes one.
 * Return: how many of the events are counted at a time, or a negative errno.
 */
static int count_at_once(const struct doctor *d, const struct perf_event_attr *attr,
			 unsigned int nr)
{
	struct perf_reading reading[DOCTOR_MAX_EVENTS];
	unsigned int permille = 0;
	int ret = d->ops->count(d->arg, attr, nr, reading);

	if (ret)
		return ret;
	for (unsigned int i = 0; i < nr; i++)
		if (reading[i].enabled)
			permille += reading[i].running * 1000 / reading[i].enabled;
	return (permille + 500) / 1000;
}

/* Return: how many more events can be counted, or a negative errno. */
static int free_counters(const struct doctor *d)
{
	/* Intel has a counter apart for each of the last two, so the first tells most. */
	static const char *const names[] = {
		"perf::PERF_COUNT_HW_BRANCH_INSTRUCTIONS",
		"perf::PERF_COUNT_HW_INSTRUCTIONS",
		"perf::PERF_COUNT_HW_CPU_CYCLES",
	};
	struct perf_event_attr attr[DOCTOR_MAX_EVENTS];
	int ret = -ENOENT;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (d->ops->encode(d->arg, names[i], &attr[0]))
			continue;
		for (unsigned int n = 1; n < DOCTOR_MAX_EVENTS; n++)
			attr[n] = attr[0];
		ret = count_at_once(d, attr, DOCTOR_MAX_EVENTS);
		if (ret >= 0)
			break;
	}
	return ret;
}

/**
 * struct events - what this host counts of a model
 * @nr_model: how many events the model has
 * @nr: of @attr
 * @attr: those that are counted
 * @missing: the names of the others, with a text before, or ""
 */
struct events {
	unsigned int nr_model;
	unsigned int nr;
	struct perf_event_attr attr[PVENERGY_MAX_EVENTS];
	char missing[PVENERGY_MAX_EVENTS * (PVENERGY_NAME_LEN + 2) + 16];
};

_Static_assert(PVENERGY_MAX_EVENTS <= DOCTOR_MAX_EVENTS, "a model's events fit");

static void find_events(const struct doctor *d, struct events *e)
{
	size_t len = 0;
	struct model m;

	memset(e, 0, sizeof(*e));
	if (perf_model(d->model, false, &m))
		return;
	e->nr_model = m.nr_events - (PERF_TIME + 1);
	for (unsigned int i = PERF_TIME + 1; i < m.nr_events; i++) {
		if (!d->ops->encode(d->arg, m.perf[i], &e->attr[e->nr]) &&
		    count_at_once(d, &e->attr[e->nr], 1) >= 0) {
			e->nr++;
			continue;
		}
		len += snprintf(e->missing + len, sizeof(e->missing) - len, "%s%s",
				len ? ", " : ", not ", m.event[i].name);
	}
}

static void say_no_pmu(const struct doctor *d, struct doctor_line *l, int ret)
{
	if (ret == -EACCES || ret == -EPERM || ret == -ENOSYS)
		doctor_say(l, DOCTOR_WORSE, "see the line perf",
			   "no hardware event can be counted (%s)", strerror(-ret));
	else if (doctor_is_guest(d))
		doctor_say(l, DOCTOR_WORSE, "have the host of this virtual machine give it a PMU",
			   "none, so access cost goes by CPU time");
	else
		doctor_say(l, DOCTOR_WORSE, "dmesg | grep -i pmu",
			   "none, so access cost goes by CPU time");
}

void doctor_pmu(const struct doctor *d, struct doctor_line *l)
{
	bool hybrid = !doctor_there(d, DOCTOR_PMUS "/cpu_core") && !doctor_there(d, DOCTOR_PMUS "/cpu_atom");
	int nr_free = free_counters(d), at_once = 0;
	const char *advice = NULL;
	struct events e;

	if (nr_free < 0) {
		say_no_pmu(d, l, nr_free);
		return;
	}
	find_events(d, &e);
	if (e.nr)
		at_once = count_at_once(d, e.attr, e.nr);
	if (at_once < (int)e.nr)
		advice = "end other users of counters, or use a model with fewer events";
	else if (e.nr < e.nr_model)
		advice = "use a model of events that this processor counts, see perf list";
	else if (hybrid)
		advice = "pin virtual CPUs to CPUs of cpu_core, or use --source clock";
	doctor_say(l, advice ? DOCTOR_WORSE : DOCTOR_OK, advice,
		   "%d %s free; of the model's %u events %u are counted, %d at a time%s%s",
		   nr_free, nr_free == 1 ? "counter is" : "counters are", e.nr_model,
		   e.nr, at_once < 0 ? 0 : at_once, e.missing,
		   hybrid ? "; none on CPUs of cpu_atom" : "");
}

void doctor_watchdog(const struct doctor *d, struct doctor_line *l)
{
	if (doctor_number(d, WATCHDOG, 0) > 0)
		doctor_say(l, DOCTOR_INFO, "sysctl kernel.nmi_watchdog=0 frees it",
			   "the NMI watchdog is on, and may hold a counter of each CPU");
	else
		doctor_say(l, DOCTOR_OK, NULL, "the NMI watchdog is off");
}
