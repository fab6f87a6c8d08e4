#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Nothing is lost or invented in a storm of forks, rebindings, interrupts and
# removals of containers while a CPU goes off and on line, on two virtual CPUs,
# alone ("storm") and beside a virtual machine that keeps both physical CPUs
# busy ("storm_vm").  Writes build/results/conservation_storm.csv, with the
# columns of conservation.csv; fails at any difference.
#
# STORM: seconds that it lasts
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib.sh
. tests/lib.sh

seconds=${STORM:-10}
csv=$BUILD/results/conservation_storm.csv
logs=$BUILD/logs
mkdir -p "$BUILD/results" "$logs"
cpus=(--nr-pcpus 2 --pcpus "0,1")
machine=
accountant=
busy_pid=
tries=0

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[ -z "$busy_pid" ] || stop_busy
	[ -z "$accountant" ] || kill "$accountant" 2>/dev/null || true
	rm -rf "$machine"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# storm NAME [busy]
storm() {
	local name=$1 log=$logs/conservation-$1 status=0 launched=0

	machine=$(mktemp -d /dev/shm/rcontainer-storm.XXXXXX)
	"$BUILD/user/cpuacctd" --machine "$machine" --wait >"$log.accountant" 2>&1 &
	accountant=$!
	[ $# = 1 ] || start_busy "${cpus[@]}"
	(launch storm "storm:${seconds}hotplug" --serial "$log.guest" \
		--timeout $((seconds + 120)) "${cpus[@]}") >"$log.launcher" 2>&1 || launched=$?
	status=$launched
	sed -i 's/\r$//' "$log.guest"
	# The accountant's last look, while all are there, must add up, too.
	kill -TERM "$accountant"
	wait "$accountant" || status=$?
	accountant=
	[ -z "$busy_pid" ] || stop_busy
	busy_pid=
	rm -rf "$machine"
	if emulator_died "$log.guest" $launched && [ $((tries += 1)) -lt 3 ]; then
		storm "$@"
		return
	fi
	clean_log "$log.guest" || status=1
	tests/conservation.sh "$log.guest" "$log.accountant" >"$log.csv" || status=$?
	sed "1d; s/^/${name}_/" "$log.csv" >>"$csv"
	[ $status = 0 ] || { echo "conservation: $name failed, see $log.*"; failed=1; }
}

failed=0
echo "whole,event,parts_sum,whole_count,difference" >"$csv"
storm storm
storm storm_vm busy
column -t -s , "$csv"
exit $failed
