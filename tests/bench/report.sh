#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One page of all that was measured, as Markdown.
#
#	report.sh PART...	as run.sh names them
#
# Shows what is in build/results/ of those that run.sh has run; of the others, it
# says that they were not.  Leaves out what figures are drawn from over time, and
# each run and boot of the disk.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh
runs=$results/runs

# table CSV: as Markdown; long ones are left out in the middle.
table() {
	[ -s "$results/$1.csv" ] || { printf '\n%s.csv: not there\n' "$1"; return; }
	printf '\n%s.csv:\n\n' "$1"
	awk -F , -v max=40 '
		NR == 1 {
			gsub(/_/, " ")
			line = "|"
			for (i = 1; i <= NF; i++)
				line = line " --- |"
		}
		{ gsub(/,/, " | "); row[NR] = "| " $0 " |" }
		END {
			print row[1]
			print line
			for (i = 2; i <= NR; i++) {
				if (NR <= max || i <= max / 2 || i > NR - max / 4)
					print row[i]
				else if (i == max / 2 + 1)
					print "| ... |"
			}
		}' "$results/$1.csv"
}

# show PART TITLE TABLES FIGURES
show() {
	local part=$1 status seconds when name

	printf '\n## %s\n\n' "$2"
	if [ ! -s "$runs/$part" ]; then
		# shellcheck disable=SC2016 # Markdown
		printf '*Not run.* `tests/bench/run.sh %s`\n' "$part"
		return
	fi
	read -r status seconds when <"$runs/$part"
	# shellcheck disable=SC2016 # Markdown
	printf '`tests/bench/run.sh %s`: %s, %d s, ended %s.\n' "$part" \
		"$([ "$status" = 0 ] && echo succeeded || echo FAILED)" "$seconds" "$when"
	for name in $3; do
		table "$name"
	done
	for name in $4; do
		[ ! -s "$results/$name.png" ] || printf '\n![%s](%s.png)\n' "$name" "$name"
	done
}

# Of scripts that fail where a limit is not kept, and leave only tables:
# kept PART: FIGURE,WHAT,TARGET,MEASURED,VERDICT of the worst
kept() {
	case $1 in
	disk)
		worst disk_cost_overhead 7 "accounting of disks in a request; worst case" 2 %
		worst disk_speed_ratio 7 "virtio_blk's speed against pvblk's; worst case" 1 "" inverse
		;;
	exactness) worst exactness 4 "programs of known length; worst error" 0.5 % ;;
	accountant) worst cpuacctd_load 6 "CPU time of cpuacctd at 100000 switches a second; most" 5 % ;;
	conservation) worst conservation_storm 5 "sums of parts against the whole; difference" 0 "" ;;
	esac
}

# worst CSV COLUMN WHAT LIMIT UNIT [inverse]
worst() {
	[ -s "$results/$1.csv" ] || return 0
	awk -F , -v c="$2" -v what="$3" -v limit="$4" -v unit="${5:+ $5}" -v inverse="${6:-}" '
		NR > 1 && $c != "" {
			v = inverse ? 1 / $c : $c < 0 ? -$c : $c + 0
			if (worst == "" || v > worst)
				worst = v
		}
		END {
			printf ",%s,<= %s%s,%.4g%s,%s\n", what, limit, unit, worst, unit,
				worst != "" && worst <= limit ? "met" : "missed"
		}' "$results/$1.csv"
}

verdicts() {
	local part

	echo '| figure | what | target | measured | verdict |'
	echo '| --- | --- | --- | --- | --- |'
	for part; do
		if [ ! -s "$runs/$part" ]; then
			echo "| | $part | | | not run |"
			continue
		fi
		{
			cat "$results/verdicts/$part.csv" 2>/dev/null || true
			kept "$part"
		} | sed 's/,/ | /g; s/^/| /; s/$/ |/; s/| - |$/| |/'
	done
}

cat <<END
# Measurements

Commit $(git describe --always --dirty 2>/dev/null || echo unknown), $(date -u +%FT%TZ).

| | |
| --- | --- |
| host | $(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1), $(nproc) CPUs, Linux $(uname -r), load $(cut -d ' ' -f 1 /proc/loadavg) |
| guest kernel | Debian's linux-source-6.12 $(cat "$CACHE/version" 2>/dev/null || echo unknown), $(sed -n 's/^CONFIG_CC_VERSION_TEXT="\(.*\)"/\1/p' "$CACHE/obj/guest/.config" 2>/dev/null) |
| QEMU | $(qemu-system-x86_64 --version | head -n 1) |
| C library of the guest's programs | libc6 $(dpkg-query -W -f '${Version}' libc6 2>/dev/null || echo unknown) |

Everything is repeated by \`make bench\`. Guests are emulated; instructions, cycles and
cache misses are those of the emulated processor, and depend on the compiler that has
built the kernel, not on the host. How each figure is measured, and which tables are not
shown here: tests/bench/README.md. Figures have the numbers of C. Lang, Energy Accounting
for Virtual Machines (Karlsruhe 2006).

## Targets

$(verdicts "$@")
END

show switch "Figure 5.1: context switches, lat_ctx" \
	"switch switch_overhead" figure_5_1
show ring "Figure 5.1 in cycles, with caches" "ring ring_overhead" ""
show native "A switch on the host's processor" native ""
show postmark "Figure 5.2: Postmark" "postmark_overhead postmark" figure_5_2
show demos "Figures 5.3 to 5.7" "demo_host_shares demo_host_conservation conservation" \
	"figure_5_3 figure_5_4 figure_5_5 figure_5_6 figure_5_7"
show accuracy "Accuracy" accuracy ""
show exactness "Programs of known length" "exactness exactness_off" ""
show conservation "Conservation" conservation_storm ""
show scale "Scale" "scale scale_read" ""
show accountant "Scale: the CPU accountant" cpuacctd_load ""
show backend "Scale: the disks' back end" backend ""
show hooks "Where the instructions go" hooks ""
show disk "The paravirtual disk" "disk_cost_overhead disk_speed_ratio disk_idle" ""
show slowdown "What the plugin costs the emulator" slowdown ""
show counts "Does each QEMU count the same" "" ""
