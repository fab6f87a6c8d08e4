#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Conservation at host level, with real guests that come, leave and are killed
# while the daemons are killed and start again, as TAP: what the resource monitor
# has of all virtual machines is what the log and the requests say, to the
# picojoule, and what guests that ended in peace were charged is what was
# returned to them.
#
#	kills.sh [all]
#
# Each order in which the three daemons can be killed, and each in which they can
# start again, occurs once; with "all", all pairs of them.  The sums of each are
# in build/results/conservation_host.csv.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/lib.sh

results=$BUILD/results/conservation_host.csv
mkdir -p "$BUILD/results"
work=$(mktemp -d /dev/shm/rcontainer-kills.XXXXXX)
machine=$work/machine
initramfs=$BUILD/disk/initramfs.gz
export RESMOND_SOCKET=$work/resmond.sock
# Of each virtual machine and daemon.
declare -A vm returned
declare -A daemon=([m]='' [c]='' [d]='')
names=(a b c d)

leave() {
	local pid
	for pid in "${vm[@]}" "${daemon[@]}"; do
		[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

explain() {
	cat "$work/conservation.err" "$work/conservation.csv" "$work"/{cpuacctd,pvblkd,resmond}.log |
		tail -n 40
}

# within SECONDS COMMAND...: it succeeds in that time.
within() {
	local end=$((SECONDS + $1 * patience))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# ---------------------------------------------------------------------- daemons

listens() {
	"$BUILD/user/resmon" list >/dev/null 2>&1
}

ready() {
	grep -q '^ready' "$work/pvblkd.out" 2>/dev/null
}

start() { # m, c or d: resource monitor, CPU accountant, disks
	local name disks=()
	case $1 in
	m)
		"$BUILD/user/resmond" 2>>"$work/resmond.log" &
		daemon[m]=$!
		within 10 listens
		;;
	c)
		"$BUILD/user/cpuacctd" --machine "$machine" --wait --resmond "$RESMOND_SOCKET" \
			>"$work/table" 2>>"$work/cpuacctd.log" &
		daemon[c]=$!
		;;
	d)
		for name in "${names[@]}"; do
			disks+=(--disk "$name,socket=$work/$name.sock,file=$work/$name.img")
		done
		: >"$work/pvblkd.out"
		"$BUILD/user/pvblkd" --state-dir "$work/state" --resmond "$RESMOND_SOCKET" \
			"${disks[@]}" >"$work/pvblkd.out" 2>>"$work/pvblkd.log" &
		daemon[d]=$!
		within 20 ready
		;;
	esac
}

stop() { # signal, daemon
	local status
	kill -"$1" "${daemon[$2]}"
	{ wait "${daemon[$2]}"; } 2>/dev/null
	status=$?
	daemon[$2]=
	return $status
}

# -------------------------------------------------------------- virtual machines

returned_to() { # virtual machine
	"$BUILD/user/pvblkd" --show "$work/state/$1.state" 2>/dev/null |
		awk '/^returned\./ { print $1, $2 }'
}

# When nobody is at the disk, its sums keep still.
join() {
	returned[$1]=$(returned_to "$1")
	rm -f "$work/$1.in" "$work/$1.log"
	mkfifo "$work/$1.in"
	(launch "$1" churn,totals --pcpus 0 --nr-pcpus 1 --memory 160 --timeout 600 \
		--disk "$work/$1.sock" --serial stdio <"$work/$1.in" >"$work/$1.log" 2>&1) &
	vm[$1]=$!
	eval "exec {in_$1}>\"\$work/$1.in\""
}

runs() {
	grep -qa '^churn: running' "$work/$1.log"
}

# Not a QEMU that was only asked for its version.
has_qemu() {
	local pid
	read -r pid <"/proc/$1/task/$1/children"
	grep -qsa -- -plugin "/proc/${pid%% *}/cmdline"
}

# The launcher, or QEMU behind its back.
crash() { # launcher or qemu, virtual machine
	local pid=${vm[$2]}
	if [ "$1" = qemu ]; then
		within 30 has_qemu "$pid"
		read -r pid <"/proc/$pid/task/$pid/children"
		pid=${pid%% *}
	fi
	echo "# $2: its $1 is killed; it $(runs "$2" && echo ran || echo booted)"
	kill -KILL "$pid"
	{ wait "${vm[$2]}"; } 2>/dev/null
	unset "vm[$2]"
}

bid_leave() {
	local in=in_$1
	echo leave >&"${!in}"
}

