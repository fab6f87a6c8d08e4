#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Something happens to the disk while the guest uses it.
#
#	event.sh resize|unplug|suspend|meter [PVLAUNCH-OPTION...]
set -uo pipefail
# shellcheck source=tests/disk/lib.sh
. "$(dirname "$0")/lib.sh"

event=$1
shift
# The monitor for what pvlaunch does not do.
disk_qmp=1
case $event in
unplug | meter) disk_sizes=(256M 256M) ;;
esac

happens_resize() {
	within 120 said 'resize: ready' || return
	truncate -s 1G "$work/image0"
	kill -HUP "$backend_pid"
}

happens_unplug() {
	within 120 said 'unplug: ready' || return
	qmp_open
	qmp '{"execute":"device_del","arguments":{"id":"disk1"}}'
	check "QEMU has removed the device" qmp_says 60 DEVICE_DELETED
}

happens_suspend() {
	qmp_open
	for _ in 1 2 3; do
		qmp_says 120 '"SUSPEND"' || return
		qmp '{"execute":"system_wakeup"}'
	done
}

happens_meter() {
	within 120 said 'meter: kill' || return
	stop_backend KILL
	within 120 said 'meter: start' || return
	start_backend
}

# What the guest's containers paid is no more than the meters showed.
afterwards() {
	local guest host
	[ "$event" = meter ] || return
	guest=$(sed -n 's/^meter: \([0-9]*\) uJ\r*$/\1/p' "$log")
	host=$(shown disk.base_uj)
	echo "# disk: the meters show $host uJ, the guest counted ${guest:-nothing}"
	check "no more base cost than metered" test "${guest:-0}" -gt 0 -a "${guest:-0}" -le "$host"
}

beside() {
	"happens_$event"
	exec 7>&- 8<&-
}

disk_main "$event,totals" "$@"
