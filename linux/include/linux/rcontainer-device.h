/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Resource containers: devices that say what they consumed for whom, for the
 * drivers that are told.  kernel/rcontainer/device.c explains the model.
 */
#ifndef _LINUX_RCONTAINER_DEVICE_H
#define _LINUX_RCONTAINER_DEVICE_H

#include <linux/types.h>

/* The CPU is one of them. */
#define RCONTAINER_MAX_DEVICES	8
#define RCONTAINER_DEVICE_NAME	24

int rcontainer_register_device(const char *name);
void rcontainer_device_refused(unsigned int device);
int rcontainer_balloon(const char *device, u32 *id);

/*
 * What something cost: @access_pj[i] picojoules of @device[i], @nr of them, by
 * the index that rcontainer_register_device() returned.
 */
void rcontainer_costs_returned(const unsigned int *device, const u64 *access_pj,
			       unsigned int nr);
void rcontainer_charge_share(u32 id, const unsigned int *device,
			     const u64 *access_pj, unsigned int nr);
void rcontainer_charge_costs(u32 id, const unsigned int *device,
			     const u64 *access_pj, unsigned int nr);

#endif /* _LINUX_RCONTAINER_DEVICE_H */
