#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The CPU accountant: what it promises in cpuacctd(8), as TAP.  Guests are boot
# sectors that keep a CPU busy.
#
#	run.sh BUILD_USER_DIR
set -uo pipefail
export LC_ALL=C
unset XDG_RUNTIME_DIR
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"

bin=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
sources=$here/../../userspace/host
work=$(mktemp -d /dev/shm/rcontainer-accountant.XXXXXX)
machine=$work/machine
out=$work/out
export RESMOND_SOCKET=$work/resmond.sock
pids=()
cgroup=

leave() {
	local pid
	for pid in "${pids[@]}"; do
		kill -CONT "$pid" 2>/dev/null
		kill -TERM "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	[ -z "$cgroup" ] || rmdir "$cgroup"
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

explain() {
	cat "$out" "$work/log" 2>/dev/null | tail -n 30
}

# within COMMAND...: it succeeds in ten seconds.
within() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.05
	done
	"$@"
}

ended() {
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.*Z' "/proc/$1/status" 2>/dev/null
}

# run STATUS MESSAGE ARGUMENT...: the accountant ends with that status and says so.
run() {
	local want=$1 message=$2 status
	shift 2
	timeout 20 "$bin/cpuacctd" "$@" >"$out" 2>&1 </dev/null
	status=$?
	[ "$status" = "$want" ] || echo "exit status $status, not $want" >>"$out"
	[ "$status" = "$want" ] && grep -qF -- "$message" "$out"
}

# start ARGUMENT...: the accountant, as $accountant; its table goes to $work/table
start() {
	"$bin/cpuacctd" "$@" >"$work/table" 2>>"$work/log" </dev/null &
	accountant=$!
	pids+=("$accountant")
}

# finish: it ends in good order; the sums add up
finish() {
	kill -TERM "$accountant"
	wait "$accountant"
}

killed() {
	kill -KILL "$accountant"
	{ wait "$accountant"; } 2>/dev/null
}

# column NAME ROW: of the table
column() {
	awk -v name="$1" -v row="$2" '
		$1 == "VM" { for (i = 2; i <= NF; i++) if ($i == name) column = i }
		$1 == row { print $column }' "$work/table"
}

differs() {
	[ "$1" != "$2" ]
}

# word FILE OFFSET: 64 bits of an energy page
word() {
	od -A n -t u8 -j "$2" -N 8 "$1" | tr -d ' '
}

# meter VM: in nanojoules
meter() {
	word "$machine/$1.page" 80
}

moves() { # VM FROM: its meter has gone beyond
	[ "$(meter "$1" 2>/dev/null)" -gt "$2" ] 2>/dev/null
}

# In nanojoules, without what does not make one.
base_nj() {
	column base_uj "$1" | sed -E 's/([0-9]{3})[0-9]{3}$/\1/; s/\.//; s/^0+(.)/\1/'
}

# ------------------------------------------------------------------- arguments

check_arguments() {
	local message options
	while IFS='|' read -r message options; do
		read -ra options <<<"$options"
		check "2: ${options[*]}: $message" run 2 "$message" "${options[@]}"
	done <<-EOF
	--source: 'x' is not log, perf, clock or auto|--source x
	--pid, --cgroup and --qemu exclude each other|--pid 1 --qemu
	--machine, --wait and --once exclude --pid|--machine $machine --qemu
	--machine, --wait and --once exclude --pid|--once --pid 1
	--machine, --wait and --once need --source log|--source perf --machine $machine
	--source log excludes --pid|--source log --qemu
	--once and --samples exclude each other|--once --samples $work/samples
	--pid: 'x' is not a number|--pid x
	--pid: 0 is not from 1 to|--pid 0
	--pid 2147483647: there is no such process|--pid 2147483647
	$machine/machine: No such file|--machine $machine
	unexpected argument 'x'|x
	--doctor goes with --cgroup|--doctor --once
	--doctor goes with --cgroup|--doctor --pid 1
	--doctor goes with --cgroup|--doctor --source clock
	--help' for more information|--nonsense
	EOF
	"$bin/cpuacctd" --help | grep -o -e '--[a-z][a-z-]*' | sort -u |
		while read -r option; do
			grep -q -e "\\*$option\\*" "$sources/cpuacctd.8.adoc" || echo "$option"
		done >"$out"
	check "the manual has all options" test ! -s "$out"
}

