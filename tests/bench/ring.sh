#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a context switch costs in cycles of the emulated processor, which has a
# first-level cache and a branch predictor: rings of processes as with lat_ctx,
# whose instructions, cycles and cache misses the plugin counts; see README.md.
# Writes build/results/ring.csv, of one switch and of the array's sum beside it,
# and ring_overhead.csv.
#
# SIZES, PROCESSES: lists of KiB and numbers of processes
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

sizes=${SIZES:-0 16 64}
processes=${PROCESSES:-2 8 32 96}

begin counts
for config in none same each; do
	kernel=guest
	[ $config != none ] || kernel=baseline
	bench_boot $config $kernel counts \
		"run=ring:$config:${sizes// /+}:${processes// /+}" --icount
done
{
	echo config,size_kib,processes,instructions,cycles,misses,sum_instructions,sum_cycles,sum_misses
	cat "$logs"/{none,same,each} | sed -n 's/^ring: //p' | tr ' ' ,
} >"$results/ring.csv"
# Of the whole, and of what is left without the sum, which lat_ctx prints.
awk -F , '
	NR == 1 {
		print "config,size_kib,processes,instructions,cycles,misses,cycles_percent,cycles_percent_of_whole"
		next
	}
	$1 == "none" { i[$2, $3] = $4; c[$2, $3] = $5; m[$2, $3] = $6; s[$2, $3] = $8; next }
	{
		more = $5 - c[$2, $3]
		printf "%s,%d,%d,%.1f,%.1f,%.2f,%.2f,%.2f\n", $1, $2, $3, $4 - i[$2, $3], more,
			$6 - m[$2, $3], 100 * more / (c[$2, $3] - s[$2, $3]), 100 * more / c[$2, $3]
	}' "$results/ring.csv" >"$results/ring_overhead.csv"
column -t -s , "$results/ring_overhead.csv"

percent() { # SIZE PROCESSES COLUMN
	awk -F , -v s="$1" -v p="$2" -v c="$3" \
		'$1 == "each" && $2 == s && $3 == p { print $c }' "$results/ring_overhead.csv"
}
for size in $sizes; do
	limit=5
	[ "$size" != 64 ] || limit=2
	n=$(percent "$size" 2 8)
	[ -n "$n" ] || continue
	verdict 5.1 "cycles with the array's sum; $size KiB 2 processes" "<= $limit %" "$n %" \
		"$(at_most "$n" $limit)"
done
