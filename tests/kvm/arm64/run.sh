#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot an arm64 host on an emulated processor with virtualization and counters, and have
# host.sh run our daemons, and guests with KVM, in it; as TAP.
#
#	run.sh SUITE
#
# The host is Debian's kernel and QEMU of that release in an initramfs.  With -icount the
# emulated PMU counts instructions, and time goes by them.
# Writes build/results/exactness_kvm.csv: what programs of known length were charged.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/kvm/lib.sh
. "$here/../lib.sh"

sysroot=$CACHE/arm64/$1/root
bin=$BUILD/arm64
pack=$here/../../../scripts/initramfs.sh

make_guest() {
	"$pack" --sysroot "$sysroot" "$work/guest.gz" "$bin/boot/init=/init" \
		"$bin/user/rctl=/bin/rctl" "$bin/boot/spin=/tests/spin" "$bin/boot/exact=/tests/exact" \
		"$here/../../boot/busy.sh=/tests/busy" "$here/disk.sh=/tests/disk" \
		"$here/../round.sh=/tests/round.sh" \
		"$here/../../disk/guest/totals.sh=/tests/totals"
}

make_host() {
	local items=() program model
	for program in cpuacctd pvblkd resmond resmon; do
		items+=("$bin/user/$program=/usr/bin/$program")
	done
	for model in "$bin"/user/models/*; do
		items+=("$model=/usr/share/rcontainer/models/${model##*/}")
	done
	"$pack" --sysroot "$sysroot" "$work/host.gz" "$here/host.sh=/init" \
		"$here/../../tap.sh=/tests/tap.sh" "$here/../host-lib.sh=/tests/host-lib.sh" "$work/guest.gz=/tests/guest.gz" \
		"$CACHE/obj/arm64/arch/arm64/boot/Image=/tests/Image" \
		/bin/bash /usr/bin/qemu-system-aarch64 "${items[@]}"
}

check "an initramfs of the guest" make_guest
check "an initramfs of the host" make_host
boot "$work/console" qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu max,pauth-impdef=on -smp 1 \
	-icount shift=1,sleep=off -m 2500 -nodefaults -display none -no-reboot \
	-kernel "$(echo "$sysroot"/boot/vmlinuz-*)" -initrd "$work/host.gz" \
	-append "console=ttyAMA0 quiet panic=-1" \
	-serial "file:$work/console"
result exactness_kvm.csv case,expected,charged,error_percent 's/^# exact //p'
check "four results of programs of known length" \
	test "$(wc -l <"$BUILD/results/exactness_kvm.csv")" = 5
