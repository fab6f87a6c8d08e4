#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk that can't be written, beside one that can.
set -eu
rcfs=/sys/fs/rcontainer
rctl create a
[ "$(cat /sys/block/pvda/ro)" = 1 ]
[ "$(cat /sys/block/pvdb/ro)" = 0 ]
if rctl run -q a -- dd if=/dev/zero of=/dev/pvda bs=4k count=1 oflag=direct 2>/dev/null; then
	exit 1
fi
rctl run -q a -- dd if=/dev/pvda of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null
grep -qx "disk.access_pj $((1048576 * 60000))" $rcfs/a/events
rctl run -q a -- dd if=/dev/zero of=/dev/pvdb bs=64k count=16 oflag=direct 2>/dev/null
grep -qx "disk.access_pj $((2097152 * 60000))" $rcfs/a/events
rctl delete a
