#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# lat_ctx in a guest, with or without resource containers.
#
#	switch CONFIG:SIZE[+SIZE...]:PROCESSES[+PROCESSES...]
#
# CONFIG is one of
#	none	no container
#	same	all its processes in one container
#	each	each process in a container of its own
# What lat_ctx prints goes to the console, with "lat_ctx: " before each line.
set -eu
config=${1%%:*} rest=${1#*:}
sizes=$(echo "${rest%%:*}" | tr + ' ')
processes=$(echo "${rest#*:}" | tr + ' ')
top=/sys/fs/rcontainer/lat_ctx

# An environment of the same size for all.
parent=BINDFORK
case $config in
none) parent=NOTHING_ ;;
same) parent=NOTHING_; mkdir $top; echo 0 >$top/tasks ;;
each) mkdir $top ;;
esac

for size in $sizes; do
	for nr in $processes; do
		env "$parent=$top" ENOUGH="${ENOUGH:-10000}" LD_PRELOAD=/tests/bindfork.so \
			lat_ctx -N 3 -s "$size" "$nr" 2>/tmp/out
		sed 's/^/lat_ctx: /' /tmp/out
		if [ "$config" = each ]; then
			made=0
			for c in "$top"/*/; do
				rmdir "$c"
				made=$((made + 1))
			done
			# The ring, and the one that measures the others.
			[ "$made" = $((nr + 1)) ] || exit 1
			echo "containers: $nr $made"
		fi
	done
done
