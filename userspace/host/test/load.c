// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine whose log is written as if many virtual machines took turns on its
 * physical CPUs, for tests and measurements of the accountant:
 *
 *	cpuacctd_load DIR MODEL VMS CPUS RATE SECONDS
 *
 * creates the machine in DIR and, if MODEL is not "-", a metered energy page for
 * each virtual machine, says "ready" and waits for a line on its standard
 * input.  Then it makes RATE switches a second for SECONDS, on all CPUs together,
 * and says how many it made in how many seconds: all of them, though it takes
 * longer if the host does not let it.  The virtual machines stay until its
 * standard input ends.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "machine.h"
#include "model.h"
#include "page.h"

/* Switches come in bursts of a quarter of a millisecond's. */
#define BURSTS_PER_SEC	4000

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* xorshift: the same on each run. */
static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void make_page(const char *dir, const char *name, const struct model *model)
{
	char *path = format("%s/%s" MACHINE_PAGE_SUFFIX, dir, name);
	int fd = page_create(path, name, 1, model, PVENERGY_METER, MACHINE_TSC_KHZ);

	if (fd < 0)
		errx(EXIT_FAILURE, "%s: %s", path, strerror(-fd));
	close(fd);
	free(path);
}

static struct machine *set_up(const char *dir, const char *model_file,
			      unsigned int vms, unsigned int cpus)
{
	char message[MODEL_ERR_LEN];
	struct machine *m;
	struct model model;
	int ret;

	ret = machine_create(dir, cpus, MACHINE_TSC_KHZ);
	m = ret ? NULL : machine_open(dir, 1, &ret);
	if (!m)
		errx(EXIT_FAILURE, "%s: %s", dir, strerror(-ret));
	if (strcmp(model_file, "-") && model_load(model_file, &model, message))
		errx(EXIT_FAILURE, "%s", message);
	for (unsigned int i = 0; i < vms; i++) {
		char *name = format("vm%u", i);

		if (strcmp(model_file, "-"))
			make_page(dir, name, &model);
		ret = machine_vm_add(m, name, getpid());
		if (ret < 0)
			errx(EXIT_FAILURE, "%s: %s", name, strerror(-ret));
		free(name);
	}
	return m;
}

/* The owner counts, and another one comes. */
static void one_turn(struct machine *m, unsigned int cpu, unsigned int vms)
{
	struct machine_pcpu *p = &m->pcpu[cpu];
	uint64_t random = next_random();

	machine_pcpu_lock(m, cpu);
	if (p->owner < vms) {
		uint64_t *own = p->own[p->owner];

		for (unsigned int e = 1; e < PVENERGY_MAX_EVENTS; e++)
			__atomic_store_n(&own[e], own[e] + (random >> e & 0xffff),
					 __ATOMIC_RELAXED);
	}
	machine_pcpu_switch(m, cpu, random % vms);
	machine_pcpu_unlock(m, cpu);
}

int main(int argc, char **argv)
{
	unsigned int vms, cpus, seconds;
	uint64_t rate, start, now, made = 0;
	struct machine *m;
	char line[64];

	if (argc != 7)
		errx(EXIT_FAILURE, "usage: cpuacctd_load DIR MODEL VMS CPUS RATE SECONDS");
	vms = option_number("vms", argv[3], 1, MACHINE_MAX_VMS);
	cpus = option_number("cpus", argv[4], 1, MACHINE_MAX_PCPUS);
	rate = option_number("rate", argv[5], 1, 10000000);
	seconds = option_number("seconds", argv[6], 1, 3600);
	m = set_up(argv[1], argv[2], vms, cpus);
	setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	if (!fgets(line, sizeof(line), stdin))
		return EXIT_FAILURE;

	start = now_ns();
	for (now = start; made < rate * seconds; now = now_ns()) {
		uint64_t due = (unsigned __int128)(now - start) * rate / 1000000000;
		struct timespec nap = { .tv_nsec = 1000000000 / BURSTS_PER_SEC };

		for (; made < due && made < rate * seconds; made++)
			one_turn(m, made % cpus, vms);
		clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
	}
	printf("%ju %.3f\n", (uintmax_t)made, (now - start) / 1e9);
	while (fgets(line, sizeof(line), stdin))
		;
	machine_close(m);
	return EXIT_SUCCESS;
}
