#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# How exactly programs of known length are charged to their containers, in all
# the company that they may have; see tests/boot/exact.c.  Writes to
# build/results/:
#
#	exactness.csv		none may be more than half a per cent off
#	exactness_off.csv	the same where other virtual machines are not
#				factored out: must be more than 30 per cent off
#
# The name of a case is NUMBERcpu[-vm]-COMPANY: virtual CPUs, with a second
# virtual machine on the same physical CPUs, and what else goes on in the guest.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib.sh
. tests/lib.sh

results=$BUILD/results
logs=$BUILD/logs
mkdir -p "$results" "$logs"
failed=0

# boot PREFIX GUEST-ARGUMENT...: rows for each result.
boot() {
	local prefix=$1 log=$logs/exactness-$1.log
	[[ $* != *:off* ]] || log=$logs/exactness-$1-off.log
	shift
	if ! timeout 300 tests/boot/guest.sh "$@" >"$log" 2>&1 ||
		grep -q '^ *not ok' "$log"; then
		echo "exactness: $prefix failed, see $log" >&2
		grep -aE '^ *(not ok|#)' "$log" >&2
		return 1
	fi
	# exact: CASE expected N charged N error_percent X ... absences N
	awk -v prefix="$prefix" '
		$1 == "exact:" {
			print prefix "-" $2 "," $4 "," $6 "," $8
			rows++
			# Was there company?  With --no-subtract nobody tells.
			if ($2 != "off" && (prefix ~ /-vm/) != ($NF > 0)) {
				print "exactness: " prefix "-" $2 ": absent " $NF \
					" times" >"/dev/stderr"
				bad = 1
			}
		}
		END { exit bad || !rows }' "$log"
}

one=(--pcpus 0)
two=(--nr-pcpus 2 --pcpus "0,1")
all=exact:alone+container+rebound
{
	echo "case,expected,charged,error_percent"
	boot 1cpu "$all" "${one[@]}" || failed=1
	boot 1cpu-vm --busy "$all" "${one[@]}" || failed=1
	boot 2cpu "$all+hotplug" "${two[@]}" || failed=1
	boot 2cpu-vm --busy "$all+hotplug" "${two[@]}" || failed=1
} >"$results/exactness.csv"
{
	echo "case,expected,charged,error_percent"
	boot 1cpu-vm --busy exact:off "${one[@]}" --no-subtract || failed=1
} >"$results/exactness_off.csv"

for table in exactness exactness_off; do
	echo "$table:"
	column -t -s , "$results/$table.csv"
done
# Once more, of what was written.
awk -F , 'FNR > 1 { n++ }
	NR == FNR { bad += FNR > 1 && ($4 < 0 || $4 > 0.5); next }
	{ bad += FNR > 1 && $4 <= 30 }
	END { exit bad || n != 15 }' "$results"/exactness{,_off}.csv || failed=1
exit $failed
