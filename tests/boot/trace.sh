#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The tracepoints, and that what rcontainer_charge shows is what the container
# was charged: event by event, to the unit.  With the argument "perf", as perf
# records and prints them.
set -eu
rcfs=/sys/fs/rcontainer
tracing=/sys/kernel/tracing
mount -t tracefs none $tracing 2>/dev/null || true

rctl create traced
id=$(cat $rcfs/traced/id)
# Who waits for a process may run before its last instructions are charged.
traced_run='rctl run -q traced -- /tests/spin 1 && sleep 1'
if [ "${1-}" = perf ]; then
	perf record -q -a -m 4096 -e 'rcontainer:*' -o /tmp/perf.data -- \
		sh -c "$traced_run"
	perf script -i /tmp/perf.data -F comm,event,trace >/tmp/trace
else
	echo 16384 >$tracing/buffer_size_kb
	echo 1 >$tracing/events/rcontainer/enable
	sh -c "$traced_run"
	echo 0 >$tracing/tracing_on
	cat $tracing/trace >/tmp/trace
	echo 0 >$tracing/events/rcontainer/enable
fi

grep -q "rcontainer_bind: .* to=$id name=traced" /tmp/trace
grep -q "rcontainer_switch: .* to=$id\$" /tmp/trace
grep -q "rcontainer_switch: *from=$id to=" /tmp/trace
# counts={0x1,0x2,...}, or as perf prints it 1 2 ...: the third is uop_queue_writes.
traced=0
# shellcheck disable=SC2013 # no line has a blank
for count in $(sed -n "s/.*rcontainer_charge: *id=$id counts=//p" /tmp/trace |
	tr '{,}' '   ' | awk '{ print $3 }'); do
	traced=$((traced + count))
done
charged=$(sed -n 's/^uop_queue_writes //p' $rcfs/traced/events)
echo "# charged $charged, traced $traced"
[ "$charged" = "$traced" ]
[ "$charged" -gt 20000000 ]
rctl delete traced
