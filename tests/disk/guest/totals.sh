#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The last that a guest with disks does: what all containers were charged for
# each device, after which there is no I/O.
set -eu
rctl check
cat /sys/fs/rcontainer/info/devices
if grep '\.refused [1-9]' /sys/fs/rcontainer/info/devices; then
	echo "not ok - costs were refused"
fi
# To read the meters is a request that costs something, too.  For the root they
# are not read but when somebody asks; and this one is waited for.
echo root >/sys/fs/rcontainer/info/base_policy
cat /sys/block/pvd*/energy
sync
sed -n '/access_pj/s/^/total /p' /sys/fs/rcontainer/events
