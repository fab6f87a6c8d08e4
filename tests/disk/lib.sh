# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A guest with disks that pvblkd serves; to be sourced by scripts that boot one.
#
# disk_main RUN [PVLAUNCH-OPTION...] boots it and prints TAP: the guest's own
# results; what pvblkd has returned to it, against what its containers were
# charged; its kernel log.  Meanwhile it calls "beside", if that is a function.
# Settings, to be changed before:

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

disk_sizes=(512M)	# a new disk each, or one that is there
disk_options=('')	# for each, as ,readonly
disk_queues=		# for QEMU, as ,queues=2
backend_options=()	# for pvblkd
disk_seconds=240	# for one boot
disk_status=0		# that the guest ends with
disk_totals=1		# the guest prints its sums at the end
initramfs=$BUILD/disk/initramfs.gz

work=$(mktemp -d /dev/shm/rcontainer-disk.XXXXXX)
# shellcheck disable=SC2034 # used by launch
machine=$work/machine
log=$work/log
backend_pid=

disk_leave() {
	[ -z "$backend_pid" ] || kill -KILL "$backend_pid" 2>/dev/null
	[ -z "${guest_pid:-}" ] || kill -TERM "$guest_pid" 2>/dev/null
	wait
	rm -rf "$work"
}
trap disk_leave EXIT
trap 'exit 1' TERM INT HUP

# within SECONDS COMMAND...: it succeeds in that time.
within() {
	local end=$((SECONDS + $1 * patience))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# The guest has printed a line that begins so.
said() {
	grep -qa "^$1" "$log" 2>/dev/null
}

backend_ready() {
	[ "$(grep -cs '^ready$' "$work/pvblkd.log")" = "$backend_starts" ]
}

image() {
	case ${disk_sizes[$1]} in
	/*) echo "${disk_sizes[$1]}" ;;
	*) echo "$work/image$1" ;;
	esac
}

# Where pvblkd has a disk's data from; nothing, if the disk's options say it.
disk_source() {
	echo "file=$(image "$1")"
}

start_backend() {
	local i source options=("${backend_options[@]}")
	for i in "${!disk_sizes[@]}"; do
		source=$(disk_source "$i")
		options+=(--disk "disk$i,socket=$work/socket$i${source:+,$source}${disk_options[i]:-}")
	done
	"$BUILD/user/pvblkd" --state-dir "$work/state" "${options[@]}" \
		>>"$work/pvblkd.log" 2>&1 &
	backend_pid=$!
	backend_starts=$((backend_starts + 1))
	# Standard output may be a file that goes with $work.
	within 30 backend_ready || {
		echo "not ok - pvblkd did not start"
		sed 's/^/# /' "$work/pvblkd.log"
		exit 1
	} >&2
}

# stop_backend SIGNAL
stop_backend() {
	kill -"$1" "$backend_pid"
	{ wait "$backend_pid"; } 2>/dev/null
	backend_status=$?
	backend_pid=
}

# A monitor of QEMU, beside the launcher's: two pipes.
qmp_options() {
	mkfifo "$work/qmp.in" "$work/qmp.out"
	echo -chardev "pipe,id=qmp,path=$work/qmp" -mon chardev=qmp,mode=control
}

# The other end of the pipes; QEMU has them open already.
qmp_open() {
	exec 7>"$work/qmp.in" 8<"$work/qmp.out"
	qmp '{"execute":"qmp_capabilities"}'
}

qmp() {
	echo "$1" >&7
}

# qmp_says SECONDS WHAT: a line with that comes.
qmp_says() {
	local line end=$((SECONDS + $1 * patience))
	while [ "$SECONDS" -lt "$end" ] && kill -0 "$guest_pid"; do
		read -r -t 1 line <&8 || continue
		echo "# QEMU: $line"
		case $line in
		*"$2"*) return ;;
		esac
	done
	return 1
}

# A new disk each time.
boot() {
	local run=$1 i disks=()
	shift
	rm -rf "$log" "$machine" "$work"/{image*,socket*,state,pvblkd.log,qmp.*}
	mkdir "$work/state"
	backend_starts=0
	for i in "${!disk_sizes[@]}"; do
		[ -e "$(image "$i")" ] ||
			truncate -s "${disk_sizes[i]}" "$(image "$i")"
		disks+=(--disk "$work/socket$i$disk_queues")
	done
	if [ "$(type -t make_images)" = function ]; then
		make_images
	fi
	start_backend
	if [ -n "${disk_qmp:-}" ]; then
		# shellcheck disable=SC2046 # several words
		set -- "$@" -- $(qmp_options)
	fi
	(launch test "$run" --serial "$log" --timeout $((disk_seconds * patience)) \
		"${disks[@]}" "$@") >&2 &
	guest_pid=$!
	if [ "$(type -t beside)" = function ]; then
		beside >"$work/beside.tap"
	fi
	wait "$guest_pid"
	status=$?
	guest_pid=
	stop_backend TERM
}

shown() {
	local i
	for i in "${!disk_sizes[@]}"; do
		"$BUILD/user/pvblkd" --show "$work/state/disk$i.state"
	done | awk -v key="$1" '$1 == key { sum += $2 } END { printf "%.0f\n", sum }'
}

# To the picojoule.  Guests of a few minutes are far from 2^53.
compare_totals() {
	local device guest host
	for device in disk disk-cpu; do
		guest=$(sed -n "s/^total $device.access_pj \([0-9]*\)\r*$/\1/p" "$log")
		host=$(shown "returned.$device.access_pj")
		echo "# $device: $host pJ returned, ${guest:-nothing} charged"
		check "conservation: $device" test "$guest" = "$host"
	done
	# The disk's does not wait for the first fifty requests.
	check "conservation is of something" test "$(shown returned.disk.access_pj)" -gt 0
	check "no batch is in doubt" test "$(shown uncertain_batches)" = 0
}

disk_main() {
	local splat
	for _ in 1 2 3; do
		boot "$@"
		emulator_died "$log" "$status" || break
	done
	sed 's/\r$//' "$log"
	[ ! -s "$work/beside.tap" ] || cat "$work/beside.tap"
	check "the guest's status is $disk_status" test "$status" = "$disk_status"
	check "pvblkd ended in peace" test "$backend_status" = 0
	sed 's/^/# pvblkd: /' "$work/pvblkd.log"
	[ -z "$disk_totals" ] || compare_totals
	if [ "$(type -t afterwards)" = function ]; then
		afterwards
	fi
	if ! splat=$(clean_log "$log"); then
		echo "not ok - kernel log"
		echo "# ${splat//$'\n'/$'\n# '}"
	fi
}
