#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Does each QEMU count the same?  The bare-metal programs of the plugin's tests, in
# phases between markers, under the host's QEMU and those of other Debian releases:
# build/results/counts.csv, a row for each program, phase, QEMU and event.  Fails if
# a count is not the same to the unit.
#
#	counts.sh [ROOT...]
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/qemus.sh
. tests/bench/qemus.sh

csv=$BUILD/results/counts.csv

# The log has what was counted before each marker; the first of each phase counts.
rows() {
	sed -n 's/^phase \([0-9]*\) insns \([0-9]*\) accesses \([0-9]*\) counters/\1 \2 \3/p' |
		awk -v program="$1" -v qemu="$2" '
		BEGIN {
			n = split("instructions accesses cycles uops branches mispredicted " \
				  "memory replays misses", event, " ")
		}
		NR > 1 && !(phase in seen) {
			for (i = 1; i <= n; i++)
				printf "%s:%d,%s,%s,%.0f\n", program, phase, qemu, event[i], $(i + 1) - last[i]
			seen[phase] = 1
		}
		{
			phase = $1
			for (i = 1; i <= n; i++)
				last[i] = $(i + 1)
		}'
}

qemu_roots "$@" >"$work/roots"
while IFS= read -r root; do
	version=$(qemu_version "$root")
	qemu_stage "$root" "$BUILD/user/pvplugin.so" "$BUILD/user/guest"
	for program in selftest load; do
		within_root "$root" timeout 300 qemu-system-x86_64 -accel tcg -m 64 -nodefaults \
			-nographic -device isa-debug-exit,iobase=0xf4,iosize=1 \
			-kernel "$seen/guest/$program" \
			-plugin "$seen/pvplugin.so,pcpus=0,selftest=on" \
			</dev/null >"$work/log" || [ $? = 1 ]
		rows "$program" "$version" <"$work/log" >>"$work/rows"
	done
	rm -rf "$stage"
done <"$work/roots"

mkdir -p "$(dirname "$csv")"
{
	echo "program,qemu,event,count"
	cat "$work/rows"
} >"$csv"
awk -F, 'NR == 1 { next }
	{ key = $1 "," $3; qemus[$2] = 1; rows++ }
	!(key in count) { count[key] = $4 }
	count[key] != $4 { print "differs: " $0 ", not " count[key]; bad++ }
	END {
		for (q in qemus)
			list = list " " q
		printf "counts: QEMU%s: %d rows, %d differ\n", list, rows, bad
		exit bad || !rows
	}' "$csv"
