#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's part of the disk's demo: two programs, each in a container and in
# a control group of its own, write to a file that they share, page by page in
# turn, and to one of their own.  Kernel threads write it to the disk later.
# Prints for each:
#
#	demo CONTAINER BYTES DISK_PJ DISK_CPU_PJ CGROUP_BYTES
set -eu
rcfs=/sys/fs/rcontainer
cgroup=/sys/fs/cgroup
pages=4096	# of the shared file, half of them for each
alice=1536	# of the own files
bob=512

mkdir -p /mnt
/sbin/mke2fs -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard /dev/pvda
mount -t ext4 -o noatime,commit=300 /dev/pvda /mnt
for file in shared:$pages alice:$alice bob:$bob; do
	dd if=/dev/zero of=/mnt/"${file%:*}" bs=4k count="${file#*:}" 2>/dev/null
done
sync
echo 3 >/proc/sys/vm/drop_caches

mount -t cgroup2 none $cgroup
echo '+io +memory' >$cgroup/cgroup.subtree_control
mkdir $cgroup/alice $cgroup/bob
rctl create alice bob

# Not before all is in memory.
echo 0 >/proc/sys/vm/dirty_writeback_centisecs
echo 90 >/sys/block/pvda/bdi/min_ratio

# program NAME FIRST OWN: its pages of the shared file in pieces, then its own.
program() {
	echo 0 >$cgroup/"$1"/cgroup.procs
	part=0
	bytes=0
	while [ $part -lt 8 ]; do
		n=$(rctl run -q "$1" -- writer /mnt/shared $(($2 + part * pages / 8)) 2 $((pages / 16)))
		bytes=$((bytes + n))
		part=$((part + 1))
	done
	n=$(rctl run -q "$1" -- writer /mnt/"$1" 0 1 "$3")
	echo $((bytes + n)) >/tmp/"$1"
}

charged() {
	sed -n "s/^$2.access_pj //p" $rcfs/"$1"/events
}

(program alice 0 $alice) &
(program bob 1 $bob) &
wait
for c in alice bob; do
	echo "$c has written $(cat /tmp/$c) bytes and ended; so far the disk cost $(charged $c disk) pJ"
done

echo "now kernel threads write it to the disk"
echo 1 >/proc/sys/vm/dirty_expire_centisecs
echo 1 >/proc/sys/vm/dirty_writeback_centisecs
n=0
until awk '/^(Dirty|Writeback):/ { sum += $2 } END { exit sum > 0 }' /proc/meminfo; do
	n=$((n + 1))
	[ $n -lt 600 ] || { echo "they never end"; exit 1; }
	sleep 0.1
	echo 1 >/proc/sys/vm/stat_refresh
done
for c in alice bob; do
	seen=$(sed -n "s/^$(cat /sys/block/pvda/dev) .*wbytes=\([0-9]*\).*/\1/p" $cgroup/$c/io.stat)
	echo "demo $c $(cat /tmp/$c) $(charged $c disk) $(charged $c disk-cpu) ${seen:-0}"
done
umount /mnt
