#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot a Debian as host, on an emulated processor with virtualization, and have host.sh
# do in it what rcontainer-libvirt(7) says, as TAP: libvirt's guests run with KVM.
#
#	run.sh SUITE
#
# Writes build/results/kvm.csv: seconds after power on at which each stage was reached;
# and exits.csv: how often a ring of processes switched, and what for its CPU left the guest.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kvm/lib.sh
. "$here/lib.sh"

suite=$1
store=$CACHE/kvm/$suite
doc=$here/../../userspace/doc

# The disk of a guest: a boot loader, the kernel under test, and room for data.
make_guest() {
	local disk=$work/payload/vm.img start=$((2048 * 512)) bench=$here/../bench lat_ctx
	lat_ctx=$("$bench/lmbench.sh" "$CACHE") || return
	make -s -C "$bench" OUT="$BUILD/bench" "$BUILD/bench/bindfork.so" || return
	mkdir -p "$work/payload"
	"$here/../../scripts/initramfs.sh" "$work/initrd.gz" "$here/guest.sh=/init" \
		"$BUILD/user/rctl=/usr/bin/rctl" "$lat_ctx=/usr/bin/lat_ctx" \
		"$BUILD/bench/bindfork.so=/tests/bindfork.so" "$bench/guest/switch.sh=/tests/switch" \
		"$here/round.sh=/tests/round.sh"
	truncate -s 64M "$disk"
	printf '%s\n' 'label: dos' 'start=2048, size=40MiB, type=e, bootable' 'type=83' |
		sfdisk -q "$disk"
	dd if=/usr/lib/SYSLINUX/mbr.bin of="$disk" conv=notrunc status=none
	mkfs.vfat --offset 2048 "$disk" $((40 * 1024)) >/dev/null 2>&1
	# The clock's frequency is filled in by the host.
	printf '%s\n' 'DEFAULT linux' 'LABEL linux' 'KERNEL vmlinuz' 'INITRD initrd.gz' \
		"APPEND console=ttyS0 quiet panic=-1 rdinit=/init tsc=reliable tsc_early_khz=0000000" \
		>"$work/syslinux.cfg"
	mcopy -i "$disk@@$start" "$guest_kernel" ::vmlinuz
	mcopy -i "$disk@@$start" "$work/initrd.gz" "$work/syslinux.cfg" ::
	syslinux --install --offset $start "$disk"
}

# The manual's blocks of what is to be typed, one file each, and its domain.
make_payload() {
	awk -v dir="$work/payload" '/^\.\.\.\.$/ { if (inside) close(file); else n++
			inside = !inside; file = dir "/block." n; next }
		inside { print >file }' "$doc/rcontainer-libvirt.7.adoc"
	cp "$doc/libvirt-kvm.xml" "$here"/{host.sh,host-lib.sh,late.service} "$here/../tap.sh" "$work/payload/"
	tar -cf "$work/payload.tar" -C "$work/payload" .
}

make_guest || { echo "not ok - the guest's disk was made"; exit 1; }
make_payload
boot "$work/tap" qemu-system-x86_64 -M q35 -accel tcg,thread=multi,tb-size=1024 -cpu EPYC,+svm,+npt -smp 2 -m 4096 \
	-display none -nodefaults -kernel "$store/vmlinuz" -initrd "$store/initrd" \
	-append "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 mitigations=off tsc=reliable audit=0 nosoftlockup rcupdate.rcu_cpu_stall_suppress=1 panic=-1 hosttest" \
	-drive "file=$store/image,format=raw,if=virtio,snapshot=on" \
	-drive "file=$work/payload.tar,format=raw,if=virtio,readonly=on" \
	-serial "file:$work/console" -serial "file:$work/tap"
tr -d '\r' <"$work/console" | sed 's/^/# console: /'
result kvm.csv suite,stage,seconds "s/^# stage \(.*\) \([0-9]*\)$/$suite,\1,\2/p"
result exits.csv '' 's/^# exits //p'
