#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a switch costs among many containers, deep in their tree and on several
# CPUs, and what it takes to read the root's energy; in instructions, which the
# emulated processor counts.  Writes build/results/scale.csv (of a switch: all of
# it in one container, what each process in one of its own adds, and the same in
# cycles) and scale_read.csv.
#
# CONTAINERS, DEPTHS, CPUS: lists of numbers
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

containers=${CONTAINERS:-1 10 100 1000 10000}
depths=${DEPTHS:-1 4 16 60}
cpus=${CPUS:-1 2 4}
# The costliest against the cheapest, in instructions.
limit=10

begin counts
bench_boot containers guest counts "run=scale:containers:${containers// /:}" --icount --memory 1024
bench_boot depth guest counts "run=scale:depth:${depths// /:}" --icount
for n in $cpus; do
	bench_boot "cpus$n" guest counts "run=scale:cpus:$n" --icount \
		--nr-pcpus "$n" --pcpus "0-$((n - 1))"
done
cat "$logs"/{containers,depth,cpus?} | awk '
	BEGIN { print "of,number,instructions,overhead,cycles,cycles_overhead" }
	$1 == "scale:" && $5 == "same" { i = $8; c = $9 }
	$1 == "scale:" && $5 == "each" {
		printf "%s,%d,%.1f,%.1f,%.1f,%.1f\n", $2, $3, i, $8 - i, c, $9 - c
	}' >"$results/scale.csv"
awk 'BEGIN { print "containers,instructions" }
	$1 == "scale:" && $2 == "read" { print $3 "," $6 }' "$logs/containers" >"$results/scale_read.csv"
column -t -s , "$results/scale.csv"
column -t -s , "$results/scale_read.csv"

for of in containers depth cpus; do
	spread=$(awk -F , -v of=$of '$1 == of {
			low = low == "" || $4 < low ? $4 : low
			high = high == "" || $4 > high ? $4 : high
		}
		END { printf "%.1f\n", high - low }' "$results/scale.csv")
	verdict scale "a switch's overhead: most less least by number of $of" \
		"<= $limit instructions" "$spread" "$(at_most "$spread" $limit)"
done
verdict scale "instructions to read the root's energy by number of containers" "" \
	"$(tail -n 1 "$results/scale_read.csv" | sed 's/,/: /')" -
