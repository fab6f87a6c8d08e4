#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# In the host under test, as its root, when it is up: sets up what
# rcontainer-libvirt(7) says, by typing its blocks, and reports as TAP on the second
# serial port.  The host is started again in between.
exec >/dev/ttyS1 2>&1 </dev/null
here=$(dirname "$0")
cd "$here" || exit
# shellcheck source=tests/tap.sh
. ./tap.sh
# shellcheck source=tests/kvm/host-lib.sh
. ./host-lib.sh
export LC_ALL=C.UTF-8 TERM=vt100
kept=/var/lib/hosttest
images=/var/lib/rcontainer/images
mkdir -p $kept
declare -A nr

# Seconds since the host was switched on; it may have been started again.
stage() {
	[ -e $kept/since ] || date -d "$(uptime -s)" +%s >$kept/since
	echo "# stage $1 $(($(date +%s) - $(cat $kept/since)))"
}

# Types a block of the manual at a terminal.
type_block() {
	local status
	sed 's/^/# $ /' "block.$1"
	script -qec "bash -e block.$1" "$here/typed" >/dev/null
	status=$?
	tr -d '\r' <"$here/typed" | grep -v '^Script ' | head -n 40 | sed 's/\x1b[[(0-9;?]*[A-Za-z]//g; s/^/# /'
	return $status
}

active() {
	systemctl -q is-active "$@"
}

main_pid() {
	systemctl show -P MainPID "$1"
}

# What there is to say of a failure.
explain() {
	tail -n 15 "$here"/*.console
	pvblkd --show /var/lib/rcontainer/*.state
}

# says UNIT TEXT: its journal, of this start of the host.
says() {
	journalctl -b -o cat -u "$1" | grep -q -- "$2"
}

# --------------------------------------------------------------------- a guest's console

# The guest has printed a line that begins so, since it was connected last.
said() {
	grep -qa "^$2" "$here/$1.console"
}

# The guest answers, or has just said so itself.
answers() {
	echo "echo guest: up" >"$(virsh ttyconsole "$1")"
	sleep 1
	said "$1" "guest: up"
}

# listen VM: from now on what it prints is in VM.console.
listen() {
	local pty
	pty=$(virsh ttyconsole "$1")
	stty -F "$pty" raw -echo
	: >"$here/$1.console"
	pkill -f "^cat $pty\$"
	cat "$pty" >>"$here/$1.console" &
	nr[$1]=0
	eventually 300 answers "$1"
}

# run VM COMMAND: typed there; its status.  What it prints is in VM.out.
run() {
	local n=$((++nr[$1]))
	echo "echo begin $n; $2; echo end $n \$?" >"$(virsh ttyconsole "$1")"
	eventually 300 said "$1" "end $n [0-9]" || return
	sed -n "/^begin $n\$/,/^end $n /p" "$here/$1.console" | sed '1d;$d' >"$here/$1.out"
	return "$(sed -n "s/^end $n //p" "$here/$1.console")"
}

# total VM DEVICE: picojoules that its containers were charged.
total() {
	sed -n "s/^total $2.access_pj //p" "$here/$1.out"
}

# Host and guest agree to the picojoule.
same_totals() {
	local device
	run "$1" totals
	for device in disk disk-cpu; do
		echo "# $1: $device: $(returned "$1" $device) pJ returned, $(total "$1" $device) charged"
		check "$1: conservation: $device" test "$(total "$1" $device)" = "$(returned "$1" $device)"
	done
	check "$1: conservation is of something" test "$(total "$1" disk)" -gt 0
	run "$1" go_on
}

# published VM SUBSYSTEM DEVICE: nanojoules of access cost that the monitor shows.
published() {
	resmon show -b -n -r -o ACCESS,SUBSYSTEM,DEVICE,VM "$1" |
		awk -v s="$2" -v d="$3" '$2 == s && $3 == d { sum += $1 } END { print sum + 0 }'
}

# The monitor has what pvblkd has, once that has published it.
same_published() {
	local pj nj
	pj=$(pvblkd --show "/var/lib/rcontainer/$1.state" | sed -n 's/^disk.access_pj //p')
	nj=$(published "$1" disk disk)
	echo "# $1: disk: $pj pJ accounted, $nj nJ published"
	test "$nj" = $((pj / 1000))
}

# ----------------------------------------------------------------------------- the stages

daemons() {
	check "the host is up" eventually 600 sh -c 'systemctl is-system-running | grep -Eq "running|degraded"'
	check "... and no unit has failed" test -z "$(systemctl --failed --no-legend --plain)"
	systemctl --failed --no-legend --plain | sed 's/^/# /'
	check "KVM is there" eventually 60 test -c /dev/kvm
	# The last argument is the file to be edited.
	# shellcheck disable=SC2016 # the editor's
	echo 'for file; do :; done; cat "$EDITED" >"$file"' >editor
	export SYSTEMD_EDITOR="sh $here/editor" EDITED=$here/block.2
	check "typed: the monitor, and the accountant's drop-in" type_block 1
	# "q" ends resmon top.
	check "typed: the accountant, and a look" eval 'type_block 3 < <(sleep 15; echo q)'
	check "the accountant runs" active cpuacctd.service
	# Some systems make it at boot.
	[ -e /sys/fs/cgroup/machine.slice ] ||
		check "... and says that it waits for machine.slice" says cpuacctd.service machine.slice
	check "the monitor has it" eval 'resmon list | grep -qw cpu'
	stage daemons
}

disk() {
	local khz
	khz=$(dmesg | sed -n 's/.*tsc: Detected \([0-9]*\)\.\([0-9]*\) MHz.*/\1\2/p' | head -n 1)
	mkdir -p $images
	LC_ALL=C sed "s/tsc_early_khz=0000000/tsc_early_khz=$(printf %07d "$khz")/" vm.img \
		>$images/vm1.img
	check "typed: the disk's configuration" cp block.4 /etc/rcontainer/pvblkd-disk.conf
	check "typed: the disk's daemon" type_block 5
	check "the disk is served" test -S /run/pvblkd-disk/vm1.sock
	stage disk
}

