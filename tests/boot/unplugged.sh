#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The energy page is unplugged.  Before there are containers it can come back;
# afterwards nothing is counted any more, but what was counted stays charged.
set -eu
cd /sys/fs/rcontainer

fail() {
	echo "# $*"
	cat info/backend energy
	exit 1
}

unplug() {
	page=$(grep -l 0x1110 /sys/bus/pci/devices/*/device)
	echo 1 >"${page%/*}/remove"
}

# The energy of one, as one line.
shown() {
	tr '\n' ' ' <"$1/energy"
}

unplug
grep -qx "backend none" info/backend || fail "before there are containers"
echo 1 >/sys/bus/pci/rescan
grep -qx "backend pvpage" info/backend || fail "it has not come back"
grep -qx "unplugged no" info/backend || fail "it has not come back"

rctl create a
rctl run -q a -- /tests/spin 50
# Who waits for a process may run before its last instructions are charged.
sleep 1
before=$(shown a)
[ "$(sed -n 's/^cpu.access_uj //p' a/energy)" -gt 0 ] || fail "nothing was counted"
unplug
grep -qx "unplugged yes" info/backend || fail "it is still there"
# Afterwards, so that what a was charged last is in it.
last=$(shown .)
[ "$(shown a)" = "$before" ] || fail "of a there was $before"
rctl run -q a -- /tests/spin 50
[ "$(shown .)" = "$last" ] || fail "the root's was $last"
rctl model --set tsc=1
[ "$(shown .)" = "$last" ] || fail "with another weight the root's was $last"
rctl check

echo 1 >/sys/bus/pci/rescan
dmesg | grep -q "energy page not used: another source of counters is, or" ||
	fail "it came back unnoticed"
[ "$(shown .)" = "$last" ] || fail "plugged in again the root's was $last"
rctl delete a
rctl check
