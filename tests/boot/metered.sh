#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot a guest whose energy page has a meter of base cost.  Whenever the guest
# says "meter: NANOJOULES", it is set so.
#
#	metered.sh RUN [PVLAUNCH-OPTION...]
set -uo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

run=$1
shift
machine=$(mktemp -d /dev/shm/rcontainer-test.XXXXXX)
log=$machine.log
page=$machine/test.page
guest_pid=
trap '[ -z "$guest_pid" ] || kill "$guest_pid" 2>/dev/null; wait; rm -rf "$machine" "$log"' EXIT
trap 'exit 1' TERM INT HUP

# write_page OFFSET BYTES VALUE: little endian, in one write.
write_page() {
	local i bytes=
	for ((i = 0; i < $2; i++)); do
		bytes+=$(printf '\\x%02x' $(($3 >> 8 * i & 255)))
	done
	printf '%b' "$bytes" |
		dd of="$page" bs="$2" seek=$(($1 / $2)) conv=notrunc status=none
}

# struct pvenergy_header.base_nj
attend() {
	local nj='' now
	until [ -s "$page" ]; do
		sleep 0.02
		kill -0 "$guest_pid" 2>/dev/null || return
	done
	while kill -0 "$guest_pid" 2>/dev/null; do
		# A line that is not whole yet is another number.
		now=$(sed -n 's/^meter: \([0-9]*\)\r$/\1/p' "$log" 2>/dev/null | tail -n 1)
		if [ "$now" != "$nj" ]; then
			nj=$now
			write_page 80 8 "$nj"
		fi
		sleep 0.05
	done
}

for _ in 1 2 3; do
	rm -f "$log"
	(launch test "$run" --meter --serial "$log" --timeout $((240 * patience)) "$@") >&2 &
	guest_pid=$!
	attend
	wait "$guest_pid"
	status=$?
	guest_pid=
	emulator_died "$log" $status || break
done
sed 's/\r$//' "$log"
if ! splat=$(clean_log "$log"); then
	echo "not ok - kernel log"
	echo "# ${splat//$'\n'/$'\n# '}"
fi
exit "$status"
