#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The host's demo in short, as TAP: what its figures are drawn from has both
# virtual machines, base and access cost apart, and all of the energy.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/lib.sh

export DELAY=4 TRANSACTIONS=150 FILES=40
RESULTS=$(mktemp -d /dev/shm/rcontainer-results.XXXXXX)
export RESULTS
demo=
trap '[ -z "$demo" ] || kill -TERM "$demo" 2>/dev/null; wait; rm -rf "$RESULTS"' EXIT
trap 'exit 1' TERM INT HUP

explain() {
	tail -n 40 "$RESULTS/log"
}

# over FILE AWK-PROGRAM: of its lines, less the header, by the header's names.
over() {
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) f[$i] = i; next }'"$2" "$RESULTS/$1"
}

tests/demo/host.sh >"$RESULTS/log" 2>&1 &
demo=$!
wait $demo
check "the demo ends with success" test $? = 0
demo=
for figure in 3 4 5; do
	for format in csv png svg; do
		check "figure_5_$figure.$format" test -s "$RESULTS/figure_5_$figure.$format"
	done
done
# shellcheck disable=SC2016 # awk's
{
	check "conservation: five sums, without difference" over demo_host_conservation.csv '
		{ n++; bad += $f["difference_pj"] != 0 || $f["whole_pj"] <= 0 }
		END { exit n != 5 || bad }'
	check "both virtual machines, on each device" over demo_host.csv '
		{ access[$f["vm"] " " $f["device"]] = $f["access_nj"] }
		END {
			for (vm = 1; vm <= 2; vm++)
				exit_ += !(access["vm" vm " cpu"] > 0 && access["vm" vm " disk"] > 0 &&
					access["vm" vm " disk-cpu"] > 0)
			exit exit_ }'
	check "base and access cost apart: the back end has no base cost on the CPU" \
		over demo_host.csv '
		$f["device"] == "disk-cpu" { n++; bad += $f["base_nj"] != 0 }
		$f["device"] != "disk-cpu" && $f["vm"] ~ /^vm/ { bad += $f["base_nj"] == 0 }
		END { exit !n || bad }'
	# The last two samples that have both are left out: one of them left meanwhile, and
	# a device may notice it in one sample, the other in the next.
	check "while both are there, each pays half of the base cost" over figure_5_3.csv '
		$f["vm1_cpu_base_w"] > 0 && $f["vm2_cpu_base_w"] > 0 {
			one_w[++seen] = $f["vm1_cpu_base_w"]
			two_w[seen] = $f["vm2_cpu_base_w"]
			disk_w[seen] = $f["vm1_disk_base_w"] + $f["vm2_disk_base_w"]
		}
		END {
			for (n = 0; n < seen - 2; ) {
				n++
				one += one_w[n]
				two += two_w[n]
				disk += disk_w[n]
			}
			if (n < 3)
				exit 1
			printf "# %d samples, CPU %.3f and %.3f W, disk %.3f W\n", n, one / n, two / n, disk / n
			exit !(one / two > 0.98 && one / two < 1.02 && disk / n > 9.7 && disk / n < 10.7) }'
	check "the second begins $DELAY seconds later, or more on a busy machine" over figure_5_5.csv '
		!one && $f["vm1_direct_cpu_w"] > 0.05 { one = $1 }
		!two && $f["vm2_direct_cpu_w"] > 0.05 { two = $1 }
		END { printf "# at %.1f s and %.1f s\n", one, two
			exit !(one && two - one >= '$DELAY' - 1.5) }'
	check "the disk's power is base cost" over demo_host_shares.csv '
		{ joules[$1] = $2 }
		END { exit !(joules["disk_base"] > 3 * joules["disk_access"]) }'
	check "at work, the CPU's is access cost" over figure_5_3.csv '
		{ access = $f["vm1_cpu_access_w"] + $f["vm2_cpu_access_w"] }
		access > most { most = access; base = $f["vm1_cpu_base_w"] + $f["vm2_cpu_base_w"] }
		END { printf "# %.3f W of access, %.3f W of base cost\n", most, base; exit !(most > base) }'
}
grep '^processing overhead in' "$RESULTS/log" | sed 's/^/# /'