# Which host this is, is not known: the status must fit what is said.
check_doctor() {
	local status want=0
	timeout 20 "$bin/cpuacctd" --doctor --resmond none >"$out" 2>&1 </dev/null
	status=$?
	! grep -q '^lacks ' "$out" || want=3
	check "doctor: the exit status is that of the lines" test $status = $want
	cp "$out" "$work/doctor"
	timeout 20 "$bin/cpuacctd" --doctor --resmond none --json >"$out" 2>&1 </dev/null
	check "doctor: JSON has the same things" diff \
		<(sed -n '2,$s/^\([^ ]*\) *\([^ ]*\).*/\1 \2/p' "$work/doctor") \
		<(python3 -c 'import json, sys
for line in json.load(sys.stdin)["doctor"]: print(line["state"], line["thing"])' <"$out")
	check "doctor: a line of 80 columns at most on a terminal" narrow
	check "doctor: the model that is asked for" \
		run $want "pentium4.model" --doctor --model "$sources/models/pentium4.model"
	check "doctor: a model that is missing" run 2 "$work/none: No such file" \
		--doctor --model "$work/none"
}

narrow() {
	script -qec "'$bin/cpuacctd' --doctor --resmond none" /dev/null </dev/null |
		tr -d '\r' >"$out"
	[ "$(wc -l <"$out")" -gt "$(wc -l <"$work/doctor")" ] && ! grep -q '.\{81\}' "$out"
}

check_models() {
	local model
	for model in pentium4 pentiumd generic; do
		check "$model.model is right" \
			run 0 "a model of" --check-model "$sources/models/$model.model"
	done
	printf 'event a 1\nidle_power_mw 1\nevent b 1.2345\n' >"$work/bad.model"
	check "a wrong model: the line" run 2 "$work/bad.model:3: weight '1.2345'" \
		--check-model "$work/bad.model"
	check "a model that is missing" run 2 "$work/none: No such file" \
		--check-model "$work/none"
	printf 'event a 1\n' >"$work/other.model"
	check "a model of another processor" run 2 "event 1 is 'a', the machine's is 'tsc'" \
		--machine "$machine" --model "$work/other.model"
	check "a model that says nothing of the host" run 2 "it has no idle_power_mw" \
		--pid $$ --model "$work/other.model"
	printf 'event a 1\nperf a no::such\nidle_power_mw 1\nactive_power_mw 2\n' \
		>"$work/other.model"
	check "an event that libpfm4 does not know" run 0 "no::such: " \
		--check-model "$work/other.model"
}

# ---------------------------------------------------------------------- meters

# launch NAME: as $pid; its guest keeps a CPU busy
launch() {
	"$bin/pvlaunch" --machine "$machine" --name "$1" --meter --nr-pcpus 1 \
		--serial "$work/serial-$1" -- \
		-drive "file=$work/spin,format=raw,if=ide,snapshot=on" \
		>>"$work/log" 2>&1 </dev/null &
	pid=$!
	pids+=("$pid")
	within test -e "$machine/$1.page"
}

# check_meters SOCKET: with the resource monitor there, or 'none'
check_meters() {
	local monitor=$1 with="with a monitor" before one two
	[ "$monitor" != none ] || with="without a monitor"
	start --machine "$machine" --wait --resmond "$monitor"
	launch one
	one=$pid
	check "meter, $with: goes" within moves one 0
	launch two
	two=$pid
	check "meter, $with: another one's goes" within moves two 0
	before=$(meter one)
	killed
	check "meter, $with: does not go back when the accountant is killed" \
		test "$(meter one)" -ge "$before"
	before=$(meter one)
	start --machine "$machine" --resmond "$monitor"
	check "meter, $with: goes on after that" within moves one "$before"
	"$bin/cpuacctd" --machine "$machine" --resmond none >"$out" 2>&1 </dev/null &
	pids+=($!)
	check "meter, $with: another accountant says that it has none" \
		within grep -q 'another accountant writes the energy meters' "$out"
	kill -TERM $!
	wait $!
	check "... and its sums add up" test $? = 0
	finish
	check "meter, $with: the sums add up" test $? = 0
	echo "# one: meter $(meter one) nJ, sum $(column base_uj one) uJ;" \
		"two: $(meter two) nJ, $(column base_uj two) uJ"
	check "meter, $with: is the sum, to the nanojoule" test "$(meter one)" = "$(base_nj one)"
	check "meter, $with: ... the other one, too" test "$(meter two)" = "$(base_nj two)"

	# A page that is gone, and a virtual machine that ends, are nobody else's.
	start --machine "$machine" --resmond "$monitor" --model "$sources/models/pentiumd.model"
	rm "$machine/two.page"
	before=$(meter one)
	check "meter, $with: goes without the other's page" within moves one "$before"
	kill -KILL "$two"
	{ wait "$two"; } 2>/dev/null
	before=$(meter one)
	check "meter, $with: goes when the other one is killed" within moves one "$before"
	check "weights, $with: are those of the model" test "$(word "$machine/one.page" 152)" = 14180
	check "weights, $with: ... with an even sequence" \
		test $(($(od -A n -t u4 -j 44 -N 4 "$machine/one.page") % 2)) = 0
	kill -TERM "$one"
	wait "$one"
	finish
	check "meter, $with: accounts end in good order" test $? = 0
	rm -rf "$machine"
}

# -------------------------------------------------------------------- the load

check_bad_pages() {
	local dir=$work/load in from
	mkdir "$dir"
	mkfifo "$work/load.in"
	"$bin/cpuacctd_load" "$dir" "$bin/models/pentium4.model" 4 1 1000 1 \
		<"$work/load.in" >"$work/load.out" &
	pids+=($!)
	exec {in}>"$work/load.in"
	within grep -q ready "$work/load.out"
	printf 'x' | dd of="$dir/vm0.page" conv=notrunc status=none
	truncate -s 100 "$dir/vm1.page"
	ln -sf /etc/passwd "$dir/vm2.page"
	start --machine "$dir" --resmond none
	sleep 0.5
	from=$(word "$dir/vm3.page" 80)
	echo go >&"$in"
	within grep -q '\.' "$work/load.out"
	finish
	check "bad pages: sums add up" test $? = 0
	check "bad pages: the sound one's meter goes" \
		test "$(word "$dir/vm3.page" 80)" -gt "$from"
	check "bad pages: not an energy page" grep -q 'vm0.page: no meter: not an energy page' "$work/log"
	check "bad pages: too short" grep -q 'vm1.page: no meter: too short' "$work/log"
	check "bad pages: a link" grep -q 'vm2.page: no meter: Too many levels' "$work/log"
	check "bad pages: each said once" test "$(grep -c 'no meter' "$work/log")" = 3
	check "bad pages: one is as it was" test "$(stat -c %s "$dir/vm1.page")" = 100
	exec {in}>&-
	wait "${pids[-2]}"
	rm -rf "$dir" "$work/load.in" "$work/load.out"
}

check_overruns() {
	local dir=$work/load in
	mkdir "$dir"
	mkfifo "$work/load.in"
	"$bin/cpuacctd_load" "$dir" - 256 2 100000 2 <"$work/load.in" >"$work/load.out" &
	pids+=($!)
	exec {in}>"$work/load.in"
	within grep -q ready "$work/load.out"
	start --machine "$dir" --resmond none
	within grep -qs "$dir/machine" "/proc/$accountant/maps"
	sleep 0.5
	# 200,000 switches, while it is not let; and has no lock, which the load would wait for.
	within grep -q '^State:	S' "/proc/$accountant/status"
	kill -STOP "$accountant"
	echo go >&"$in"
	within grep -q '\.' "$work/load.out" || within grep -q '\.' "$work/load.out"
	kill -CONT "$accountant"
	sleep 0.3
	finish
	check "overruns: sums of 256 virtual machines add up" test $? = 0
	check "overruns: are counted" grep -q '[1-9][0-9]* overruns of the log' "$work/log"
	exec {in}>&-
	wait "${pids[-2]}"
	rm -rf "$dir" "$work/load.in" "$work/load.out"
	# That it gets to the rate is for a quiet machine, tests/bench.
	check "load: 256 virtual machines, 300,000 switches, below 5 % of a CPU" \
		env BUILD="$work/build" VMS=256 SECONDS_EACH=3 REACHED=0 bash -c "
			mkdir -p '$work/build' && ln -sfn '$bin' '$work/build/user' &&
			'$here/../bench/accountant.sh' >'$out' 2>&1"
	sed 's/^/# /' "$out"
}

# ------------------------------------------------------------------------ perf

# qemu NAME: as $pid, with a virtual CPU's thread as $vcpu, which does not run yet
qemu() {
	qemu-system-x86_64 -name "guest=$1,debug-threads=on" -accel tcg,thread=multi \
		-nodefaults -display none -m 64 \
		-drive "file=$work/spin,format=raw,if=ide,snapshot=on" \
		>>"$work/log" 2>&1 </dev/null &
	pid=$!
	pids+=("$pid")
	within vcpu_of "$pid"
	kill -STOP "$pid"
	sleep 0.1
}

# has_run PID THREAD FROM: for a while since
has_run() {
	[ "$(cpu_ns "$1" "$2")" -gt $(($3 + 300000000)) ]
}

vcpu_of() {
	vcpu=$(grep -l '^CPU 0/TCG' "/proc/$1"/task/*/comm 2>/dev/null | cut -d / -f 5)
	[ -n "$vcpu" ]
}

# CPU time of a thread, in nanoseconds
cpu_ns() {
	cut -d ' ' -f 1 "/proc/$1/task/$2/schedstat"
}

# What others had of the host's own CPUs, in nanoseconds
stolen_ns() {
	awk '/^cpu / { printf "%.0f\n", $9 * 1e7 }' /proc/stat
}

# near COUNTED SAID STOLEN: the event's clock runs on in interrupts and while another
# has the host's own CPU, the scheduler's does not.  The event's clock stops first when
# the thread is switched out, which takes up to a hundredth where the host is busy.  So
# it is less by a hundredth and a millisecond at most, and more, beyond what was stolen,
# by a twentieth and ten milliseconds at most.
near() {
	awk -v a="$1" -v b="$2" -v stolen="$3" 'BEGIN {
		printf "# counted %d ns, /proc says %d ns: %+d, stolen %d\n", a, b, a - b, stolen
		exit !(b > 3e8 && a >= b * 0.99 - 1e6 && a <= b * 1.05 + 1e7 + stolen) }'
}

# What is published is the table's sum, but for rests.
same_region() {
	local region
	region=$("$bin/resmon" show --exact --raw -n -o SUBSYSTEM,TOTAL |
		awk '$1 == "host" { sum += $2; n += 2 } END { printf "%d %d", sum, n }')
	awk -v sum="${region% *}" -v rests="${region#* }" '
		$1 == "machine" { machine = ($(NF - 1) + $NF) * 1000 }
		END { printf "# host %.3f nJ, published %d nJ\n", machine, sum
			exit !(machine > 1e6 && machine - sum >= -0.1 && machine - sum < rests) }' \
		"$work/table"
}

may_count() {
	run 0 difference --source clock --pid "$1" --resmond none --period-ms 10
}

has_client() {
	"$bin/resmon" show --raw -n -o SUBSYSTEM,VM 2>/dev/null | grep -q "^host $1\$"
}

counts() {
	find "/proc/$accountant/fd" -lname '*perf_event*' 2>/dev/null | grep -q .
}

check_perf() {
	local a a_vcpu a0 a1 b b_vcpu b0 b1 base stolen

	sleep 0.3 &
	if ! may_count $!; then
		echo "ok - perf # SKIP perf_event_open is not allowed here"
		return
	fi
	qemu live
	a=$pid a_vcpu=$vcpu
	qemu short
	b=$pid b_vcpu=$vcpu
	a0=$(cpu_ns "$a" "$a_vcpu") b0=$(cpu_ns "$b" "$b_vcpu")
	start --source clock --pid "$a" --pid "$b" --subsystem host
	check "perf: QEMU's processes are virtual machines" within has_client live
	within has_client short
	stolen=$(stolen_ns)
	kill -CONT "$a" "$b"
	within has_run "$a" "$a_vcpu" "$a0"
	within has_run "$b" "$b_vcpu" "$b0"
	kill -STOP "$a" "$b"
	sleep 0.3
	stolen=$(($(stolen_ns) - stolen))
	a1=$(cpu_ns "$a" "$a_vcpu") b1=$(cpu_ns "$b" "$b_vcpu")
	# Its counts outlive it.
	kill -KILL "$b"
	{ wait "$b"; } 2>/dev/null
	sleep 0.5
	finish
	check "perf: the sums add up" test $? = 0
	check "perf: CPU time of the virtual CPU" near "$(column task_clock live)" $((a1 - a0)) $stolen
	check "perf: ... of one that was killed" near "$(column task_clock short)" $((b1 - b0)) $stolen
	check "perf: published is what was accounted" same_region
	base=$(column base_uj short)
	check "perf: base cost is divided" \
		awk -v a="$(column base_uj live)" -v b="$base" 'BEGIN { exit !(b > 0 && a > b) }'

	# Another accountant goes on with the same virtual machine.
	start --source clock --pid "$a" --subsystem host
	within has_client live
	sleep 0.3
	finish
	check "perf: after a restart, the virtual machine is the same one" \
		test "$("$bin/resmon" show --raw -n -o SUBSYSTEM,VM | grep -c '^host live$')" = 1

	start --qemu --resmond none
	within counts
	sleep 0.5
	finish
	check "perf: all of QEMU's processes" test "$(column cpu_time live)" = 0
	check_left_out "$a"
	check_cgroup "$a"
	kill -KILL "$a"
	{ wait "$a"; } 2>/dev/null
}

# A cgroup of any hierarchy that lets us make one.
make_cgroup() {
	local root
	for root in /sys/fs/cgroup /sys/fs/cgroup/*/; do
		cgroup=${root%/}/rcontainer-test-$$
		mkdir "$cgroup" 2>/dev/null || continue
		[ -e "$cgroup/cgroup.procs" ] &&
			echo "$1" 2>/dev/null >"$cgroup/cgroup.procs" && return
		rmdir "$cgroup"
	done
	cgroup=
	return 1
}

check_cgroup() {
	if ! make_cgroup "$1"; then
		echo "ok - perf: a cgroup # SKIP none can be made here"
		return
	fi
	start --cgroup "$cgroup/slice" --resmond none
	check "perf: a cgroup that is not there is waited for" \
		within grep -qF "waiting for the cgroup $cgroup/slice: No such file" "$work/log"
	mkdir -p "$cgroup/slice/below"
	echo "$1" >"$cgroup/slice/below/cgroup.procs"
	within counts
	sleep 0.5
	finish
	check "perf: QEMU's processes of a cgroup" test "$(column cpu_time live)" = 0
	echo "$1" >"${cgroup%/*}/cgroup.procs"
	rmdir "$cgroup/slice/below" "$cgroup/slice"
}

# No host counts the second event.
check_left_out() {
	cat >"$work/some.model" <<-EOF
		event faults	1
		event nothing	1
		perf faults	perf::PERF_COUNT_SW_PAGE_FAULTS
		perf nothing	perf::NOTHING
		idle_power_mw	1500
		active_power_mw	5500
	EOF
	start --source perf --pid "$1" --model "$work/some.model" --resmond none
	check "perf: an event that the host does not count is left out" \
		within grep -qF "some.model: nothing is left out: " "$work/log"
	within counts
	finish
	check "perf: ... and the others are counted" test -n "$(column faults live)"
}

# jmp $
printf '\xeb\xfe' >"$work/spin"
truncate -s 510 "$work/spin"
printf '\x55\xaa' >>"$work/spin"
truncate -s 1M "$work/spin"

check_arguments
check_models
check_doctor
check_meters none
"$bin/resmond" >>"$work/log" 2>&1 &
pids+=($!)
check_meters "$RESMOND_SOCKET"
: >"$work/log"
check_bad_pages
check_overruns
check_perf
# What was killed last is no result.
exit 0
