#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Build the Debian package of a kernel for guests, by the kernel's own bindeb-pkg.
# Its configuration is that of Debian's cloud kernel with our options on top.
#
#	deb-kernel.sh CACHE OUT
#
# Revisions are for who publishes packages: KDEB_PKGVERSION, as VERSION-REVISION.
set -euo pipefail
cache=$1 out=$2
cd "$(dirname "$0")/.."
base=/usr/src/linux-config-6.12/config.amd64_none_cloud-amd64.xz

# dpkg-buildpackage leaves packages beside the folder that it builds in.
packages=$cache/obj/deb
version=$(make -s -C "$cache/linux" kernelversion)
export KDEB_PKGVERSION=${KDEB_PKGVERSION:-$version-1} KDEB_SOURCENAME=linux-rcontainer \
	KDEB_CHANGELOG_DIST=unstable
rm -f "$packages"/*.deb
scripts/kernel.sh "$cache" deb/linux x86_64 bindeb-pkg --base "$base" configs/deb.config
mkdir -p "$out"
rm -f "$out"/linux-image-*.deb
# Not linux-libc-dev: it would take the place of Debian's.
cp "$packages"/linux-image-*.deb "$out/"
echo "deb-kernel: $(find "$out" -name 'linux-image-*.deb' -printf '%f')"