guest() {
	local thing
	check "virsh define" virsh define libvirt-kvm.xml
	check "virsh start" virsh start vm1
	stage started
	check "the guest boots from its disk" listen vm1
	stage guest
	check "/dev/pvda is there" run vm1 'test -b /dev/pvda'
	run vm1 'rctl info'
	sed 's/^/# /' vm1.out
	check "containers" run vm1 'rctl create web && rctl create db'
	check "I/O in one of them" run vm1 'round /dev/pvda2 web 1 && round /dev/pvda2 web 2 && round /dev/pvda2 db 3'
	check "the doctor finds all that accounting needs" eval 'cpuacctd --doctor >doctor'
	sed 's/^/# /' doctor
	for thing in perf kvm qemu vcpus cgroup slice resmond io_uring; do
		check "... and well: $thing" grep -q "^ok  *$thing " doctor
	done
	run vm1 'rctl show web'
	sed 's/^/# /' vm1.out
	same_totals vm1
	stage charged
	resmon list | sed 's/^/# /'
	journalctl -b -o cat -u cpuacctd -u 'pvblkd@*' -u resmond | sed 's/^/# journal: /'
}

# The daemon's next process, under the guest's I/O.
killed() {
	local unit=$1 round=$2 before
	check "vm1: round $round" eventually 300 said vm1 "round $round done"
	before=$(main_pid "$unit")
	kill -KILL "$before"
	check "$unit comes back when it is killed" eventually 60 eval \
		"active $unit && [ \$(main_pid $unit) -gt 0 ] && [ \$(main_pid $unit) != $before ]"
}

