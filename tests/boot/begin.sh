#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Perf's events are created with the first container, not before, on each CPU that
# is online then or later.
set -eu
cd /sys/fs/rcontainer
states=/sys/devices/system/cpu/hotplug/states
cpu1=/sys/devices/system/cpu/cpu1/online

value() {
	sed -n "s/^$2 //p" "$1"
}

grep -qx "backend perf" info/backend
grep -qx "counting no" info/backend
grep -qx "cpu_clock 0" events
[ "$(grep -c pmc/perf $states)" = 0 ]
echo 0 >$cpu1
echo 1 >$cpu1
echo 0 >$cpu1

rctl create a
grep -qx "counting yes" info/backend
[ "$(value events cpu_clock)" -gt 0 ]
[ "$(grep -c pmc/perf $states)" = 1 ]

echo 1 >$cpu1
[ "$(grep -c ^stopped info/backend)" = 0 ]
rctl run -q a -- taskset 2 /tests/spin 10
[ "$(value a/events cpu_clock)" -gt 0 ]
rctl check
rctl delete a
