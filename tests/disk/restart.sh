#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest restarts while it uses its disk: no failure of the device is logged.
#
#	restart.sh [PVLAUNCH-OPTION...]
set -uo pipefail
# shellcheck source=tests/disk/lib.sh
. "$(dirname "$0")/lib.sh"

# pvlaunch's, of a guest that reset itself.
disk_status=123
# The guest has no end at which it prints its sums.
disk_totals=

logs_failure() {
	grep -a 'device failed' "$log" | sed 's/^/# /'
	grep -qa 'device failed' "$log"
}

afterwards() {
	check "the guest has restarted" said 'restart: now'
	check "no failure is logged" eval '! logs_failure'
}

disk_main restart "$@"
