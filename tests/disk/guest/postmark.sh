#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's part of the host's demo: Postmark on a new file system, as soon as
# a line comes from the console.
#
#	postmark TRANSACTIONS+FILES
#
# Of 200 files there are never more than 231 MB.  They fit: Postmark ends with
# success when they don't.  With very few transactions it divides by zero.
set -eu
mnt=/mnt

mkdir -p $mnt
/sbin/mke2fs -q -F -t ext4 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard /dev/pvda
mount -t ext4 -o noatime /dev/pvda $mnt
room=$(df -k $mnt | awk 'END { print $4 }')
[ "$room" -gt 250000 ] || { echo "postmark: the disk is too small"; exit 1; }
echo "postmark: ready"
read -r _

echo "postmark: begins"
postmark >/tmp/postmark 2>&1 <<EOF || { cat /tmp/postmark; exit 1; }
set location $mnt
set number ${1#*+}
set size 500 1000000
set transactions ${1%+*}
set report terse
run
quit
EOF
if grep Error /tmp/postmark; then
	exit 1
fi
umount $mnt
echo "postmark: over"
