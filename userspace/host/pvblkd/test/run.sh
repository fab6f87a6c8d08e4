#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvblkd with stock QEMU and an ordinary guest: Debian's kernel and its
# virtio_blk, as TAP.
#
#	run.sh BUILD_USER_DIR
#
# KILLS=N kills it N times in place of ten; patience=N waits N times as long.
set -uo pipefail
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../../../tests/tap.sh"

bin=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../../../.." && pwd)
: "${KILLS:=10}" "${patience:=1}"
: "${CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/rcontainer}"
kernel_dir=$CACHE/debian-kernel

# Sockets and images in memory; direct I/O wants a file system with a disk.
work=$(mktemp -d /dev/shm/rcontainer-pvblkd.XXXXXX)
disk_dir=$(mktemp -d /var/tmp/rcontainer-pvblkd.XXXXXX)
server=
guests=()

leave() {
	for pid in "$server" "${guests[@]}"; do
		[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$work" "$disk_dir"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

explain() {
	tail -n 5 "$work"/*.serial "$work/log"
}

# Nanoseconds of CPU time of all its threads.
cpu_ns() {
	awk '{ n += $1 } END { printf "%.0f\n", n }' /proc/"$1"/task/*/schedstat
}

# within COMMAND...: it succeeds in ten seconds.
within() {
	for _ in $(seq $((100 * patience))); do
		"$@" && return
		sleep 0.1
	done
	"$@"
}

fetch_kernel() {
	local package
	mkdir -p "$kernel_dir"
	package=$(apt-cache depends linux-image-cloud-amd64 |
		sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' | head -n 1)
	(cd "$kernel_dir" && apt-get download "$package" >/dev/null &&
		dpkg-deb -x "$package"_*.deb x)
}

# The guest's modules in the order in which they go in.  In Debian 13 they are
# compressed, below /usr, and those of virtio are built in.
pack_guest() {
	local name file items=()
	for name in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev \
		virtio_pci virtio_blk; do
		file=$(find "$kernel_dir/x" -path '*/kernel/drivers/*' -name "$name.ko*")
		case $file in
		*.xz) xz -dc "$file" >"$work/$name.ko" ;;
		*.ko) cp "$file" "$work/$name.ko" ;;
		*) continue ;;
		esac
		items+=("$work/$name.ko=/lib/$name.ko")
		echo "$name"
	done >"$work/modules"
	"$top/scripts/initramfs.sh" "$work/initramfs.gz" "$here/guest.sh=/init" \
		"$work/modules=/lib/modules" "${items[@]}"
}

# serve OPTION...: start the server and wait until it is ready.
serve() {
	: >"$work/log"
	# A shell's background processes ignore SIGINT.
	env --default-signal=INT "$bin/pvblkd" --state-dir "$work/state" "$@" \
		>>"$work/log" 2>&1 </dev/null &
	server=$!
	within grep -q '^ready$' "$work/log"
}

# stop SIGNAL: end the server; its exit status is left in $status.
stop() {
	kill -"$1" "$server"
	{ wait "$server"; } 2>/dev/null
	status=$?
	server=
}

# QEMU 9.2 takes the time in milliseconds, and later ones take no seconds.
reconnect='reconnect=1'
qemu=$(qemu-system-x86_64 --version | sed -n 's/.* version \([0-9.]*\).*/\1/p')
printf '%s\n' 9.2 "$qemu" | sort -V -C && reconnect='reconnect-ms=1000'

# guest NAME CPUS WHAT [ARGUMENT]: start a guest with the disk at NAME's socket.
# It waits for a server that is restarted, but also for its first.
guest() {
	local name=$1 cpus=$2 append="console=ttyS0 quiet panic=-1 do=$3 ${4-}"
	rm -f "$work/$name.serial" "$work/$name".{in,out}
	mkfifo "$work/$name".{in,out}
	qemu-system-x86_64 -accel tcg -m 128 -smp "$cpus" -display none \
		-nodefaults -no-user-config \
		-chardev "pipe,id=hmp,path=$work/$name" -mon hmp \
		-object memory-backend-memfd,id=mem,size=128M,share=on \
		-machine q35,memory-backend=mem \
		-chardev "socket,id=c0,path=$work/$name.sock,$reconnect" \
		-device "vhost-user-blk-pci,chardev=c0,num-queues=$cpus" \
		-serial "file:$work/$name.serial" \
		-kernel "$kernel_dir"/x/boot/vmlinuz-* -initrd "$work/initramfs.gz" \
		-append "$append" >"$work/$name.qemu" 2>&1 </dev/null &
	guests+=($!)
}

