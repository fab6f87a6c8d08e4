#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Rings of processes of all sizes and lengths.
#
#	ring CONFIG:KIB[+KIB...]:PROCESSES[+PROCESSES...]
set -eu
config=${1%%:*} rest=${1#*:}
for kib in $(echo "${rest%%:*}" | tr + ' '); do
	for nr in $(echo "${rest#*:}" | tr + ' '); do
		rounds=$((2000 / nr + 4))
		ring "$config" "$kib" "$nr" "$rounds"
	done
done
