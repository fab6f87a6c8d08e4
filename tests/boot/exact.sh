#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A program of exactly 2 x 10^8 instructions, none of which touches memory, is
# charged to its container: as many micro-operations, and half a per cent for
# what the kernel does to start and end it.
#
#	exact[:off]	off: other virtual machines are not factored out, so the
#			charge must be wrong; tests the test
set -eu
expected=200000000
rctl create exact
rctl run -q exact -- /tests/spin
charged=$(sed -n 's/^uop_queue_writes //p' /sys/fs/rcontainer/exact/events)
rctl delete exact
error=$(awk "BEGIN { printf \"%.4f\", 100 * ($charged - $expected) / $expected }")
echo "exact: expected $expected charged $charged error_percent $error"
if [ "${1-}" = off ]; then
	awk "BEGIN { exit !($error > 30) }"
else
	awk "BEGIN { exit !($error >= 0 && $error <= 0.5) }"
fi
