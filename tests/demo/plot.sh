#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Draw figures 5.6 and 5.7 of Lang, Energy Accounting for Virtual Machines
# (Karlsruhe 2006), from what the demo recorded, as PNG and SVG.
#
#	plot.sh RESULTS
set -euo pipefail
cd "$1"

# From sums over time to mean power between two samples, in watts:
# differentiate FILE KEY-COLUMN KEY, then the columns of two energies.
power() {
	awk -F, -v key="$2" -v k="$3" -v a="$4" -v b="$5" '
		NR > 1 && $k == key {
			if (seen && $1 > t)
				print $1, ($a - x) / ($1 - t) / 1e6, ($b - y) / ($1 - t) / 1e6
			seen = 1; t = $1; x = $a; y = $b
		}' "$1"
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
power demo_vms.csv vm1 2 4 3 >"$tmp/vm1"
power demo_containers.csv factor1 2 3 4 >"$tmp/factor1"
power demo_containers.csv factor2 2 3 4 >"$tmp/factor2"

for format in png svg; do
	terminal=$format
	[ $format = svg ] || terminal=pngcairo
	gnuplot <<PLOT
set terminal $terminal size 800,480
set style fill solid 0.6
set grid ytics
set yrange [0:*]
set xlabel "time [s]"
set ylabel "power [W]"
set key top left

set output "figure_5_6.$format"
set title "Total CPU power of a virtual machine running two factor programs,\nas the host's CPU accountant sees it"
plot "$tmp/vm1" using 1:(\$2 + \$3) with filledcurves x1 title "access cost", \
     "" using 1:3 with filledcurves x1 title "base cost"

set output "figure_5_7.$format"
set title "Access power of each program, as the guest's resource containers see it"
plot "$tmp/factor1" using 1:2 with linespoints title "factor1", \
     "$tmp/factor2" using 1:2 with linespoints title "factor2"
PLOT
done
