# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# A host under test, in an emulator of its own; to be sourced.

# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

seconds=$((1500 * patience))
work=$(mktemp -d /dev/shm/rcontainer-kvm.XXXXXX)
host_pid=

leave() {
	[ -z "$host_pid" ] || kill -KILL "$host_pid" 2>/dev/null
	wait
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

# boot FILE QEMU...: runs the host to its end.  It reports in FILE, which is shown as it
# grows, and is in $work/report then.
boot() {
	local file=$1
	shift
	"$@" </dev/null >"$work/qemu.log" 2>&1 &
	host_pid=$!
	timeout "$seconds" tail --pid=$host_pid -n +1 -F "$file" 2>/dev/null |
		tr -d '\r' | tee "$work/report"
	kill -0 $host_pid 2>/dev/null && {
		echo "not ok - the host has ended in $seconds s"
		kill -KILL $host_pid
	}
	{ wait $host_pid; } 2>/dev/null
	host_pid=
	check "the report is complete" grep -q '^# end' "$work/report"
	sed 's/^/# qemu: /' "$work/qemu.log"
}

# result FILE HEADER SCRIPT: a table in build/results/, of what sed's SCRIPT finds in the
# report.
result() {
	mkdir -p "$BUILD/results"
	{
		[ -z "$2" ] || echo "$2"
		sed -n "$3" "$work/report"
	} >"$BUILD/results/$1"
}
