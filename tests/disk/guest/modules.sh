#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The drivers of disks are unbound, unloaded and loaded while the disks are in use:
# pvda is read and written raw, pvdb has a file system, vda is a plain virtio disk.
# Whoever uses a disk that goes gets errors, and nobody hangs; the module stays as long
# as somebody has one of its disks open; what is on the disks outlives it.
#
#	modules ROUNDS
set -u
bus=/sys/bus/virtio/drivers
rcfs=/sys/fs/rcontainer
mnt=/mnt
# By its number, which names nothing once the disk is gone; dd would make a file of
# the same name otherwise.
raw=/tmp/raw

fail() {
	echo "# round $round: $*"
	echo "# modules: $(sed 's/ .*//' /proc/modules | tr '\n' ' ')"
	echo "# disks: $(cd /sys/block && echo *)"
	exit 1
}

# driver DISK
driver() {
	basename "$(readlink -f /sys/block/"$1"/device/driver)"
}

# The name of the virtio device that a disk is on.
device() {
	basename "$(readlink -f /sys/block/"$1"/device)"
}

is_loaded() {
	grep -q "^$1 " /proc/modules
}

# By the kernel's own verdict: kmod's program looks into /sys before it tries.
unload() {
	busybox rmmod "$1" 2>/tmp/rmmod
}

refused() {
	if unload pvblk; then
		fail "unloaded though $1"
	fi
	grep -q 'temporarily unavailable' /tmp/rmmod || fail "$1: $(cat /tmp/rmmod)"
	is_loaded pvblk || fail "$1: refused, and gone all the same"
}

# Every disk is where it belongs.
in_place() {
	[ "$(driver pvda)" = pvblk ] || fail "$1: pvda is not pvblk's"
	[ "$(driver pvdb)" = pvblk ] || fail "$1: pvdb is not pvblk's"
	[ "$(driver vda)" = virtio_blk ] || fail "$1: vda is not virtio_blk's"
	[ ! -e /sys/block/vdb ] || fail "$1: virtio_blk has one of pvblk's disks"
	rm -f $raw
	# shellcheck disable=SC2046 # two numbers
	mknod $raw b $(tr : ' ' </sys/block/pvda/dev)
}

same() {
	dd if=$raw of=/tmp/back bs=64k count=64 iflag=direct 2>/dev/null
	cmp /tmp/data /tmp/back || fail "pvda has other data"
	mount -t ext4 -o noatime /dev/pvdb $mnt || fail "pvdb can't be mounted"
	cmp /tmp/data $mnt/data || fail "the file has other data"
}

# The functions below open their file anew each time, until that fails.  Those of the
# raw disk run the command $pause while they have it closed.
direct() {
	while dd if=/tmp/zeroes of=$raw bs=16k count=64 seek=1024 oflag=direct conv=notrunc 2>/dev/null; do
		$pause
	done
}
buffered() {
	while dd if=/tmp/zeroes of=$raw bs=4k count=256 seek=8192 conv=notrunc 2>/dev/null &&
		dd if=$raw of=/dev/null bs=4k skip=8192 count=256 2>/dev/null; do
		$pause
	done
}
files() {
	while dd if=/tmp/zeroes of=$mnt/file bs=64k count=16 conv=fsync 2>/dev/null; do :; done
}

# in_container NAME FUNCTION
in_container() {
	(rctl bind "$1" "$(sh -c 'echo $PPID')" 2>/dev/null; "$2") &
	workers="$workers $!"
}

# The disk of each of them is gone.
end_workers() {
	for pid in $workers; do
		wait "$pid"
	done
	workers=
}

work() {
	workers=
	in_container a direct
	in_container b direct
	in_container a buffered
	[ "$1" = raw ] || in_container b files
	# All have begun.
	n=0
	while [ "$(sed -n 's/^disk.access_pj //p' $rcfs/a/events)" = "$charged_a" ] ||
		[ "$(sed -n 's/^disk.access_pj //p' $rcfs/b/events)" = "$charged_b" ]; do
		n=$((n + 1))
		[ $n -lt 300 ] || fail "nobody is charged"
		sleep 0.1
	done
}

