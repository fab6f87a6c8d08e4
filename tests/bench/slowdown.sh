#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the plugin costs the emulator, the host's and those of other Debian releases:
# build/results/slowdown.csv, a row for each run.  See
# userspace/host/plugin/test/bench_slowdown.sh.
#
#	slowdown.sh [ROOT...]
#
# RUNS: of each load, with and without the plugin
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/qemus.sh
. tests/bench/qemus.sh

csv=$BUILD/results/slowdown.csv

cp "$guest_kernel" "$work/kernel"
cp "$initramfs" "$work/initramfs"
qemu_roots "$@" >"$work/roots"
echo "qemu,config,run,seconds,ratio" >"$work/csv"
while IFS= read -r root; do
	version=$(qemu_version "$root")
	echo "QEMU $version"
	qemu_stage "$root" userspace/host/plugin/test/bench_slowdown.sh "$work/kernel" \
		"$work/initramfs" "$BUILD"/user/{pvplugin.so,machine_util,guest,models}
	within_root "$root" "$seen/bench_slowdown.sh" "$seen" "$seen/csv" "${RUNS:-7}" \
		"$seen/kernel" "$seen/initramfs" </dev/null
	sed "1d; s/^/$version,/" "$stage/csv" >>"$work/csv"
	rm -rf "$stage"
done <"$work/roots"
mkdir -p "$(dirname "$csv")"
cp "$work/csv" "$csv"
