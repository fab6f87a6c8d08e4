#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Eight containers read and write files and check what they read, each in
# another way, while containers come and go, caches are dropped, and the file
# system is mounted with other options.
#
#	stress SECONDS[+SECONDS]	in all, and for one run of fio
set -u
seconds=${1%+*}
runtime=${1#*+}
[ "$runtime" != "$1" ] || runtime=3
mnt=/mnt

mkdir -p $mnt /opt
mount -t ext4 -o ro,noload /dev/pvdb /opt || exit 1
# Run from memory: an emulating QEMU does not notice what another process writes into
# the guest's pages.  Version 10.0 was seen to execute code that had been there before.
cp -r /opt/bin /opt/lib /tmp
export LD_LIBRARY_PATH=/tmp/lib
sum=$(md5sum </opt/bin/fio)
/sbin/mke2fs -q -F -t ext4 -E nodiscard /dev/pvda || exit 1
mount -t ext4 -o discard /dev/pvda $mnt || exit 1

now() {
	cut -d . -f 1 /proc/uptime
}
# worker NUMBER FIO-OPTION...: a container for each run, whose pages may still
# be dirty when it goes.
worker() {
	n=$1
	shift
	run=0
	mkdir $mnt/"$n"
	while [ ! -e /tmp/end ]; do
		run=$((run + 1))
		c=s$n/r$run
		rctl create "s$n/r$run" || return 1
		rctl run -q "$c" -- /tmp/bin/fio --name="$run" --directory=$mnt/"$n" --size=4m \
			--rw=randwrite --verify=crc32c --verify_fatal=1 --verify_backlog=32 \
			--time_based --runtime="$runtime" --eta=never --output=/tmp/fio."$n" "$@" || {
			echo "# fio $*:"
			sed 's/^/# /' /tmp/fio."$n"
			# No use in going on.
			touch /tmp/end
			return 1
		}
		[ $((run % 2)) = 0 ] && rm $mnt/"$n"/*
		# Threads that work for it end a little later.
		for _ in 1 2 3 4 5; do
			rctl delete "$c" 2>/tmp/delete."$n" && break
			sleep 0.2
		done
		[ ! -e /sys/fs/rcontainer/"$c" ] || { cat /tmp/delete."$n"; return 1; }
	done
	echo "# $n: $run runs"
}

rctl create s1 s2 s3 s4 s5 s6 s7 s8
workers=
start() {
	worker "$@" &
	workers="$workers $!"
}
start 1 --ioengine=psync --bs=4k
start 2 --ioengine=libaio --direct=1 --iodepth=8 --bs=16k
start 3 --ioengine=io_uring --direct=1 --iodepth=16 --bs=4k
start 4 --ioengine=io_uring --iodepth=4 --bs=64k --force_async=1
start 5 --ioengine=mmap --bs=4k
start 6 --ioengine=psync --bs=32k --fdatasync=16
start 7 --ioengine=psync --direct=1 --bs=128k
start 8 --ioengine=splice --bs=8k
# They start slowly.
while :; do
	set -- $mnt/[1-8]/*
	[ $# -lt 8 ] || break
	sleep 0.2
done
echo "stress: running"

end=$(($(now) + seconds))
most=0
status=0
while [ "$(now)" -lt "$end" ] && [ ! -e /tmp/end ]; do
	for options in commit=1 barrier,auto_da_alloc nodiscard commit=5,discard noauto_da_alloc; do
		echo 1 >/proc/sys/vm/drop_caches
		[ "$(md5sum </opt/bin/fio)" = "$sum" ] || { status=1; break 2; }
		mount -o remount,$options $mnt || { status=1; break 2; }
		rctl create passing && rctl run -q passing -- \
			dd if=/dev/zero of=$mnt/passing bs=64k count=16 2>/dev/null
		rctl delete passing
		rm -f $mnt/passing
		rctl check >/dev/null || { status=1; break 2; }
		# shellcheck disable=SC2046 # two numbers
		set -- $(cat /sys/block/pvda/inflight)
		[ $(($1 + $2)) -le "$most" ] || most=$(($1 + $2))
		sleep 0.3
	done
done

touch /tmp/end
echo "# up to $most requests in flight"

for pid in $workers; do
	wait "$pid" || status=1
done
umount $mnt || status=1
umount /opt || status=1
rctl delete s1 s2 s3 s4 s5 s6 s7 s8 || status=1
echo "stress: over"
exit $status
