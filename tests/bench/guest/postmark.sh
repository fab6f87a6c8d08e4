#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Postmark on a disk, from a new file system to the last byte written.
#
#	postmark CONFIG:TRANSACTIONS:FILES
#
# CONFIG is one of
#	none		no container
#	account		containers are in use, Postmark is in none
#	container	Postmark in one of its own
set -eu
config=${1%%:*} rest=${1#*:}
transactions=${rest%%:*} files=${rest#*:}
rcfs=/sys/fs/rcontainer
disk=$(echo /dev/pvda /dev/vda | tr ' ' '\n' | while read -r d; do [ ! -b "$d" ] || echo "$d"; done)
id=01234567-89ab-cdef-0123-456789abcdef

[ "$config" = none ] || mkdir $rcfs/bench
dmesg | sed -n 's/^\(\[[^]]*\] \)*pvblk/pvblk/p'
/sbin/mke2fs -F -q -t ext4 -b 4096 -U $id -E "hash_seed=$id,lazy_itable_init=0,lazy_journal_init=0,nodiscard" "$disk"
mkdir -p /mnt
mount -t ext4 -o noatime "$disk" /mnt
# With few transactions it divides by zero.
cat >/tmp/commands <<END
set location /mnt
set number $files
set size 500 1000000
set transactions $transactions
set report terse
run
quit
END
[ "$config" != container ] || echo 0 >$rcfs/bench/tasks
counts postmark sh -c '
	mark begin
	postmark </tmp/commands >/tmp/out 2>&1 && sync
	mark end'
# It ends with success when it could not write.
if grep Error /tmp/out; then
	exit 1
fi
[ "$config" != container ] || echo 0 >$rcfs/tasks
umount /mnt
if [ "$config" != none ]; then
	sed 's/^/energy: /' $rcfs/bench/energy
	rctl check >/dev/null
fi
