#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest whose disk is behind a network, under load for some seconds, or with a
# transfer only: pvblkd has the disk from an NBD server, which with --kill is
# killed again and again.  No request fails, all data is what was written, and what
# the guest was charged for disk, CPU and network is what pvblkd says, each of them.
#
#	nbd.sh [--kill TIMES] [--overhead HOW] SECONDS|transfer [PVLAUNCH-OPTION...]
set -uo pipefail
# shellcheck source=tests/disk/lib.sh
. "$(dirname "$0")/lib.sh"

times=0 overhead=device-cpu
while :; do
	case $1 in
	--kill) times=$2 ;;
	--overhead) overhead=$2 ;;
	*) break ;;
	esac
	shift 2
done
run=$1
[ "$run" = transfer ] || run=stress:$1
[ "$times" = 0 ] || run+=+$(($1 + 5))
shift
disk_sizes=(512M)
[ "$run" = transfer ] || disk_sizes+=("$BUILD/disk/fio.img")
# The programs' disk is another one, here.
# shellcheck disable=SC2054 # each is one word
disk_options=(",nbd=nbd+unix:///?socket=$work/nbd,net-device=san,wait=60" ",readonly,device=local")
disk_queues=,queues=2
# Beside other work, programs take long to start.
disk_seconds=400
# Not all disks are behind the network: looked at below.
disk_totals=
server_pid=

start_server() {
	rm -f "$work/nbd" "$work/listens"
	nbdkit -f --exit-with-parent -U "$work/nbd" -P "$work/listens" file "$work/image0" \
		>>"$work/nbdkit.log" 2>&1 &
	server_pid=$!
	within 10 test -e "$work/listens"
}

stop_server() {
	[ -n "$server_pid" ] || return 0
	kill -KILL "$server_pid"
	{ wait "$server_pid"; } 2>/dev/null
	server_pid=
}

make_images() {
	stop_server
	start_server
}

# In place of the image.
disk_source() {
	[ "$1" = 0 ] || echo "file=$(image "$1")"
}

beside() {
	local kills=0
	[ "$times" -gt 0 ] || return
	within 120 said 'stress: running' || { echo "not ok - no stress"; return; }
	while [ "$kills" -lt "$times" ] && ! said 'stress: over'; do
		sleep "1.$((RANDOM % 10))"
		stop_server
		kills=$((kills + 1))
		sleep "0.$((RANDOM % 10))"
		start_server
	done
	check "the server was killed $times times" test "$kills" = "$times"
}

charged() {
	sed -n "s/^total $1.access_pj \([0-9]*\)\r*$/\1/p" "$log"
}

# returned DISK DEVICE...: the sum
returned() {
	local disk=$1
	shift
	"$BUILD/user/pvblkd" --show "$work/state/$disk.state" | awk -v devices="$*" '
		BEGIN { n = split(devices, device, " ") }
		{ for (i = 1; i <= n; i++) if ($1 == "returned." device[i] ".access_pj") sum += $2 }
		END { printf "%.0f\n", sum }'
}

# conserved DEVICE PJ: as which the guest sees it
conserved() {
	local guest
	guest=$(charged "$1")
	echo "# $1: $2 pJ returned, ${guest:-nothing} charged"
	check "conservation: $1" test "$guest" = "$2"
	check "... is of something" test "$2" -gt 0
}

afterwards() {
	local found
	if [ "$overhead" = disk ]; then
		check "the CPU's cost is of something" test "$(returned disk0 disk-cpu)" -gt 0
		conserved disk "$(returned disk0 disk disk-cpu)"
		check "the guest knows no disk-cpu" test -z "$(charged disk-cpu)"
	else
		conserved disk "$(returned disk0 disk)"
		conserved disk-cpu "$(shown returned.disk-cpu.access_pj)"
	fi
	conserved san "$(returned disk0 san)"
	check "no batch is in doubt" test "$(shown uncertain_batches)" = 0
	check "no request failed" test "$(shown errors)" = 0
	[ "$times" = 0 ] ||
		check "pvblkd has said what it waited for" grep -q 'connection lost' "$work/pvblkd.log"
	stop_server
	[ "$run" != transfer ] || return
	[ "$overhead" = disk ] || conserved local "$(returned disk1 local)"
	found=$(/sbin/e2fsck -fn "$work/image0" 2>&1)
	check "the file system is sound" test $? = 0
	# shellcheck disable=SC2001 # the beginning of each line
	sed 's/^/# /' <<<"$found"
}

backend_options=(--overhead "$overhead")
disk_main "$run,totals" "$@"
