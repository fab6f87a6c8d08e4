# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # what run.sh has
# The disks of pvblkd as a subsystem; sourced by run.sh.

serve_disks() {
	: >"$work/pvblkd.log"
	pvblkd --state-dir "$work/state" --subsystem vdisk \
		--model "$bin/models/maxtor.disk" \
		--disk "one,socket=$work/one.sock,file=$work/image" \
		--disk "two,socket=$work/two.sock,file=$work/image,readonly" \
		>"$work/pvblkd.log" 2>>"$work/monitor.log" </dev/null &
	disks=$!
	within grep -q '^ready' "$work/pvblkd.log"
}

kill_disks() { # signal
	kill -"$1" "$disks"
	{ wait "$disks"; } 2>/dev/null
	disks=
}

same_energy() { # disk: published, and in its state file
	pvblkd_published vdisk "$work/state/$1.state" >"$out" 2>&1
}

requests_of() {
	pvblkd --show "$work/state/one.state" | awk '$1 == "requests" { print $2 }'
}

went_on() {
	[ "$(requests_of)" -gt "$1" ]
}

start_loads() {
	pvblkd_load "$work/one.sock" 2>>"$work/monitor.log" &
	loads=$!
	pvblkd_load "$work/two.sock" 100 2>>"$work/monitor.log" &
	loads+=" $!"
}

# shows LINE: words of resmon's table
shows() {
	resmon show -n -o SUBSYSTEM,VM,DEVICE,KIND >"$out"
	awk -v line="$1" '{ $1 = $1 } $0 == line { found = 1 } END { exit !found }' "$out"
}

stop_loads() {
	# shellcheck disable=SC2086
	kill -TERM $loads
	# shellcheck disable=SC2086
	{ wait $loads; } 2>/dev/null
	loads=
}

check_disks() {
	local order i step before sum
	truncate -s 1M "$work/image"
	serve_disks
	start_loads
	check "pvblkd: requests are done" within went_on 100
	# The other one does nothing any more, but pays for the idle disk.
	for i in "vdisk one disk disk" "vdisk one disk-cpu cpu" "vdisk two disk disk"; do
		check "pvblkd: resmon show: $i" within shows "$i"
	done
	# As above: m, s: the monitor, pvblkd is killed; M, S: it starts again.
	for order in sS mM smMS msSM smSM msMS sSmM mMsS smMSsSmM msSMsmMSmM; do
		for ((i = 0; i < ${#order}; i++)); do
			step=${order:i:1}
			case $step in
			m) kill_monitor KILL ;;
			M) start_monitor ;;
			s) kill_disks KILL ;;
			S) serve_disks ;;
			esac
			sleep "0.$((RANDOM % 3))"
		done
		before=$(requests_of)
		check "pvblkd: killed in the order '$order': goes on" \
			within went_on "$before"
		stop_loads
		check "... what is published is what was charged" within same_energy one
		echo "# $(requests_of) requests, $(tail -n 1 "$out")"
		check "... of the other guest, too" within same_energy two
		start_loads
	done
	kill_disks TERM
	check "pvblkd: at its end, all is published" same_energy one
	check "... of the idle guest, too" same_energy two
	sum=$(resmon show --exact --raw -n -o SUBSYSTEM,TOTAL |
		awk '$1 == "vdisk" { sum += $2 } END { printf "%d", sum }')
	# Who removes a state file begins with zero, but has consumed what he has.
	rm "$work/state/one.state"
	serve_disks
	check "pvblkd: with a new state file" within went_on 100
	stop_loads
	check "... what is published is what is in that" within same_energy one
	[ "$(resmon show --exact --raw -n -o SUBSYSTEM,TOTAL |
		awk '$1 == "vdisk" { sum += $2 } END { printf "%d", sum }')" -gt "$sum" ]
	report $? "... beside what was before"
	kill_disks TERM
	pvblkd --state-dir "$work/state" --resmond none \
		--disk "one,socket=$work/one.sock,file=$work/image" >"$out" 2>&1 &
	disks=$!
	within grep -q '^ready' "$out"
	resmon list >"$out"
	check "pvblkd --resmond none" test -z "$(awk '$1 == "vdisk" && $3 == '$disks "$out")"
	kill_disks TERM
}

# A disk behind a network: energy on one device more.
check_network() {
	nbdkit -f --exit-with-parent -U "$work/nbd" -P "$work/listens" memory 1M >/dev/null 2>&1 &
	disks=$!
	within test -e "$work/listens"
	pvblkd --state-dir "$work/state" --subsystem vnet \
		--disk "three,socket=$work/three.sock,nbd=nbd+unix:///?socket=$work/nbd" \
		>"$out" 2>>"$work/monitor.log" </dev/null &
	disks+=" $!"
	within grep -q '^ready' "$out"
	pvblkd_load "$work/three.sock" 100 2>>"$work/monitor.log" &
	loads=$!
	check "pvblkd: resmon show: the network" within shows "vnet three net network"
	check "... what is published is what was charged, on three devices" \
		within pvblkd_published vnet "$work/state/three.state"
	stop_loads
	# shellcheck disable=SC2086
	kill -TERM ${disks#* }
	# shellcheck disable=SC2086
	{ wait ${disks#* }; } 2>/dev/null
	check "... at its end, too" pvblkd_published vnet "$work/state/three.state"
	kill -KILL "${disks% *}"
	disks=
}
