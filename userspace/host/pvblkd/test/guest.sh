#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# First process of a guest of run.sh: does what the kernel command line's do=
# says, with an ordinary virtio_blk disk.
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
while read -r module; do
	insmod "/lib/$module.ko"
done </lib/modules
read -r cmdline </proc/cmdline
for option in $cmdline; do
	case $option in
	do=*) todo=${option#do=} ;;
	rounds=*) rounds=${option#rounds=} ;;
	esac
done

say() {
	echo "guest: $*"
}

# Sectors that the kernel knows to be read and written.
stat_disk() {
	read -r _ _ reads _ _ _ writes _ </sys/block/vda/stat
	say "read_sectors $reads written_sectors $writes"
}

# worker N ROUNDS: write, read and compare in a 16 MiB part of its own.
worker() {
	part=$1 round=0
	while [ $round -lt "$2" ]; do
		at=$((part * 256 + round % 16 * 16))
		dd if=/dev/urandom of="/tmp/w$part" bs=64k count=16 2>/dev/null
		dd if="/tmp/w$part" of=/dev/vda bs=64k seek=$at oflag=direct \
			conv=notrunc 2>/dev/null || return 1
		dd if=/dev/vda of="/tmp/r$part" bs=64k skip=$at count=16 \
			iflag=direct 2>/dev/null || return 1
		cmp "/tmp/w$part" "/tmp/r$part" || return 1
		round=$((round + 1))
		echo "guest: worker $part round $round"
	done
}

do_load() {
	worker 0 "$rounds" & a=$!
	worker 1 "$rounds" & b=$!
	worker 2 "$rounds" & c=$!
	wait $a && wait $b && wait $c
}

do_ext4() {
	mkdir /mnt
	mount -t ext4 /dev/vda /mnt || return 1
	dd if=/dev/urandom of=/tmp/f bs=1M count=8 2>/dev/null
	for i in 1 2 3; do
		cp /tmp/f "/mnt/f$i" || return 1
	done
	rm /mnt/f2
	sync
	umount /mnt
	echo 3 >/proc/sys/vm/drop_caches
	mount -t ext4 -o discard /dev/vda /mnt || return 1
	for i in 1 3; do
		cmp /tmp/f "/mnt/f$i" || return 1
	done
	[ ! -e /mnt/f2 ] || return 1
	rm /mnt/f1
	sync
	umount /mnt
	blkdiscard -o $((32 << 20)) -l $((1 << 20)) /dev/vda 2>/dev/null
	set -- /sys/block/vda/mq/*
	say "queues $# cpus $(grep -c ^processor /proc/cpuinfo)"
}

# The disk begins with a line of text.
do_readonly() {
	[ "$(cat /sys/block/vda/ro)" = 1 ] || return 1
	dd if=/dev/zero of=/dev/vda bs=512 count=1 2>/dev/null && return 1
	[ "$(head -n 1 /dev/vda)" = "read only" ]
}

# Buffers and lengths of any alignment: 512 bytes are direct I/O's finest.
do_unaligned() {
	dd if=/dev/urandom of=/tmp/w bs=512 count=1001 2>/dev/null
	dd if=/tmp/w of=/dev/vda bs=512 seek=3 oflag=direct conv=notrunc 2>/dev/null || return 1
	dd if=/dev/vda of=/tmp/r bs=1536 skip=1 count=334 iflag=direct 2>/dev/null || return 1
	cmp -n $((1001 * 512)) /tmp/w /tmp/r || return 1
	dd if=/dev/urandom of=/tmp/w bs=1M count=4 2>/dev/null
	dd if=/tmp/w of=/dev/vda bs=1M seek=8 conv=fsync,notrunc 2>/dev/null || return 1
	echo 3 >/proc/sys/vm/drop_caches
	dd if=/dev/vda of=/tmp/r bs=1M skip=8 count=4 2>/dev/null
	cmp /tmp/w /tmp/r
}

# Twice on the same machine: rings, and what is in flight, begin anew.
do_reboot() {
	if [ "$(dd if=/dev/vda bs=512 skip=9 count=1 2>/dev/null | head -n 1)" = again ]; then
		return
	fi
	echo again >/tmp/again
	dd if=/tmp/again of=/dev/vda bs=512 seek=9 conv=notrunc,sync,fsync 2>/dev/null
	reboot -f
}

# The disk changes its size while we look.
do_resize() {
	say waiting
	for _ in $(seq 100); do
		[ "$(cat /sys/block/vda/size)" = 262144 ] && return
		sleep 0.2
	done
	return 1
}

if do_"$todo"; then
	stat_disk
	say "ok $todo"
else
	stat_disk
	say "not ok $todo"
fi
poweroff -f