# ended NAME WHAT: the last guest ends, and has done it.
ended() {
	local pid=${guests[-1]}
	for _ in $(seq $((1200 * patience))); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	unset 'guests[-1]'
	grep -q "^guest: ok $2" "$work/$1.serial"
}

show() {
	"$bin/pvblkd" --show "$work/state/$1.state"
}

# monitor NAME COMMAND...: tell QEMU.
monitor() {
	local name=$1
	shift
	timeout 5 tee "$work/$name.in" <<<"$*" >/dev/null
}

# value NAME KEY
value() {
	show "$1" | awk -v key="$2" '$1 == key { print $2 }'
}

# conserved NAME: what the guest's kernel counted is what was accounted, to the
# byte, and that is what it costs, to the picojoule.  The firmware reads a sector
# before.
conserved() {
	local read=0 written=0 bytes
	read -r _ _ read _ written _ < <(grep -a '^guest: read_sectors' "$work/$1.serial" | tr -d '\r')
	read=$((read * 512 + 512)) written=$((written * 512)) bytes=$((read + written))
	{
		echo "guest: $read read, $written written"
		show "$1"
	} >>"$work/log"
	[ "$bytes" -gt 0 ] && [ "$(value "$1" read_bytes)" = "$read" ] &&
		[ "$(value "$1" written_bytes)" = "$written" ] &&
		[ "$(value "$1" disk.access_pj)" = $((bytes * 60000)) ] &&
		[ "$(value "$1" unreported.disk.access_pj)" = $((bytes * 60000)) ]
}

# rounds NAME COUNT: the guest's workers have done so many.
rounds() {
	local count
	count=$(grep -ac '^guest: worker' "$work/$1.serial" 2>/dev/null)
	[ "${count:-0}" -ge "$2" ]
}

image() {
	truncate -s "$2" "$1"
}

compgen -G "$kernel_dir/x/boot/vmlinuz-*" >/dev/null || fetch_kernel ||
	{ echo "not ok - no kernel"; exit 1; }
pack_guest || { echo "not ok - no guest"; exit 1; }

# What cannot be; one line each: message, options.
disk="a,socket=$work/a.sock,file=$work/none"
while IFS='|' read -r message options; do
	read -ra options <<<"$options"
	refused() {
		local said
		said=$("$bin/pvblkd" --state-dir "$work/state" "${options[@]}" 2>&1) && return 1
		[[ $said == *"$message"* ]] || { echo "$said" >"$work/log"; return 1; }
	}
	check "refused: ${options[*]}: $message" refused
done <<EOF
--disk is missing|
unexpected argument 'x'|x
--show: of which file?|--show
--show and --disk exclude each other|--show --disk $disk x
No such file or directory|--show $work/none
not a state file|--show $0
'a/b' is not up to 31 letters|--disk a/b,$disk
'.a' is not up to 31 letters|--disk .a,$disk
'' is not up to 31 letters|--disk ,$disk
socket is missing|--disk a,file=x
file is missing|--disk a,socket=x
socket is empty|--disk a,socket=
socket is there twice|--disk $disk,socket=x
unknown option 'fast'|--disk $disk,fast
'x' is not a number|--disk $disk,queues=x
17 is not from 1 to 16|--disk $disk,queues=17
'disk-cpu' cannot be a device's name|--disk $disk,device=disk-cpu
'A' cannot be a device's name|--disk $disk,device=A
--disk a is there twice|--disk $disk --disk $disk
socket $work/a.sock is that of a|--disk $disk --disk b,socket=$work/a.sock,file=x
cannot open $work/none: No such file|--disk $disk
cannot open /proc/none,1|--disk a,socket=$work/a.sock,file=/proc/none,,1
/dev/null is neither a file nor a block device|--disk a,socket=$work/a.sock,file=/dev/null
cannot listen at /proc/x|--disk a,socket=/proc/x,file=$0
unknown keyword 'set'|--model $0 --disk $disk
device disk has another model|--disk c,socket=c,file=$0,readonly --disk b,socket=b,file=$0,model=$bin/models/maxtor.disk
--cpu-power-mw: '-1' is not a number|--cpu-power-mw -1
cannot publish as subsystem '.x': Invalid argument|--subsystem .x --disk a,socket=$work/a.sock,file=$0,readonly
there is more than one physical disk|--subsystem x --disk a,socket=$work/a.sock,file=$0,readonly --disk b,socket=$work/b.sock,file=$0,readonly,device=b
/proc/none/x: No such file|--state-dir /proc/none/x --disk $disk
EOF

