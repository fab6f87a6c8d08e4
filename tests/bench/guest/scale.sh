#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A ring of two processes, each in a container of its own, on the first CPU, among many
# containers, deep in their tree, and beside the same on each other CPU.
#
#	scale containers:NUMBER[:NUMBER...]	ascending
#	scale depth:DEPTH[:DEPTH...]
#	scale cpus:NUMBER
set -eu
what=${1%%:*} rest=${1#*:}

# measure VALUE: between the marks that ring makes
measure() {
	taskset 1 ring each 0 2 2000 >/dev/null
	echo "scale: $what $1"
}

case $what in
containers)
	made=0
	for n in $(echo "$rest" | tr : ' '); do
		# Those of the rings and the built-in ones do not matter.
		scale make $((n - made)) 0 "$made"
		made=$n
		measure "$n"
		printf 'scale: read %s ' "$n"
		scale read 5
	done
	;;
depth)
	for n in $(echo "$rest" | tr : ' '); do
		scale make 0 "$n"
		RING_TOP=$(printf '%*s' "$n" '' | sed 's: :d/:g')
		export RING_TOP
		measure "$n"
	done
	;;
cpus)
	cpu=1
	while [ "$cpu" -lt "$rest" ]; do
		RING_TOP=cpu$cpu
		export RING_TOP
		# The shell, too, which starts it again and again.
		taskset $((1 << cpu)) sh -c 'while :; do ring each 0 2 20000; done' >/dev/null &
		cpu=$((cpu + 1))
	done
	unset RING_TOP
	measure "$rest"
	;;
esac
