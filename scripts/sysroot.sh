#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Unpack what programs for arm64 are built with and run by, of a Debian release.
#
#	sysroot.sh CACHE RELEASE
#
# CACHE/arm64/RELEASE/root gets the libraries with their headers, and what the host under
# test of `make test-kvm ARCH=arm64` consists of: kernel, QEMU, busybox, bash.  Nothing of
# it is run here, and no package is configured.  Needs the net the first time.
set -euo pipefail

cache=$1 release=$2
# shellcheck source=scripts/debian-lib.sh
. "$(dirname "$0")/debian-lib.sh"
store=$cache/arm64/$release
packages=libc6-dev,libsmartcols-dev,libncurses-dev,liburing-dev,libnbd-dev,libpfm4-dev
packages+=,linux-image-cloud-arm64,qemu-system-arm,busybox-static,bash
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

image_begin "$store"
debian_base "$store" "$release" extract "$packages" arm64
! [ "$store/root" -nt "$store/base.tar" ] || exit 0
rm -rf "$store/root"
mkdir "$work/root"
tar -xf "$store/base.tar" -C "$work/root" --no-same-owner
touch "$work/root"
mv "$work/root" "$store/"
