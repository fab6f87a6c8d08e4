#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The back end's own consumption is an energy balloon.
set -u
rcfs=/sys/fs/rcontainer
balloon=$rcfs/balloon-disk-cpu

pj() {
	sed -n "s/^$2 //p" "$1/events"
}

# is CONTAINER KEY NUMBER
is() {
	[ "$(pj "$1" "$2")" = "$3" ] && return
	echo "# $1: $2 is $(pj "$1" "$2"), not $3"
	exit 1
}

[ -d $balloon ] || { echo "# there is no balloon"; exit 1; }
rctl create a || exit 1
for _ in 1 2; do
	# More than fifty requests, from which on the back end's CPU has a cost.
	rctl run -q a -- dd if=/dev/zero of=/dev/pvda bs=16k count=128 oflag=direct 2>/dev/null ||
		exit 1
done
is $rcfs/a disk.access_pj $((2 * 128 * 16384 * 60000))
is $rcfs/a disk-cpu.access_pj 0
is $balloon disk.access_pj 0
[ "$(pj $balloon disk-cpu.access_pj)" -gt 0 ] || { echo "# nothing in the balloon"; exit 1; }
[ "$(sed -n 's/^cpu.access_uj //p' $rcfs/a/energy)" -gt 0 ] ||
	{ echo "# the CPU is not counted"; exit 1; }
echo "# $(pj $balloon disk-cpu.access_pj) pJ in the balloon"

# Gone, it is the root's that its charges are, as of any container.
before=$(pj $balloon disk-cpu.access_pj)
rctl delete balloon-disk-cpu || exit 1
rctl run -q a -- dd if=/dev/zero of=/dev/pvda bs=16k count=128 oflag=direct 2>/dev/null || exit 1
is $rcfs/a disk-cpu.access_pj 0
[ "$(pj $rcfs disk-cpu.access_pj)" -gt "$before" ] || { echo "# nothing at the root"; exit 1; }
