#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Experiment 5.3.2 of Lang, Energy Accounting for Virtual Machines (Karlsruhe
# 2006): two factor programs in two containers of one virtual machine, while a
# second virtual machine keeps the same physical CPU busy.  Shows the containers'
# energies while they run, and then that nothing was lost.  Results in
# build/results/:
#
#	demo_containers.csv	each container's energy over time
#	demo_vms.csv		each virtual machine's, as the CPU accountant saw it
#	figure_5_6.{png,svg}	total power of the virtual machine
#	figure_5_7.{png,svg}	power of each program
#	conservation.csv	containers against virtual counters,
#				virtual machines against the physical CPU
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lib.sh

delay=${DELAY:-4}
results=$BUILD/results
here=tests/demo
mkdir -p "$results"
machine=$(mktemp -d /dev/shm/rcontainer-demo.XXXXXX)
log=$machine.log
accountant=
busy_pid=

# shellcheck disable=SC2317 # called by the trap
cleanup() {
	[ -z "$busy_pid" ] || stop_busy
	[ -z "$accountant" ] || kill "$accountant" 2>/dev/null || true
	rm -rf "$machine" "$log" "$machine".*
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

say() {
	printf '\n== %s\n' "$*"
}

say "CPU accountant starts; a second virtual machine boots and gets busy"
"$BUILD/user/cpuacctd" --machine "$machine" --wait \
	--samples "$results/demo_vms.csv" >"$machine.accountant" 2>&1 &
accountant=$!
start_busy --meter --nr-pcpus 1 --pcpus 0

say "virtual machine vm1 boots on the same physical CPU"
(launch vm1 "demo:$delay" --meter --pcpus 0 --timeout 180 --serial stdio) |
	tr -d '\r' | tee "$log" | awk '
	/^energy / {
		access[$3] = $4; base[$3] = $5
		if ($3 == "factor2")
			printf "%6.1f s   factor1 %8.3f J access %8.3f J base   factor2 %8.3f J access %8.3f J base\n",
				$2, access["factor1"] / 1e6, base["factor1"] / 1e6,
				access["factor2"] / 1e6, base["factor2"] / 1e6
		fflush(); next
	}
	/^sum |^# first process/ { next }
	{ print; fflush() }'
clean_log "$log" || { echo "demo: the guest kernel complained"; exit 1; }
grep -q '^ok 1 - demo' "$log"

say "virtual machines, as the CPU accountant saw them"
kill -TERM "$accountant"
status=0
wait "$accountant" || status=$?
accountant=
column -t "$machine.accountant"
[ "$status" = 0 ] || { echo "demo: virtual machines and physical CPU differ"; exit 1; }
stop_busy
busy_pid=

say "conservation: containers against virtual counters, every event"
tests/conservation.sh "$log" "$machine.accountant" >"$results/conservation.csv" || status=$?
sed 's/,/ /g' "$results/conservation.csv" | column -t
[ "$status" = 0 ] || { echo "demo: something was lost"; exit 1; }

awk 'BEGIN { print "seconds,container,access_uj,base_uj" }
	/^energy / { print $2 "," $3 "," $4 "," $5 }' "$log" >"$results/demo_containers.csv"
"$here/plot.sh" "$results"
say "in $results: conservation.csv demo_containers.csv demo_vms.csv figure_5_{6,7}.{png,svg}"
