#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The launcher of virtual machines: what it promises in pvlaunch(8), as TAP.
# The guests are boot sectors, so no kernel is needed.
#
#	run.sh BUILD_USER_DIR
#
# patience=N waits N times as long.
set -uo pipefail
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

: "${patience:=1}"
bin=$1
work=$(mktemp -d /dev/shm/rcontainer-launch.XXXXXX)
machine=$work/machine
out=$work/out
launchers=()

# A launcher ends its QEMU, whatever ends it.
leave() {
	for pid in "${launchers[@]}"; do
		kill -TERM "$pid" 2>/dev/null
	done
	wait
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

explain() {
	ls -la "$work" "$machine"
	cat "$out"
}

# within COMMAND...: it succeeds in thirty seconds.
within() {
	for _ in $(seq $((300 * patience))); do
		"$@" && return
		sleep 0.1
	done
	"$@"
}

# sector NAME BYTES: a disk whose first sector runs these instructions.
sector() {
	# shellcheck disable=SC2059 # bytes as escapes
	printf "$2" >"$work/$1"
	truncate -s 510 "$work/$1"
	printf '\x55\xaa' >>"$work/$1"
	truncate -s 1M "$work/$1"
}
# mov al, 7; mov dx, 0xf4; out dx, al; hlt
sector seven '\xb0\x07\xba\xf4\x00\xee\xf4'
sector zero '\xb0\x00\xba\xf4\x00\xee\xf4'
# mov al, 0xfe; out 0x64, al; hlt: the keyboard controller's reset
sector reset '\xb0\xfe\xe6\x64\xf4'
# jmp $
sector spin '\xeb\xfe'

pvlaunch() {
	"$bin/pvlaunch" --machine "$machine" "$@" >"$out" 2>&1 </dev/null
}

# run STATUS MESSAGE OPTION...: it ends with that status and says so.
run() {
	local want=$1 message=$2 status
	shift 2
	pvlaunch --serial "$work/serial" --timeout 20 "$@"
	status=$?
	[ "$status" = "$want" ] || echo "exit status $status, not $want" >>"$out"
	[ "$status" = "$want" ] &&
		{ [ -z "$message" ] || grep -qF -- "$message" "$out"; }
}

# with_qemu VERSION MESSAGE OPTION...: a QEMU that claims to be that, and ends with its
# arguments as an error, is started, or not, with that message.
with_qemu() {
	local message=$2
	cat >"$work/qemu" <<-EOF
		#!/bin/sh
		[ "\$1" = --version ] && exec echo "QEMU emulator version $1 (pretended)"
		echo "plugin API \$RCONTAINER_PLUGIN_API, \$*" >&2
		exit 1
	EOF
	chmod +x "$work/qemu"
	shift 2
	run 125 "$message" --name one --qemu "$work/qemu" "$@"
}

boot() {
	local image=$1
	shift
	run "$@" --name one -- -drive "file=$work/$image,format=raw,if=ide"
}

gone() {
	[ ! -e "$1" ]
}

# It is gone, or nobody has waited for it yet.  A first thread that has ended
# says nothing while there are others.
ended() {
	! kill -0 "$1" 2>/dev/null || {
		grep -q '^State:.*Z' "/proc/$1/status" &&
			[ "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l)" -le 1 ]
	} 2>/dev/null
}

qemu_of() {
	cat "/proc/$1/task/$1/children" 2>/dev/null
}

has_qemu() {
	local pid
	pid=$(qemu_of "$1")
	# Not the one that was only asked for its version.
	[ -n "$pid" ] && grep -qsa -- -plugin "/proc/${pid% }/cmdline"
}

# The machine knows it, so QEMU has come up to run the guest.
runs() {
	"$bin/cpuacctd" --once --machine "$machine" 2>/dev/null |
		awk -v name="$1" '$1 == name { found = 1 } END { exit !found }'
}

# Both of them have had their CPU.
consumed() {
	"$bin/cpuacctd" --once --machine "$machine" >"$out" 2>&1
	awk '$2 > 0 { consumed[$1] = 1 } END { exit !(consumed["one"] && consumed["two"]) }' "$out"
}

# start NAME: in the background, $pid and $qemu; the guest keeps its CPU busy.
start() {
	# A shell's background processes ignore SIGINT.
	env --default-signal=INT "$bin/pvlaunch" --machine "$machine" \
		--serial "$work/serial-$1" --name "$1" --timeout $((150 * patience)) \
		-- -drive "file=$work/spin,format=raw,if=ide,snapshot=on" \
		>"$out-$1" 2>&1 </dev/null &
	pid=$!
	launchers+=("$pid")
	if ! within has_qemu "$pid" || ! within runs "$1"; then
		echo "not ok - $1 did not start"
		sed 's/^/# /' "$out-$1"
		exit 1
	fi
	qemu=$(qemu_of "$pid")
	qemu=${qemu% }
}

# What the guest and time say.
check "the firmware alone runs until time is over" \
	run 124 'one: time is over' --name one --timeout 1.5
check "the machine is gone with the launcher that made it" gone "$machine"
check "the guest's status" boot seven 7 ''
check "a guest's status of zero" boot zero 0 ''
check "a guest that resets itself" boot reset 123 'the guest reset itself'
check "without plugin" run 124 'time is over' --name one --no-plugin --timeout 0.5
check "without page" run 124 'time is over' --name one --no-page --timeout 0.5

# What cannot be; one line each: message, options.
while IFS='|' read -r message options; do
	read -ra options <<<"$options"
	check "125: ${options[*]}: $message" run 125 "$message" "${options[@]}"
done <<EOF
--name is missing|--timeout 1
up to 23 letters, digits|--name a/b
up to 23 letters, digits|--name abcdefghijklmnopqrstuvwx
'0,,1' is not a list of numbers|--name one --pcpus 0,,1
'1-0' is not a list of numbers|--name one --pcpus 1-0
'0-' is not a list of numbers|--name one --pcpus 0-
'x' is not a list of numbers|--name one --pcpus x
--pcpus 0,0: 0 is there twice|--name one --pcpus 0,0
--pcpus 0-8: the highest physical CPU is 7|--name one --pcpus 0-8
--memory: 'x' is not a number|--name one --memory x
--memory: 0 is not from 1 to|--name one --memory 0
--nr-pcpus: 9 is not from 1 to 8|--name one --nr-pcpus 9
--timeout: 'soon' is no number of seconds|--name one --timeout soon
--timeout: must not be zero|--name one --timeout 0.0
cannot read $work/none|--name one --kernel $work/none
cannot read $work/none|--name one --kernel $work/spin --initrd $work/none
cannot read $work/none|--name one --plugin $work/none
$work/none|--name one --model $work/none
--disk $work/none: No such file|--name one --disk $work/none
--disk $work/spin: not a socket|--name one --disk $work/spin
--disk: 0 is not from 1 to|--name one --disk $work/none,queues=0
--disk: 'x' is not a number|--name one --disk $work/none,queues=x
--initrd and --append need --kernel|--name one --initrd $work/spin
--no-plugin excludes|--name one --no-plugin --slice-us 5
unexpected argument 'image'|--name one image
--help' for more information|--name one --nonsense
physical CPU 1 asked for, the machine's last is 0|--name one --nr-pcpus 1 --pcpus 1
cannot execute $work/none|--name one --qemu $work/none
could not start the virtual machine|--name one -- -nonsense
EOF
check "nothing is left of all that" gone "$machine"
mkdir -m 777 "$work/open"
check "a directory that others may write to" \
	run 125 'others may write there' --machine "$work/open" --name one
mkdir -m 700 "$work/kept"
check "a directory that was there" \
	run 124 'time is over' --machine "$work/kept" --name one --timeout 0.5
check "... stays, with its machine" test -e "$work/kept/machine"
check "... without the page" gone "$work/kept/one.page"
check "--keep" run 124 'time is over' --name one --keep --timeout 0.5
check "... leaves the page" test -e "$machine/one.page"
rm -rf "$machine"

# QEMUs of other versions.
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Local => shift, Listen => 1)' "$work/disk"
check "a QEMU that is too old" with_qemu 6.2.0 'QEMU 6.2 is too old'
check "a QEMU that is too new, and refuses" \
	with_qemu 12.0.50 'QEMU 12.0 is newer than what the plugin'
