#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The last that a guest with disks does: what all containers were charged for
# each device, after which there is no I/O.
set -eu
rctl check
cat /sys/fs/rcontainer/info/devices
if grep -v ' 0$' /sys/fs/rcontainer/info/devices; then
	echo "not ok - costs were refused"
fi
sync
sed -n '/access_pj/s/^/total /p' /sys/fs/rcontainer/events
