#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Have costs grown?  Counts instructions of what is executed most often, and
# compares them with what is recorded in recorded.csv: more than 1 per cent above
# it fails.  In virtual time, so that what else the host does makes no difference; but
# a disk's back end is not in it: of dirty:16.bio 4.18 to 4.28 instructions were
# counted, of one kernel, so that a tenth of an instruction is none.
#
#	quick.sh [--record]
#
# What is counted:
#	ring.CONFIG.KIB.PROCESSES	a switch, with the pipe and the array's sum,
#					without containers, with all in one, with
#					one each; of our kernel
#	ring.HOOK and so on		of that, the hooks' functions, for a call; and of
#					requests to a disk; see hooks.sh
#
# Instructions depend on the compiler that has built the kernel, on Debian's
# version of that kernel and its C library in the guest: those are recorded, too,
# and where they differ there is nothing to compare with.  --record writes the
# file anew.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

recorded=tests/bench/recorded.csv
# Per cent, and instructions.
limit=1
least=0.1

begin counts

config() {
	sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "$CACHE/obj/${GUEST:-guest}/.config"
}
built_with="$(config CONFIG_CC_VERSION_TEXT | sed 's/^gcc (//; s/).*//') linux $(cat "$CACHE/version") libc $(dpkg-query -W -f '${Version}' libc6)"

for mode in none same each; do
	bench_boot $mode guest counts "run=ring:$mode:0+16:2+8" --icount
done
tests/bench/hooks.sh >"$logs/hooks"

{
	echo what,instructions
	cat "$logs"/{none,same,each} | awk '$1 == "ring:" {
		printf "ring.%s.%d.%d,%.1f\n", $2, $3, $4, $5 }'
	awk -F , '
		$1 == "ring" && $2 ~ /switch|interrupt/ ||
		$1 == "write:32" && $2 == "completion" ||
		$1 == "dirty:16" && $2 !~ /switch|interrupt/ {
			printf "%s.%s,%s\n", $1, $2, $4
		}' "$results/hooks.csv"
} >"$results/quick.csv"

if [ "${1:-}" = --record ]; then
	{
		echo "# Recorded by make bench-record; built with $built_with"
		cat "$results/quick.csv"
	} >"$recorded"
	cat "$recorded"
	exit
fi
if [ ! -e "$recorded" ]; then
	echo "quick: nothing is recorded yet; make bench-record" >&2
	exit 1
fi
if ! grep -qxF "# Recorded by make bench-record; built with $built_with" "$recorded"; then
	head -n 1 "$recorded" >&2
	echo "quick: but this is $built_with: nothing to compare with; make bench-record" >&2
	exit 1
fi
awk -F , -v limit=$limit -v least=$least '
	/^#/ || $1 == "what" { next }
	NR == FNR { want[$1] = $2; left++; next }
	!($1 in want) { print "quick: " $1 " is not recorded"; bad = 1; next }
	{
		left--
		percent = 100 * ($2 - want[$1]) / want[$1]
		more = percent > limit && $2 - want[$1] > least
		printf "%-16s %10.1f  recorded %10.1f  %+6.2f %%%s\n", $1, $2, want[$1], percent,
			(more ? "  MORE" : (percent < -limit ? "  less: record anew" : ""))
		bad = bad || more
	}
	END {
		if (left)
			print "quick: " left " recorded figures were not measured"
		exit bad || left
	}' "$recorded" "$results/quick.csv"