check "a QEMU whose plugin interface must be named" with_qemu 11.0.1 'plugin API 6, '
check "... and one where it need not" with_qemu 10.0.1 'plugin API , '
check "how a QEMU of today connects again" \
	with_qemu 10.0.1 "path=$work/disk,reconnect-ms=1000" --disk "$work/disk"
check "... and one of before" with_qemu 8.2.0 "path=$work/disk,reconnect=1" --disk "$work/disk"
check "how a QEMU of today is controlled" with_qemu 11.1.3 '-object monitor-qmp,id=control.qmp'
check "... and one of before" with_qemu 8.2.0 '-mon chardev=control,mode=control'
rm -rf "$machine"

# What a launcher leaves that is ended.
for signal in INT TERM; do
	start one
	kill -"$signal" "$pid"
	check "$signal ends the launcher" within ended "$pid"
	wait "$pid"
	check "... with the status of the signal" \
		test $? = $((128 + $(kill -l "$signal")))
	check "... and QEMU" within ended "$qemu"
	check "... and nothing is left" gone "$machine"
done

start one
kill -KILL "$pid"
{ wait "$pid"; } 2>/dev/null
check "QEMU does not outlive a killed launcher" within ended "$qemu"
check "... whose page is left" test -e "$machine/one.page"
# An id that no new file has as long as this one is open.
exec 8<"$machine/one.page"
before=$(stat -c %i "$machine/one.page")
start one
check "... and replaced by the next of that name" \
	test "$before" != "$(stat -c %i "$machine/one.page")"
exec 8<&-

# Two on one machine.
check "a name that is taken" \
	run 125 "virtual machine 'one' is running" --name one --timeout 1
check "another rate than the machine's" \
	run 125 "the machine's rate is" --name two --tsc-khz 12345
check "another number of physical CPUs than the machine's" \
	run 125 'physical CPUs, not' --name two --nr-pcpus 7
one=$pid
start two
two=$pid
check "two at once: both consumed" within consumed
# shellcheck disable=SC2016 # awk's
check "two at once: the sums add up" \
	awk '$1 == "difference" { n = NF; for (i = 2; i <= NF; i++) bad += $i != 0 }
		END { exit !(n > 1 && !bad) }' "$out"
kill -TERM "$two"
within ended "$two"
check "the other's page stays" test -e "$machine/one.page"
check "... its own is gone" gone "$machine/two.page"
check "... and the other runs on" runs one
kill -TERM "$one"
within ended "$one"
check "the last one's page is gone, too" gone "$machine/one.page"
