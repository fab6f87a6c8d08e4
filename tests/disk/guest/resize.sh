#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The disk becomes larger, and is charged for beyond its former end.
set -eu
rcfs=/sys/fs/rcontainer
size() {
	cat /sys/block/pvda/size
}
before=$(size)
rctl create a
echo "resize: ready"
n=0
while [ "$(size)" = "$before" ]; do
	n=$((n + 1))
	[ $n -lt 600 ]
	sleep 0.1
done
echo "# from $before to $(size) sectors"
[ "$(size)" = $((2 * before)) ]
# Its last page.
rctl run -q a -- dd if=/dev/zero of=/dev/pvda bs=4096 count=1 oflag=direct \
	seek=$((before / 4 - 1)) 2>/dev/null
grep -x "disk.access_pj $((4096 * 60000))" $rcfs/a/events || {
	cat $rcfs/a/events
	exit 1
}
rctl delete a
