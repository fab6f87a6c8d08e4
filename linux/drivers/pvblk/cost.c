// SPDX-License-Identifier: GPL-2.0
/*
 * What the back end says of devices and costs: is it possible?  Nothing here
 * needs a device, so that KUnit can test it.
 */
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/ctype.h>
#include <linux/string.h>

#include "pvblk.h"

static bool name_ok(const char *name)
{
	size_t i, len = strnlen(name, PVBLK_NAME_LEN);

	if (len == PVBLK_NAME_LEN || !islower(name[0]))
		return false;
	for (i = 1; i < len; i++)
		if (!islower(name[i]) && !isdigit(name[i]) &&
		    name[i] != '-' && name[i] != '_')
			return false;
	return true;
}

/**
 * pvblk_check_model() - may costs be taken by this model?
 * @model: a copy, which the host can't change any more
 *
 * Reserved fields may get a meaning without a new version.
 *
 * Context: any.
 * Return: NULL, or what is wrong.
 */
const char *pvblk_check_model(const struct pvblk_model *model)
{
	u32 nr = le32_to_cpu(model->nr_devices), i, j;

	if (le32_to_cpu(model->version) != PVBLK_VERSION)
		return "unknown version";
	if (!nr || nr > PVBLK_MAX_DEVICES)
		return "number of devices out of range";
	for (i = 0; i < nr; i++) {
		const struct pvblk_device *d = &model->devices[i];

		if (!name_ok(d->name))
			return "bad device name";
		for (j = 0; j < i; j++)
			if (!strcmp(d->name, model->devices[j].name))
				return "device named twice";
		if (le64_to_cpu(d->max_request_pj) > PVBLK_MAX_REQUEST_PJ ||
		    le64_to_cpu(d->max_byte_pj) > PVBLK_MAX_BYTE_PJ)
			return "bound of the costs out of range";
	}
	return NULL;
}

/**
 * pvblk_take_costs() - what a request cost
 * @c: the devices and the bounds of their costs
 * @reply: the host may still be writing to it: each cost is read once
 * @bytes: that the request transferred
 * @costs: receives those that are possible and not zero, at most
 *	PVBLK_MAX_DEVICES
 * @refused: receives a bit for each device with an impossible one
 *
 * Context: any.
 * Return: number of @costs.
 */
unsigned int pvblk_take_costs(const struct pvblk_costs *c,
			      const struct pvblk_reply *reply, unsigned int bytes,
			      struct rcontainer_device_cost *costs,
			      unsigned long *refused)
{
	unsigned int i, nr = 0;
	u64 access_pj;

	/* So the bound below does not overflow. */
	static_assert(PVBLK_MAX_REQUEST_PJ + UINT_MAX * PVBLK_MAX_BYTE_PJ <
		      U64_MAX / 2);

	*refused = 0;
	for (i = 0; i < c->nr; i++) {
		access_pj = le64_to_cpu(READ_ONCE(reply->access_pj[i]));
		if (!access_pj)
			continue;
		if (access_pj > c->max_request_pj[i] + bytes * c->max_byte_pj[i]) {
			__set_bit(i, refused);
			continue;
		}
		costs[nr].device = c->device[i];
		costs[nr].access_pj = access_pj;
		nr++;
	}
	return nr;
}
