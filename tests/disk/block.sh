#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot a guest with a disk that is a block device of the host.
#
#	block.sh RUN [PVLAUNCH-OPTION...]
#
# OPTIONS is a setting of tests/disk/lib.sh.
set -uo pipefail
# shellcheck source=tests/disk/lib.sh
. "$(dirname "$0")/lib.sh"

truncate -s 512M "$work/file"
if ! loop=$(losetup --find --show "$work/file" 2>&1); then
	echo "ok - a block device as disk # SKIP $loop"
	exit 0
fi
disk_leave_files() {
	disk_leave
	losetup -d "$loop"
}
trap disk_leave_files EXIT

disk_sizes=("$loop")
disk_options=("${OPTIONS:-}")
disk_main "$@"
