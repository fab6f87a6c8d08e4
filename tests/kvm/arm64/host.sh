#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first process of the arm64 host under test: starts the daemons, has KVM run guests,
# and reports as TAP on the console.
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /run /var/lib/rcontainer
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C RESMOND_SOCKET=/run/resmond.sock
work=/run/test
mkdir $work
cd $work || exit
# shellcheck source=tests/tap.sh
. /tests/tap.sh
# shellcheck source=tests/kvm/host-lib.sh
. /tests/host-lib.sh
declare -A pid

explain() {
	tail -n 20 -- $work/*.log
}

# start NAME COMMAND...: in the background; what it says is in NAME.log.
start() {
	local name=$1
	shift
	"$@" >"$name.log" 2>&1 </dev/null &
	pid[$name]=$!
}

runs() {
	kill -0 "${pid[$1]}"
}

says() {
	grep -qa -- "$2" "$1.log"
}

ended() {
	! runs "$1"
}

show() {
	tr -d '\r' <"$1" | sed "s/^/# $2: /"
}

# guest NAME RUN [OPTION...]: starts one whose first process runs RUN, see tests/boot/init.c.
# Its console is NAME.console.
guest() {
	local name=$1 run=$2
	shift 2
	start "$name" qemu-system-aarch64 -accel kvm -cpu host -smp 1 \
		-M virt,gic-version=host,memory-backend=mem \
		-object memory-backend-memfd,id=mem,size=256M,share=on \
		-name "$name,debug-threads=on" -nodefaults -display none -no-reboot \
		-serial "file:$name.console" -kernel /tests/Image -initrd /tests/guest.gz \
		-append "console=ttyAMA0 quiet panic=-1 rdinit=/init run=$run" "$@"
}

# finished NAME SECONDS: the guest has switched itself off in that time, and all of its
# tests have passed.
finished() {
	local status=0
	eventually "$2" ended "$1" || { kill -KILL "${pid[$1]}"; status=1; }
	wait "${pid[$1]}"
	show "$1.console" "$1"
	show "$1.log" "$1: qemu"
	[ $status = 0 ] && grep -qa '^ok 1 ' "$1.console" && ! grep -qa '^not ok' "$1.console"
}

# total GUEST DEVICE: picojoules that its containers were charged.
total() {
	tr -d '\r' <"$1.console" | sed -n "s/^total $2.access_pj //p"
}

# column TABLE NAME ROW
column() {
	awk -v name="$2" -v row="$3" '
		$1 == "VM" { for (i = 2; i <= NF; i++) if ($i == name) column = i }
		$1 == row { print $column }' "$1"
}

# ----------------------------------------------------------------------------- the stages

host() {
	check "KVM is there" test -c /dev/kvm
	dmesg | grep -E 'kvm \[|PMU' | sed 's/^/# dmesg: /'
	check "a PMU is there" test -d /sys/bus/event_source/devices/armv8_pmuv3
}

daemons() {
	truncate -s 64M vm1.img
	start resmond resmond
	check "the monitor runs" eventually 20 test -S $RESMOND_SOCKET
	start pvblkd pvblkd --model /usr/share/rcontainer/models/ssd.disk \
		--disk vm1,socket=/run/vm1.sock,file=vm1.img
	check "the disk is served" eventually 20 says pvblkd '^ready$'
	check "pvblkd counts its own cycles and instructions" says pvblkd 'own CPU: hardware counters'
	cpuacctd --check-model /usr/share/rcontainer/models/generic.model | sed 's/^/# model: /'
	start cpuacctd cpuacctd --qemu
	check "the accountant runs" eventually 20 eval 'resmon list | grep -qw cpu'
	check "... by hardware events" eval '! says cpuacctd "accounting by time"'
	show pvblkd.log pvblkd
}

disk() {
	local device
	guest vm1 disk -chardev socket,id=disk,path=/run/vm1.sock \
		-device vhost-user-blk-pci,chardev=disk,num-queues=1
	check "a guest with the disk" finished vm1 120
	check "... has a PMU of its own" grep -qa '^clock hardware' vm1.console
	for device in disk disk-cpu; do
		echo "# vm1: $device: $(returned vm1 $device) pJ returned, $(total vm1 $device) charged"
		check "conservation: $device" test "$(total vm1 $device)" = "$(returned vm1 $device)"
	done
	check "conservation is of something" eval "[ 0$(total vm1 disk) -gt 0 ]"
}

# exact NAME: programs of known length in containers of a guest, whose results are printed
# as rows of a table.
exact() {
	guest "$1" exact:alone+container
	check "$1: programs are charged what they execute" finished "$1" 600
	tr -d '\r' <"$1.console" |
		sed -n "s/^exact: \([a-z]*\) expected \([0-9]*\) charged \([0-9]*\) error_percent \([-0-9.]*\) .*/# exact $1-\1,\2,\3,\4/p"
}

exactness() {
	exact 1vm
	guest busy busy
	check "another guest is busy" eventually 120 grep -qa '^busy: running' busy.console
	exact 2vm
	check "... all the time" runs busy
	kill -KILL "${pid[busy]}"
	wait "${pid[busy]}" 2>/dev/null
}

sums() {
	local vm
	resmon show | sed 's/^/# resmon: /'
	kill -TERM "${pid[cpuacctd]}"
	check "the accountant's sums are right" wait "${pid[cpuacctd]}"
	show cpuacctd.log cpuacctd
	for vm in vm1 1vm 2vm busy; do
		check "$vm: cycles and instructions were counted" eval \
			"[ $(column cpuacctd.log cycles $vm) -gt 0 ] && [ $(column cpuacctd.log instructions $vm) -gt 0 ]"
	done
	check "pvblkd ends in good order" eval "kill -TERM ${pid[pvblkd]} && wait ${pid[pvblkd]}"
}

echo "# $(uname -r), $(qemu-system-aarch64 --version | head -n 1)"
for stage in host daemons disk exactness sums; do
	$stage
	echo "# stage $stage $(cut -d ' ' -f 1 /proc/uptime)"
done
echo "# end"
poweroff -f
