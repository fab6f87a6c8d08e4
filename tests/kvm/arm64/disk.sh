#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In a guest with a virtual PMU: what programs consume is counted by it, and what they do on
# the disk is charged to them.
set -eu
cd /sys/fs/rcontainer
grep -qx "backend perf" info/backend
rctl create web db
rctl info
cat info/backend
grep -qx "clock hardware" info/backend
test -b /dev/pvda

# shellcheck source=tests/kvm/round.sh
. /tests/round.sh
round /dev/pvda web 1
round /dev/pvda web 2
round /dev/pvda db 3
rctl show /
cat web/events
for event in cycles instructions disk.access_pj; do
	test "$(sed -n "s/^$event //p" web/events)" -gt "$(sed -n "s/^$event //p" db/events)"
	test "$(sed -n "s/^$event //p" db/events)" -gt 0
done
exec /tests/totals
