#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Without counters of the CPU energy goes by CPU time: two programs, of which
# one does three times as much as the other, are charged so, and nothing is lost.
set -eu
cd /sys/fs/rcontainer
grep -qx "backend perf" info/backend
grep -qx "clock software" info/backend
grep -qx "reads_failed 0" info/backend

value() {
	sed -n "s/^$2 //p" "$1"
}

rctl create a b
grep -qx "resolution fine" info/backend
start=$(cut -d ' ' -f 1 /proc/uptime)
rctl run -q a -- /tests/spin 300 &
rctl run -q b -- /tests/spin 100 &
wait
end=$(cut -d ' ' -f 1 /proc/uptime)
rctl check

a=$(value a/events cpu_clock) b=$(value b/events cpu_clock)
echo "clock: a $a ns, b $b ns, of $start to $end s"
# A debug kernel takes most of the time to start them, for the root.
slack=0.05
[ ! -e /proc/lockdep ] || slack=0.9
# The Pentium 4 of linux/arch/pmc/perf.c: 9.255 W at any time, 17.805 W more while it
# is busy.
awk -v a="$a" -v b="$b" -v s="$start" -v e="$end" -v slack=$slack \
	-v base="$(value a/energy cpu.base_uj)" \
	-v access="$(value a/energy cpu.access_uj)" '
	function near(x, y, part) {
		return x > y * (1 - part) && x < y * (1 + part)
	}
	BEGIN {
		exit !(near(a / b, 3, 0.05) && near((a + b) / 1e9, e - s, slack) &&
		       near(base, a * 9.255e-3, 1e-4) &&
		       near(access, a * 17.805e-3, 1e-4))
	}'
rctl delete a b
