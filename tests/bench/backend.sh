#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The disks' back end with 1 to 8 virtual machines, which nobody executes:
# pvblkd_load reads from a disk of its own each, one request after the other.
# The host's speed counts here; so each round has all numbers, and what is compared
# is of one round.  Writes build/results/backend.csv:
#
#	vms		clients
#	requests_per_s	of all together
#	cpu_ns		CPU time of pvblkd for a request
#	cpu_ratio	that against one client's of the same round
#
# medians of all rounds, and of cpu_ratio the least and the most, too.
#
# VMS, ROUNDS, SECONDS_EACH: can be set
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

vms=${VMS:-1 2 4 8}
rounds=${ROUNDS:-7}
seconds=${SECONDS_EACH:-2}

begin_part
begin_work

# Nanoseconds of all its threads; requests of all disks.
cpu() {
	awk '{ n += $1 } END { printf "%.0f\n", n }' "/proc/$server/task"/*/schedstat
}
requests() {
	"$BUILD/user/pvblkd" --show "$work/state"/*.state | awk '$1 == "requests" { n += $2 } END { print n + 0 }'
}

options=()
most=$(tr ' ' '\n' <<<"$vms" | sort -n | tail -n 1)
truncate -s 4M "$work/image"
for ((i = 0; i < most; i++)); do
	options+=(--disk "d$i,socket=$work/$i.sock,file=$work/image,readonly")
done
"$BUILD/user/pvblkd" --state-dir "$work/state" --resmond none "${options[@]}" >"$logs/pvblkd.log" 2>&1 &
server=$!
for _ in $(seq 100); do
	! grep -qs '^ready' "$logs/pvblkd.log" || break
	sleep 0.1
done

# run ROUND N: ROUND N REQUESTS CPU-TIME TIME, in nanoseconds
run() {
	local i r c t

	for ((i = 0; i < $2; i++)); do
		"$BUILD/user/pvblkd_load" "$work/$i.sock" 2>>"$logs/load" &
		others+=($!)
	done
	sleep 0.5
	r=$(requests) c=$(cpu) t=$(date +%s%N)
	sleep "$seconds"
	echo "$1 $2" $(($(requests) - r)) $(($(cpu) - c)) $(($(date +%s%N) - t))
	kill "${others[@]}"
	wait "${others[@]}" 2>/dev/null || true
	others=()
}
for ((i = 0; i < rounds; i++)); do
	for n in $vms; do
		run "$i" "$n"
	done
done >"$logs/rounds"
awk '
	{ v[$2]++; rate[$2, v[$2]] = $3 / $5 * 1e9; ns[$2, v[$2]] = $4 / $3 }
	v[$2] == 1 { order[++nr] = $2 }
	function median(a, key, n,    i, j, s) {
		for (i = 1; i <= n; i++) {
			for (j = i; j > 1 && s[j - 1] > a[key, i]; j--)
				s[j] = s[j - 1]
			s[j] = a[key, i]
		}
		least = s[1]
		most = s[n]
		return (s[int((n + 1) / 2)] + s[int(n / 2) + 1]) / 2
	}
	END {
		print "vms,requests_per_s,cpu_ns,cpu_ratio,ratio_least,ratio_most"
		for (k = 1; k <= nr; k++) {
			key = order[k]
			for (i = 1; i <= v[key]; i++)
				ratio[key, i] = ns[key, i] / ns[order[1], i]
			printf "%d,%.0f,%.0f,", key, median(rate, key, v[key]), median(ns, key, v[key])
			printf "%.3f,", median(ratio, key, v[key])
			printf "%.3f,%.3f\n", least, most
		}
	}' "$logs/rounds" >"$results/backend.csv"
column -t -s , "$results/backend.csv"
verdict scale "CPU time of the back end for a request with $most virtual machines against one" "" \
	"$(tail -n 1 "$results/backend.csv" | cut -d , -f 4)" -
