#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Load the modules of what the machine has, by what each device says it is, as udev
# does; and those that no device stands for.  /sbin/modprobe is kmod's, which knows soft
# dependencies.
set -u
[ -d "/lib/modules/$(uname -r)" ] || exit 0
for bus in pci virtio; do
	# A device for which there is no module is no mistake.
	cat /sys/bus/$bus/devices/*/modalias 2>/dev/null | sort -u | xargs -r -n 1 /sbin/modprobe -q
done
/sbin/modprobe -a loop dm-mod
