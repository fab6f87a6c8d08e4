#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where the instructions of accounting go: by hook, how often it is called, how
# many instructions that takes, and its part of all that the guest executes.  Of a
# ring of two processes in containers of their own, of requests to a disk as in
# disk.sh, and of Postmark, if postmark.sh has run.
# Writes build/results/hooks.csv.
#
# What a hook has inline, in the functions of the kernel that it is in, is not
# seen by name: a jump that is patched in, and for bios a load and a store.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

begin counts disk
serve 256M
bench_boot disk guest diskcost run=diskcost:on --icount --no-plugin \
	--disk "$work/disk.sock,queues=1" -- -plugin "$(profile "$logs/disk.profile")"
stop_server
bench_boot ring guest counts "run=ring:each:0:2" --icount --no-plugin -- \
	-plugin "$(profile "$logs/ring.profile")"

# HOOK ENTRY FUNCTIONS: what counts as a call, and all that is executed for it.
hooks() {
	cat <<'END'
switch ^__rcontainer_switch$ ^(__rcontainer_switch|pvpage_charge(_slow)?|pmc_page_charge_slow)$
interrupt ^__rcontainer_(hard|soft)irq_(enter|exit)$ ^__rcontainer_(hard|soft)irq_(enter|exit)$
dirtying ^__blk_energy_(folio_(dirtied|migrated)|blocks_dirtied|bh_(dirtied|copied))$ ^(__blk_energy_(folio_(dirtied|migrated)|blocks_dirtied|bh_(dirtied|copied))|set_folio_owner_id.*|set_page_owner_id|page_ext_(get|put))$
bio ^(__blk_energy_(bh_owner|submit_bio)|blk_energy_(flush_of|rq_owner))$ ^(__blk_energy_(bh_owner.*|submit_bio)|blk_energy_(flush_of|rq_owner)|first_owner|segment_owner|page_owner_id)$
completion ^blk_energy_charge$ ^(blk_energy_charge|charge_shares|rcontainer_(charge_costs|charge_share|costs_returned|by_id))$
END
}

# rows PROFILE NAME...: of the parts of a profile, whose functions follow its
# steps.  The names are the parts', in order.
rows() {
	local profile=$1
	shift
	hooks | awk -v names="$*" '
		function flush(    h) {
			for (h = 1; functions && h <= hooks; h++)
				if (calls[h])
					printf "%s,%s,%d,%.2f,%.3f\n", name[part], hook[h], calls[h],
						spent[h] / calls[h], 100 * spent[h] / all
			for (h = 1; h <= hooks; h++)
				calls[h] = spent[h] = 0
			all = functions = 0
		}
		BEGIN { parts = split(names, name, " "); part = 1 }
		NR == FNR { hook[++hooks] = $1; entry[hooks] = $2; of[hooks] = $3; next }
		$1 != "function" && functions { flush(); part++ }
		$1 == "function" {
			functions = 1
			all += $2
			for (h = 1; h <= hooks; h++) {
				if ($3 ~ entry[h])
					calls[h] += $4
				if ($3 ~ of[h])
					spent[h] += $2
			}
		}
		END { flush(); exit part != parts }' - "$profile"
}

{
	echo workload,hook,calls,instructions_per_call,percent
	rows "$logs/ring.profile" ring
	rows "$logs/disk.profile" read:1 read:32 write:1 write:32 dirty:16
	postmark=$BUILD/logs/postmark/profile
	[ ! -s "$postmark" ] || rows "$postmark" postmark
} >"$results/hooks.csv"
column -t -s , "$results/hooks.csv"
verdict hooks "instructions for a switch of containers" "" \
	"$(awk -F , '$1 == "ring" && $2 == "switch" { print $4 }' "$results/hooks.csv")" -
n=$(awk -F , '$1 == "postmark" { n += $5; rows++ } END { if (rows) printf "%.3f\n", n }' "$results/hooks.csv")
[ -z "$n" ] || verdict 5.2 "Postmark: the hooks' functions in all instructions" "<= 0.5 %" "$n %" \
	"$(at_most "$n" 0.5)"