# Each device: before, what was charged, and now.
left_in_peace() {
	local status
	wait "${vm[$1]}"
	status=$?
	unset "vm[$1]"
	check "$1 has left" test $status = 0
	check "... its kernel said nothing" clean_log "$work/$1.log"
	{
		echo "${returned[$1]}"
		tr -d '\r' <"$work/$1.log" | sed -n 's/^total \(disk.*\) \([0-9]*\)$/returned.\1 -\2/p'
	} | awk -v name="$1" '
		NF == 2 && $2 < 0 { charged[$1] = -$2 }
		NF == 2 && $2 >= 0 { before[$1] = $2 }
		END { for (d in charged) printf "%s %.0f\n", d, before[d] + charged[d] }' |
		sort >"$work/charged"
	returned_to "$1" | sort >"$work/returned"
	diff "$work/charged" "$work/returned" >"$work/conservation.err"
	check "... it was charged what pvblkd returned" test $? = 0
}

# ------------------------------------------------------------------- conservation

requests() { # virtual machine
	"$BUILD/user/pvblkd" --show "$work/state/$1.state" | awk '$1 == "requests" { print $2 }'
}

ended() { # virtual machine
	! kill -0 "${vm[$1]}" 2>/dev/null
}

goes_on() { # virtual machine, its requests before
	[ "$(requests "$1")" -gt "$2" ] || ended "$1"
}

# Those who shall leave in peace are served.  QEMU 7.2 forgets a disk whose back end
# ends while it connects, so nothing is ended before.
disks_go_on() {
	local name
	for name in a c; do
		[ -z "${vm[$name]:-}" ] || within 30 goes_on "$name" "$(requests "$name")" ||
			return 1
	done
}

access_of_a() {
	"$BUILD/user/resmon" show -n --raw --exact -o SUBSYSTEM,VM,ACCESS 2>/dev/null |
		awk '$1 == "cpu" && $2 == "a" { n = $3 } END { printf "%d\n", n }'
}

more() { # function, what it said before
	[ "$($1)" -gt "$2" ]
}

registered() {
	[ "$("$BUILD/user/resmon" list -n -o SUBSYSTEM,STATE 2>/dev/null |
		grep -c registered)" = 2 ]
}

# To compare, both sides have to keep still.
conserved() {
	local status
	stop TERM d
	check "$1: pvblkd ends in good order" test $? = 0
	stop TERM c
	check "... so does cpuacctd" test $? = 0
	tests/host/conservation.py "$BUILD/user" "$work/table" "$work"/state/*.state \
		>"$work/conservation.csv" 2>"$work/conservation.err"
	status=$?
	check "... virtual machines against log and requests" test $status = 0
	awk -v order="$1" 'NR > 1 { print order "," $0 }' "$work/conservation.csv" |
		tee -a "$results" | sed 's/^/# /'
}

# kill_and_start KILLED STARTED [COMMAND...]: which runs while none of them does.
kill_and_start() {
	local killed=$1 started=$2 i before
	shift 2
	for ((i = 0; i < 3; i++)); do
		stop KILL "${killed:i:1}"
		sleep "0.$((RANDOM % 3))"
	done
	"$@"
	for ((i = 0; i < 3; i++)); do
		start "${started:i:1}"
		sleep "0.$((RANDOM % 3))"
	done
	check "killed as $killed, started as $started: all are registered" within 20 registered
	check "... disks go on" disks_go_on
	before=$(access_of_a)
	check "... the CPU's figures, too" within 20 more access_of_a "$before"
	conserved "$killed-$started"
	start d
	start c
	disks_go_on
}

orders=(mcd mdc cmd cdm dmc dcm)
echo "kill_start_order,whole,cost,vms_sum_pj,carried_pj,whole_pj,difference_pj" >"$results"
: >"$work/conservation.err"
for name in "${names[@]}"; do
	truncate -s 64M "$work/$name.img"
done
start m
start c
start d
join a
join b
check "two guests run" within 120 runs a
within 120 runs b

# QEMU 7.2 may forget a disk whose back end ends between firmware and driver.  So
# c is waited for, which is to leave in peace.  The others boot while daemons come
# and go, and their end is to be killed.
for i in "${!orders[@]}"; do
	during=true
	case $i in
	0) during='crash qemu b' ;;
	1)
		join c
		check "another guest comes" within 120 runs c
		;;
	2) join b ;;
	3) during='bid_leave c' ;;
	4)
		left_in_peace c
		during='join d'
		;;
	5)
		crash qemu b
		during='crash launcher d'
		;;
	esac
	# shellcheck disable=SC2086 # several words
	kill_and_start "${orders[i]}" "${orders[(i * 5 + 2) % 6]}" $during
done
if [ "${1-}" = all ]; then
	join b
	for killed in "${orders[@]}"; do
		for started in "${orders[@]}"; do
			kill_and_start "$killed" "$started" true
		done
	done
	crash qemu b
fi
bid_leave a
left_in_peace a
conserved end
stop TERM m
check "resmond ends in good order" test $? = 0
