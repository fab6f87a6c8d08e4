#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How much the plugin slows TCG down: the same load without and with it, in
# turn.  "loops" is load.c on bare metal, the worst case: tight loops that TCG
# translates well; less the time of a guest that ends at once, so the firmware
# does not count.  "boot" is a Linux kernel that starts and panics for want of
# a root file system.  "factor" is one that runs that program in an initramfs of
# the tests.  CPU time of QEMU, user and system, so that other users
# of the host count less.  One row for each run; the ratio is to the median of
# the runs without the plugin.
#
# usage: bench_slowdown.sh OUT CSV [RUNS [KERNEL [INITRAMFS]]]

set -eu
out=${1:?usage: bench_slowdown.sh OUT CSV [RUNS [KERNEL [INITRAMFS]]]}
csv=${2:?usage: bench_slowdown.sh OUT CSV [RUNS [KERNEL [INITRAMFS]]]}
runs=${3:-7}
kernel=${4:-}
initramfs=${5:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$out/machine_util" create "$dir" 1
"$out/machine_util" page "$dir/page" bench 1 "$out/models/pentium4.model"
plugin="-plugin $out/pvplugin.so,machine=$dir,page=$dir/page,name=bench,pcpus=0"

# seconds MEGABYTES QEMU-ARGUMENT...
seconds()
{
	local TIMEFORMAT="%U %S" mem=$1

	shift
	{ time timeout 300 qemu-system-x86_64 -accel tcg -smp 1 -m "$mem" \
		-nodefaults -nographic -no-reboot \
		-device isa-debug-exit,iobase=0xf4,iosize=1 "$@" \
		< /dev/null > /dev/null 2>&1 || true; } 2>&1 |
		awk 'NF == 2 { print $1 + $2 }'
}

median()
{
	sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

loops()
{
	local load firmware

	load=$(seconds 64 -kernel "$out/guest/load" "$@")
	firmware=$(seconds 64 -kernel "$out/guest/null" "$@")
	awk -v a="$load" -v b="$firmware" 'BEGIN { print a - b }'
}

boot()
{
	seconds 256 -kernel "$kernel" -append "panic=-1" "$@"
}

factor()
{
	seconds 256 -kernel "$kernel" -initrd "$initramfs" \
		-append "panic=-1 rdinit=/init run=factor" "$@"
}

loads=loops
[ -n "$kernel" ] && loads="$loads boot"
[ -n "$initramfs" ] && loads="$loads factor"
for ((run = 1; run <= runs; run++)); do
	for load in $loads; do
		echo "$load-plain $run $($load)"
		# shellcheck disable=SC2086 # several words
		echo "$load-plugin $run $($load $plugin)"
	done
done > "$dir/runs"

mkdir -p "$(dirname "$csv")"
echo "config,run,seconds,ratio" > "$csv"
for load in $loads; do
	base=$(awk -v c="$load-plain" '$1 == c { print $3 }' "$dir/runs" | median)
	awk -v base="$base" -v c="^$load-" '$1 ~ c {
		printf "%s,%d,%.3f,%.3f\n", $1, $2, $3, $3 / base }' \
		"$dir/runs" >> "$csv"
	echo "$load: median ratio" \
		"$(awk -F, -v c="$load-plugin" '$1 == c { print $4 }' "$csv" | median)"
done
