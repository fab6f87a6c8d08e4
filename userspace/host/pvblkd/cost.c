// SPDX-License-Identifier: GPL-2.0-or-later
#include "cost.h"

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

bool cost_disk_init(struct cost_disk *disk, const struct diskmodel *model)
{
	energy_t lcm = 1, max = 0;

	for (unsigned int i = 0; i < model->nr_speeds; i++) {
		uint64_t rate = model->speed[i].transfer_rate;

		lcm = lcm / gcd(lcm, rate) * rate;
		if (lcm > COST_MAX_RATE)
			return false;
	}
	for (unsigned int i = 0; i < model->nr_speeds; i++) {
		const struct diskmodel_speed *s = &model->speed[i];

		disk->byte_parts[i] = (energy_t)(s->active_power_mw - s->idle_power_mw) *
				      COST_PJ_PER_MW_S * (lcm / s->transfer_rate);
		if (max < disk->byte_parts[i])
			max = disk->byte_parts[i];
	}
	disk->rate = lcm;
	disk->max_byte_pj = max / lcm + !!(max % lcm);
	disk->max_request_pj = 1;
	return true;
}

uint64_t cost_disk_charge(const struct cost_disk *disk, unsigned int speed,
			  uint64_t bytes, int64_t *rest)
{
	__int128 parts = (__int128)bytes * disk->byte_parts[speed] + *rest;
	energy_t max = (energy_t)bytes * disk->max_byte_pj + disk->max_request_pj;
	energy_t cost = 0;

	/* Below zero only until a batch is known that was under way at a kill. */
	if (parts > 0)
		cost = parts / disk->rate;
	if (cost > max)
		cost = max;
	*rest = parts - (__int128)cost * disk->rate;
	return cost;
}

void cost_cpu_init(struct cost_cpu *cpu, uint64_t base_mw, uint64_t now_ns,
		   energy_t now_pj)
{
	cpu->base_mw = base_mw;
	cpu->unaccounted = 0;
	cpu->request_pj = 0;
	cpu->requests = 0;
	cpu->last_ns = now_ns;
	cpu->last_pj = now_pj;
}

uint64_t cost_cpu_charge(struct cost_cpu *cpu)
{
	cpu->requests++;
	cpu->unaccounted -= cpu->request_pj;
	return cpu->request_pj;
}

void cost_cpu_adjust(struct cost_cpu *cpu, uint64_t now_ns, energy_t now_pj)
{
	__int128 share;

	cpu->unaccounted += now_pj - cpu->last_pj;
	cpu->unaccounted -= (energy_t)cpu->base_mw * (now_ns - cpu->last_ns);
	cpu->last_ns = now_ns;
	cpu->last_pj = now_pj;
	cpu->requests = 0;

	share = cpu->unaccounted / COST_CPU_REQUESTS;
	if (share < 0)
		share = 0;
	if (share > COST_CPU_MAX_PJ)
		share = COST_CPU_MAX_PJ;
	cpu->request_pj = share;
}

energy_t cost_meter_share(struct cost_meter *meter, uint64_t now_ns,
			  unsigned int clients)
{
	energy_t energy = (energy_t)meter->power_mw * (now_ns - meter->last_ns);

	meter->last_ns = now_ns;
	if (!clients)
		return 0;
	energy += meter->carry_pj;
	meter->carry_pj = energy % clients;
	return energy / clients;
}
