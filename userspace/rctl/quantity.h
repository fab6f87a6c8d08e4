/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quantities that people write: the way back of format_micro(). */
#ifndef RCTL_QUANTITY_H
#define RCTL_QUANTITY_H

#include <stdint.h>

/**
 * quantity_parse() - read a number with an SI prefix and a unit
 * @text: such as "2.5kJ"; a number without a unit is of millionths, and whole
 * @unit: "J"
 * @micro: set to millionths of the unit
 *
 * The prefixes are u, m, none, k, M and G.  Returns 0; -EINVAL if @text is no
 * such thing or has parts below a millionth; -ERANGE if it is too large.
 */
int quantity_parse(const char *text, const char *unit, uint64_t *micro);

#endif
