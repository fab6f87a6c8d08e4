// SPDX-License-Identifier: GPL-2.0
/*
 * What the back end says of devices and their costs: is it possible?  Nothing
 * here needs a device, so that KUnit can test it.
 */
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
