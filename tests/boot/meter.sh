#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Base cost has a meter, which the host sets when it is told to (metered.sh): the
# containers pay for what it advances, by the policy in force, to the picojoule.
set -eu
cd /sys/fs/rcontainer

value() {
	sed -n "s/^$2 //p" "$1"
}

fail() {
	echo "# $*"
	cat info/snapshot info/devices info/base_policy
	exit 1
}

# set_meter NJ: waits until it has been read.
set_meter() {
	echo "meter: $1"
	n=0
	until [ "$(value info/devices cpu.metered_uj)" = "$((metered / 1000))" ]; do
		n=$((n + 1))
		[ $n -lt 300 ] || fail "the meter is not at $1"
		sleep 0.1
	done
}

# advance NJ
advance() {
	shown=$((shown + $1)) metered=$((metered + $1))
	set_meter $shown
}

# The picojoules that a container alone was charged as base cost, from the
# snapshot, whose column is the last.
base() {
	awk -v c="$1" '$1 == c { printf "%s", $NF }' info/snapshot
}

# pays CONTAINER PJ: so much more than the last time it was looked at.
pays() {
	name=$(echo "$1" | tr / _)
	now=$(base "$1")
	eval "before=\${base_$name:-0} base_$name=$now"
	# shellcheck disable=SC2154 # set by eval
	[ $((now - before)) = "$2" ] || fail "$1 pays $((now - before)) pJ, not $2"
}

head -n 1 info/snapshot | grep -q ' cpu\.base_pj$' || fail "no column cpu.base_pj"
[ "$(cat info/base_policy)" = '[equal] access root' ] || fail "another policy"
grep -q '^tsc .* metered$' info/counters || fail "the clock has a price"
shown=0 metered=0

# As long as there are no containers, it is the root's.
/tests/spin 10
advance 5000000000
pays / 5000000000000
# The clock counts, but costs nothing.
[ "$(value events tsc)" -gt 0 ]
[ "$(value energy cpu.base_uj)" = 5000000 ] || fail "base cost of events"

# This shell is in the root; who has no task pays nothing.
mkdir a b a/c empty
sleep 1000 & echo $! >a/procs; a=$!
sleep 1000 & echo $! >b/procs; b=$!
sleep 1000 & echo $! >a/c/procs; c=$!
advance 3000001
pays / 750000250
pays /a 750000250
pays /a/c 750000250
pays /b 750000250
pays /empty 0
pays /idle 0
pays /interrupt 0
[ "$(value a/energy cpu.base_uj)" = 1500 ] || fail "a with c"
[ "$(value a/energy.local cpu.base_uj)" = 750 ] || fail "a alone"
rctl check

# Who is gone pays no more, but for the time until that was noticed.
kill $c
wait $c || :
sleep 0.1
advance 4000
pays /a/c 1000000
advance 3000
pays /a/c 0
pays /a 2000000
pays /b 2000000
rmdir a/c empty
pays /a $((750000250 + 1000000))
kill $a $b
wait $a $b || :

# By access cost: who does nothing pays nothing, and two alike nearly the same.
echo access >info/base_policy
[ "$(cat info/base_policy)" = 'equal [access] root' ]
advance 1000
rctl run -q a -- /tests/spin 100
rctl run -q b -- /tests/spin 300
before_a=$(base /a) before_b=$(base /b)
advance 10000000000
a=$(($(base /a) - before_a)) b=$(($(base /b) - before_b))
echo "# a pays $a pJ, b $b pJ"
awk -v a=$a -v b=$b 'BEGIN { exit !(b / a > 2.7 && b / a < 3.3 && a + b > 5e12) }' ||
	fail "not by access cost"
rctl check

# All to the root.
echo root >info/base_policy
# shellcheck disable=SC2034 # of pays
base__a=$(base /a) base__b=$(base /b) base__=$(base /)
advance 77077
pays / 77077000
pays /a 0
pays /b 0

# One that steps back goes on from there, and nothing is lost or counted twice.
shown=1000
echo "meter: $shown"
n=0
until [ "$(value info/devices cpu.meter_steps_back)" = 1 ]; do
	n=$((n + 1))
	[ $n -lt 300 ] || fail "the step was not seen"
	sleep 0.1
done
advance 123456
pays / 123456000
[ "$(value info/devices cpu.meter_steps_back)" = 1 ] || fail "not counted"
dmesg | grep -q 'energy meter of cpu stepped back' || fail "not said"
rmdir a b
rctl check
