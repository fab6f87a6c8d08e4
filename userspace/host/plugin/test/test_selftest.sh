#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs code of known counts under the plugin and compares each phase's events,
# to the digit, with what was worked out by hand from selftest.S and uarch.h.
# Instructions and accesses are counted in two ways, which must agree.
#
# usage: test_selftest.sh OUT	(where "make plugin-tests" has put its results)

set -u
out=${1:?usage: test_selftest.sh OUT}
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT

# run [QEMU-ARGUMENT...]: sets $status, and $log's contents
run()
{
	timeout 120 qemu-system-x86_64 -accel tcg,thread=multi -m 64 -nodefaults \
		-nographic -device isa-debug-exit,iobase=0xf4,iosize=1 \
		-kernel "$out/guest/selftest" \
		-plugin "$out/pvplugin.so,pcpus=0,selftest=on" "$@" > "$log"
	status=$?
}

# Columns: instructions executed, and counted beyond that since a fault ended
# their block early; branches, mispredicted; accesses, replays, load misses.
#
# N is 1000.  Each phase has its marker and the jump to the next one, so
# nothing is 2 instructions and 1 branch.  A loop's jump is mispredicted after 0 to 3
# taken ones, twice after 4, until that counter says "taken", and at the end.
expected=(
	"0 nothing			2 0	1 0		0 0 0"
	"1 registers			2003 0	1001 7		0 0 0"
	"2 load-and-store		4003 0	1001 7		2000 0 1"
	"3 blocked-loads		4003 0	1001 7		2000 1000 0"
	"4 forwarded-loads		4003 0	1001 7		2000 0 0"
	"5 split-loads			7 0	1 0		5 1 0"
	# 2 x (call, mov, jmp, 256 x 4, ret); of the second loop, the counter after
	# 4 taken is trained.  The returns find their stack line evicted.
	"6 stride-16k			2058 0	519 12		516 0 514"
	# 2 x (call, mov, 64 x 4, ret)
	"7 stride-4k			520 0	133 12		132 0 64"
	"8 loads-across-lines		6 0	1 0		4 0 3"
	"9 indirect-same		3004 0	2001 8		0 0 0"
	"10 indirect-alternating	5005 0	3001 1007	2000 0 0"
	# 20 x (call, dec, jz, ret); the last jz, and four of the returns
	"11 deep-calls			83 0	61 5		40 0 0"
	# Taken after 0000, 0010, and twice after 1010
	"12 alternating			4503 0	2001 11	0 0 0"
	# One when it begins, and 100 iterations
	"13 string			105 0	1 0		100 0 0"
	"14 read-modify-write		3003 0	1001 7		2000 0 1"
	"15 atomic			3003 0	1001 7		2000 0 1"
	# Source in two lines
	"16 string-move			106 0	1 0		200 0 2"
	"17 string-compare		58 0	1 0		100 0 2"
	# nop, xor, div; addl, iret; nop, nop, jmp, of which the last three
	# were counted with the division's block.  The handler adds to the
	# stack, pops three words and reads a descriptor; the CPU's own
	# accesses to deliver the fault are none of an instruction.
	"18 fault			8 3	3 0		7 0 2"
)

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

# The log's rows: insns, accesses, then cycles, uops, branches, mispredicted,
# memory, replays, misses.
row()
{
	sed -n "s/^phase $1 insns \([0-9]*\) accesses \([0-9]*\) counters/\1 \2/p" "$log"
}

# check_phase NR NAME INSNS EXTRA BRANCHES MISPREDICTED ACCESSES REPLAYS MISSES
check_phase()
{
	local from to got want counted names i ret=0
	local cycles=$(($3 + $4 + 20 * $6 + 18 * $9 + 8 * $8))

	read -ra from <<< "$(row "$1")"
	read -ra to <<< "$(row $(($1 + 1)))"
	if [ ${#from[@]} -ne 9 ] || [ ${#to[@]} -ne 9 ]; then
		echo "# phase $1: no report"
		return 1
	fi
	names=(insns accesses cycles uops branches mispredicted memory replays
	       misses)
	want=("$3" "$7" "$cycles" $(($3 + $4 + $7)) "$5" "$6" "$7" "$8" "$9")
	for i in "${!names[@]}"; do
		got=$((to[i] - from[i]))
		if [ $got -ne "${want[i]}" ]; then
			echo "# phase $1 ${names[i]}: $got, expected ${want[i]}"
			ret=1
		fi
	done
	# uops are instructions and accesses; so the two ways are compared.
	counted=$(((to[3] - from[3]) - (to[6] - from[6])))
	if [ $((counted - (to[0] - from[0]))) -ne "$4" ]; then
		echo "# phase $1: $counted instructions in blocks"
		ret=1
	fi
	return $ret
}

# check_run NAME
check_run()
{
	local phase args

	[ $status -eq 1 ]
	result $? "$1: guest ran to its end"
	for phase in "${expected[@]}"; do
		read -ra args <<< "$phase"
		check_phase "${args[@]}"
		result $? "$1: phase ${args[0]} ${args[1]}"
	done
	# All of the firmware, too.
	awk '$1 == "phase" && $6 != $12 { bad = 1 }
	     END { exit bad || !NR }' "$log"
	result $? "$1: accesses agree in all that was executed"
}

echo "1..$((2 * (${#expected[@]} + 2) + 1))"
run
check_run "one virtual CPU"
! check_phase 1 registers 2003 0 1001 8 0 0 0 > /dev/null
result $? "one misprediction off is noticed"
# QEMU executes atomic instructions in other ways where there may be several.
run -smp 1,maxcpus=2
check_run "room for two"

exit $failed
