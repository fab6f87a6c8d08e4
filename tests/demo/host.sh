#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Experiment 5.3.1 of Lang, Energy Accounting for Virtual Machines (Karlsruhe 2006):
# Postmark in two virtual machines on one physical CPU, each on a disk of its own,
# which are on one physical disk; the second one begins ten seconds later.  The
# resource monitor is asked once a second.  Results in build/results/:
#
#	demo_host.csv			what the monitor had, each second
#	demo_host_conservation.csv	virtual machines against log and requests
#	figure_5_3.{csv,png,svg}	power of disk and CPU
#	figure_5_4.{csv,png,svg}	access power, by what it is of
#	figure_5_5.{csv,png,svg}	the same, of each virtual machine
#
# The emulated CPU's time stamp counter runs as fast as QEMU executes cycles here,
# which is measured first: so a CPU that is busy has about as many unhalted cycles
# as there is time, as on hardware.
#
# The back end publishes once a second, and when a guest leaves: the sample of that
# second has more than a second's energy, and the next one less.
#
# The guests' CPU energy is of the events that the emulated CPU counts; the back
# end's own is the host's CPU time at the power of a Pentium 4, on a CPU that is
# faster.  So the back end's share is that of this host.
#
# Settings: DELAY in seconds; TRANSACTIONS and FILES of each Postmark; RESULTS.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lib.sh

: "${DELAY:=10}" "${TRANSACTIONS:=500}" "${FILES:=200}" "${RESULTS:=$BUILD/results}"
memory=192
here=tests/demo
mkdir -p "$RESULTS"
work=$(mktemp -d /dev/shm/rcontainer-demo.XXXXXX)
machine=$work/machine
initramfs=$BUILD/disk/initramfs.gz
export RESMOND_SOCKET=$work/resmond.sock
monitor='' accountant='' disks='' recorder=''
declare -A vm

