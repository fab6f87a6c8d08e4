/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource containers: energy meters of devices, for the drivers that can read
 * them.  kernel/rcontainer/meter.c explains the model.
 */
#ifndef _LINUX_RCONTAINER_METER_H
#define _LINUX_RCONTAINER_METER_H

#include <linux/types.h>

/**
 * struct rcontainer_meter - an energy meter of a device's base cost
 * @device: index of the device; several meters of one device add up
 * @last_uj: what it showed last
 */
struct rcontainer_meter {
	unsigned int	device;
	u64		last_uj;
};

void rcontainer_meter_start(struct rcontainer_meter *meter, unsigned int device,
			    u64 uj);
void rcontainer_meter_show(struct rcontainer_meter *meter, u64 uj);

/**
 * struct rcontainer_meter_source - who has meters, and can read them anew
 * @refresh: begin to read them, and return true if rcontainer_meters_refreshed()
 *	will be called when each was shown, or it failed; what can't be read at
 *	once need not be waited for here.  Not called again before that.  Process
 *	context, may sleep, but not for long.
 * @busy: it was begun
 * @awaited: it was, by who waits for it now
 * @list: of all sources
 */
struct rcontainer_meter_source {
	bool			(*refresh)(struct rcontainer_meter_source *source);
	bool			busy;
	bool			awaited;
	struct list_head	list;
};

void rcontainer_add_meter_source(struct rcontainer_meter_source *source);
void rcontainer_remove_meter_source(struct rcontainer_meter_source *source);
void rcontainer_meters_refreshed(struct rcontainer_meter_source *source);

#endif /* _LINUX_RCONTAINER_METER_H */
