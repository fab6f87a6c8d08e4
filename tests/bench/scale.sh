#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What a switch costs among many containers, deep in their tree and on several
# CPUs, and what it takes to read the root's energy.  Writes build/results/scale.csv:
#
#	of,number	how many containers, how deep, or how many CPUs
#	switches	of a ring of two processes, between containers
#	instructions	of a switch: all that our functions execute meanwhile
#
# and scale_read.csv, in virtual time: instructions.
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
limit=1

begin counts

# measured NAME RUN [OPTION...]: a boot, and its rows
measured() {
	local name=$1 profile=$logs/$1.profile

	bench_boot "$name" guest counts "run=scale:$2" --icount --no-plugin "${@:3}" -- \
		-plugin "$(profile "$profile")"
	# "user" is the first function of each part.
	awk -v OFS=, '
		NR == FNR {
			if ($1 == "scale:" && $2 != "read") {
				of[++rows] = $2
				number[rows] = $3
			}
			next
		}
		$3 == "user" { part++ }
		$3 == "__rcontainer_switch" { calls[part] = $4 }
		$3 ~ /^(__)?(rcontainer|pvpage|pmc)_/ { spent[part] += $2 }
		END {
			for (i = 1; i <= rows; i++)
				print of[i], number[i], calls[i], sprintf("%.2f", spent[i] / calls[i])
			exit part != rows || !rows
		}' "$logs/$name" "$profile"
}

{
	echo of,number,switches,instructions
	measured containers "containers:${containers// /:}" --memory 1024
	measured depth "depth:${depths// /:}"
	for n in $cpus; do
		measured "cpus$n" "cpus:$n" --nr-pcpus "$n" --pcpus "0-$((n - 1))"
	done
} >"$results/scale.csv"
awk 'BEGIN { print "containers,instructions" }
	$1 == "scale:" && $2 == "read" { print $3 "," $6 }' "$logs/containers" >"$results/scale_read.csv"
column -t -s , "$results/scale.csv"
column -t -s , "$results/scale_read.csv"

for of in containers depth cpus; do
	spread=$(awk -F , -v of=$of '$1 == of {
			low = low == "" || $4 < low ? $4 : low
			high = high == "" || $4 > high ? $4 : high
		}
		END { printf "%.2f\n", high - low }' "$results/scale.csv")
	verdict scale "a switch: most less least by number of $of" \
		"<= $limit instructions" "$spread" "$(at_most "$spread" $limit)"
done
verdict scale "instructions to read the root's energy by number of containers" "" \
	"$(tail -n 1 "$results/scale_read.csv" | sed 's/,/: /')" -
