#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Figures 5.3 to 5.5 of Lang, Energy Accounting for Virtual Machines (Karlsruhe
# 2006), from what the host's demo recorded, as CSV, PNG and SVG, and how much is of
# what.
#
#	host_figures.sh RESULTS
set -euo pipefail
cd "$1"

# power COLUMN...: mean power between two samples, in watts.  A column is
# NAME=REGEXP, of what is written "vm device cost"; all that matches is added up.
power() {
	awk -F, -v columns="$*" '
	function put(  i) {
		if (samples++) {
			printf "%.3f", time
			for (i = 1; i <= n; i++)
				printf ",%.4f", (now[i] - old[i]) / (time - before) / 1e9
			print ""
		}
		for (i = 1; i <= n; i++) {
			old[i] = now[i]
			now[i] = 0
		}
		before = time
	}
	BEGIN {
		n = split(columns, column, " ")
		printf "seconds"
		for (i = 1; i <= n; i++) {
			split(column[i], part, "=")
			printf ",%s_w", part[1]
			gsub("/", " ", part[2])
			what[i] = "^" part[2] "$"
		}
		print ""
	}
	NR == 1 { next }
	NR > 2 && $1 != time { put() }
	{
		time = $1
		for (i = 1; i <= n; i++) {
			if ($2 " " $4 " base" ~ what[i]) now[i] += $7
			if ($2 " " $4 " access" ~ what[i]) now[i] += $8
		}
	}
	END { put() }' demo_host.csv
}

columns=()
for device in disk=disk 'cpu=(cpu|disk-cpu)'; do
	for cost in base access; do
		for vm in vm1 vm2; do
			columns+=("${vm}_${device%%=*}_$cost=$vm/${device#*=}/$cost")
		done
	done
done
power "${columns[@]}" >figure_5_3.csv
power disk=.*/disk/access direct_cpu=.*/cpu/access overhead=.*/disk-cpu/access >figure_5_4.csv
columns=()
for vm in vm1 vm2; do
	columns+=("${vm}_disk=$vm/disk/access" "${vm}_direct_cpu=$vm/cpu/access"
		"${vm}_overhead=$vm/disk-cpu/access")
done
power "${columns[@]}" >figure_5_5.csv

# From the first to the last sample.
awk -F, '
	NR == 2 { first = $1 }
	NR > 1 {
		base[$4] += ($1 == first ? -1 : 0) * $7
		access[$4] += ($1 == first ? -1 : 0) * $8
		if ($1 != time) {
			for (d in b) delete b[d]
			for (d in a) delete a[d]
		}
		time = $1
		b[$4] += $7
		a[$4] += $8
	}
	function row(name, nj) {
		printf "%s,%.3f,%.2f,%s\n", name, nj / 1e9, 100 * nj / all,
			name ~ /_base$/ ? "" : sprintf("%.2f", 100 * nj / costs)
	}
	END {
		for (d in b) { base[d] += b[d]; access[d] += a[d] }
		costs = access["disk"] + access["cpu"] + access["disk-cpu"]
		all = base["disk"] + base["cpu"] + costs
		print "of,joules,percent_of_all,percent_of_access"
		row("disk_base", base["disk"])
		row("disk_access", access["disk"])
		row("cpu_base", base["cpu"])
		row("direct_cpu_access", access["cpu"])
		row("processing_overhead_access", access["disk-cpu"])
	}' demo_host.csv >demo_host_shares.csv

for format in png svg; do
	terminal=$format
	[ $format = svg ] || terminal=pngcairo
	gnuplot <<PLOT
set terminal $terminal size 900,700
set datafile separator ","
set style fill solid 0.7
set grid ytics
set yrange [0:*]
set xlabel "time [s]"
set ylabel "power [W]"
set key outside right top Left reverse samplen 2
set lmargin 9
set autoscale xfix
# Each on top of those before: the columns from the first to the nth.
upto(first, n) = sum [i = first:n] column(i)

set output "figure_5_3.$format"
set multiplot layout 2,1 title "Energy consumption of two simultaneous Postmark runs"
set title "disk"
plot "figure_5_3.csv" using 1:(upto(2, 5)) skip 1 with filledcurves y1=0 title "vm2 access", \
     "" using 1:(upto(2, 4)) skip 1 with filledcurves y1=0 title "vm1 access", \
     "" using 1:(upto(2, 3)) skip 1 with filledcurves y1=0 title "vm2 base", \
     "" using 1:(upto(2, 2)) skip 1 with filledcurves y1=0 title "vm1 base"
set title "CPU"
plot "figure_5_3.csv" using 1:(upto(6, 9)) skip 1 with filledcurves y1=0 title "vm2 access", \
     "" using 1:(upto(6, 8)) skip 1 with filledcurves y1=0 title "vm1 access", \
     "" using 1:(upto(6, 7)) skip 1 with filledcurves y1=0 title "vm2 base", \
     "" using 1:(upto(6, 6)) skip 1 with filledcurves y1=0 title "vm1 base"
unset multiplot

set terminal $terminal size 900,450
set output "figure_5_4.$format"
set title "Access cost of two simultaneous Postmark runs"
plot "figure_5_4.csv" using 1:(upto(2, 4)) skip 1 with filledcurves y1=0 title "processing overhead", \
     "" using 1:(upto(2, 3)) skip 1 with filledcurves y1=0 title "direct CPU cost", \
     "" using 1:(upto(2, 2)) skip 1 with filledcurves y1=0 title "disk cost"

set terminal $terminal size 900,700
set output "figure_5_5.$format"
stats "figure_5_5.csv" using (upto(2, 4) > upto(5, 7) ? upto(2, 4) : upto(5, 7)) skip 1 nooutput
set yrange [0:STATS_max * 1.05]
set multiplot layout 2,1 title "Access cost of each virtual machine"
set title "vm1"
plot "figure_5_5.csv" using 1:(upto(2, 4)) skip 1 with filledcurves y1=0 title "processing overhead", \
     "" using 1:(upto(2, 3)) skip 1 with filledcurves y1=0 title "direct CPU cost", \
     "" using 1:(upto(2, 2)) skip 1 with filledcurves y1=0 title "disk cost"
set title "vm2"
plot "figure_5_5.csv" using 1:(upto(5, 7)) skip 1 with filledcurves y1=0 title "processing overhead", \
     "" using 1:(upto(5, 6)) skip 1 with filledcurves y1=0 title "direct CPU cost", \
     "" using 1:(upto(5, 5)) skip 1 with filledcurves y1=0 title "disk cost"
unset multiplot
PLOT
done

column -s , -t demo_host_shares.csv
awk -F, '$1 ~ /^processing/ {
	printf "processing overhead in the back end: %s %% of access cost, %s %% of all energy\n", $4, $3 }' \
	demo_host_shares.csv