kills() {
	local cpu
	cpu=$(published vm1 cpu cpu)
	run vm1 'rounds web 24'
	killed pvblkd@disk 2
	killed cpuacctd 6
	killed resmond 10
	check "vm1: round 14" eventually 300 said vm1 "round 14 done"
	check "systemctl restart" systemctl restart pvblkd@disk cpuacctd resmond
	check "vm1: all rounds" eventually 300 said vm1 "round 24 done"
	check "... and none has failed" eval '! said vm1 "round .* failed"'
	same_totals vm1
	check "the monitor has the same" eventually 30 same_published vm1
	same_published vm1
	check "... and more CPU energy than before the kills" eventually 30 eval \
		"[ \$(published vm1 cpu cpu) -gt $cpu ]"
	echo "# cpu: $cpu nJ before, $(published vm1 cpu cpu) nJ after"
	check "all daemons run" active pvblkd@disk cpuacctd resmond
	stage kills
}

# The guest is started again by itself; its containers are new, and its disk's totals go on.
reboot_guest() {
	local thing
	local before
	before=$(returned vm1 disk)
	run vm1 'dmesg -n 8'
	: >vm1.console
	echo "reboot -f" >"$(virsh ttyconsole vm1)"
	check "the guest boots again" eval 'listen vm1 && said vm1 "guest: up at"'
	check "... with an orderly end" eval '! grep -aE "error|fail" vm1.console'
	check "I/O after that" run vm1 'rctl create web && round /dev/pvda2 web 1'
	run vm1 totals
	check "conservation: since the reboot" test "$(total vm1 disk)" = $(($(returned vm1 disk) - before))
	run vm1 go_on
	stage rebooted
}

# Two more guests, of which one is killed.
neighbours() {
	local n
	for n in 2 3; do
		cp $images/vm1.img $images/vm$n.img
		sed "s/vm1/vm$n/; s/>2</>1</" libvirt-kvm.xml >vm$n.xml
	done
	sed "s/^DISKS=\\(.*\\)/DISKS=\\1 $(for n in 2 3; do
		sed "s/^DISKS=//; s/vm1/vm$n/g" block.4; done | tr '\n' ' ' | sed 's:/:\\/:g')/" \
		block.4 >/etc/rcontainer/pvblkd-disk.conf
	check "two more disks, under I/O" eval "run vm1 'rounds web 8' && systemctl restart pvblkd@disk"
	for n in 2 3; do
		virsh define vm$n.xml
	done | sed 's/^/# /'
	check "two more guests" eval 'virsh start vm2 && virsh start vm3'
	for n in 2 3; do
		check "vm$n boots" listen vm$n
		check "vm$n: containers" run vm$n 'rctl create web'
	done
	run vm2 'rounds web 8'
	run vm3 'rounds web 1000'
	check "vm3: its first round" eventually 300 said vm3 "round 1 done"
	pkill -KILL -f 'guest=vm3,'
	check "vm1 and vm2 go on when vm3 is killed" eventually 300 \
		eval 'said vm1 "round 8 done" && said vm2 "round 8 done"'
	check "... and no round has failed" eval '! said vm1 "round .* failed" && ! said vm2 "round .* failed"'
	same_totals vm2
	check "vm3 is gone" eventually 60 eval 'virsh domstate vm3 | grep -q "shut off"'
	check "... and starts again" virsh start vm3
	check "... from its disk" listen vm3
	# shellcheck disable=SC2016 # later
	check "the monitor has three virtual machines" eventually 60 eval \
		'[ "$(resmon show -n -r -o VM | sort -u | grep -c "^vm[123]$")" = 3 ]'
	for n in 2 3; do
		virsh destroy vm$n
	done | sed 's/^/# /'
	stage neighbours
}

# What the CPU leaves the guest for, by AMD's manual, volume 2, appendix C.
exit_codes=(intr=0x60 vintr=0x64 rdtsc=0x6e rdpmc=0x6f hlt=0x78 ioio=0x7b msr=0x7c npf=0x400)

