#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Type all that the tutorial tells to type, on the host and in the guest that it
# boots, and compare what it prints, as TAP.
#
#	run.sh [--fill]
#
# --fill writes into the tutorial what was printed where it is not what the
# tutorial shows; look at the difference before you commit it.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib.sh
. "$here/../lib.sh"
adoc=$here/../../userspace/doc/rcontainer-tutorial.7.adoc
tutorial=$here/tutorial.py

work=$(mktemp -d /dev/shm/rcontainer-tutorial.XXXXXX)
leave() {
	local pid
	# Only of a run that was cut short.
	if [ -n "${host_pid:-}" ]; then
		while read -r pid; do
			kill -TERM "$pid" 2>/dev/null
		done < <(ps -o pid= --ppid "$host_pid")
		kill -KILL "$host_pid" 2>/dev/null
	fi
	wait 2>/dev/null
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

# A checkout as the tutorial finds it, but that the guest's shell types by itself.
mkdir -p "$work/checkout/build/disk" "$work/root/tests" "$work/tmp"
ln -s "$PROGRAMS" "$work/checkout/build/user"
{
	echo '#!/bin/sh'
	"$tutorial" script "$adoc" 'guest# '
} >"$work/root/tests/shell"
chmod +x "$work/root/tests/shell"
# The later archive's file replaces the earlier one's.
{
	cat "$BUILD/disk/initramfs.gz"
	(cd "$work/root" && find tests | cpio --quiet -o -H newc -R 0:0 | gzip -1)
} >"$work/checkout/build/disk/initramfs.gz"
"$tutorial" script "$adoc" "host\$ " >"$work/host"

(cd "$work/checkout" && export CACHE TMPDIR="$work/tmp" &&
	exec bash "$work/host") >"$work/log" 2>&1 </dev/null &
host_pid=$!
wait "$host_pid"
host_pid=

if [ "${1-}" = --fill ]; then
	"$tutorial" fill "$adoc" "$work/log" >"$work/filled" && cat "$work/filled" >"$adoc"
fi
"$tutorial" compare "$adoc" "$work/log"
status=$?
check "nothing is left behind" test -z "$(ls -A "$work/tmp")"
if ! splat=$(clean_log "$work/log"); then
	echo "not ok - kernel log"
	echo "# ${splat//$'\n'/$'\n# '}"
fi
exit $status
