#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvblk as a module: two of its disks and a plain virtio disk, whose drivers come and
# go while the disks are in use.  For the kernel with modules.
#
#	modules.sh ROUNDS [PVLAUNCH-OPTION...]
set -uo pipefail
# shellcheck source=tests/disk/lib.sh
. "$(dirname "$0")/lib.sh"

rounds=$1
shift
disk_sizes=(256M 256M)
disk_queues=,queues=2
disk_seconds=360
truncate -s 64M "$work/plain"

# That the file system survived each loss of its disk.
afterwards() {
	local found
	found=$(/sbin/e2fsck -fn "$work/image1" 2>&1)
	check "the file system is sound" test $? = 0
	# shellcheck disable=SC2001 # the beginning of each line
	sed 's/^/# /' <<<"$found"
}

disk_main "modules:$rounds,totals" "$@" -- \
	-drive "if=none,id=plain,format=raw,file=$work/plain" -device virtio-blk-pci,drive=plain