# ring CONFIG: lat_ctx in the guest; how often it switched, and how often it was left.
ring() {
	local events=(-e kvm:kvm_exit) code pid status n start
	for code in "${exit_codes[@]}"; do
		events+=(-e kvm:kvm_exit --filter "exit_reason == ${code#*=}")
	done
	run vm1 "sed -n 's/^ctxt //p' /proc/stat" && n=$(cat vm1.out)
	perf stat -x , -o exits "${events[@]}" -p "$(pgrep -f 'guest=vm1,')" &
	pid=$!
	start=$(date +%s)
	# On one CPU: nobody is woken up on another.
	run vm1 "ENOUGH=1000000 taskset 1 sh /tests/switch $1:0:8"
	status=$?
	kill -INT $pid
	wait $pid
	run vm1 "sed -n 's/^ctxt //p' /proc/stat" && n=$(($(cat vm1.out) - n))
	echo "# exits $1,$(($(date +%s) - start)),$n,$(sed -n 's/^\([0-9]*\),.*kvm:kvm_exit.*/\1/p' exits | paste -s -d ,)"
	run vm1 '[ ! -e /sys/fs/rcontainer/lat_ctx ] || rmdir /sys/fs/rcontainer/lat_ctx'
	return $status
}

exits() {
	local config codes
	codes=$(printf ',%s' "${exit_codes[@]%=*}")
	echo "# exits containers,seconds,switches,exits$codes"
	for config in none same each none same each; do
		check "lat_ctx: $config" ring $config
	done
	stage exits
}

# Everything is enabled; at the next start of the host the images come late.
reboot_host() {
	same_totals vm1
	cp block.4 /etc/rcontainer/pvblkd-disk.conf
	check "virsh autostart" virsh autostart vm1
	mv $images $images.late
	cp late.service /etc/systemd/system/
	systemctl -q enable late.service
	returned vm1 disk >$kept/returned
	touch $kept/rebooted
	stage reboot
	systemctl --no-block reboot
	sleep 600
}

after_reboot() {
	check "the host is up again" eventually 600 sh -c 'systemctl is-system-running | grep -Eq "running|degraded"'
	check "... and no unit has failed" test -z "$(systemctl --failed --no-legend --plain)"
	systemctl --failed --no-legend --plain | sed 's/^/# /'
	check "the disk's daemon has waited for its images" says pvblkd@disk "vm1.img"
	check "the disk is served" eventually 120 active pvblkd@disk
	check "vm1 is started by itself" eventually 300 eval 'virsh domstate vm1 | grep -q running'
	stage autostarted
	check "it is up" listen vm1
	check "I/O" run vm1 'rctl create web && round /dev/pvda2 web 1'
	run vm1 totals
	check "conservation: since the reboot" test "$(total vm1 disk)" = \
		$(($(returned vm1 disk) - $(cat $kept/returned)))
	check "the monitor has the same" eventually 30 same_published vm1
	check "all daemons run" active pvblkd@disk cpuacctd resmond
	# shellcheck disable=SC2016 # later
	check "the accountant counts vm1" eventually 30 eval '[ "$(published vm1 cpu cpu)" -gt 0 ]'
}

journal() {
	journalctl -b -o short-monotonic -u cpuacctd -u 'pvblkd@*' -u resmond -u libvirtd -u late --no-pager |
		sed 's/^/# journal: /'
	dmesg -l warn,err,crit,alert,emerg | sed 's/^/# dmesg: /'
}

echo "# up"
. /etc/os-release
echo "# $PRETTY_NAME, $(uname -r), $(qemu-system-x86_64 --version | head -n 1), libvirt $(virsh --version)"
stage test
if [ -e $kept/rebooted ]; then
	after_reboot
	journal
	stage end
	echo "# end"
	systemctl --no-block poweroff
	exit
fi
daemons
disk
guest
exits
kills
reboot_guest
neighbours
journal
reboot_host
