#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What resource containers cost per context switch, in instructions that the
# guest executes: lmbench's lat_ctx in virtual time, where one instruction takes
# one nanosecond.  See README.md.
#
#	switch.sh
#
# Writes build/results/switch.csv, switch_overhead.csv and figure_5_1.{png,svg}.
# Fails where a run does not repeat, or where the mean overhead is above its limit.
#
# SIZES, PROCESSES: lists of KiB and numbers of processes
# PADDINGS: number of kernel command lines of different length; medians count
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/bench/lib.sh
. tests/bench/lib.sh

sizes=${SIZES:-0 16 64}
processes=${PROCESSES:-2 4 8 16 24 32 64 96}
paddings=${PADDINGS:-3}
# Instructions above baseline.
declare -A limit=([unused]=- [same]=12 [each]=100)

lat_ctx=$(tests/bench/lmbench.sh "$CACHE")
begin all LAT_CTX="$lat_ctx"

# boot NAME KERNEL CONTAINERS SIZES PADDING plugin|-
# shellcheck disable=SC2317 # called by xargs
boot() {
	local name=$1 machine status=0 options=(--icount)

	machine=$(mktemp -d "$work/XXXXXX")
	# Whatever the plugin logs is read and accounted to virtual machines.
	if [ "$6" = plugin ]; then
		account "$logs/$name.accountant"
	else
		options+=(--no-plugin)
	fi
	bench_boot "$name" "$2" switch "pad=$5 run=switch:$3:$4:${processes// /+}" \
		"${options[@]}" || status=$?
	[ "$6" = - ] || stop_accountant || status=$?
	[ "$status" != 0 ] || echo "switch: $name done in $SECONDS s"
	return "$status"
}
export -f boot bench_boot clean_log account stop_accountant
export processes logs work out part

