#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Where the kernel's clock advances with timer ticks only, CPU time can't be charged
# to programs: the kernel says so, once, when accounting begins.
set -eu
cd /sys/fs/rcontainer
said() {
	dmesg | grep -c "advances with timer ticks only" || true
}

[ "$(said)" = 0 ]
rctl create a b
grep -qx "backend perf" info/backend
grep -qx "clock software" info/backend
grep -qx "resolution tick" info/backend
[ "$(said)" = 1 ]
rctl info
rctl run -q a -- /tests/spin 10
cat a/events interrupt/events
rctl check
rctl delete a b
