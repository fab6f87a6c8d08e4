#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pvblkd under the load of guests without QEMU: with an NBD server that comes and
# goes, with a disk of several speeds, and what is published for guests that only
# estimate.  As TAP.
#
#	load.sh BUILD_USER_DIR
set -uo pipefail
# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../../../../tests/tap.sh"

bin=$(realpath "$1")
work=$(mktemp -d /dev/shm/rcontainer-load.XXXXXX)
server='' backend='' loads=()

leave() {
	local pid
	for pid in $server $backend "${loads[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

explain() {
	tail -n 5 "$work/log" "$work/nbdkit.log"
}

within() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.1
	done
	"$@"
}

# start_server [ARGUMENT...]: of nbdkit
start_server() {
	rm -f "$work/nbd" "$work/listens"
	nbdkit -f -U "$work/nbd" -P "$work/listens" file "$work/image" "$@" >>"$work/nbdkit.log" 2>&1 &
	server=$!
	within test -e "$work/listens"
}

end() { # SIGNAL PID: its status is left in $status
	kill -"$1" "$2" 2>/dev/null
	{ wait "$2"; } 2>/dev/null
	status=$?
}

stop_server() {
	end KILL "$server"
	server=
}

serve() {
	: >"$work/log"
	"$bin/pvblkd" --state-dir "$work/state" --resmond none "$@" \
		>>"$work/log" 2>&1 </dev/null &
	backend=$!
	within grep -q '^ready$' "$work/log"
}

stop() {
	end "$1" "$backend"
	backend=
}

load() { # NAME [REQUESTS]
	"$bin/pvblkd_load" "$work/$1.sock" "${@:2}" 2>>"$work/log" &
	loads+=($!)
}

stop_loads() {
	local pid
	for pid in "${loads[@]}"; do
		end TERM "$pid"
	done
	loads=()
}

value() { # NAME KEY
	"$bin/pvblkd" --show "$work/state/$1.state" | awk -v key="$2" '$1 == key { print $2 }'
}

above() { # NAME KEY VALUE
	local now
	now=$(value "$1" "$2" 2>/dev/null)
	[ "${now:-0}" -gt "$3" ]
}

# On and on.
goes_on() {
	within above "$1" requests $(($(value "$1" requests) + 50))
}

said() {
	grep -q "$1" "$work/log"
}

# net_is NAME: read with one command each, two headers and the data; how many
# packets that took is known but for one or two of each.
net_is() {
	local requests bytes pj low high
	requests=$(value "$1" requests) bytes=$(value "$1" read_bytes) pj=$(value "$1" lan.access_pj)
	low=$(((bytes + 44 * requests) * 8000 + (bytes / 1448 + requests) * 300000))
	high=$((low + 2 * requests * 300000))
	echo "# $1: $requests requests, $bytes bytes: $pj pJ, from $low to $high" >>"$work/log"
	[ "$pj" -ge "$low" ] && [ "$pj" -le "$high" ]
}

truncate -s 4M "$work/image"
uri="nbd+unix:///?socket=$work/nbd"
one="one,socket=$work/one.sock,nbd=$uri,net-device=lan,readonly"

while IFS='|' read -r message options; do
	read -ra options <<<"$options"
	refused() {
		local text
		text=$("$bin/pvblkd" --state-dir "$work/state" --resmond none "${options[@]}" 2>&1) && return 1
		[[ $text == *"$message"* ]] || { echo "$text" >"$work/log"; return 1; }
	}
	check "refused: ${options[*]}: $message" refused
done <<EOF
connect: No such file or directory|--disk $one
cannot connect to x|--disk a,socket=$work/a.sock,nbd=x
file and nbd exclude each other|--disk $one,file=x
net-model without nbd|--disk a,socket=$work/a.sock,file=x,net-model=x
net-device without nbd|--disk a,socket=$work/a.sock,file=x,net-device=x
wait without nbd|--disk a,socket=$work/a.sock,file=x,wait=0
direct is for files|--disk $one,direct
'x' is not a number|--disk $one,wait=x
86401 is not from 0 to 86400|--disk $one,wait=86401
'A' cannot be a device's name|--disk a,socket=$work/a.sock,nbd=$uri,net-device=A
'disk' is the name of two devices|--disk a,socket=$work/a.sock,nbd=$uri,net-device=disk
unknown keyword 'set'|--disk $one,net-model=$0
'all' is not 'device-cpu', 'disk' or 'balloon'|--overhead all --disk $one
--disk one: overhead: 'all' is not|--disk $one,overhead=all
EOF

start_server -r
check "refused: a server that is read-only" \
	grep -q 'is read-only; add the option readonly' \
	<("$bin/pvblkd" --state-dir "$work/state" --disk "${one/,readonly/}" 2>&1)
check "refused: two networks before one disk" \
	grep -q 'device disk is not behind the same network' \
	<("$bin/pvblkd" --state-dir "$work/state" --disk "$one" \
		--disk "two,socket=$work/two.sock,file=$work/image" 2>&1)
stop_server
start_server --filter=blocksize-policy blocksize-minimum=4096 blocksize-error-policy=error
check "refused: a server of large blocks" \
	grep -q 'has blocks of 4096 bytes, more than 512' \
	<("$bin/pvblkd" --state-dir "$work/state" --disk "$one" 2>&1)
