#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In a guest that has booted: what is there, as TAP on the second serial port.  Its unit
# switches the guest off then.  With "report=plain" on the kernel command line there
# are no rules for udev, /etc/fstab has names, and the initramfs has no fsck.
exec >/dev/ttyS1 2>&1
export LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
rcfs=/sys/fs/rcontainer

check() {
	name=$1
	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
	fi
}

# linked DIRECTORY NODE: it has a link to that.
linked() {
	for link in /dev/disk/"$1"/*; do
		[ "$(readlink -f "$link")" = "/dev/$2" ] && return
	done
	echo "# no link in $1 to $2"
	return 1
}

# links NODE DIRECTORY...
links() {
	node=$1 missing=0
	shift
	for dir; do
		linked "$dir" "$node" || missing=1
	done
	[ $missing = 0 ]
}

# eventually COMMAND...: within a minute or so.
eventually() {
	for _ in $(seq 60); do
		"$@" >/dev/null && return
		sleep 1
	done
	"$@"
}

# source OPTION...: a device's name without /dev/.
source_of() {
	findmnt -n -o SOURCE "$@" | sed 's:^/dev/::'
}

booted() {
	state=$(timeout 1200 systemctl is-system-running --wait)
	echo "# the system is $state; $(systemd-analyze time | head -n 1)"
	check "multi-user.target is active" systemctl -q is-active multi-user.target
	check "no unit has failed" test -z "$(systemctl --failed --no-legend --plain)"
	systemctl --failed --no-legend --plain | sed 's/^/# /'
	check "... and the system is running" test "$state" = running
	check "the kernel is not tainted" test "$(cat /proc/sys/kernel/tainted)" = 0
	check "the disk's driver is a module" grep -q '^pvblk ' /proc/modules
	check "the root file system is on pvda3" test "$(source_of /)" = pvda3
	check "/boot is on pvda1" test "$(source_of /boot)" = pvda1
	check "swap is on pvda2" test "$(swapon --noheadings --show=NAME)" = /dev/pvda2
	check "the root file system is writable" test -w /
}

# By systemd, when it is mounted already.
checked_mounted() {
	check "the mounted root file system is checked" \
		systemctl -q is-active systemd-fsck-root.service
	journalctl -b -u systemd-fsck-root.service --no-pager -o cat >/run/fsck.log
	check "... and clean" grep -q ': clean,' /run/fsck.log
	sed 's/^/# fsck: /' /run/fsck.log
	find /dev/disk -type l -printf '# %P -> %l\n'
}

names() {
	check "the initramfs has checked the root file system" \
		grep -q ': clean,' /run/initramfs/fsck.log
	sed 's/^/# fsck: /' /run/initramfs/fsck.log
	check "/etc/fstab has only UUIDs" test "$(grep -c ^UUID= /etc/fstab)" = "$(grep -c . /etc/fstab)"
	check "the kernel command line has one" grep -q 'root=UUID=' /proc/cmdline
	check "the fsck of /boot has run" systemctl -q is-active 'systemd-fsck@*.service'
	check "links to the disk" links pvda by-id by-path by-diskseq
	for n in 1 2 3; do
		check "links to pvda$n" links pvda$n by-uuid by-label by-partuuid by-partlabel \
			by-id by-path
	done
	check "serial number" test -e /dev/disk/by-id/virtio-disk0-part3
	find /dev/disk -type l -printf '# %P -> %l\n'
	check "lsblk has types" test "$(lsblk -n -r -o FSTYPE /dev/pvda | grep . | xargs)" = "ext4 swap ext4"
	lsblk -f | sed 's/^/# /'
	mkfs.ext4 -q -L second /dev/pvdb
	check "a new file system is noticed" eventually links pvdb by-label by-uuid
}

# What the container $1 was charged for the disk, in microjoules.
disk_energy() {
	sed -n 's/^disk.access_uj //p' "$rcfs/$1/energy"
}

# write CONTAINER MIB
write() {
	rctl run --create --quiet "$1" -- dd if=/dev/zero of="/var/tmp/$1" bs=1M count="$2" \
		conv=fsync status=none
}

containers() {
	check "resource containers are mounted" mountpoint -q $rcfs
	check "... by the package" systemctl -q is-active sys-fs-rcontainer.mount
	check "rctl create" rctl create quiet
	check "a program writes 16 MiB" write large 16
	check "... and one 8 MiB" write small 8
	large=$(disk_energy large) small=$(disk_energy small)
	large=${large:-0} small=${small:-0}
	echo "# disk energy: $large uJ, $small uJ"
	check "they are charged disk energy" test "$small" -gt 0
	ratio=$((large * 10 / (small > 0 ? small : 1)))
	check "... by what they write" test $ratio -ge 18
	check "... and not more" test $ratio -le 22
	check "... and nobody else" test "$(disk_energy quiet)" = 0
	check "rctl check" rctl check
	rctl list | sed 's/^/# /'
}

echo "# up"
# shellcheck source=/dev/null
. /etc/os-release
echo "# $PRETTY_NAME, $(uname -r)"
booted
if grep -qw report=plain /proc/cmdline; then
	checked_mounted
else
	names
fi
containers
dmesg -l warn,err,crit,alert,emerg | sed 's/^/# dmesg: /'
journalctl -b -p warning --no-pager -o cat | sed 's/^/# journal: /'
echo "# end"
