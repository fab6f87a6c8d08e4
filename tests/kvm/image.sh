#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Make the disk of a host with Debian, KVM, libvirt, and our daemons.
#
#	image.sh CACHE SUITE DEBS
#
# CACHE/kvm/SUITE gets the file system "image", and "vmlinuz" and "initrd" of its /boot.
# The host does what test.service says when "hosttest" is on its kernel command line.
# Needs root, and the net the first time.
set -euo pipefail

cache=$1 suite=$2 debs=$(realpath "$3")
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/debian-lib.sh
. "$here/../../scripts/debian-lib.sh"
store=$cache/kvm/$suite
packages=systemd,systemd-sysv,dbus,udev,kmod,linux-image-cloud-amd64,initramfs-tools,zstd
packages+=,qemu-system-x86,libvirt-daemon-system,libvirt-clients,apparmor,linux-perf,procps
# What our package depends on.
packages+=,libnbd0,liburing2,libpfm4,libsmartcols1
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

image_begin "$store"
root=$work/root

make_root() {
	mkdir "$root"
	tar -xf "$store/base.tar" -C "$root" --numeric-owner
	cp "$debs"/rcontainer-host_*.deb "$root/tmp/"
	in_root "$root" sh -c 'dpkg -i /tmp/rcontainer-host_*.deb' </dev/null
	rm "$root"/tmp/*.deb
	cp "$root"/boot/vmlinuz-* "$work/vmlinuz"
	cp "$root"/boot/initrd.img-* "$work/initrd"
	in_root "$root" passwd -q -d root
	echo host >"$root/etc/hostname"
	echo "/dev/vda / ext4 errors=remount-ro 0 1" >"$root/etc/fstab"
	# Of what lives for minutes only.
	in_root "$root" systemctl -q mask apt-daily.timer apt-daily-upgrade.timer \
		dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer
	image_slow
	image_add test.service etc/systemd/system/test.service 644
	ln -s ../test.service "$root/etc/systemd/system/multi-user.target.wants/test.service"
}

make_image() {
	mke2fs -q -t ext4 -L root -d "$root" "$work/image" $(($(du -sm "$root" | cut -f 1) + 1024))M
}

debian_base "$store" "$suite" minbase "$packages"
sum=$(cat "$store/sources" "$debs"/rcontainer-host_*.deb "$here"/{image.sh,test.service} \
	"$here/../../scripts/debian-lib.sh" | sha256sum)
[ "$sum" != "$(cat "$store/sum" 2>/dev/null)" ] || exit 0
echo "kvm: making the disk of a host with Debian $suite"
rm -f "$store/sum"
image_make make_root make_image
mv "$work"/{image,vmlinuz,initrd} "$store/"
echo "$sum" >"$store/sum"