# Longest first.  The two additional ones are compared with each/0.
list() {
	local i pad all=${sizes// /+}
	echo "plugin/0 guest each ${sizes%% *} x plugin"
	echo "repeat/0 guest each $all x -"
	echo "host/0 baseline none $all x plugin"
	for ((i = 0; i < paddings; i++)); do
		pad=$(padding $i)
		echo "each/$i guest each $all $pad -"
		echo "same/$i guest same $all $pad -"
		echo "unused/$i guest none $all $pad -"
		echo "baseline/$i baseline none $all $pad -"
	done
}
mkdir "$logs"/{plugin,repeat,host,each,same,unused,baseline}
# One on each CPU, unless run.sh has given us one.
pool=(-P "$(nproc)" --process-slot-var=BENCH_CPU)
[ -z "${BENCH_CPU:-}" ] || pool=(-P 1)
# shellcheck disable=SC2016 # expanded by the inner shell
list | xargs "${pool[@]}" -L 1 bash -c 'boot "$@"' boot

# points FILE: SIZE,PROCESSES,INSTRUCTIONS
points() {
	sed -nE 's/^lat_ctx: //p' "$1" | awk -F '[= k]' '
		/^"size=/ { size = $2; next }
		NF == 2 { printf "%d,%d,%.0f\n", size, $1, $2 * 1000 }'
}

want=$(($(wc -w <<<"$sizes") * $(wc -w <<<"$processes")))
for log in "$logs"/*/[0-9]; do
	points "$log" >"$log.csv"
	[ "${log%/plugin/0}" != "$log" ] || [ "$(wc -l <"$log.csv")" = $want ] || {
		echo "switch: $log is incomplete" >&2
		exit 1
	}
done

failed=0
cmp "$logs/each/0.csv" "$logs/repeat/0.csv" || {
	echo "switch: two runs of the same guest differ" >&2
	failed=1
}
# The counters' values must not matter to what reading them costs.  One more
# or less in the last digit that lat_ctx prints is chance.
if ! awk -F , 'NR == FNR { v[$1, $2] = $3; next }
	!(($1, $2) in v) || (d = $3 - v[$1, $2]) > 10 || d < -10 {
		print "switch: with the plugin: " $0 ", without: " v[$1, $2]
		bad = 1
	}
	END { exit bad }' "$logs/each/0.csv" "$logs/plugin/0.csv"; then
	failed=1
fi

# Medians over the paddings, in the order of the configurations.
{
	echo config,size_kib,processes,instructions
	for config in baseline host unused same each; do
		awk -F , -v config=$config '
			{
				if (!n[$1, $2]++)
					order[++points] = $1 SUBSEP $2
				v[$1, $2, n[$1, $2]] = $3
			}
			function median(p,    i, j, a, t) {
				for (i = 1; i <= n[p]; i++) {
					t = v[p, i]
					for (j = i - 1; j > 0 && a[j] > t; j--)
						a[j + 1] = a[j]
					a[j + 1] = t
				}
				i = int((n[p] + 1) / 2)
				return n[p] % 2 ? a[i] : (a[i] + a[i + 1]) / 2
			}
			END {
				for (i = 1; i <= points; i++) {
					split(order[i], p, SUBSEP)
					printf "%s,%d,%d,%d\n", config, p[1], p[2],
						median(order[i])
				}
			}' "$logs/$config"/[0-9]*.csv
	done
} >"$BUILD/results/switch.csv"

awk -F , 'NR == 1 { print "config,size_kib,processes,overhead"; next }
	$1 == "baseline" { base[$2, $3] = $4; next }
	{ printf "%s,%d,%d,%d\n", $1, $2, $3, $4 - base[$2, $3] }' \
	"$BUILD/results/switch.csv" >"$BUILD/results/switch_overhead.csv"

printf '\nInstructions per switch above baseline, over all sizes and numbers:\n'
printf '%-8s %8s %8s %8s %8s %8s\n' config median mean least most limit
for config in unused same each; do
	sed -n "s/^$config,[0-9]*,[0-9]*,//p" "$BUILD/results/switch_overhead.csv" | sort -n |
		awk -v config=$config -v limit="${limit[$config]}" '
			{ a[NR] = $1; sum += $1 }
			END {
				median = (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2
				printf "%-8s %8g %8.1f %8d %8d %8s\n", config, median, sum / NR,
					a[1], a[NR], limit
				exit limit != "-" && sum / NR > limit
			}' || failed=1
done
# The four configurations of figure 5.1; see README.md.
plot figure_5_1 1100,450 <<PLOT
set xlabel "processes"
set ylabel "instructions"
set yrange [0:*]
set key bottom right
set xtics 0,32
of(name, kib) = sprintf("< awk -F, '\$1 == \"%s\" && \$2 == %s' $results/switch.csv", name, kib)
set multiplot layout 1,$(wc -w <<<"$sizes") title "Context switches, lat_ctx"
do for [kib in "$sizes"] {
	set title kib." KiB"
	plot of("baseline", kib) using 3:4 with linespoints title "none", \
	     of("host", kib) using 3:4 with linespoints title "+ host CPU", \
	     of("same", kib) using 3:4 with linespoints title "+ guest CPU", \
	     of("each", kib) using 3:4 with linespoints title "+ containers"
}
unset multiplot
PLOT

for size in $sizes; do
	percent=5
	[ "$size" != 64 ] || percent=2
	n=$(awk -F , -v s="$size" '$2 == s && $3 == 2 { v[$1] = $4 }
		END { if (v["baseline"]) printf "%.1f\n", 100 * (v["each"] / v["baseline"] - 1) }' \
		"$results/switch.csv")
	[ -n "$n" ] || continue
	verdict 5.1 "lat_ctx with containers; $size KiB 2 processes; instructions" "<= $percent %" \
		"$n %" "$(at_most "$n" $percent)"
done
echo "in build/results/switch.csv and switch_overhead.csv, after $SECONDS s"
exit $failed