cleanup() {
	local pid
	for pid in "${vm[@]}" $recorder $accountant $disks $monitor; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	wait
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

say() {
	printf '\n== %s\n' "$*"
}

fail() {
	echo "demo-host: $1"
	tail -n 20 "$work"/*.log
	exit 1
} >&2

# within SECONDS COMMAND...: it succeeds in that time.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

said() { # virtual machine, text
	grep -qa "^postmark: $2" "$work/$1.log" 2>/dev/null
}

registered() {
	[ "$("$BUILD/user/resmon" list -n -o SUBSYSTEM,STATE 2>/dev/null |
		grep -c registered)" = 2 ]
}

# ended NAME WHAT: it has said so, or never will.
ended() {
	said "$1" "$2" || ! kill -0 "${vm[$1]}" 2>/dev/null
}

# How many cycles a second a guest gets that has the CPU for itself.  It has no
# disk, so what it says of disks is not looked at.
measure_tsc_khz() {
	local khz=100000
	(machine=$work/alone launch alone totals --pcpus 0 --nr-pcpus 1 --tsc-khz $khz \
		--memory $memory --timeout 120 --serial "$work/alone.log" >&2) || true
	tr -d '\r' <"$work/alone.log" | awk '
		$1 == "tsc" { time = $3 }
		$1 == "unhalted_cycles" { cycles = $3 }
		END { if (!time || !cycles) exit 1; printf "%.0f\n", '"$khz"' * cycles / time }'
}

# To begin when it is told to, by a line on its console.
boot() {
	mkfifo "$work/$1.in"
	(launch "$1" "postmark:$TRANSACTIONS+$FILES,totals" --pcpus 0 --memory $memory \
		--nr-pcpus 1 --tsc-khz "$tsc_khz" --timeout 900 \
		--disk "$work/$1.sock" --serial stdio <"$work/$1.in" >"$work/$1.log" 2>&1) &
	vm[$1]=$!
	eval "exec {in_$1}>\"\$work/$1.in\""
}

begin() {
	local in=in_$1
	echo go >&"${!in}"
}

base_of_disk() {
	"$BUILD/user/resmon" show -n --raw --exact -o SUBSYSTEM,DEVICE,BASE |
		awk '$1 == "disk" && $2 == "disk" { sum += $3 } END { printf "%d\n", sum }'
}

moved() {
	[ "$(base_of_disk)" != "$1" ]
}

say "a guest boots alone, to see how fast the emulated CPU is"
tsc_khz=$(measure_tsc_khz) || fail "it did not boot"
echo "$tsc_khz kHz"

say "resource monitor, CPU accountant and disk back end start"
"$BUILD/user/resmond" 2>"$work/resmond.log" &
monitor=$!
"$BUILD/user/cpuacctd" --machine "$machine" --wait --resmond "$RESMOND_SOCKET" \
	>"$work/table" 2>"$work/cpuacctd.log" &
accountant=$!
for name in vm1 vm2; do
	truncate -s 512M "$work/$name.img"
done
"$BUILD/user/pvblkd" --state-dir "$work/state" --resmond "$RESMOND_SOCKET" \
	--disk "vm1,socket=$work/vm1.sock,file=$work/vm1.img" \
	--disk "vm2,socket=$work/vm2.sock,file=$work/vm2.img" \
	>"$work/pvblkd.log" 2>&1 &
disks=$!
within 30 grep -qs '^ready' "$work/pvblkd.log" || fail "pvblkd did not start"

say "two virtual machines boot on physical CPU 0"
# One after the other: on a busy machine ACPI's interpreter takes a guest that
# waits for its turn for one that hangs.
for name in vm1 vm2; do
	boot $name
	within 240 ended $name ready || true
	said $name ready || fail "$name did not boot"
done
within 30 registered || fail "who should be registered is not"
"$BUILD/user/resmon" list

# The back end publishes once a second: look in the middle between two times.
base=$(base_of_disk)
within 10 moved "$base" || fail "pvblkd does not publish"
sleep 0.5
"$BUILD/user/resmon" record --force "$RESULTS/demo_host.csv" &
recorder=$!
sleep 2
say "Postmark begins in vm1; $DELAY seconds later in vm2 ($TRANSACTIONS transactions each)"
begin vm1
sleep "$DELAY"
begin vm2
for name in vm1 vm2; do
	within 600 ended $name over || true
	said $name over || fail "Postmark in $name did not end"
	echo "$name: Postmark has ended"
done
for name in vm1 vm2; do
	wait "${vm[$name]}" || fail "$name failed"
	unset "vm[$name]"
	clean_log "$work/$name.log" || fail "the kernel of $name complained"
done
kill -TERM $recorder
wait $recorder
recorder=

say "energy of the virtual machines"
"$BUILD/user/resmon" show

kill -TERM $disks
wait $disks || fail "pvblkd failed"
disks=
kill -TERM $accountant
wait $accountant || fail "virtual machines and physical CPU differ"
accountant=

say "conservation: virtual machines against the log and the requests [pJ]"
status=0
tests/host/conservation.py "$BUILD/user" "$work/table" "$work"/state/*.state \
	>"$RESULTS/demo_host_conservation.csv" || status=$?
column -s , -t "$RESULTS/demo_host_conservation.csv"
[ $status = 0 ] || fail "something was lost"

say "conservation: what pvblkd returned, and the guest's containers were charged [pJ]"
for name in vm1 vm2; do
	for device in disk disk-cpu; do
		returned=$("$BUILD/user/pvblkd" --show "$work/state/$name.state" |
			sed -n "s/^returned.$device.access_pj //p")
		charged=$(tr -d '\r' <"$work/$name.log" |
			sed -n "s/^total $device.access_pj //p")
		printf '%-4s %-9s %16s %16s\n' $name $device "$returned" "$charged"
		[ "$returned" = "$charged" ] || fail "something was lost on the way to $name"
	done
done

"$here/host_figures.sh" "$RESULTS"
say "in $RESULTS: demo_host.csv demo_host_conservation.csv figure_5_{3,4,5}.{csv,png,svg}"
