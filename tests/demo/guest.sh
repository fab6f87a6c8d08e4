#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's part of the demo: two factor programs in two containers, the
# second some seconds after the first.  Prints a line a second for each:
#
#	energy SECONDS CONTAINER ACCESS_UJ BASE_UJ
#
# and at the end the sums over all containers beside the virtual counters, from
# one snapshot:
#
#	sum EVENT CONTAINERS VIRTUAL DIFFERENCE
set -eu

delay=${1:-4}
number=19807040628995333737871789033
rcfs=/sys/fs/rcontainer

now() {
	cut -d ' ' -f 1 /proc/uptime
}

sample() {
	for c in factor1 factor2; do
		# shellcheck disable=SC2046 # two words wanted
		set -- "$c" $(sed -n 's/^cpu\.[a-z_]* //p' "$rcfs/$c/energy")
		echo "energy $(awk "BEGIN { print $(now) - $start }") $*"
	done
}

rctl create factor1 factor2
echo "factor1 starts"
start=$(now)
rctl run -q factor1 -- /usr/bin/factor "$number" >/dev/null &
first=$!
second=
n=0
while :; do
	sample
	sleep 1
	n=$((n + 1))
	if [ "$n" = "$delay" ]; then
		echo "factor2 starts"
		rctl run -q factor2 -- /usr/bin/factor "$number" >/dev/null &
		second=$!
	fi
	[ -z "$second" ] || kill -0 "$first" 2>/dev/null ||
		kill -0 "$second" 2>/dev/null || break
	[ "$n" -lt 120 ] || { echo "the programs did not end"; exit 1; }
done
sample
wait "$first" "$second"

echo "containers at the end:"
rctl list
rctl check --raw --noheadings | sed 's/^/sum /'
rctl check >/dev/null
