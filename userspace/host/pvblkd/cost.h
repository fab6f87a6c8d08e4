/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What requests cost, and what time does: pure arithmetic, in picojoules.
 * Nothing that does not divide is dropped; it is carried to the next.
 */
#ifndef PVBLKD_COST_H
#define PVBLKD_COST_H

#include <stdbool.h>
#include <stdint.h>

#include "diskmodel.h"

typedef unsigned __int128 energy_t;

/* One milliwatt for one nanosecond is a picojoule. */
#define COST_PJ_PER_MW_S	1000000000ULL

/**
 * struct cost_disk - the price of transfer
 * @rate: in such parts of a picojoule what does not make one is carried: the
 *	least common multiple of the transfer rates of all speeds, so that it is
 *	the same for all of them
 * @byte_parts: a byte's price at each speed: active less idle power, divided by
 *	the transfer rate
 * @max_byte_pj: a byte costs no more, at whatever speed
 * @max_request_pj: beside that, what a request may cost: a carried remainder
 */
struct cost_disk {
	uint64_t rate;
	energy_t byte_parts[DISKMODEL_MAX_SPEEDS];
	uint64_t max_byte_pj;
	uint64_t max_request_pj;
};

/*
 * The remainders of several queues are summed up in 64 bits, and what a request
 * costs in 127, which has up to 2^47 bytes.
 */
#define COST_MAX_RATE	1000000000000000ULL

/**
 * cost_disk_init() - find the prices
 * @disk: filled in
 * @model: what has at least one speed
 *
 * Return: whether the transfer rates have a common multiple up to COST_MAX_RATE.
 */
bool cost_disk_init(struct cost_disk *disk, const struct diskmodel *model);

/**
 * cost_disk_charge() - access cost of a request
 * @disk: the price
 * @speed: at which it is transferred
 * @bytes: how many were transferred
 * @rest: what earlier requests left, in picojoules divided by @disk->rate;
 *	updated
 *
 * Return: picojoules, such that the costs of all requests and the rest are
 * together what all bytes cost.
 */
uint64_t cost_disk_charge(const struct cost_disk *disk, unsigned int speed,
			  uint64_t bytes, int64_t *rest);

/*
 * The cost of the next so many requests is fixed before they come: Lang, Energy
 * Accounting for Virtual Machines (Karlsruhe 2006), 4.4.1, which has both the number
 * and the price of a byte above.
 */
#define COST_CPU_REQUESTS	50

/* No request costs more of the CPU: a joule, that is about 0.1 s. */
#define COST_CPU_MAX_PJ		1000000000000ULL

/**
 * struct cost_cpu - the back end's own consumption, apportioned to requests
 * @base_mw: power that it draws without requests
 * @unaccounted: consumption not charged yet; negative if too much was
 * @request_pj: what a request is charged
 * @requests: charged since that was fixed
 * @last_ns: when it was fixed
 * @last_pj: consumption by then
 */
struct cost_cpu {
	uint64_t base_mw;
	__int128 unaccounted;
	uint64_t request_pj;
	unsigned int requests;
	uint64_t last_ns;
	energy_t last_pj;
};

void cost_cpu_init(struct cost_cpu *cpu, uint64_t base_mw, uint64_t now_ns,
		   energy_t now_pj);

/* A request's share. */
uint64_t cost_cpu_charge(struct cost_cpu *cpu);

/* Whether it is time to fix the share anew. */
static inline int cost_cpu_due(const struct cost_cpu *cpu)
{
	return cpu->requests >= COST_CPU_REQUESTS;
}

/**
 * cost_cpu_adjust() - fix the share of the next requests
 * @cpu: the back end's consumption
 * @now_ns: the time
 * @now_pj: what was consumed up to now
 */
void cost_cpu_adjust(struct cost_cpu *cpu, uint64_t now_ns, energy_t now_pj);

/**
 * struct cost_meter - a power that clients share equally
 * @power_mw: the power
 * @last_ns: accounted up to then
 * @carry_pj: what did not divide
 */
struct cost_meter {
	uint64_t power_mw;
	uint64_t last_ns;
	uint64_t carry_pj;
};

/**
 * cost_meter_share() - account the time since the last call
 * @meter: the power
 * @now_ns: the time
 * @clients: how many share; with none, nobody has the energy
 *
 * Return: each client's share.
 */
energy_t cost_meter_share(struct cost_meter *meter, uint64_t now_ns,
			  unsigned int clients);

#endif /* PVBLKD_COST_H */
