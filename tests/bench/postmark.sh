#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Experiment 5.2.2 of Lang, Energy Accounting for Virtual Machines (Karlsruhe 2006):
# Postmark on a disk in memory, in instructions and cycles that the guest executes,
# for the six configurations there; see README.md.
# Writes build/results/postmark.csv, postmark_overhead.csv and figure_5_2.{png,svg},
# and the functions' instructions of one more run, for hooks.sh.
#
# TRANSACTIONS, FILES: of Postmark
# REPEATS: runs of each configuration, by turns; medians count
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

transactions=${TRANSACTIONS:-10000}
files=${FILES:-200}
repeats=${REPEATS:-1}
# Per cent, all together.
limit=0.5

begin counts
machine=$work/machine

# postmark NAME KERNEL CONFIG KEYWORDS ACCOUNTANT [OPTION...]
postmark() {
	local name=$1 kernel=$2 config=$3 keywords=$4 status=0

	rm -rf "$machine"
	serve 512M "$keywords" || return 1
	[ "$5" = - ] || account "$logs/accountant"
	bench_boot "$name" "$kernel" counts "run=postmark:$config:$transactions:$files" \
		--icount --disk "$work/disk.sock,queues=1" "${@:6}" || status=1
	[ "$5" = - ] || stop_accountant || status=1
	# CPU time of the back end, in nanoseconds.
	awk '{ n += $1 } END { printf "server: %.0f\n", n }' /proc/$server/task/*/schedstat >>"$logs/$name"
	stop_server || status=1
	"$BUILD/user/pvblkd" --show "$work/state/bench.state" | sed 's/^/disk: /' >>"$logs/$name"
	echo "postmark: $name done in $SECONDS s"
	return $status
}

# In the order of figure 5.2.  What host_cpu_disk adds is on the host.
configs=(none host_cpu host_cpu_disk guest_cpu guest_cpu_rc all)
for ((i = 0; i < repeats; i++)); do
	# A name that the driver refuses: it takes no costs.
	postmark "none.$i" baseline none "" -
	postmark "host_cpu.$i" baseline none "" accountant
	postmark "host_cpu_disk.$i" baseline none ",device=disk" accountant
	postmark "guest_cpu.$i" guest account ",device=cpu" accountant
	postmark "guest_cpu_rc.$i" guest container ",device=cpu" accountant
	postmark "all.$i" guest container "" accountant
done
postmark functions guest container "" - --no-plugin -- -plugin "$(profile "$logs/profile")"

# The guests of these execute the same, but for how often they wait.
equal=(none host_cpu host_cpu_disk)

counted() { # EVENT CONFIG...
	local event=$1 config

	shift
	for config; do
		cat "$logs/$config".[0-9]
	done | awk -v event="$event" '$1 == "counts:" && $3 == event { print $4 }' | sort -n
}

median_of() {
	awk '{ a[NR] = $1 } END { printf "%.0f\n", (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2 }'
}
{
	echo config,run,instructions,cycles,server_cpu_ns
	for config in "${configs[@]}"; do
		for ((i = 0; i < repeats; i++)); do
			awk -v OFS=, -v config="$config" -v run=$i '
				$1 == "counts:" { n[$3] = $4 }
				$1 == "server:" { n["server"] = $2 }
				END { print config, run, n["instructions"],
					n["unhalted_cycles"], n["server"] }' "$logs/$config.$i"
		done
	done
} >"$results/postmark.csv"
{
	echo config,instructions,cycles,instructions_percent,cycles_percent
	base=$(counted instructions "${equal[@]}" | median_of)
	base_cycles=$(counted unhalted_cycles "${equal[@]}" | median_of)
	for config in "${configs[@]}"; do
		n=$(counted instructions "$config" | median_of)
		c=$(counted unhalted_cycles "$config" | median_of)
		awk -v OFS=, -v config="$config" -v n="$n" -v c="$c" \
			-v base="$base" -v base_cycles="$base_cycles" 'BEGIN {
				print config, n, c, sprintf("%.3f", 100 * (n - base) / base),
					sprintf("%.3f", 100 * (c - base_cycles) / base_cycles) }'
	done
} >"$results/postmark_overhead.csv"
column -t -s , "$results/postmark_overhead.csv"

plot figure_5_2 800,450 <<PLOT
set title "Postmark: what the guest executes, against no accounting"
set style fill solid 0.6
set boxwidth 0.6
set grid ytics
set ylabel "per cent"
set key top left
set offsets 0,0,0.1,0
set xtics rotate by -15
plot "$results/postmark_overhead.csv" using 0:4:xtic(1) skip 1 with boxes title "instructions", \\
     $limit with lines title "target, all together"
PLOT
differ=$(counted instructions "${equal[@]}" |
	awk '{ a[NR] = $1 } END { printf "%.2f\n", 100 * (a[NR] - a[1]) / a[1] }')
n=$(awk -F , '$1 == "all" { print $4 }' "$results/postmark_overhead.csv")
verdict 5.2 "Postmark: all together; $transactions transactions; equal guests differ by $differ %" \
	"<= $limit %" "$n %" "$(at_most "$n" $limit)"
