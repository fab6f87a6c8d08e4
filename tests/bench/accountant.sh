#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What it costs the CPU accountant to keep up with many virtual machines that
# take turns often.  Nobody executes: cpuacctd_load writes the log, in a process
# of its own; the accountant reads it every 20 ms, writes energy meters, and
# publishes to a resource monitor.  Writes build/results/cpuacctd_load.csv:
#
#	vms		virtual machines, each with a metered energy page
#	switches_per_s	that were made, on one physical CPU
#	seconds		for so long
#	entries		of the log
#	overruns	how often the log had run over, so that totals were used
#	cpu_percent	CPU time of the accountant per time
#	difference	of the sums over virtual machines and the machine's, of all
#			events and energies
#
# Fails if anything differs, if the accountant takes LIMIT per cent or more, or
# if the writer does not get to REACHED per cent of the rate.
#
# VMS, RATE, SECONDS_EACH, LIMIT, REACHED: can be set
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib.sh
. tests/lib.sh

read -ra vms <<<"${VMS:-1 32 256}"
rate=${RATE:-100000}
seconds=${SECONDS_EACH:-10}
limit=${LIMIT:-5} reached=${REACHED:-90}
csv=$BUILD/results/cpuacctd_load.csv
mkdir -p "$BUILD/results"
work=$(mktemp -d /dev/shm/rcontainer-load.XXXXXX)
pids=()

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# CPU time of a process with one thread, in nanoseconds.
cpu_ns() {
	cut -d ' ' -f 1 "/proc/$1/schedstat"
}

# load VMS: a line of the results
load() {
	local dir=$work/$1 in out answer made took accountant before after start end status=0

	mkdir "$dir"
	mkfifo "$dir/in" "$dir/out"
	"$BUILD/user/cpuacctd_load" "$dir" "$BUILD/user/models/pentium4.model" "$1" 1 \
		"$rate" "$seconds" <"$dir/in" >"$dir/out" &
	pids+=($!)
	exec {in}>"$dir/in" {out}<"$dir/out"
	read -r answer <&"$out"
	[ "$answer" = ready ]
	"$BUILD/user/cpuacctd" --machine "$dir" --resmond "$work/resmond.sock" --json \
		>"$dir/table" 2>"$dir/said" &
	accountant=$!
	pids+=("$accountant")
	# Its start, which looks for 256 pages, is not what is measured.
	sleep 1
	before=$(cpu_ns "$accountant") start=$(date +%s%N)
	echo go >&"$in"
	read -r made took <&"$out"
	after=$(cpu_ns "$accountant") end=$(date +%s%N)
	kill -TERM "$accountant"
	wait "$accountant" || status=$?
	exec {in}>&- {out}<&-
	wait "${pids[-2]}"
	pids=("${pids[0]}")
	python3 - "$dir/table" "$dir/said" "$1" "$made" "$took" $((after - before)) \
		$((end - start)) <<'END'
import json, re, sys
table, said, vms, made, took, cpu, wall = sys.argv[1:]
rows = {row.pop("VM" if "VM" in row else "vm"): row for row in json.load(open(table))["cpuacctd"]}
said = open(said).read()
overruns = re.search(r"(\d+) overruns", said)
print("%s,%.0f,%s,%s,%s,%.2f,%g" % (vms, int(made) / float(took), took, made,
      overruns[1] if overruns else 0, 100 * int(cpu) / int(wall),
      sum(abs(float(n)) for n in rows["difference"].values())))
END
	if [ "$status" != 0 ]; then
		cat "$dir/said" >&2
		return 1
	fi
	rm -rf "$dir"
}

"$BUILD/user/resmond" --socket "$work/resmond.sock" >"$work/resmond.log" 2>&1 &
pids+=($!)
echo "vms,switches_per_s,seconds,entries,overruns,cpu_percent,difference" >"$csv"
for n in "${vms[@]}"; do
	load "$n" >>"$csv"
done
column -t -s , "$csv"
awk -F , -v limit="$limit" -v rate="$rate" -v reached="$reached" '
	NR > 1 && $7 != 0 { print "accountant: the sums differ"; bad = 1 }
	NR > 1 && $6 >= limit { print "accountant: " $6 " % is too much"; bad = 1 }
	NR > 1 && $2 < rate * reached / 100 { print "accountant: the load was too low"; bad = 1 }
	END { exit bad || NR < 2 }' "$csv"
