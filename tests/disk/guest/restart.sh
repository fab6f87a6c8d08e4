#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest restarts while its disk is read: each reader has a request under way, or
# makes one, when the kernel shuts the device down.
set -eu
rctl create a
for i in 0 1 2 3 4 5 6 7; do
	rctl run -q a -- sh -c "while :; do
		dd if=/dev/pvda of=/dev/null bs=4k count=64 skip=$((i * 1000)) iflag=direct 2>/dev/null
	done" &
done
# Until all of them are charged at all.
until [ "$(sed -n 's/^disk.access_pj //p' /sys/fs/rcontainer/a/events)" -gt $((8 * 64 * 4096 * 60000)) ]; do
	sleep 0.1
done
echo "restart: now"
reboot -f
