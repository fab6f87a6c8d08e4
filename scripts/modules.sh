#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pack the modules of a kernel in the cache for its guests.
#
#	modules.sh CACHE NAME
#
# CACHE/obj/NAME/modules.gz is to be appended to an initramfs: the modules, the
# programs of kmod, and /sbin/load-modules, which the guest's first process runs.
set -euo pipefail

cache=$1 name=$2
cd "$(dirname "$0")/.."
# shellcheck source=scripts/kernel-lib.sh
. scripts/kernel-lib.sh
kernel_use "$name" x86_64

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root/sbin"
# depmod is none of the programs that users have in their path.
PATH=$PATH:/usr/sbin kernel_make INSTALL_MOD_PATH="$root" INSTALL_MOD_STRIP=1 modules_install >/dev/null
rm -f "$root"/lib/modules/*/{build,source}
install tests/boot/modules/load.sh "$root/sbin/load-modules"
# The kernel runs it, too.  Scripts name it by its path: busybox's shell prefers its
# own programs to those in the path, and its modprobe knows no soft dependencies.
cp /bin/kmod "$root/sbin/modprobe"
ldd /bin/kmod | grep -o '/[^ ]*' | sort -u | while read -r library; do
	mkdir -p "$root/$(dirname "$library")"
	cp -L "$library" "$root/$library"
done
(cd "$root" && find . -print0 | LC_ALL=C sort -z |
	cpio --null --quiet -o -H newc -R 0:0 --reproducible) | gzip -1 >"$kernel_obj/modules.gz.new"
mv "$kernel_obj/modules.gz.new" "$kernel_obj/modules.gz"
