#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pack an initramfs.
#
#   initramfs.sh [--sysroot DIR] OUTPUT ITEM...
#
# An ITEM is SOURCE[=TARGET]: a file and where it goes in the guest, without
# TARGET where it is here.  The shared libraries of a program come along.  With
# --sysroot, programs are of another architecture, whose libraries and busybox are
# those in DIR; an absolute SOURCE that is there is meant.
set -euo pipefail

sysroot=
if [ "$1" = --sysroot ]; then
	sysroot=$2
	shift 2
fi
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

# libraries PROGRAM: as far as it is none, or static, prints nothing.
libraries() {
	ldd "$1" 2>/dev/null | grep -o '/[^ ]*' | sort -u
}

# The same of another architecture, whose loader looks in these folders.
foreign_libraries() {
	local name file
	readelf -dlW "$1" 2>/dev/null |
		sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p; s/.*interpreter: \(.*\)\]/\1/p' |
		while read -r name; do
			for file in "$sysroot"{,/lib/aarch64-linux-gnu,/usr/lib/aarch64-linux-gnu}/"$name"; do
				[ -e "$file" ] || continue
				echo "${file#"$sysroot"}"
				continue 2
			done
			echo "initramfs: $sysroot has no $name" >&2
		done
}

# need PROGRAM: its libraries, and those that they need.
need() {
	local library
	${sysroot:+foreign_}libraries "$1" | while read -r library; do
		[ ! -e "$root$library" ] || continue
		add "$sysroot$library" "$library"
		[ -z "$sysroot" ] || need "$sysroot$library"
	done || true
}

for item in "$@"; do
	source=${item%%=*} target=${item#*=}
	[ ! -e "$sysroot$source" ] || source=$sysroot$source
	add "$source" "$target"
	need "$source"
done
busybox=$(command -v busybox)
if [ -n "$sysroot" ]; then
	add "$sysroot/bin/busybox" /bin/busybox
else
	add "$busybox" /bin/busybox
fi
for applet in $("$busybox" --list); do
	[ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"
done
(cd "$root" && find . -print0 | LC_ALL=C sort -z |
	cpio --null --quiet -o -H newc -R 0:0 --reproducible) | gzip -1 >"$output.new"
mv "$output.new" "$output"
