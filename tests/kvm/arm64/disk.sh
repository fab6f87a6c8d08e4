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

# round CONTAINER N: a program writes a MiB past the cache, and another one reads it.
round() {
	yes "$1 $2" | head -c 1048576 >/tmp/"$1"
	rctl run -q "$1" -- dd if=/tmp/"$1" of=/dev/pvda bs=64k seek=$(($2 * 16)) \
		oflag=direct conv=fsync,notrunc status=none
	rctl run -q "$1" -- dd if=/dev/pvda bs=64k skip=$(($2 * 16)) count=16 \
		iflag=direct status=none | cmp - /tmp/"$1"
}

round web 1
round web 2
round db 3
rctl show /
cat web/events
for event in cycles instructions disk.access_pj; do
	test "$(sed -n "s/^$event //p" web/events)" -gt "$(sed -n "s/^$event //p" db/events)"
	test "$(sed -n "s/^$event //p" db/events)" -gt 0
done
exec /tests/totals
