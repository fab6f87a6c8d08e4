#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Boot a guest, alone or beside a busy one on the same physical CPUs, and look
# at its kernel log, too.
#
#	guest.sh [--busy] RUN [PVLAUNCH-OPTION...]
set -uo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

busy=
[ "$1" = --busy ] && { busy=1; shift; }
run=$1
shift
machine=$(mktemp -d /dev/shm/rcontainer-test.XXXXXX)
log=$machine.log
# A launched VM is ended by its launcher, also when this script is.
trap '[ -z "$busy" ] || stop_busy; rm -rf "$machine" "$log"' EXIT
trap 'exit 1' TERM INT HUP

if [ -n "$busy" ]; then
	# It needs no more than the CPUs that both share.
	busy_options=()
	for ((i = 1; i <= $#; i++)); do
		case ${!i} in
		--pcpus | --nr-pcpus) j=$((i + 1)); busy_options+=("${!i}" "${!j}") ;;
		esac
	done
	start_busy "${busy_options[@]}" || exit 1
fi
for _ in 1 2 3; do
	rm -f "$log"
	(launch test "$run" --serial "$log" --timeout $((240 * patience)) "$@") >&2
	status=$?
	emulator_died "$log" $status || break
done
sed 's/\r$//' "$log"
if ! splat=$(clean_log "$log"); then
	echo "not ok - kernel log"
	echo "# ${splat//$'\n'/$'\n# '}"
fi
exit "$status"
