# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# In a guest of the host under test; to be sourced.

# round DISK CONTAINER N: a program in the container writes a MiB past the cache, and
# another one finds it there.
round() {
	yes "$2 $3" | head -c 1048576 >/tmp/"$2"
	rctl run -q "$2" -- dd if=/tmp/"$2" of="$1" bs=64k seek=$(($3 % 16 * 16)) \
		oflag=direct conv=fsync,notrunc status=none || return
	rctl run -q "$2" -- dd if="$1" bs=64k skip=$(($3 % 16 * 16)) count=16 \
		iflag=direct status=none | cmp - /tmp/"$2"
}
