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
# shellcheck source=tests/lib.sh
. "$here/../../lib.sh"

sysroot=$CACHE/arm64/$1/root
bin=$BUILD/arm64
pack=$here/../../../scripts/initramfs.sh
seconds=$((1500 * patience))
work=$(mktemp -d /dev/shm/rcontainer-arm64.XXXXXX)
host_pid=

leave() {
	[ -z "$host_pid" ] || kill -KILL "$host_pid" 2>/dev/null
	wait
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

make_guest() {
	"$pack" --sysroot "$sysroot" "$work/guest.gz" "$bin/boot/init=/init" \
		"$bin/user/rctl=/bin/rctl" "$bin/boot/spin=/tests/spin" "$bin/boot/exact=/tests/exact" \
		"$here/../../boot/busy.sh=/tests/busy" "$here/disk.sh=/tests/disk" \
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
		"$here/../../tap.sh=/tests/tap.sh" "$work/guest.gz=/tests/guest.gz" \
		"$CACHE/obj/arm64/arch/arm64/boot/Image=/tests/Image" \
		/bin/bash /usr/bin/qemu-system-aarch64 "${items[@]}"
}

boot() {
	qemu-system-aarch64 -M virt,virtualization=on,gic-version=3 -cpu max,pauth-impdef=on -smp 1 \
		-icount shift=1,sleep=off -m 2500 -nodefaults -display none -no-reboot \
		-kernel "$(echo "$sysroot"/boot/vmlinuz-*)" -initrd "$work/host.gz" \
		-append "console=ttyAMA0 quiet panic=-1" \
		-serial "file:$work/console" </dev/null >"$work/qemu.log" 2>&1 &
	host_pid=$!
	timeout "$seconds" tail --pid=$host_pid -n +1 -F "$work/console" 2>/dev/null |
		tr -d '\r' | tee "$work/report"
	kill -0 $host_pid 2>/dev/null && {
		echo "not ok - the host has ended in $seconds s"
		kill -KILL $host_pid
	}
	{ wait $host_pid; } 2>/dev/null
	host_pid=
}

check "an initramfs of the guest" make_guest
check "an initramfs of the host" make_host
boot
check "the report is complete" grep -q '^# end' "$work/report"
sed 's/^/# qemu: /' "$work/qemu.log"
mkdir -p "$BUILD/results"
{
	echo "case,expected,charged,error_percent"
	sed -n 's/^# exact //p' "$work/report"
} >"$BUILD/results/exactness_kvm.csv"
check "four results of programs of known length" test "$(wc -l <"$BUILD/results/exactness_kvm.csv")" = 5
