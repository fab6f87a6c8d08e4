#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measure, write what was measured as CSV and plots into build/results/, and all
# of it into one report, report.md.
#
#	run.sh [NAME...]
#
# A NAME is a script here, without its suffix, or "demos".  All are run, by
# default, also after one has failed.  Those whose figures are of the host's own
# time are the last but one.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
: "${BUILD:=$PWD/build}"
export BUILD

all=(switch ring native accuracy postmark hooks scale exactness conservation
	slowdown accountant backend disk demos)
[ $# != 0 ] || set -- "${all[@]}"
mkdir -p "$BUILD/results/runs"

demos() {
	tests/demo/run.sh && tests/demo/host.sh
}

failed=()
for name; do
	printf '\n== %s\n' "$name"
	rm -f "$BUILD/results/runs/$name"
	start=$SECONDS status=0
	if [ "$name" = demos ]; then
		demos || status=$?
	else
		"tests/bench/$name.sh" || status=$?
	fi
	[ $status = 0 ] || failed+=("$name")
	echo "$status $((SECONDS - start)) $(date -u +%FT%TZ)" >"$BUILD/results/runs/$name"
	echo "($((SECONDS - start)) s)"
done
tests/bench/report.sh "${all[@]}" >"$BUILD/results/report.md" || failed+=(report)
echo "in build/results/report.md"
[ ${#failed[@]} = 0 ] || { printf '\nfailed: %s\n' "${failed[*]}"; exit 1; }
