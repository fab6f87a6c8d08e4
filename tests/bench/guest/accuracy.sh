#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs of different character in all the company that this guest has.
#
#	accuracy AMOUNT:COMPANY[:COMPANY...]
#	accuracy company	be company, until the virtual machine is ended
set -eu
if [ "$1" = company ]; then
	load mixed 0 &
	echo "company: running"
	wait
fi
amount=${1%%:*} rest=${1#*:}
# Their first run has pages to read and tables to fill.
load mixed 12
for company in $(echo "$rest" | tr : ' '); do
	echo "company: $company"
	accuracy "$company" "$amount"
	rctl check >/dev/null
	# What was killed is gone when its container is empty.
	for c in company noise; do
		until rmdir /sys/fs/rcontainer/$c 2>/dev/null; do
			sleep 0.1
		done
	done
done
