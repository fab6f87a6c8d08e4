# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# In a host under test; to be sourced.

# eventually SECONDS COMMAND...: it succeeds by then.
eventually() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

# returned VM DEVICE: picojoules that pvblkd has returned.
returned() {
	pvblkd --show "/var/lib/rcontainer/$1.state" | sed -n "s/^returned.$2.access_pj //p"
}
