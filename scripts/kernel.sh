#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Build one kernel in the cache.
#
#   kernel.sh CACHE NAME ARCH TARGET [--base CONFIG] FRAGMENT...
#
# NAME is the folder in CACHE/obj, one for each configuration: a change of the
# configuration rebuilds nearly everything.  TARGET may be several words.  Each
# FRAGMENT adds to those before; what none of them names is off or, with --base, as
# CONFIG (which may be compressed by xz) has it.  NAME "baseline" is built from the
# pristine source.
set -euo pipefail

cache=$1 name=$2 arch=$3 target=$4
shift 4
# shellcheck source=scripts/kernel-lib.sh
. "$(dirname "$0")/kernel-lib.sh"

kernel_use "$name" "$arch"
kernel_configure "$@"

start=$SECONDS
echo "kernel: building $name ($arch $target); a first build takes" \
	"$([ "$1" = --base ] && echo "more than an hour" || echo "6 to 10 minutes")"
# shellcheck disable=SC2086 # a list of words
kernel_make -j"$(nproc)" $target 2>"$kernel_obj/build.log" || {
	cat "$kernel_obj/build.log" >&2
	exit 1
}
# Warnings of our own files are errors in spirit: show all there are.
cat "$kernel_obj/build.log" >&2
echo "kernel: $name built in $((SECONDS - start)) s"
