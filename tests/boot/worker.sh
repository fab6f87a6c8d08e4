#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernel threads that work for a program are charged to its container: a loop
# device's worker copies, dm-crypt's decrypts.  Direct I/O, so that the program
# itself does next to nothing.
set -eu
rcfs=/sys/fs/rcontainer
mib=4

charged() {
	sed -n "s/^$2 //p" "$rcfs/$1/events"
}

# more_than NAME EVENT COUNT
more_than() {
	n=$(charged "$1" "$2")
	echo "# $1: $n $2, at least $3 expected"
	[ "$n" -ge "$3" ]
}

dd if=/dev/zero of=/tmp/image bs=1M count=$mib 2>/dev/null
losetup /dev/loop0 /tmp/image
rctl create loop crypt

# Each eight bytes are loaded and stored once.
rctl run -q loop -- dd if=/dev/loop0 of=/dev/null bs=1M iflag=direct 2>/dev/null
more_than loop memory_retired $((2 * mib * 1024 * 1024 / 8))

# Ten rounds of AES on 16 bytes are hundreds of instructions.
key=000102030405060708090a0b0c0d0e0f
dmsetup create --noudevsync crypt --table "0 $((mib * 2048)) crypt aes-cbc-plain $key 0 /dev/loop0 0"
rctl run -q crypt -- dd if=/dev/dm-0 of=/dev/null bs=1M iflag=direct 2>/dev/null
more_than crypt uop_queue_writes $((mib * 1024 * 1024 * 100 / 16))

dmsetup remove --noudevsync crypt
losetup -d /dev/loop0
# No worker holds a container back.
rctl delete loop crypt
rctl check >/dev/null
