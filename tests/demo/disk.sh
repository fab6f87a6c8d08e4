#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Who pays for writing pages that kernel threads write?  Two programs share a
# file.  Prints a table and writes it, as build/results/disk_owner.csv: what
# each has written, what its container was charged, and what its control group's
# io.stat says, which knows only whose a file is; then that nothing was lost on
# the way from pvblkd to the containers.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/disk/lib.sh
. tests/disk/lib.sh

results=$BUILD/results
mkdir -p "$results"
# Of the default model, for a byte.
pj=60000

echo "== a guest with a disk boots"
disk_main diskdemo,totals --pcpus 0 >"$work/tap"
sed -n 's/\r$//; /has written\|kernel threads/p' "$log"
grep -a '^not ok' "$work/tap" && { sed 's/^/| /' "$work/tap"; exit 1; }

sed 's/\r$//' "$log" | awk -v pj=$pj '
	BEGIN { print "container,bytes,expected_pj,charged_pj,cgroup_bytes,error_percent,cgroup_error_percent" }
	$1 == "demo" {
		printf "%s,%d,%.0f,%.0f,%d,%.6g,%.6g\n", $2, $3, $3 * pj, $4, $6,
			100 * ($4 / pj - $3) / $3, 100 * ($6 - $3) / $3
	}' >"$results/disk_owner.csv"

echo
echo "== who has written, who was charged"
sed 's/\r$//' "$log" | awk -v pj=$pj '
	BEGIN {
		row = "%-10s %12s %12s %9s %14s %9s %14s\n"
		printf row, "container", "bytes", "disk [J]", "error", "io.stat bytes", "error", "disk-cpu [mJ]"
	}
	$1 == "demo" {
		printf row, $2, $3, sprintf("%.6f", $4 / 1e12),
			sprintf("%.3f %%", 100 * ($4 / pj - $3) / $3), $6,
			sprintf("%.1f %%", 100 * ($6 - $3) / $3), sprintf("%.3f", $5 / 1e9)
	}'

echo
echo "== from pvblkd to the containers"
grep 'pJ returned' "$work/tap" | sed 's/^# //'
awk -F, 'NR > 1 { n++; bad += $3 != $4 } END { exit n != 2 || bad }' "$results/disk_owner.csv" || {
	echo "demo: a container was not charged what it has written"
	exit 1
}
echo
echo "in $results: disk_owner.csv"
