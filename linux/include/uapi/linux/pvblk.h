/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * Paravirtual disk with energy costs: a virtio block device whose back end
 * returns with each request what the request cost, for each physical device
 * that it kept busy.
 *
 * The device is a virtio block device in every respect.  Its back end marks
 * itself in a byte of the configuration space that virtio leaves unused, so
 * that a driver that knows nothing of costs takes it for an ordinary disk.  A
 * driver that knows asks for the model first (PVBLK_T_MODEL) and may then set
 * PVBLK_T_COST in the type of any request: what the back end writes for such a
 * request ends in a struct pvblk_reply in place of the lone status byte of
 * virtio.
 *
 * Costs are access cost: the energy beyond what the device consumes when it is
 * idle, which is base cost and shown by an energy meter in the model.  All
 * fields are little endian; layouts do not depend on descriptor boundaries.
 */
#ifndef _UAPI_LINUX_PVBLK_H
#define _UAPI_LINUX_PVBLK_H

#include <linux/types.h>

/*
 * The mark: offset in struct virtio_blk_config of a byte that virtio does not
 * use, and its value.  The lower half is the version of what is below.
 */
#define PVBLK_MARK_OFFSET	33
#define PVBLK_MARK		0xe0
#define PVBLK_MARK_MASK		0xf0
#define PVBLK_VERSION		1

/* Array dimensions, part of the layout. */
#define PVBLK_MAX_DEVICES	8
#define PVBLK_NAME_LEN		24

/* Limits a driver may rely on when it checks a model. */
#define PVBLK_MAX_REQUEST_PJ	1000000000000000ULL	/* one kilojoule */
#define PVBLK_MAX_BYTE_PJ	1000000000ULL		/* one millijoule */

/*
 * Request types beyond virtio's.  PVBLK_T_MODEL reads a struct pvblk_model in
 * place of data, with less room it fails; PVBLK_T_COST is a flag for any type.
 * If there is no room for a struct pvblk_reply, nothing but a status of failure
 * is written, in the last byte.
 */
#define PVBLK_T_MODEL		0x100
#define PVBLK_T_COST		0x40000000

/**
 * struct pvblk_reply - what the back end writes last, with PVBLK_T_COST
 * @access_pj: access cost in picojoules, in the order of the model's devices;
 *	zero beyond them
 * @status: as in virtio
 */
struct pvblk_reply {
	__le64	access_pj[PVBLK_MAX_DEVICES];
	__u8	status;
} __attribute__((packed));

/*
 * struct pvblk_device.flags: the back end's own consumption, which is charged as
 * an energy balloon: to a container named for that, and not to the one that the
 * request is of.  Flags that a driver does not know change nothing for it.
 */
#define PVBLK_DEVICE_BALLOON	(1ULL << 0)

/**
 * struct pvblk_device - a physical device that requests keep busy
 * @name: lower-case name, NUL-terminated: letters, digits, '-' and '_',
 *	beginning with a letter
 * @max_request_pj: with @max_byte_pj, the bound for the cost of a request:
 *	@max_request_pj + bytes * @max_byte_pj, what was carried from requests
 *	before included; at most PVBLK_MAX_REQUEST_PJ
 * @max_byte_pj: at most PVBLK_MAX_BYTE_PJ
 * @base_uj: energy meter: this client's share of the device's base cost since
 *	it connected first, in microjoules
 * @flags: PVBLK_DEVICE_BALLOON
 * @reserved: zero
 */
struct pvblk_device {
	char	name[PVBLK_NAME_LEN];
	__le64	max_request_pj;
	__le64	max_byte_pj;
	__le64	base_uj;
	__le64	flags;
	__le64	reserved;
};

/**
 * struct pvblk_model - what a driver must know of the back end's costs
 * @version: PVBLK_VERSION
 * @nr_devices: number of valid entries in @devices, 1 to PVBLK_MAX_DEVICES
 * @reserved: zero
 * @devices: the physical devices
 */
struct pvblk_model {
	__le32	version;
	__le32	nr_devices;
	__le64	reserved[7];
	struct pvblk_device devices[PVBLK_MAX_DEVICES];
};

/* Asserted wherever this file is used; see pvenergy.h. */
#define PVBLK_ASSERT(name, cond) \
	typedef char pvblk_assert_##name[(cond) ? 1 : -1]

PVBLK_ASSERT(reply_size, sizeof(struct pvblk_reply) == 65);
PVBLK_ASSERT(device_size, sizeof(struct pvblk_device) == 64);
PVBLK_ASSERT(device_flags, __builtin_offsetof(struct pvblk_device, flags) == 48);
PVBLK_ASSERT(model_size, sizeof(struct pvblk_model) == 576);

#endif /* _UAPI_LINUX_PVBLK_H */
