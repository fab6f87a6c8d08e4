#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Build the Debian packages of user space.
#
#	deb.sh OUT
#
# In a copy of the source, so that the checkout stays as it is.  OUT gets the
# packages.
set -euo pipefail
out=$1
top=$(cd "$(dirname "$0")/.." && pwd)
build=$out/build

mkdir -p "$out"
rm -rf "$build"
mkdir -p "$build/rcontainer/linux/include"
cp -a "$top"/{debian,userspace,README.md} "$build/rcontainer/"
cp -a "$top/linux/include/uapi" "$build/rcontainer/linux/include/"
echo "deb: building the packages of user space"
(cd "$build/rcontainer" && dpkg-buildpackage -b -us -uc) >"$out/build.log" 2>&1 || {
	tail -n 30 "$out/build.log" >&2
	exit 1
}
rm -f "$out"/rcontainer*.deb
mv "$build"/*.deb "$out/"
rm -rf "$build"
echo "deb: $(find "$out" -name 'rcontainer-*.deb' -printf '%f ')"
