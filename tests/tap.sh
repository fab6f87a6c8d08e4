# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A TAP line for each check; to be sourced.

# What there is to say of a failure; scripts have their own.
explain() {
	:
}

# check NAME COMMAND...
check() {
	local name=$1
	shift
	if "$@"; then
		echo "ok - $name"
	else
		echo "not ok - $name"
		explain 2>&1 | sed 's/^/# /'
	fi
}