# One disk after the other on one server.
image "$work/ext4.img" 64M
mkfs.ext4 -q "$work/ext4.img"
image "$work/ro.img" 1M
echo 'read only' | dd of="$work/ro.img" conv=notrunc 2>/dev/null
image "$disk_dir/direct.img" 64M
serve --disk "ext4,socket=$work/ext4.sock,file=$work/ext4.img" \
	--disk "ro,socket=$work/ro.sock,file=$work/ro.img,readonly" \
	--disk "direct,socket=$work/direct.sock,file=$disk_dir/direct.img,direct"
guest ext4 2 ext4
check "ext4 on two queues" ended ext4 ext4
check "... which are two" grep -qa '^guest: queues 2 cpus 2' "$work/ext4.serial"
check "... and the totals are conserved" conserved ext4
sound() {
	fsck.ext4 -fn "$1" >>"$work/log" 2>&1
}
check "... and the file system is sound" sound "$work/ext4.img"
guest ro 1 readonly
check "read-only" ended ro readonly
guest direct 1 unaligned
check "direct, unaligned" ended direct unaligned
check "... and the totals are conserved" conserved direct
guest direct 2 load rounds=4
check "direct, under load" ended direct load
image "$work/ext4.img" 1M
kill -HUP "$server"
guest ext4 1 reboot
check "a guest reboots" ended ext4 reboot
guest ext4 1 resize
within grep -qsa '^guest: waiting' "$work/ext4.serial"
image "$work/ext4.img" 128M
kill -HUP "$server"
check "a guest sees that its disk has grown" ended ext4 resize
before=$(cpu_ns "$server")
sleep 3
check "idle, it uses no CPU time" test $(($(cpu_ns "$server") - before)) -lt 10000000
stop TERM
check "SIGTERM ends it with success" test "$status" = 0
check "... and removes its sockets" test ! -e "$work/ext4.sock"
check "... and shows totals" grep -q '^name direct' "$work/log"

# Two virtual machines at once, on one process that is killed again and again.
for name in one two; do
	image "$work/$name.img" 64M
done
both=(--disk "one,socket=$work/one.sock,file=$work/one.img"
	--disk "two,socket=$work/two.sock,file=$work/two.img")
serve "${both[@]}"
guest one 2 load rounds=$((KILLS * 4))
guest two 2 load rounds=$((KILLS * 4))
booted() {
	for _ in $(seq 12); do
		within rounds one 3 && return
	done
	return 1
}
check "two guests run" booted
monitor one stop
monitor one cont
check "stopped and continued, the guest goes on" within rounds one 9
for i in $(seq "$KILLS"); do
	sleep "0.$((RANDOM % 10))"
	stop KILL
	check "killed $i times: starts again" serve "${both[@]}"
	before=$(grep -ac '^guest: worker' "$work/one.serial")
	check "... and the guest goes on" within rounds one $((before + 2))
done
stop TERM
check "SIGTERM under load ends it with success" test "$status" = 0
serve "${both[@]}"
check "all data is there after that, of two" ended two load
check "... and of one" ended one load
check "after $KILLS kills, the totals of one are conserved" conserved one
check "... and of two" conserved two
check "... without uncertainty" test "$(value one uncertain_batches)" = 0
check "... neither of two" test "$(value two uncertain_batches)" = 0
check "a second one of the same disk is refused" \
	grep -q 'another process serves this disk' \
	<(timeout 20 "$bin/pvblkd" --state-dir "$work/state" "${both[@]}" 2>&1)
stop INT
check "SIGINT ends it with success" test "$status" = 0
