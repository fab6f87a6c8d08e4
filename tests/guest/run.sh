#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot a Debian from a disk that pvblkd serves, with the kernel's package and the
# guest's tools, as TAP: systemd comes up with all its units, the disk has the links
# that others have, and who writes pays.
#
#	run.sh [--plain] SUITE
#
# What the host returned from power-on to power-off is what the guest's containers
# were charged.  --plain boots without the rules for udev and without the hook of
# initramfs-tools, as any other distribution would, with names in /etc/fstab.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/disk/lib.sh
. "$here/../disk/lib.sh"

plain=
[ "$1" = --plain ] && { plain=1; shift; }
store=$CACHE/guest/$1
report=$work/report
# Debian has more to do than the guests of the other tests.
no_memory=--no-memory
disk_seconds=2400
disk_sizes=("$work/root.img" 64M)
: >"$work/root.img"
guest_kernel=$store/vmlinuz
initramfs=$store/initrd
root=UUID=$(cat "$store/root.uuid")
if [ -n "$plain" ]; then
	initramfs=$store/initrd.plain
	root="/dev/pvda3 report=plain"
fi
# On a busy host the guest's clock runs on while its CPUs wait: no lockup is one.
APPEND="root=$root ro nosoftlockup rcupdate.rcu_cpu_stall_suppress=1"

# Takes from the root file system what --plain is to do without.
make_plain() {
	local start
	start=$(sfdisk -d "$work/root.img" | sed -n 's/.*img3 *: start= *\([0-9]*\).*/\1/p')
	printf '/dev/pvda%s\n' "3 / ext4 errors=remount-ro 0 1" "1 /boot ext4 defaults 0 2" \
		"2 none swap sw 0 0" >"$work/fstab"
	debugfs -w "$work/root.img?offset=$((start * 512))" <<-END
		rm /usr/lib/udev/rules.d/60-pvblk.rules
		rm /etc/fstab
		write $work/fstab /etc/fstab
	END
}

make_images() {
	rm -f "$work/root.img" "$report"
	cp --sparse=always "$store/image" "$work/root.img"
	[ -z "$plain" ] || make_plain >"$work/debugfs.log" 2>&1
}

reported() {
	grep -qa "^# $1" "$report" 2>/dev/null
}

# While the guest runs: until it is up, and until it has said all.
beside() {
	local start=$SECONDS
	within $((disk_seconds / 2)) reported up
	check "the guest reaches multi-user.target" reported up
	echo "# ... $((SECONDS - start)) s after it was switched on"
}

afterwards() {
	tr -d '\r' <"$report"
	check "the report is complete" reported end
	check "the guest was switched off" grep -qa 'reboot: Power down' "$log"
}

explain() {
	tail -n 40 "$log"
	cat "$work/debugfs.log" 2>/dev/null
}

disk_main debian --nr-pcpus 2 --pcpus 0,1 --memory 1024 -- -serial "file:$report"
