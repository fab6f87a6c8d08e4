#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot a guest with a disk that pvblkd serves.
#
#	guest.sh RUN [PVLAUNCH-OPTION...]
#
# SIZES (of several disks), QUEUES and OPTIONS (for each disk) are settings of
# tests/disk/lib.sh.
set -uo pipefail
# shellcheck source=tests/disk/lib.sh
. "$(dirname "$0")/lib.sh"

[ -z "${SIZES:-}" ] || read -ra disk_sizes <<<"$SIZES"
disk_queues=${QUEUES:+,queues=$QUEUES}
[ -z "${OPTIONS:-}" ] || read -ra disk_options <<<"$OPTIONS"
disk_main "$@"
