#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Requests of known size in a guest whose instructions are counted.
#
#	diskcost on|off
#
# off: no container, and a disk that returns no costs
set -eu
rcfs=/sys/fs/rcontainer
case $1 in
off)
	dmesg | grep -q 'pvda: no energy costs: reserved device name'
	;;
on)
	dmesg | grep -q 'pvda: .* costs of 2 devices'
	mkdir $rcfs/bench
	echo 0 >$rcfs/bench/tasks
	;;
esac

# In the order of disk.sh.
diskio /dev/pvda read 1 2000
diskio /dev/pvda read 32 600
diskio /dev/pvda write 1 2000
diskio /dev/pvda write 32 600

id=01234567-89ab-cdef-0123-456789abcdef
/sbin/mke2fs -F -q -t ext4 -b 4096 -U $id -E hash_seed=$id /dev/pvda
mkdir /mnt
mount -t ext4 -o noatime,noinit_itable /dev/pvda /mnt
dd if=/dev/zero of=/mnt/file bs=1M count=64 2>/dev/null
sync
diskio /mnt/file dirty 16 900
umount /mnt

[ "$1" = off ] || rctl check >/dev/null
