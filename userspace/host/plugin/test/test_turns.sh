#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Virtual machines that spin on the same emulated physical CPUs: all of them
# get on, whatever happens to one, and the accounts add up at every look.
#
# usage: test_turns.sh OUT	(where "make plugin-tests" has put its results)

set -u
out=${1:?usage: test_turns.sh OUT}
here=$(dirname "$0")
dir=$(mktemp -d) || exit 1
trap 'kill -9 $(jobs -p) 2> /dev/null; rm -rf "$dir"' EXIT

nr=0 failed=0
result()
{
	nr=$((nr + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $nr - $2"
	else
		echo "not ok $nr - $2"
		failed=1
	fi
}

# start NAME PCPUS [THREAD [PLUGIN-ARGUMENTS]]: sets $pid
start()
{
	local cpus=${2//[^:]/}

	cpus=$((${#cpus} + 1))
	"$out/machine_util" page "$dir/$1.page" "$1" $cpus \
		"$here/../../models/pentium4.model" || exit 1
	qemu-system-x86_64 -accel "tcg,thread=${3:-multi}" -m 64 -smp $cpus \
		-nodefaults -nographic -kernel "$out/guest/spin" \
		-plugin "$out/pvplugin.so,machine=$dir,page=$dir/$1.page,name=$1,pcpus=$2${4:-}" \
		< /dev/null &
	pid=$!
}

stop()
{
	kill "$1" "$2" 2> /dev/null
	wait "$2" 2> /dev/null
}

# stopped PID: all its threads
stopped()
{
	! grep -qv ') T ' "/proc/$1"/task/*/stat
}

# stop_outside PID: with SIGSTOP, but not while it holds a lock, which all would wait for.
# A thread may run on for a while; and stopped again at once, execute nothing.
stop_outside()
{
	while kill -STOP "$1"; do
		until stopped "$1"; do
			sleep 0.01
		done
		timeout 2 "$out/machine_util" audit "$dir" "$dir"/*.page > /dev/null
		[ $? = 124 ] || return
		kill -CONT "$1"
		sleep 0.02
	done
}

# All locks are to be had, and all accounts add up.
audit()
{
	timeout 20 "$out/machine_util" audit "$dir" "$dir"/*.page > "$dir/audit" && return
	[ $? != 124 ] || echo "# somebody keeps a lock"
	grep '^#' "$dir/audit"
	return 1
}

# own PCPU VM: micro-operations so far
own()
{
	sed -n "s/^pcpu $1 vm $2 .* own \([0-9]*\) .*/\1/p" "$dir/audit"
}

# spins PCPU:VM: it has, for a while
spins()
{
	local n

	n=$(own "${1%:*}" "${1#*:}")
	[ "${n:-0}" -ge 1000000 ]
}

# up PCPU:VM...: all of them do, within 30 seconds, and every audit is clean
up()
{
	local tries who

	for ((tries = 0; tries < 120; tries++)); do
		audit || return 1
		for who in "$@"; do
			spins "$who" || { sleep 0.25; continue 2; }
		done
		return 0
	done
	return 1
}

# progress SECONDS PCPU:VM...: all of them get on, and every audit is clean
progress()
{
	local seconds=$1 look who bad=0
	local -A before

	shift
	up "$@" || return 1
	for who in "$@"; do
		before[$who]=$(own "${who%:*}" "${who#*:}")
	done
	for ((look = 0; look < seconds * 4; look++)); do
		sleep 0.25
		audit || return 1
	done
	for who in "$@"; do
		look=$(($(own "${who%:*}" "${who#*:}") - ${before[$who]:-0}))
		echo "# $who: $look micro-operations in $seconds s"
		[ $look -ge 1000000 ] || bad=1
	done
	return $bad
}

"$out/machine_util" create "$dir" 2 || exit 1

start a 0
a=$pid
start b 0
b=$pid
progress 2 0:a 0:b
result $? "two on one CPU share it"

"$out/machine_util" page "$dir/a2.page" a 1 "$here/../../models/pentium4.model"
! timeout 20 qemu-system-x86_64 -accel tcg -nodefaults -nographic \
	-plugin "$out/pvplugin.so,machine=$dir,page=$dir/a2.page,name=a,pcpus=0" \
	< /dev/null 2> "$dir/err" && grep -q "of this name is running" "$dir/err"
result $? "a second one of the same name is refused"
rm "$dir/a2.page"

stop -9 "$a"
progress 1 0:b
result $? "one gets on when the other is killed"

# Stopped, it is alive, has the CPU or gets it, and never gives it back.
start c 0
c=$pid
up 0:c
result $? "one more comes"
stop_outside "$c"
progress 1 0:b
result $? "one gets on when the other is stopped"
kill -CONT "$c"
progress 1 0:b 0:c
result $? "and both when it continues"
stop -TERM "$c"
progress 1 0:b
result $? "one gets on when the other exits"
stop -TERM "$b"

start d 0:1
d=$pid
start e 0:1
e=$pid
progress 2 0:d 1:d 0:e 1:e
result $? "two with two CPUs each"
stop -9 "$d"
progress 1 0:e 1:e
result $? "one gets on when the other is killed"

start f 0:1 single
f=$pid
progress 2 0:e 1:e 0:f 1:f
result $? "and beside one with both CPUs in a thread"
stop -TERM "$f"
stop -TERM "$e"

start g 0 multi ,subtract=off
g=$pid
start h 0
h=$pid
progress 1 0:g 0:h
status=$?
# The sum of absences is at 128 in the virtual CPU, which is at 448.
[ $status -eq 0 ] &&
	cmp -s -n 64 <(tail -c +577 "$dir/g.page") /dev/zero &&
	! cmp -s -n 64 <(tail -c +577 "$dir/h.page") /dev/zero
result $? "subtract=off hides absences"
stop -TERM "$g"
stop -TERM "$h"

# word OFFSET: of the virtual CPU in the page, which is at 448.
word() {
	tail -c +$((448 + $1 + 1)) "$dir/k.page" | head -c 8 | od -An -t u8
}
start k 0 multi ,memory=off
k=$pid
progress 1 0:k
status=$?
# Counters are at 64, what others had of them at 128: cycles, and memory accesses.
[ $status -eq 0 ] && [ "$(word 72)" != "$(word 136)" ] && [ "$(word 104)" = "$(word 168)" ]
result $? "memory=off counts no memory accesses"
stop -TERM "$k"
audit
result $? "accounts when all have gone"

for args in pcpus=0:0 pcpus=8 pcpus=x pcpus= pcpus=0,slice_us=-1 \
	pcpus=0,subtract=maybe pcpus=0,bogus=1 pcpus=0:1 \
	pcpus=0,machine=/nonexistent "pcpus=0,page=$dir/err"; do
	! timeout 20 qemu-system-x86_64 -accel tcg -nodefaults -nographic \
		-plugin "$out/pvplugin.so,selftest=on,$args" \
		< /dev/null > /dev/null 2> "$dir/err" &&
		grep -q '^pvplugin: ' "$dir/err"
	result $? "refused: ${args/$dir/DIR}"
done

echo "1..$nr"
exit $failed
