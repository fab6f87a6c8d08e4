#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# To memory and back, several times, with requests under way.
set -u
rcfs=/sys/fs/rcontainer

grep -qw mem /sys/power/state || { echo "# the kernel can't"; exit 77; }
rctl create a || exit 1
# The freezer's signal cuts a reading of /dev/zero short, and dd writes what it has.
head -c 1048576 /dev/zero >/tmp/zeroes
# shellcheck disable=SC2016 # the program's
rctl run -q a -- sh -c '
	n=0
	while [ ! -e /tmp/end ]; do
		dd if=/tmp/zeroes of=/dev/pvda bs=16k count=64 oflag=direct conv=notrunc 2>/dev/null || exit 1
		n=$((n + 1))
	done
	echo $n >/tmp/rounds' &
for _ in 1 2 3; do
	sleep 1
	echo "suspend: now"
	echo mem >/sys/power/state || exit 1
	echo "# awake again"
done
sleep 1
touch /tmp/end
wait $! || { echo "# a write failed"; exit 1; }
echo "# $(cat /tmp/rounds) MiB written"
grep -x "disk.access_pj $(($(cat /tmp/rounds) * 1048576 * 60000))" $rcfs/a/events || {
	sed 's/^/# /' $rcfs/a/events
	exit 1
}
rctl delete a 2>&1 | sed 's/^/# /'
[ ! -e $rcfs/a ]
