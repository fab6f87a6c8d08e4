#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pack an initramfs.
#
#   initramfs.sh OUTPUT ITEM...
#
# An ITEM is SOURCE[=TARGET]: a file and where it goes in the guest, without
# TARGET where it is here.  The shared libraries of a program come along.
set -euo pipefail

output=$1
shift
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root"/{bin,sbin,dev,proc,sys,tmp,tests,usr/bin}

add() {
	mkdir -p "$root/$(dirname "$2")"
	cp -L "$1" "$root/$2"
}

for item in "$@"; do
	source=${item%%=*} target=${item#*=}
	add "$source" "$target"
	# Prints nothing to copy for scripts and static programs.
	ldd "$source" 2>/dev/null | grep -o '/[^ ]*' | sort -u |
		while read -r library; do
			add "$library" "$library"
		done || true
done
busybox=$(command -v busybox)
add "$busybox" /bin/busybox
for applet in $("$busybox" --list); do
	[ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
done
(cd "$root" && find . -print0 | LC_ALL=C sort -z |
	cpio --null --quiet -o -H newc -R 0:0 --reproducible) | gzip -1 >"$output.new"
mv "$output.new" "$output"
