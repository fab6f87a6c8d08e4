#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot a guest with two disks, of which one lies to it: see hostile.c for the
# lies and guest.c for what must hold.  Prints TAP.
set -uo pipefail
cd "$(dirname "$0")/../../.." || exit
# shellcheck source=tests/lib.sh
. tests/lib.sh

make -s -C tests/disk/hostile OUT="$BUILD/hostile" BOOT="$BUILD/boot" USER="$BUILD/user" || exit
initramfs=$BUILD/hostile/initramfs.gz
dir=$(mktemp -d /dev/shm/rcontainer-hostile.XXXXXX)
# shellcheck disable=SC2034 # used by launch
machine=$dir/machine
server=
guest=
# A launched VM is ended by its launcher, also when this script is.
trap 'kill $guest $server 2>/dev/null; wait; rm -rf "$dir"' EXIT
trap 'exit 1' TERM INT HUP

# serve: the liar; both disks are of one process
serve() {
	rm -rf "$dir/state" "$dir"/*.img
	truncate -s 16M "$dir/victim.img" "$dir/control.img"
	"$BUILD/hostile/hostile" --model userspace/host/models/ultrastar.disk \
		--state-dir "$dir/state" \
		--disk "victim,socket=$dir/victim.sock,file=$dir/victim.img" \
		--disk "control,socket=$dir/control.sock,file=$dir/control.img,device=honest" \
		>"$dir/server" 2>&1 &
	server=$!
	for _ in $(seq 100); do
		grep -qs '^ready' "$dir/server" && return
		sleep 0.1
	done
	echo "not ok - the server did not start"
	sed 's/^/# /' "$dir/server"
	exit 1
}

# Two virtual CPUs: with one, QEMU leaves memory barriers out, and a kick of the
# rings can get lost.
# Else messages get into the middle of lines; the guest reads them itself.
export APPEND=loglevel=3
for _ in 1 2 3; do
	serve
	(launch test hostile --serial "$dir/log" --timeout $((240 * patience)) \
		--nr-pcpus 2 --pcpus 0,1 --disk "$dir/victim.sock,queues=1" \
		--disk "$dir/control.sock,queues=1") >&2 &
	guest=$!
	wait "$guest"
	status=$?
	guest=
	kill "$server" 2>/dev/null
	wait "$server"
	server_status=$?
	server=
	emulator_died "$dir/log" $status || break
	rm -f "$dir/log"
done
sed 's/\r$//' "$dir/log"
if [ "$server_status" != 0 ]; then
	echo "not ok - the server ended with status $server_status"
	tail -n 5 "$dir/server" | sed 's/^/# /'
fi
if ! splat=$(clean_log "$dir/log"); then
	echo "not ok - kernel log"
	echo "# ${splat//$'\n'/$'\n# '}"
fi
exit "$status"