remember() {
	charged_a=$(sed -n 's/^disk.access_pj //p' $rcfs/a/events)
	charged_b=$(sed -n 's/^disk.access_pj //p' $rcfs/b/events)
}

# Unbound under raw I/O and a mounted file system.
unbind() {
	same
	pause=:
	work all
	exec 3<$raw
	a=$(device pvda) b=$(device pvdb)
	echo "$a" >$bus/pvblk/unbind || fail "can't unbind pvda"
	echo "$b" >$bus/pvblk/unbind || fail "can't unbind pvdb"
	end_workers
	for disk in pvda pvdb; do
		[ ! -e /sys/block/$disk ] || fail "$disk has no driver"
	done
	refused "pvdb is mounted"
	umount $mnt || fail "can't unmount what is gone"
	refused "pvda is open"
	exec 3<&-
	unload pvblk || fail "nobody uses it: $(cat /tmp/rmmod)"
}

# Unloaded while programs open and close the disk: at a moment when none has it open.
unload_between() {
	same
	umount $mnt
	# Without a pause the three programs all have the disk closed once in thousands of tries.
	pause="usleep 50000"
	work raw
	n=0
	until unload pvblk; do
		n=$((n + 1))
		[ $n -lt 20000 ] || fail "in use all the time: $(cat /tmp/rmmod)"
	done
	echo "# round $round: in use $n times, then unloaded"
	end_workers
}

# Who reads these holds disks, but not their module.
read_statistics() {
	while [ ! -e /tmp/end ]; do
		cat /proc/diskstats /proc/partitions >/dev/null
	done
}

round=0
in_place "at the start"
rctl create a b || exit 1
head -c 1048576 /dev/zero >/tmp/zeroes
dd if=/dev/urandom of=/tmp/data bs=64k count=64 2>/dev/null
dd if=/tmp/data of=$raw bs=64k oflag=direct 2>/dev/null || fail "can't write"
/sbin/mke2fs -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard /dev/pvdb
mkdir -p $mnt
{ mount -t ext4 /dev/pvdb $mnt && dd if=/tmp/data of=$mnt/data bs=64k conv=fsync 2>/dev/null &&
	umount $mnt; } || fail "can't make files"

# What the soft dependency is for.
{ unload pvblk && unload virtio_blk; } || fail "nobody uses them: $(cat /tmp/rmmod)"
insmod "$(find /lib/modules -name virtio_blk.ko)" ||
	fail "can't load virtio_blk alone"
[ -e /sys/block/vdc ] || fail "virtio_blk alone left disks to nobody"
unload virtio_blk || fail "nobody uses it: $(cat /tmp/rmmod)"
/sbin/modprobe virtio_blk || fail "can't load both"
in_place "virtio_blk loads pvblk"

read_statistics &
statistics=$!
while [ $round -lt "$1" ]; do
	round=$((round + 1))
	remember
	if [ $((round % 2)) = 1 ]; then
		unbind
	else
		unload_between
	fi
	[ "$(driver vda)" = virtio_blk ] || fail "vda went, too"
	unload virtio_blk || fail "nobody uses virtio_blk: $(cat /tmp/rmmod)"
	# One first, then the other; and by what the devices say.
	case $((round % 3)) in
	0) /sbin/modprobe virtio_blk ;;
	1) /sbin/modprobe pvblk && /sbin/modprobe virtio_blk ;;
	2) /sbin/modprobe "$(cat /sys/bus/virtio/devices/virtio0/modalias)" ;;
	esac || fail "can't load them again"
	in_place "loaded again"
done
same
umount $mnt
# Bound by hand, with the module there.
a=$(device pvda)
echo "$a" >$bus/pvblk/unbind
echo "$a" >$bus/pvblk/bind || fail "can't bind pvda"
in_place "bound by hand"
same
umount $mnt
touch /tmp/end
wait $statistics
rctl delete a b
