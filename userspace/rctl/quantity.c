// SPDX-License-Identifier: GPL-2.0-or-later
/* Quantities that people write. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "quantity.h"

/* The number of decimal places by which a prefix and unit move the point. */
static int places_of(const char *suffix, const char *unit)
{
	static const char prefixes[] = "um1kMG";
	const size_t len = strlen(suffix), ulen = strlen(unit);
	const char *prefix;

	if (!len)
		return 0;
	if (len < ulen || strcmp(suffix + len - ulen, unit) || len > ulen + 1)
		return -1;
	if (len == ulen)
		return 6;
	prefix = *suffix == '1' ? NULL : strchr(prefixes, *suffix);
	return prefix ? 3 * (prefix - prefixes) : -1;
}

int quantity_parse(const char *text, const char *unit, uint64_t *micro)
{
	const size_t len = strspn(text, "0123456789");
	size_t fraction = 0, i;
	const char *suffix = text + len;
	uint64_t value = 0;
	int places;

	if (*suffix == '.') {
		fraction = strspn(suffix + 1, "0123456789");
		if (!fraction)
			return -EINVAL;
		suffix += 1 + fraction;
	}
	places = places_of(suffix, unit);
	if (!len || places < 0 || fraction > (size_t)places)
		return -EINVAL;
	for (i = 0; text + i < suffix; i++) {
		if (text[i] == '.')
			continue;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[i] - '0', &value))
			return -ERANGE;
	}
	for (places -= fraction; places > 0; places--)
		if (__builtin_mul_overflow(value, 10, &value))
			return -ERANGE;
	*micro = value;
	return 0;
}
