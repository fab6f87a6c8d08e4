#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Make the disk of a guest with Debian, our kernel and our tools.
#
#	image.sh CACHE SUITE DEBS
#
# CACHE/guest/SUITE gets the disk "image", with /boot, swap and the root file system
# on partitions of their own, all mounted by UUID; "vmlinuz" and "initrd" of its
# /boot; "initrd.plain", the initramfs before rcontainer-tools was installed, which
# has neither rules for the disk nor an fsck; and "root.uuid", of the root
# file system.  Needs root, and the net the first time.
set -euo pipefail

cache=$1 suite=$2 debs=$(realpath "$3")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/debian-lib.sh
. "$here/../../scripts/debian-lib.sh"
store=$cache/guest/$suite
# apt's "important" and what our packages and this test need.
packages=initramfs-tools,zstd,libncursesw6,libsmartcols1,libtinfo6
boot_mib=256 swap_mib=64
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

image_begin "$store"
root=$work/root

make_root() {
	local release
	mkdir "$root"
	tar -xf "$store/base.tar" -C "$root" --numeric-owner
	cp "$debs"/linux-image-*.deb "$debs"/rcontainer-tools_*.deb "$root/tmp/"
	in_root "$root" sh -c 'dpkg -i /tmp/linux-image-*.deb' </dev/null
	release=$(basename "$root"/boot/vmlinuz-*)
	release=${release#vmlinuz-}
	cp "$root/boot/vmlinuz-$release" "$work/vmlinuz"
	cp "$root/boot/initrd.img-$release" "$work/initrd.plain"
	printf '%s\n' "UUID=${uuid[root]} / ext4 errors=remount-ro 0 1" \
		"UUID=${uuid[boot]} /boot ext4 defaults 0 2" \
		"UUID=${uuid[swap]} none swap sw 0 0" >"$root/etc/fstab"
	# Where the root file system is a directory, its type is not found; the initramfs's
	# fsck is of that type.
	echo FSTYPE=ext4 >"$root/etc/initramfs-tools/conf.d/fstype"
	# Has the initramfs made anew, by itself.
	in_root "$root" sh -c 'dpkg -i /tmp/rcontainer-tools_*.deb' </dev/null
	cp "$root/boot/initrd.img-$release" "$work/initrd"
	rm "$root"/tmp/*.deb
	in_root "$root" passwd -q -d root
	echo guest >"$root/etc/hostname"
	image_add report.service etc/systemd/system/report.service 644
	image_slow
	image_add report.sh usr/local/sbin/report 755
	image_add totals.sh usr/lib/systemd/system-shutdown/totals 755
	ln -s ../report.service "$root/etc/systemd/system/multi-user.target.wants/report.service"
}

# partition FILE MIB START-MIB: into the image.
partition() {
	dd if="$work/$1" of="$work/image" bs=1M seek="$2" conv=notrunc,sparse status=none
	rm "$work/$1"
}

make_image() {
	local root_mib
	mkdir "$work/boot"
	mv "$root"/boot/* "$work/boot/"
	root_mib=$(($(du -sm "$root" | cut -f 1) + 512))
	mke2fs -q -t ext4 -L root -U "${uuid[root]}" -d "$root" "$work/3" ${root_mib}M
	mke2fs -q -t ext4 -L boot -U "${uuid[boot]}" -d "$work/boot" "$work/1" ${boot_mib}M
	truncate -s ${swap_mib}M "$work/2"
	mkswap -q -L swap -U "${uuid[swap]}" "$work/2"
	truncate -s $((1 + boot_mib + swap_mib + root_mib + 1))M "$work/image"
	sfdisk -q "$work/image" <<-END
		label: gpt
		start=1MiB, size=${boot_mib}MiB, name=boot
		size=${swap_mib}MiB, name=swap, type=swap
		size=${root_mib}MiB, name=root
	END
	partition 1 1
	partition 2 $((1 + boot_mib))
	partition 3 $((1 + boot_mib + swap_mib))
}

debian_base "$store" "$suite" important "$packages"
sum=$(cat "$store/sources" "$debs"/linux-image-*.deb "$debs"/rcontainer-tools_*.deb "$here"/* \
	"$here/../../scripts/debian-lib.sh" | sha256sum)
[ "$sum" != "$(cat "$store/sum" 2>/dev/null)" ] || exit 0
echo "guest: making the disk of a Debian $suite"
rm -f "$store/sum"
declare -A uuid
for name in root boot swap; do
	uuid[$name]=$(cat /proc/sys/kernel/random/uuid)
done
image_make make_root make_image
echo "${uuid[root]}" >"$work/root.uuid"
mv "$work"/{image,vmlinuz,initrd,initrd.plain,root.uuid} "$store/"
echo "$sum" >"$store/sum"
