#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The first process of a guest of the host under test: does what is typed at its console,
# a line at a time.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t rcontainer none /sys/fs/rcontainer
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

# shellcheck source=tests/kvm/round.sh
. /tests/round.sh

# rounds CONTAINER N: so many in the background.
rounds() {
	(
		for i in $(seq "$2"); do
			round /dev/pvda2 "$1" "$i" && echo "round $i done" || echo "round $i failed"
		done
	) &
}

# What all containers were charged.  From here on the disk's meters are not read for them,
# which takes a request, until "go_on".
totals() {
	echo root >/sys/fs/rcontainer/info/base_policy
	cat /sys/block/pvd*/energy >/dev/null
	sed -n '/access_pj/s/^/total /p' /sys/fs/rcontainer/events
}

go_on() {
	echo equal >/sys/fs/rcontainer/info/base_policy
}

stty -echo -onlcr
echo "guest: up at $(cut -d ' ' -f 1 /proc/uptime) s"
while read -r line; do
	eval "$line"
done
poweroff -f
