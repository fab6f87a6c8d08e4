#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Measure, write what was measured as CSV and plots into build/results/, and all
# of it into one report, report.md.
#
#	run.sh [NAME...]
#
# A NAME is a script here, without its suffix, or "demos".  All are run, by
# default, also after one has failed.  What they print is in build/logs/bench/.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
: "${BUILD:=$PWD/build}"
export BUILD

# Guests in virtual time do not mind what else the host does: one on each CPU,
# the longest first.
beside=(postmark switch ring scale counts)
# hooks.sh wants Postmark's profile; of the others the host's time counts, if only in
# the turns of two virtual machines.
alone=(hooks accuracy exactness conservation native accountant backend demos slowdown
	disk)
[ $# != 0 ] || set -- "${beside[@]}" "${alone[@]}"
mkdir -p "$BUILD/results/runs" "$BUILD/logs/bench"

# shellcheck disable=SC2317 # called by xargs
demos() {
	tests/demo/run.sh && tests/demo/host.sh
}

# shellcheck disable=SC2317 # called by xargs
run() {
	local name=$1 log=$BUILD/logs/bench/$1 start=$SECONDS status=0

	echo "== $name: begins, $(date -u +%T)"
	rm -f "$BUILD/results/runs/$name"
	if [ "$name" = demos ]; then
		demos >"$log" 2>&1 || status=$?
	else
		"tests/bench/$name.sh" >"$log" 2>&1 || status=$?
	fi
	echo "$status $((SECONDS - start)) $(date -u +%FT%TZ)" >"$BUILD/results/runs/$name"
	printf '== %s: status %d, %d s\n%s\n\n' "$name" $status $((SECONDS - start)) "$(cat "$log")"
}
export -f run demos

# chosen LIST WANTED...: those of the list that are wanted
chosen() {
	local -n list=$1
	local name want

	shift
	for name in "${list[@]}"; do
		for want; do
			[ "$name" != "$want" ] || echo "$name"
		done
	done
}

for name; do
	[ "$name" = demos ] || [ -x "tests/bench/$name.sh" ] || { echo "run: no $name" >&2; exit 2; }
done
# Before several want to.
make -s -C tests/bench OUT="$BUILD/bench" BOOT="$BUILD/boot" USER="$BUILD/user" counts disk || exit
# BENCH_CPU: the physical CPU of a guest, for lib.sh.
# shellcheck disable=SC2016 # expanded by the inner shell
chosen beside "$@" | xargs -r -n 1 -P "$(nproc)" --process-slot-var=BENCH_CPU bash -c 'run "$1"' run
# shellcheck disable=SC2016
chosen alone "$@" | xargs -r -n 1 bash -c 'run "$1"' run
tests/bench/report.sh "${beside[@]}" "${alone[@]}" >"$BUILD/results/report.md" || exit
echo "in build/results/report.md"

failed=()
for name; do
	[ "$(cut -d ' ' -f 1 "$BUILD/results/runs/$name" 2>/dev/null)" = 0 ] || failed+=("$name")
done
[ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
