// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "account_fixture.h"

struct account_sim sim;
struct account a;
struct account_cut cut;

const struct model model = {
	.nr_events = 3,
	.event = {
		{ .name = "tsc", .weight_pj = 1001, .flags = PVENERGY_EVENT_BASE },
		{ .name = "one", .weight_pj = 10 },
		{ .name = "two", .weight_pj = 7 },
	},
};

int account_setup(void **state)
{
	memset(&sim, 0, sizeof(sim));
	for (int cpu = 0; cpu < MACHINE_MAX_PCPUS; cpu++)
		sim.m.pcpu[cpu].owner = NO;
	account_init(&a, &model, 1);
	return 0;
}

void join(unsigned int slot, const char *name)
{
	sim.m.vm[slot].generation++;
	strcpy(sim.m.vm[slot].name, name);
	machine_set_add(&sim.alive, slot);
}

void leave(unsigned int slot)
{
	machine_set_remove(&sim.alive, slot);
}

void run(unsigned int cpu, uint64_t tsc, uint64_t one, uint64_t two)
{
	const uint64_t counts[PVENERGY_MAX_EVENTS] = { tsc, one, two };
	uint32_t owner = sim.m.pcpu[cpu].owner;

	for (int e = 0; e < PVENERGY_MAX_EVENTS; e++) {
		sim.now[cpu][e] += counts[e];
		sim.truth[owner == NO ? ACCOUNT_NOBODY : owner][e] += counts[e];
	}
}

void switch_to(unsigned int cpu, uint32_t to)
{
	struct machine_pcpu *p = &sim.m.pcpu[cpu];
	struct machine_switch *entry;

	entry = &p->log[p->log_head++ % MACHINE_LOG_ENTRIES];
	entry->from = p->owner;
	entry->to = to;
	for (int e = 0; e < PVENERGY_MAX_EVENTS; e++) {
		uint64_t turn = sim.now[cpu][e] - p->at_switch[e];

		if (p->owner != NO)
			p->total[p->owner][e] += turn;
		p->at_switch[e] = sim.now[cpu][e];
		entry->counters[e] = sim.now[cpu][e];
	}
	p->owner = to;
}

unsigned int cut_cpu(unsigned int cpu)
{
	account_take_cut(&cut, &sim.m.pcpu[cpu], sim.now[cpu],
			 a.cpu[cpu].log_head, false);
	return account_cpu(&a, cpu, &cut);
}

void period(void)
{
	struct account_sum sum;

	for (unsigned int cpu = 0; cpu < a.nr_cpus; cpu++)
		assert_int_equal(cut_cpu(cpu), 0);
	account_vms(&a, sim.m.vm, &sim.alive);
	assert_false(account_difference(&a, &sum));
}

void assert_truth(void)
{
	assert_memory_equal(a.nobody.counts, sim.truth[ACCOUNT_NOBODY],
			    sizeof(a.nobody.counts));
	for (int slot = 0; slot < MACHINE_MAX_VMS; slot++)
		assert_memory_equal(a.vm[slot].sum.counts, sim.truth[slot],
				    sizeof(a.vm[slot].sum.counts));
}
