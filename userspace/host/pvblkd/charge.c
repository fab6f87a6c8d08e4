// SPDX-License-Identifier: GPL-2.0-or-later
/* What requests cost on each device, and as what a guest is charged for it. */
#include <string.h>

#include "pvblkd.h"

unsigned int disk_devices(const struct disk *disk)
{
	return disk->physical->net ? NR_DEVICES : NR_DEVICES - 1;
}

/* As which of its devices the guest sees one of ours. */
static unsigned int seen_as(const struct disk *disk, unsigned int device)
{
	_Static_assert(DEVICE_DISK == 0 && DEVICE_CPU == 1, "what follows moves up");
	return device && disk->overhead == OVERHEAD_DISK ? device - 1 : device;
}

static uint64_t disk_cost(struct disk *disk, uint64_t bytes, int64_t *rest)
{
	struct physical *p = disk->physical;

	if (speed_varies(&p->speed)) {
		speed_advance(&p->speed, monotonic_ns());
		speed_use(&disk->speed, bytes);
	}
	return cost_disk_charge(&p->cost, p->speed.current, bytes, rest);
}

static uint64_t cpu_cost(struct server *server)
{
	if (cost_cpu_due(&server->cpu))
		cost_cpu_adjust(&server->cpu, monotonic_ns(),
				server->cpu_source->consumed(server->cpu_source));
	return cost_cpu_charge(&server->cpu);
}

void request_price(const struct request *r, int64_t *rest, uint64_t pj[NR_DEVICES])
{
	struct disk *disk = r->queue->disk;

	pj[DEVICE_DISK] = disk_cost(disk, r->transferred, rest);
	pj[DEVICE_CPU] = cpu_cost(disk->server);
	pj[DEVICE_NET] = r->net_pj;
}

void reply_costs(const struct disk *disk, const uint64_t pj[NR_DEVICES],
		 struct pvblk_reply *reply)
{
	for (unsigned int i = 0; i < disk_devices(disk); i++)
		reply->access_pj[seen_as(disk, i)] += pj[i];
}

static void add_bounds(const struct physical *p, unsigned int device,
		       struct pvblk_device *bounds)
{
	switch (device) {
	case DEVICE_DISK:
		bounds->max_request_pj += p->cost.max_request_pj;
		bounds->max_byte_pj += p->cost.max_byte_pj;
		break;
	case DEVICE_CPU:
		bounds->max_request_pj += COST_CPU_MAX_PJ;
		break;
	case DEVICE_NET:
		bounds->max_request_pj += net_max_request_pj(p->net);
		bounds->max_byte_pj += net_max_byte_pj(p->net);
		break;
	}
}

void disk_model(const struct disk *disk, struct pvblk_model *model)
{
	energy_t base[PVBLK_MAX_DEVICES] = { 0 };

	memset(model, 0, sizeof(*model));
	model->version = PVBLK_VERSION;
	for (unsigned int i = 0; i < disk_devices(disk); i++) {
		unsigned int seen = seen_as(disk, i);
		struct pvblk_device *device = &model->devices[seen];

		if (!*device->name)
			memcpy(device->name, disk->state->device[i], PVBLK_NAME_LEN);
		add_bounds(disk->physical, i, device);
		if (i == DEVICE_CPU && disk->overhead == OVERHEAD_BALLOON)
			device->flags = PVBLK_DEVICE_BALLOON;
		base[seen] += state_base(disk->state, i);
		device->base_uj = base[seen] / 1000000;
		model->nr_devices = seen + 1;
	}
}
