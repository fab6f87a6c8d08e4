#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Is a program charged the same in company as alone?  Programs of different
# character (load.c) run alone, beside another container, beside another virtual
# machine on the same physical CPU, beside both, and with a disk that is read
# meanwhile.  Beside it what dividing the processor's energy by time would have
# said of the same runs; see README.md.  Writes build/results/accuracy.csv.
#
# AMOUNT: millions of instructions of each program
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

amount=${AMOUNT:-60}
# Per cent.
limit=1

begin counts

serve 64M
disk=(--disk "$work/disk.sock,queues=1")
# Each guest has a virtual time, in which a time slice is as many instructions as on
# a processor that is not emulated.  Turns are of the host's time.
one=(--pcpus 0 --nr-pcpus 1 --icount --slice-us 100000)
machine=$work/alone
bench_boot alone guest counts "run=accuracy:$amount:alone:again:container:container+disk" \
	"${one[@]}" "${disk[@]}"
echo "accuracy: one virtual machine done in $SECONDS s"
# Another one on the same physical CPU, of which there is company all the time.
machine=$work/shared
(exec "$BUILD/user/pvlaunch" --machine "$machine" --name company "${one[@]}" \
	--serial "$logs/company" --kernel "$out/guest" --initrd "$out/counts.gz" \
	--append "console=ttyS0 quiet panic=-1 rdinit=/init run=accuracy:company" \
	</dev/null >"$logs/company.qemu" 2>&1) &
others=($!)
for _ in $(seq 600); do
	! grep -qs '^company: running' "$logs/company" || break
	kill -0 "${others[@]}"
	sleep 0.1
done
bench_boot vm guest counts "run=accuracy:$amount:vm:vm+container:vm+container+disk" \
	"${one[@]}" "${disk[@]}"
kill "${others[@]}"
wait "${others[@]}" || true
others=()

# Energy against the run alone.  The part of the difference that is of events
# which the architecture defines is the accounting's; the rest is of cache misses
# and mispredicted branches, of which there truly are more in company.
cat "$logs"/{alone,vm} | awk '
	$1 == "company:" { company = $2; next }
	$1 != "accuracy:" { next }
	{
		program = $2
		uj = $3
		if (company == "alone") {
			solo[program] = uj
			instructions[program] = $4
			misses[program] = $12
			replays[program] = $13
			mispredicted[program] = $14
			print_header()
			next
		}
		# What the whole machine consumed, by who had the CPU for how long.
		by_time = $6 / 1e6 * $7 / $8 * $10 / ($10 + $11)
		by_cycles = $6 / 1e6 * $5 / $9
		printf "%s,%s,%d,%.3f,%.3f,%d,%d,%d,%.1f,%.1f\n", program, company, uj,
			100 * (uj - solo[program]) / solo[program],
			100 * ($4 - instructions[program]) / instructions[program],
			$12 - misses[program], $13 - replays[program], $14 - mispredicted[program],
			100 * (by_cycles - solo[program]) / solo[program],
			100 * (by_time - solo[program]) / solo[program]
	}
	function print_header() {
		if (!header++)
			print "program,company,energy_uj,error_percent,instructions_error_percent," \
				"more_misses,more_replays,more_mispredicted," \
				"by_cycles_error_percent,by_cpu_time_error_percent"
	}' >"$results/accuracy.csv"
column -t -s , "$results/accuracy.csv"

# worst COLUMN: in either direction
worst() {
	awk -F , -v c="$1" 'NR > 1 && $c * $c >= w * w { w = $c; of = $1 " with " $2 }
		END { print w, of }' "$results/accuracy.csv"
}
read -r n of <<<"$(worst 4)"
verdict accuracy "worst error of energy ($of)" "<= $limit %" "$n %" "$(at_most "${n#-}" $limit)"
read -r n of <<<"$(worst 5)"
verdict accuracy "worst error of instructions ($of)" "<= $limit %" "$n %" "$(at_most "${n#-}" $limit)"
read -r n of <<<"$(worst 9)"
verdict accuracy "by exact cycles instead ($of)" "" "$n %" -
read -r n of <<<"$(worst 10)"
verdict accuracy "by CPU time instead ($of)" "" "$n %" -
