#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The second disk is pulled out while it is written and read; whoever used it
# gets errors, nobody hangs, and the first disk goes on.
set -u
rcfs=/sys/fs/rcontainer

# The disk is busy, by one who is charged alone.
load() {
	while dd if=/dev/zero of=/dev/pvdb bs=64k count=64 oflag=direct conv=notrunc 2>/dev/null &&
		dd if=/dev/pvdb of=/dev/null bs=4k count=256 2>/dev/null &&
		dd if=/dev/zero of=/dev/pvdb bs=4k count=512 conv=notrunc 2>/dev/null; do
		echo 1 >/proc/sys/vm/drop_caches
		# Without its node dd would make a file.
		[ -b /dev/pvdb ] || break
	done
}

rctl create a b || exit 1
for c in a b; do
	(rctl bind $c "$(sh -c 'echo $PPID')" 2>/dev/null; load) &
done
sleep 1
# The function that the virtio device is on.
device=$(readlink -f /sys/block/pvdb/device/..)
echo "unplug: ready"
n=0
while [ -e "$device" ]; do
	n=$((n + 1))
	[ $n -lt 600 ] || { echo "# the disk is still there"; exit 1; }
	sleep 0.1
done
wait
[ ! -e /sys/block/pvdb ] || exit 1
rm -f /dev/pvdb
sync
# QEMU hears of it a little later.
sleep 2
# The other one works.
before=$(sed -n 's/^disk.access_pj //p' $rcfs/events)
dd if=/dev/zero of=/dev/pvda bs=64k count=16 oflag=direct 2>/dev/null || exit 1
after=$(sed -n 's/^disk.access_pj //p' $rcfs/events)
[ $((after - before)) = $((1048576 * 60000)) ] || exit 1
rctl delete a b
