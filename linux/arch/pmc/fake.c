// SPDX-License-Identifier: GPL-2.0
/*
 * Event counters that advance when a test says so.
 */
#include <linux/export.h>
#include <linux/percpu.h>
#include <linux/pmc.h>
#include <linux/string.h>

struct fake_counters {
	u64	count[PMC_MAX_EVENTS];
};

static DEFINE_PER_CPU(struct fake_counters, fake_counters);

static void fake_charge(u64 *last, u64 *sum)
{
	const u64 *now = this_cpu_ptr(&fake_counters)->count;
	unsigned int i;

	for (i = 0; i < PMC_MAX_EVENTS; i++) {
		sum[i] += now[i] - last[i];
		last[i] = now[i];
	}
}

static const u64 *fake_new_weights;

static bool fake_reweigh(u64 *weight_pj)
{
	if (!fake_new_weights)
		return false;
	memcpy(weight_pj, fake_new_weights, PMC_MAX_EVENTS * sizeof(*weight_pj));
	fake_new_weights = NULL;
	return true;
}

static const struct pmc_ops fake_ops = {
	.name	= "fake",
	.charge	= fake_charge,
	.reweigh = fake_reweigh,
};

static const u64 *fake_meter_nj;

static bool fake_meter(u64 *nj)
{
	*nj = *fake_meter_nj;
	return true;
}

/*
 * The first two weights of a Pentium 4: Lang, Energy Accounting for Virtual Machines
 * (Karlsruhe 2006), Table 4.1.
 */
static struct pmc_backend fake_backend = {
	.ops		= &fake_ops,
	.nr_events	= 2,
	.events		= {
		{ .name = "tsc", .weight_pj = 6170, .flags = PVENERGY_EVENT_BASE },
		{ .name = "unhalted_cycles", .weight_pj = 7120 },
	},
};

/**
 * pmc_fake_register() - make the fake counters the ones in use
 *
 * Context: process context, may sleep.
 * Return: 0, also where they are in use already; -EBUSY if others are.
 */
int pmc_fake_register(void)
{
	return pmc_backend() == &fake_backend ? 0 : pmc_register(&fake_backend);
}
EXPORT_SYMBOL_GPL(pmc_fake_register);

/**
 * pmc_fake_advance() - let this CPU's counters advance
 * @delta: by how much, PMC_MAX_EVENTS counts
 *
 * Context: any but NMI.
 */
void pmc_fake_advance(const u64 *delta)
{
	unsigned int i;

	for (i = 0; i < PMC_MAX_EVENTS; i++)
		this_cpu_add(fake_counters.count[i], delta[i]);
}
EXPORT_SYMBOL_GPL(pmc_fake_advance);

/**
 * pmc_fake_reweigh() - let the weights change at the next look
 * @weight_pj: PMC_MAX_EVENTS weights in picojoules, valid until then
 *
 * Context: process context, nobody reading energies meanwhile.
 */
void pmc_fake_reweigh(const u64 *weight_pj)
{
	fake_new_weights = weight_pj;
}
EXPORT_SYMBOL_GPL(pmc_fake_reweigh);

/**
 * pmc_fake_meter() - have a meter of base cost, or none
 * @nj: what it shows, in nanojoules, valid until the next call; NULL for none
 *
 * Context: process context, nobody reading energies meanwhile.
 */
void pmc_fake_meter(const u64 *nj)
{
	fake_meter_nj = nj;
	fake_backend.meter = nj ? fake_meter : NULL;
}
EXPORT_SYMBOL_GPL(pmc_fake_meter);
