#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The back end's energy meters are read, the containers pay for what two disks
# with the same name show together, and nobody waits for a back end that is away.
set -eu
cd /sys/fs/rcontainer

fail() {
	echo "# $*"
	cat info/snapshot info/devices /sys/block/pvd*/energy
	exit 1
}

metered() {
	sed -n 's/^disk.metered_uj //p' info/devices
}

# What the meters themselves show, asked for one after the other.
shown() {
	cat /sys/block/pvda/energy /sys/block/pvdb/energy |
		awk '$1 == "disk.base_uj" { sum += $2 } END { printf "%.0f", sum }'
}

# base CONTAINER...: picojoules of each, from one snapshot.
base() {
	awk -v want="$*" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == "disk.base_pj") column = i }
		{ pj[$1] = $column }
		END {
			n = split(want, c, " ")
			for (i = 1; i <= n; i++) printf "%s ", pj[c[i]]
		}' info/snapshot
}

# Where the meters were when the driver found them: not before, and not after,
# what both readings allow.
bracket() {
	before=$(shown)
	# What was settled before is not looked at anew while it is fresh.
	sleep 0.1
	m=$(metered) after=$(shown)
	echo "# $m uJ counted between $before and $after uJ"
	lo=$((before - m > lo ? before - m : lo)) hi=$((after - m < hi ? after - m : hi))
	[ $lo -le $hi ] || fail "counted other than shown"
}
lo=0 hi=1000000000000
bracket
sleep 2
bracket
[ "$m" -gt 0 ] || fail "nothing is metered"

# Root, where this shell is, and a have tasks.
mkdir a b
sleep 1000 & echo $! >a/procs; pid=$!
base / /a /b virtual >/tmp/before
sleep 2
base / /a /b virtual >/tmp/after
rctl check
echo "# / /a /b all: $(cat /tmp/before), 2 s later $(cat /tmp/after)"
# One picojoule in each settling can't be halved.
paste -d ' ' /tmp/before /tmp/after | awk '{
	root = $5 - $1; a = $6 - $2; b = $7 - $3; all = $8 - $4
	exit !(all > 1e6 && root + a + b == all && b == 0 && a - root < 20 && root - a < 20)
}' || fail "not equal"
kill $pid
wait $pid || :

# By access cost.
echo access >info/base_policy
base / /a /b virtual >/tmp/before
rctl run -q b -- sh -c 'for i in 1 2 3 4 5 6 7 8; do
	dd if=/dev/zero of=/dev/pvda bs=64k count=32 oflag=direct conv=notrunc 2>/dev/null
	sleep 0.3
done'
base / /a /b virtual >/tmp/after
paste -d ' ' /tmp/before /tmp/after | awk '{
	a = $6 - $2; b = $7 - $3; all = $8 - $4
	exit !(a == 0 && b > all / 2)
}' || fail "not by access cost: $(cat /tmp/before /tmp/after)"
rctl check

# The back end goes away, and is back.
echo "meter: kill"
n=0 m=
until now=$(metered); [ "$now" = "$m" ]; do
	m=$now n=$((n + 1))
	[ $n -lt 60 ] || fail "it is metered still"
	sleep 1
done
# A wait for the back end would be in all of them; the host may take the CPU in one.
slow=0
for _ in 1 2 3 4 5 6; do
	read -r start _ </proc/uptime
	cat energy >/dev/null
	read -r end _ </proc/uptime
	echo "$start $end" | awk '{ exit !($2 - $1 < 0.8) }' || slow=$((slow + 1))
	sleep 0.2
done
[ $slow -le 2 ] || fail "waited $slow times"
[ "$(metered)" = "$m" ] || fail "metered by nobody"
rctl check
echo "meter: start"
n=0
until [ "$(metered)" -gt "$m" ]; do
	n=$((n + 1))
	[ $n -lt 300 ] || fail "nothing is metered any more"
	sleep 0.1
done
bracket
[ "$(sed -n 's/^disk.meter_steps_back //p' info/devices)" = 0 ] || fail "a meter stepped back"
echo "meter: $m uJ"
rctl check
rmdir a b