stop_server
# It accepts, and says nothing.
python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(60)' "$work/mute" &
server=$!
within test -S "$work/mute"
check "refused: a server that does not answer" \
	grep -q 'the server does not answer' \
	<(timeout 20 "$bin/pvblkd" --state-dir "$work/state" \
		--disk "one,socket=$work/one.sock,nbd=nbd+unix:///?socket=$work/mute" 2>&1)
stop_server

# The server goes and comes, and the guest does not know.
start_server
serve --disk "$one,wait=30"
load one
check "requests are done" goes_on one
for i in 1 2 3 4 5; do
	stop_server
	sleep "0.$((RANDOM % 10))"
	start_server
	check "the server was killed $i times: goes on" goes_on one
done
check "... and pvblkd has said so" said 'connection lost: .*; requests wait for up to 30 s'
check "... and that it is there again" said 'connected again'
check "... without a failure" test "$(value one errors)" = 0
stop KILL
serve --disk "$one,wait=30"
check "pvblkd itself was killed: goes on" goes_on one
# Both, and the server is first to return.
stop_server
stop KILL
start_server
serve --disk "$one,wait=30"
check "both were killed: goes on" goes_on one
check "... without a failure" test "$(value one errors)" = 0
stop_server
sleep 0.5
begun=$SECONDS
stop TERM
check "SIGTERM without a server ends it with success" test "$status" = 0
check "... at once" test $((SECONDS - begun)) -lt 5
stop_loads
check "the disk's cost is that of its bytes" \
	test "$(value one disk.access_pj)" = $(($(value one read_bytes) * 60000))
check "the network's cost is that of bytes and packets" net_is one

# A server that stays away.
start_server
serve --disk "$one,wait=1"
load one
goes_on one
stop_server
check "requests fail, after a while" within above one errors 10
check "... with a message" said 'Transport endpoint is not connected'
check "... which is there once" test "$(grep -c 'Transport endpoint' "$work/log")" = 1
start_server
within said 'connected again'
errors=$(value one errors)
check "... until it is back" goes_on one
check "... and no more" test "$(value one errors)" -le $((errors + 1))
stop_loads
stop TERM
stop_server

# By TCP.
port=$((20000 + RANDOM % 10000))
rm "$work/listens"
nbdkit -f -i 127.0.0.1 -p $port -P "$work/listens" file "$work/image" >>"$work/nbdkit.log" 2>&1 &
server=$!
within test -e "$work/listens"
serve --disk "tcp,socket=$work/tcp.sock,nbd=nbd://127.0.0.1:$port,readonly,net-device=lan"
load tcp 200
check "by TCP" within above tcp requests 199
check "... at its price" net_is tcp
stop_loads

# Parameters, for one guest and for two; a file of its own model is read again.
params() { # NAME KEY VALUE
	[ "$(awk -v key="$2" '$1 == key { print $2 }' "$work/state/$1.params" 2>/dev/null)" = "$3" ]
}
stop TERM
printf 'idle_power_mw 1000\nactive_power_mw 3000\ntransfer_rate 1000000\n' >"$work/d.disk"
serve --model "$work/d.disk" --cpu-power-mw 0 \
	--disk "a,socket=$work/a.sock,file=$work/image,readonly" \
	--disk "b,socket=$work/b.sock,file=$work/image,readonly"
check "no parameters without a guest" test ! -e "$work/state/a.params"
load a 10
check "parameters of a virtual disk: idle" within params a idle_power_mw 1000
check "... active" params a active_power_mw 3000
check "... transfer rate" params a transfer_rate 1000000
cp "$work/state/a.params" "$work/params.disk"
load b 10
check "with two guests, of each" within params b idle_power_mw 500
check "... and of the other" params a idle_power_mw 500
check "... active" params a active_power_mw 2500
end TERM "${loads[1]}"
unset 'loads[1]'
check "with one again" within params a idle_power_mw 1000
check "... there are none of who is gone" test ! -e "$work/state/b.params"
stop_loads
stop TERM
check "they are a disk's model" serve --model "$work/params.disk" \
	--disk "c,socket=$work/c.sock,file=$work/image,readonly"
stop TERM

# A disk of three speeds: who uses it pays for the fastest, beside half of the
# slowest; the other one does not.
rm -r "$work/state"
serve --model "$bin/models/drpm.disk" --cpu-power-mw 0 \
	--disk "user,socket=$work/user.sock,file=$work/image,readonly" \
	--disk "idle,socket=$work/idle.sock,file=$work/image,readonly"
load idle 1
load user
check "a disk in use gets faster, and its user pays" within params user idle_power_mw 7800
check "... and what it transfers costs more" params user active_power_mw 11100
check "... the other one pays for the slowest speed" params idle idle_power_mw 2400
kill -STOP "${loads[1]}"
check "... as before, when it is not used" within params user idle_power_mw 2400
check "the user has paid more" above user disk.base_uj $(($(value idle disk.base_uj) + 1000000))
kill -CONT "${loads[1]}"
stop_loads
stop TERM
