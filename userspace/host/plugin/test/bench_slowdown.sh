#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How much the plugin slows TCG down: the same bare-metal load (load.c) without
# and with it, in turn.  CPU time of QEMU, user and system, less that of a run
# that ends at once, so that neither firmware nor other users of the host
# count.  One row for each run; the ratio is to the median without the plugin.
#
# usage: bench_slowdown.sh OUT CSV [RUNS]

set -eu
out=${1:?usage: bench_slowdown.sh OUT CSV [RUNS]}
csv=${2:?usage: bench_slowdown.sh OUT CSV [RUNS]}
runs=${3:-7}
here=$(dirname "$0")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$out/machine_util" create "$dir" 1
"$out/machine_util" page "$dir/page" bench 1 "$here/../../models/pentium4.model"
plugin="-plugin $out/pvplugin.so,machine=$dir,page=$dir/page,name=bench,pcpus=0"

# seconds GUEST [ARGUMENTS...]
seconds()
{
	local guest=$1 TIMEFORMAT="%U %S"

	shift
	{ time timeout 300 qemu-system-x86_64 -accel tcg -smp 1 -m 64 \
		-nodefaults -nographic \
		-device isa-debug-exit,iobase=0xf4,iosize=1 \
		-kernel "$out/guest/$guest" "$@" < /dev/null || true; } 2>&1 |
		awk 'NF == 2 { print $1 + $2 }'
}

median()
{
	sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

for ((run = 1; run <= runs; run++)); do
	# Unquoted: several words.
	echo "plain $run $(seconds load) $(seconds null)"
	echo "plugin $run $(seconds load $plugin) $(seconds null $plugin)"
done > "$dir/runs"

base=$(awk '$1 == "plain" { print $3 - $4 }' "$dir/runs" | median)
mkdir -p "$(dirname "$csv")"
awk -v base="$base" 'BEGIN { print "config,run,seconds,ratio" }
	{ printf "%s,%d,%.3f,%.3f\n", $1, $2, $3 - $4, ($3 - $4) / base }' \
	"$dir/runs" > "$csv"
for config in plain plugin; do
	echo "$config: median ratio" \
		"$(awk -F, -v c=$config '$1 == c { print $4 }' "$csv" | median)"
done
