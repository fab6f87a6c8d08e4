#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Make the kernel source in the cache match this checkout: Debian's 6.12, the
# series in patches/, and the files in linux/ over it.
#
#   tree.sh CACHE
#
# Only files whose contents change are written, so that what was built of the
# others stays valid.  Leaves CACHE/pristine, Debian's source as it is, and
# CACHE/linux, the tree to build.
set -euo pipefail

cache=$1
top=$(cd "$(dirname "$0")/.." && pwd)
tarball=/usr/src/linux-source-6.12.tar.xz
version=$(dpkg-query -W -f '${Version}' linux-source-6.12)

mkdir -p "$cache"
exec 9>"$cache/tree.lock"
flock 9

# Unpacks beside the old tree, so that an interrupted run leaves no half one.
if [ "$(cat "$cache/version" 2>/dev/null)" != "$version" ]; then
	echo "tree: unpacking linux-source-6.12 $version"
	rm -rf "$cache/unpack" "$cache/pristine" "$cache/linux" "$cache/manifest"
	mkdir "$cache/unpack"
	tar -xf "$tarball" -C "$cache/unpack"
	mv "$cache/unpack/linux-source-6.12" "$cache/pristine"
	rmdir "$cache/unpack"
	# Hard links: nothing writes to a source file in place.
	cp -al "$cache/pristine" "$cache/linux"
	echo "$version" >"$cache/version"
fi

stage=$(mktemp -d "$cache/stage.XXXXXX")
trap 'rm -rf "$stage"' EXIT

# The files that the series edits, from the pristine tree.
while read -r patch; do
	sed -n 's:^+++ b/::p' "$top/patches/$patch"
done <"$top/patches/series" | sort -u >"$stage.edited"
rsync -a --files-from="$stage.edited" "$cache/pristine/" "$stage/"
while read -r patch; do
	patch -d "$stage" -p1 -s --no-backup-if-mismatch -F0 \
		<"$top/patches/$patch" || {
		echo "tree: patches/$patch does not apply" >&2
		exit 1
	}
done <"$top/patches/series"
rsync -a "$top/linux/" "$stage/"
rm "$stage.edited"

# What an earlier state of the checkout had and this one has not.
(cd "$stage" && find . -type f -printf '%P\n' | sort) >"$cache/manifest.new"
if [ -e "$cache/manifest" ]; then
	comm -23 "$cache/manifest" "$cache/manifest.new" | while read -r file; do
		rm -f "$cache/linux/$file"
		if [ -e "$cache/pristine/$file" ]; then
			cp "$cache/pristine/$file" "$cache/linux/$file"
		fi
	done
fi
# By content: a checkout's times say nothing.  Not in place: see cp -al.
rsync -a --checksum --no-times --out-format='tree: %n' "$stage/" "$cache/linux/" |
	grep -v '/$' || true
mv "$cache/manifest.new" "$cache/manifest"
