#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Writes, reads and computes until a line comes from the console.
set -eu
mnt=/mnt

mkdir -p $mnt
/sbin/mke2fs -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard /dev/pvda
mount -t ext4 -o noatime /dev/pvda $mnt
rctl create churn
while [ ! -e /tmp/end ]; do
	rctl run -q churn -- dd if=/dev/urandom of=$mnt/file bs=64k count=16 conv=fsync 2>/dev/null
	rctl run -q churn -- dd if=/dev/pvda of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null
done &
worker=$!
echo "churn: running"
read -r _
touch /tmp/end
wait $worker
umount $mnt
echo "churn: over"
