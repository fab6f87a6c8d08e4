# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # what run.sh has
# The CPU accountant as a subsystem; sourced by run.sh.

# launch NAME: a virtual machine that keeps its CPU busy, without a kernel
launch() {
	"$bin/pvlaunch" --machine "$work/machine" --name "$1" --serial "$work/serial-$1" \
		--nr-pcpus 1 -- -drive "file=$work/spin,format=raw,if=ide,snapshot=on" \
		>>"$work/monitor.log" 2>&1 </dev/null &
	vms[$1]=$!
}

account() {
	cpuacctd --machine "$work/machine" --wait --subsystem pcpu >"$work/table" \
		2>>"$work/monitor.log" &
	accountant=$!
}

# figure VM COLUMN: of the CPU's subsystem, in nanojoules
figure() {
	resmon show --exact --raw -n -o "SUBSYSTEM,VM,$2" |
		awk -v vm="$1" '$1 == "pcpu" && $2 == vm { print $3 }'
}

grows() { # VM FROM: its access cost
	local now
	now=$(figure "$1" ACCESS)
	[ "${now:-0}" -gt "$2" ]
}

comes_anew() { # VM: others of its name are in the sum
	local ended
	ended=$(figure '(ended)' ACCESS)
	[ "${ended:-0}" -gt 0 ] && grows "$1" 0
}

# Of all that are not there any more.
base_of_others() {
	figure '(nobody)' BASE
	figure '(ended)' BASE
	figure two BASE
}

# The accountant's table, in millionths of microjoules, against the region.
same_sums() {
	local region
	region=$(resmon show --exact --raw -n -o SUBSYSTEM,TOTAL |
		awk '$1 == "pcpu" { sum += $2; n += 2 } END { printf "%d %d", sum, n }')
	awk -v sum="${region% *}" -v rests="${region#* }" '
		$1 == "machine" { machine = ($(NF - 1) + $NF) * 1000 }
		END { printf "# machine %.3f nJ, published %d nJ\n", machine, sum
			exit !(machine > 1e6 && machine - sum >= -0.1 && machine - sum < rests) }' \
		"$work/table"
}

check_accountant() {
	local accountant before base others vm
	local -A vms
	# jmp $
	printf '\xeb\xfe' >"$work/spin"
	truncate -s 510 "$work/spin"
	printf '\x55\xaa' >>"$work/spin"
	truncate -s 1M "$work/spin"

	account
	launch one
	check "cpuacctd: figures of a virtual machine" within grows one 0
	launch two
	check "cpuacctd: ... and of another" within grows two 0
	# Its entry goes to the next one of its name, and a restart must know.
	kill -TERM "${vms[two]}"
	wait "${vms[two]}"
	launch two
	check "cpuacctd: ... and of one that comes again" within comes_anew two
	kill -KILL "$accountant"
	{ wait "$accountant"; } 2>/dev/null
	before=$(figure one ACCESS) base=$(figure one BASE) others=$(base_of_others)
	kill -TERM "${vms[two]}"
	wait "${vms[two]}"
	launch three
	account
	check "cpuacctd: goes on after it was killed" within grows one "$before"
	check "cpuacctd: ... with one that came meanwhile" within grows three 0
	# It does not know any more who was there when, but the region does.
	[ "$(figure one BASE)" -ge "$base" ]
	report $? "cpuacctd: base cost does not go back"
	check "cpuacctd: ... and stays with those who were there" \
		test "$(base_of_others)" = "$others"
	before=$(figure one ACCESS)
	kill_monitor KILL
	start_monitor
	check "cpuacctd: goes on with another monitor" within grows one "$before"
	for vm in three one; do
		kill -TERM "${vms[$vm]}"
		wait "${vms[$vm]}"
	done
	kill -TERM "$accountant" 2>/dev/null
	wait "$accountant"
	report $? "cpuacctd: ends in good order"
	check "cpuacctd: published is what the machine consumed" same_sums
}
