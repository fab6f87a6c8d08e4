#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest under load; with --kill its back end is killed again and again, and
# has to take up what was in flight.  No request is lost, or charged twice; the
# file system is sound.
#
#	stress.sh [--kill TIMES] SECONDS [PVLAUNCH-OPTION...]
set -uo pipefail
# shellcheck source=tests/disk/lib.sh
. "$(dirname "$0")/lib.sh"

times=0
[ "$1" = --kill ] && { times=$2; shift 2; }
stress=stress:$1
# One run of fio for all that time.
[ "$times" = 0 ] || stress+=+$(($1 + 5))
shift
disk_sizes=(512M "$BUILD/disk/fio.img")
disk_options=('' ',readonly')
disk_queues=,queues=2

# goes_on REQUESTS: beyond those, unless there is nothing more to do.
goes_on() {
	[ "$(shown requests)" -gt "$1" ] || said 'stress: over'
}

beside() {
	local kills=0
	[ "$times" -gt 0 ] || return
	within 120 said 'stress: running' || { echo "not ok - no stress"; return; }
	while [ "$kills" -lt "$times" ] && ! said 'stress: over'; do
		# At no particular moment, but QEMU 7.2 forgets a disk whose back end ends
		# while it connects.
		within 30 goes_on "$(shown requests)"
		sleep "0.$((RANDOM % 10))"
		stop_backend KILL
		kills=$((kills + 1))
		start_backend
	done
	check "pvblkd was killed $times times" test "$kills" = "$times"
}

afterwards() {
	local found
	found=$(/sbin/e2fsck -fn "$work/image0" 2>&1)
	check "the file system is sound" test $? = 0
	# shellcheck disable=SC2001 # the beginning of each line
	sed 's/^/# /' <<<"$found"
}

disk_main "$stress,totals" "$@"
