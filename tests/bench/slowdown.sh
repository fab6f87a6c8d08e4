#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the plugin costs the emulator: build/results/slowdown.csv, a row for each
# run.  See userspace/host/plugin/test/bench_slowdown.sh.
#
# RUNS: of each load, with and without the plugin
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/lib.sh
. tests/lib.sh

userspace/host/plugin/test/bench_slowdown.sh "$BUILD/user" \
	"$BUILD/results/slowdown.csv" "${RUNS:-7}" "$guest_kernel" "$initramfs"
