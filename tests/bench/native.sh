#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How long the switch path takes on the host's own processor: KUnit's
# rcontainer-bench in User Mode Linux, booted again and again.  The host's speed
# counts here, so nothing else should run.  Writes build/results/native.csv.
#
# BOOTS: medians of them count; each has a hundred batches
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

boots=${BOOTS:-11}
linux=$CACHE/obj/kunit-uml/linux

begin_part
for ((i = 0; i < boots; i++)); do
	# On one processor: another one's caches are cold.
	taskset -c "$(($(nproc) - 1))" "$linux" mem=256M console=tty kunit.enable=1 \
		kunit_shutdown=halt kunit.filter_glob=rcontainer-bench </dev/null >"$logs/$i" 2>&1 || true
	grep -aq '^ok .*rcontainer-bench' "$logs/$i" || {
		echo "native: see $logs/$i" >&2
		exit 1
	}
done
# Of each boot's median: median, least, most.
sed -n 's/^.* bench: //p' "$logs"/* | awk '
	{
		key = $1 "," $2
		if (!n[key]++)
			order[++keys] = key
		ns[key, n[key]] = $5 / 1000
		ticks[key, n[key]] = $8 / 100
	}
	function sorted(v, key,    i, j) {
		for (i = 1; i <= n[key]; i++) {
			for (j = i; j > 1 && a[j - 1] > v[key, i]; j--)
				a[j] = a[j - 1]
			a[j] = v[key, i]
		}
	}
	function median(nr) {
		return (a[int((nr + 1) / 2)] + a[int(nr / 2) + 1]) / 2
	}
	END {
		print "counters,containers,boots,ns,ns_least,ns_most,tsc_ticks"
		for (k = 1; k <= keys; k++) {
			key = order[k]
			sorted(ticks, key)
			t = median(n[key])
			sorted(ns, key)
			printf "%s,%d,%.2f,%.2f,%.2f,%.1f\n", key, n[key], median(n[key]),
				a[1], a[n[key]], t
		}
	}' >"$results/native.csv"
column -t -s , "$results/native.csv"
verdict 5.1 "nanoseconds of a switch on the host's processor: energy page and two containers" "" \
	"$(awk -F , '$1 == "page" && $2 == 2 { print $4 " (" $5 " to " $6 ")" }' "$results/native.csv")" -
