#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The resource monitor, its subsystems and its viewer, as TAP.
#
#	run.sh [--update] BUILD_USER_DIR
#
# Each directory in cases/ has `cmd`, a shell script that runs with resmon in
# the path while two subsystems publish known figures, and `expected`: its
# standard output, its standard error behind "! ", and its exit status.
# --update writes `expected` anew; look at the difference before you commit it.
set -uo pipefail
export LC_ALL=C
unset COLUMNS XDG_RUNTIME_DIR NOTIFY_SOCKET LISTEN_FDS LISTEN_PID

update=
if [ "${1-}" = --update ]; then
	update=1
	shift
fi
bin=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
sources=$here/../../userspace/host
work=$(mktemp -d /dev/shm/rcontainer-resmon.XXXXXX)
chmod 755 "$work"
export RESMOND_SOCKET=$work/resmond.sock
export PATH=$bin:$PATH
out=$work/out
monitor='' keeper='' disks='' loads=''
declare -A feed_pid feed_in feed_out
count=0 failed=0

leave() {
	local pid
	for pid in "${feed_pid[@]}" $monitor $keeper $disks $loads; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP

report() { # status, name
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		failed=$((failed + 1))
		echo "not ok $count - $2"
		sed 's/^/# /' "$out" "$work/monitor.log" 2>/dev/null | tail -n 20
	fi
}

check() { # name, command...
	local name=$1
	shift
	"$@"
	report $? "$name"
}

within() { # command...: it succeeds in ten seconds
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.05
	done
	"$@"
}

listens() {
	resmon list >/dev/null 2>&1
}

start_monitor() { # option...
	resmond "$@" >>"$work/monitor.log" 2>&1 &
	monitor=$!
	within listens
}

kill_monitor() { # signal
	kill -"$1" "$monitor"
	{ wait "$monitor"; } 2>/dev/null
	monitor=
}

# start_feed ID ARGUMENT...: a subsystem, to be told what to do
start_feed() {
	local id=$1 in out
	shift
	rm -f "$work/$id.in" "$work/$id.out"
	mkfifo "$work/$id.in" "$work/$id.out"
	${run_as-} "$bin/resmon_feed" "$@" <"$work/$id.in" >"$work/$id.out" \
		2>>"$work/monitor.log" &
	feed_pid[$id]=$!
	exec {in}>"$work/$id.in" {out}<"$work/$id.out"
	feed_in[$id]=$in feed_out[$id]=$out
}

answer=
# tell ID COMMAND: and wait until it is done
tell() {
	echo "$2" >&"${feed_in[$1]}"
	IFS= read -r -t 20 answer <&"${feed_out[$1]}" || answer='no answer'
	[ "$answer" = ok ] || echo "$1: $2: $answer" >>"$work/monitor.log"
	[ "$answer" = ok ]
}

# It would not see the end of its input: the monitor may have inherited that.
close_feed() {
	local in=${feed_in[$1]} out=${feed_out[$1]}
	(trap '' PIPE; echo quit >&"$in") 2>/dev/null
	exec {in}>&- {out}<&-
	{ wait "${feed_pid[$1]}"; } 2>/dev/null
	unset "feed_pid[$1]" "feed_in[$1]" "feed_out[$1]"
}

kill_feed() {
	kill -KILL "${feed_pid[$1]}"
	{ wait "${feed_pid[$1]}"; } 2>/dev/null
	close_feed "$1"
}

registered() {
	tell "$1" 'wait registered'
}

# All energy that there is, in nanojoules.
total() {
	resmon show --exact --raw --noheadings -o TOTAL 2>"$out" |
		awk '{ sum += $1 } END { printf "%d\n", sum }'
}

total_is() {
	[ "$(total)" = "$1" ] || { echo "# total $(total), not $1"; return 1; }
}

# ---------------------------------------------------------------- golden output

fixture() {
	start_monitor
	start_feed cpu cpu cpu:cpu
	start_feed vda vda vda:disk cpu:cpu
	tell cpu 'add web' && tell cpu 'add db 7' && tell cpu 'add old' &&
		tell cpu 'base web 6170000000499' &&
		tell cpu 'access web 0 12345678901' &&
		tell cpu 'base db 6170000000499' &&
		tell cpu 'access old 0 1500' && tell cpu 'remove old' &&
		tell cpu 'base (nobody) 77000' &&
		tell vda 'add web' && tell vda 'base web 10200000000000' &&
		tell vda 'access web 0 3300000000' &&
		tell vda 'access web 1 450000000' &&
		registered cpu && registered vda
}

mask() {
	sed -E -e 's/"pid": [0-9]+/"pid": PID/' -e "s:$work:WORK:g"
}

run_case() { # directory
	local dir=$1 status
	(cd "$work" && sh "$dir/cmd") </dev/null >"$out.1" 2>"$out.2"
	status=$?
	{
		cat "$out.1"
		sed 's/^/! /' "$out.2"
		echo "exit $status"
	} | mask >"$out.result"
	[ -z "$update" ] || cp "$out.result" "$dir/expected"
	diff -u "$dir/expected" "$out.result" >"$out" 2>&1
	report $? "${dir##*/}"
	if [ "$status" = 0 ] && grep -q -e ' --json' "$dir/cmd"; then
		python3 -m json.tool <"$out.1" >/dev/null
		report $? "${dir##*/}: valid JSON"
	fi
}

long_options() {
	grep -o -e '--[a-z][a-z-]*' | sort -u
}

complete_words() ( # words: what completion offers after them
	# shellcheck source=/dev/null
	source "$sources/resmon/resmon.bash-completion"
	compopt() { :; }
	COMP_WORDS=(resmon "$@")
	COMP_CWORD=$#
	_resmon_module
	printf '%s\n' "${COMPREPLY[@]}"
)

check_help() {
	local commands c columns
	commands=$(resmon --help | sed -n '/^Commands:/,/^$/s/^ \([a-z]*\) .*/\1/p')
	diff <(echo "$commands" | sort) <(complete_words "" | sort) >"$out"
	report $? "completion: commands"
	for c in "" $commands; do
		diff <(resmon ${c:+"$c"} --help | grep '^ *-' | long_options) \
			<(complete_words ${c:+"$c"} -- | long_options) >"$out"
		report $? "completion: options of resmon $c"
		resmon ${c:+"$c"} --help | grep '^ *-' | long_options |
			while read -r option; do
				grep -q -e "\\*$option\\*" "$sources/resmon/resmon.1.adoc" ||
					echo "$option"
			done >"$out"
		check "manual: options of resmon $c" test ! -s "$out"
		columns=$(resmon ${c:+"$c"} --help | sed -n '/^Available/,/^$/s/^  *\([A-Z]*\)  .*/\1/p')
		[ -n "$columns" ] || continue
		diff <(echo "$columns" | sort) \
			<(complete_words "$c" --output "" | tr -d , | sort) >"$out"
		report $? "completion: columns of resmon $c"
	done
	resmond --help | grep '^ *-' | long_options | while read -r option; do
		grep -q -e "\\*$option\\*" "$sources/resmond/resmond.8.adoc" || echo "$option"
	done >"$out"
	check "manual: options of resmond" test ! -s "$out"
}

# ------------------------------------------------------------------- the viewer

samples() { # file, number of samples at least
	[ "$(cut -d, -f1 "$1" | sort -u | wc -l)" -gt "$2" ]
}

check_record() {
	local file=$work/record.csv name
	resmon record -i 0.2 -d 1.5 "$file" >"$out" 2>&1 &
	for i in 1 2 3 4 5 6; do
		tell vda "base web $((i * 1000000000000))"
		tell vda 'access web 0 100000000000'
		tell cpu 'access web 0 300000000000'
		sleep 0.2
	done
	wait $!
	report $? "record"
	check "record: a header and samples" samples "$file" 5
	resmon record -d 1 "$file" >"$out" 2>&1
	check "record: no file is overwritten" grep -q 'exists (--force' "$out"
	for name in a.png b.svg; do
		resmon plot -o "$work/$name" "$file" >"$out" 2>&1 && test -s "$work/$name"
		report $? "plot: $name"
	done
	resmon plot -o "$work/c.svg" --stacked --by kind,cost --title "it's" "$file" \
		>"$out" 2>&1 && grep -q 'disk base' "$work/c.svg"
	report $? "plot: stacked, by kind"
	resmon plot -o "$work/d.svg" --only access "$file" web >"$out" 2>&1 &&
		! grep -q 'base' "$work/d.svg"
	report $? "plot: only access, of one"
	# What was drawn is what was consumed: 300 mJ for each of six.
	resmon plot -o "$work/e.svg" --by subsystem --only access "$file" >"$out" 2>&1
	report $? "plot: by subsystem"
	find "$work" -name '*.tmp' >"$out"
	check "plot: nothing is left over" test ! -s "$out"
}

hostile_recording() { # name, text: it is refused, and no image is made
	printf '%b' "$2" >"$work/bad.csv"
	rm -f "$work/bad.png"
	resmon plot -o "$work/bad.png" "$work/bad.csv" >"$out" 2>&1
	[ $? = 1 ] && [ ! -e "$work/bad.png" ] && grep -q 'bad.csv' "$out"
	report $? "plot: $1"
}

check_recordings() {
	local head=seconds,vm,subsystem,device,kind,generation,base_nj,access_nj
	hostile_recording "empty" ''
	hostile_recording "another header" 'a,b\n1,2\n'
	hostile_recording "too few fields" "$head\n0,a,b,c,d,1,2\n"
	hostile_recording "too many fields" "$head\n0,a,b,c,d,1,2,3,4\n"
	hostile_recording "no number" "$head\n0,a,b,c,d,1,2,x\n"
	hostile_recording "too large a number" "$head\n0,a,b,c,d,1,2,18446744073709551616\n"
	hostile_recording "no time" "$head\nnan,a,b,c,d,1,2,3\n"
	hostile_recording "time goes backwards" "$head\n1,a,b,c,d,1,2,3\n0,a,b,c,d,1,2,3\n"
	hostile_recording "zero bytes" "$head\n0,a\\0,b,c,d,1,2,3\n"
	hostile_recording "one sample" "$head\n0,a,b,c,d,1,2,3\n"
	check "plot: the line is named" grep -q 'at least' "$out"
	printf '%s\n0,a,b,c,d,1,2,3\n1,a,b,c,d,1,2000000,3\n1,a' "$head" >"$work/cut.csv"
	resmon plot -o "$work/cut.png" "$work/cut.csv" >"$out" 2>&1 &&
		grep -q 'cut off' "$out"
	report $? "plot: the last line is cut off"
}

get() { # request: the answer of the server at $port
	local server
	exec {server}<>"/dev/tcp/127.0.0.1/$port" || return
	printf '%b' "$1" >&"$server"
	timeout 10 cat <&"$server" >"$out" 2>/dev/null
	exec {server}>&-
}

serves() {
	(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

check_export() {
	local server mute
	resmon export --textfile "$work/a.prom" && grep -q 'joules_total counter' "$work/a.prom"
	report $? "export: textfile"
	find "$work" -name '*.tmp' >"$out"
	check "export: nothing is left over" test ! -s "$out"
	resmon export --textfile "$work/none/a.prom" >"$out" 2>&1
	check "export: no directory" grep -q "$work/none" "$out"

	port=$((20000 + RANDOM % 20000))
	resmon export --listen "127.0.0.1:$port" >"$work/server.log" 2>&1 &
	server=$!
	check "export: listens" within serves
	# These say nothing, and are in nobody's way.
	exec {mute}<>"/dev/tcp/127.0.0.1/$port"
	get 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'
	check "export: Prometheus over HTTP" \
		grep -q 'text/plain; version=0.0.4' "$out"
	check "export: ... figures" \
		grep -q 'rcontainer_energy_joules_total{vm="db",subsystem="cpu",device="cpu",kind="cpu",cost="base"} 6.170000000' "$out"
	get 'GET /metrics HTTP/1.1\nAccept: application/openmetrics-text\n\n'
	check "export: OpenMetrics over HTTP" \
		test "$(tail -n 1 "$out")" = '# EOF'
	get 'HEAD /metrics HTTP/1.0\r\n\r\n'
	check "export: HEAD" test "$(wc -l <"$out")" = 5
	get 'GET / HTTP/1.1\r\n\r\n'
	check "export: another path" grep -q '^HTTP/1.1 404' "$out"
	get 'POST /metrics HTTP/1.1\r\n\r\n'
	check "export: another method" grep -q '^HTTP/1.1 405' "$out"
	get '\x16\x03\x01\x02\x00\r\n\r\n'
	check "export: no HTTP" grep -q '^HTTP/1.1 400' "$out"
	get "GET /$(head -c 9000 /dev/zero | tr '\0' a) HTTP/1.1"
	check "export: far too much" grep -q '^HTTP/1.1 431' "$out"
	kill_monitor KILL
	get 'GET /metrics HTTP/1.1\r\n\r\n'
	check "export: goes on without the monitor" \
		grep -q '^rcontainer_resmond_up 0' "$out"
	start_monitor
	exec {mute}>&-
	kill -TERM "$server"
	wait "$server"
	report $? "export: ends in good order"
}

milliseconds() {
	echo $(($(date +%s%N) / 1000000))
}

# web_power FROM TO: it had that power at some time, in microwatts.
web_power() {
	awk -v from="$1" -v to="$2" '
		$1 == "web" && $2 >= from && $2 <= to { found = 1 }
		END { exit !found }' "$out"
}

check_top() {
	local begin top keys status
	begin=$(milliseconds)
	resmon top -b -i 1 --raw --exact -o VM,POWER web >"$out" 2>&1 &
	top=$!
	check "top" within web_power 0 0
	tell vda 'base web 10200000000000'
	# Ten joules, in the second between two tables, or what a late one has left of it.
	within web_power 1 20400000
	# And in less than all the time there was.
	check "top: watts" web_power $((10200000000 / ($(milliseconds) - begin))) 20400000
	kill -TERM "$top"
	wait "$top"
	report $? "top: ends in good order"

	mkfifo "$work/keys"
	exec {keys}<>"$work/keys"
	timeout 30 script -qec 'stty rows 6 cols 60; resmon top -i 0.2' /dev/null \
		<"$work/keys" >"$out" &
	top=$!
	check "top: a screen" within grep -q $'\033\\[H' "$out"
	printf q >&"$keys"
	wait "$top"
	status=$?
	exec {keys}>&-
	check "top: 'q' ends it" test "$status" = 0
	awk 'BEGIN { RS = "\033\\[H" } NR > 1 { n = gsub(/\n/, ""); if (n > 5) exit 1 }' "$out"
	report $? "top: no more lines than the screen has"
}

# ------------------------------------------------- who is killed, in which order

# Adds 1000 nJ, and a rest of a picojoule that must not be lost either.
spend() {
	tell a 'base vm1 500000' && tell a 'access vm1 0 499999' && tell a 'access vm1 0 1'
}

begin_a() {
	start_feed a a disk:disk && tell a 'add vm1' && registered a
}

check_orders() {
	local expected=0 before step order i
	before=$(total)
	begin_a
	# m, s: the monitor, the subsystem is killed; M, S: it starts again;
	# +: a thousand nanojoules are spent.  One of them is always there; see
	# check_kept() for what it takes else.
	for order in m+M+ s_S+ mM+sS sSmM+ m+M+sS+ +m+M+sS +m+_M+ s_sS \
		mMmMsSsS+ m+MsSm+M+; do
		for ((i = 0; i < ${#order}; i++)); do
			step=${order:i:1}
			case $step in
			m) [ -z "$monitor" ] || kill_monitor KILL ;;
			M) start_monitor
				for f in "${!feed_pid[@]}"; do registered "$f"; done ;;
			s) [ -z "${feed_pid[a]-}" ] || kill_feed a ;;
			S) begin_a ;;
			+) spend && expected=$((expected + 1000)) ;;
			esac
		done
		check "killed in the order '$order': nothing is lost" \
			total_is $((before + expected))
	done
	kill_feed a
	check "... the others' figures are as they were" total_is $((before + expected))
}

has_worked() {
	resmon show --exact --raw -n -o SUBSYSTEM,VM,BASE |
		awk '$1 == "b" && $2 == "vm" && $3 > 0 { found = 1 } END { exit !found }'
}

# Whatever moment it is, base and access were charged together.
check_killed_at_work() {
	local i
	start_feed b b cpu:cpu
	tell b 'add vm' && registered b
	for i in 1 2 3 4 5 6 7 8; do
		echo 'spin vm 100000000 1000' >&"${feed_in[b]}"
		sleep "0.0$i"
		[ "$i" != 8 ] || within has_worked
		kill_feed b
		resmon show --exact --raw -n -o SUBSYSTEM,BASE,ACCESS |
			awk '$1 == "b" { if ($2 != $3) exit 1; found = 1; print $2 }
				END { exit !found }' >"$out"
		report $? "killed at work: figures are whole ($(cat "$out"))"
		start_feed b b cpu:cpu
		tell b 'add vm' && registered b
	done
	awk '{ exit !($1 > 0) }' "$out"
	report $? "killed at work: it had worked"
	kill_feed b
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

# With a service manager that keeps the regions, both may be dead at once.
check_kept() {
	local i pid
	kill_monitor TERM
	: >"$work/monitor.log"
	python3 "$here/keeper.py" "$work/notify" "$bin/resmond" >>"$work/monitor.log" 2>&1 &
	keeper=$!
	within listens
	for i in 1 2 3 4; do
		# The second time, it is killed before it drops what it has replaced.
		[ $i != 2 ] || kill -USR1 "$keeper"
		begin_a && spend
		spend
		read -r pid <"/proc/$keeper/task/$keeper/children"
		# The manager must have seen what was stored.
		sleep 0.3
		kill -KILL "$pid"
		kill_feed a
		within ended "$pid"
		within listens
		check "both killed at once, time $i" total_is_of a $((i * 2000))
	done
	# What it was given once, and one that was replaced, are not kept any longer.
	grep 'of no use' "$work/monitor.log" >"$out"
	check "... and only what is of use is kept" test "$(wc -l <"$out")" = 1
	kill -TERM "$keeper"
	wait "$keeper"
	report $? "the kept monitor ends in good order"
	keeper=
	start_monitor
}

total_is_of() { # subsystem, nJ
	resmon show --exact --raw -n -o SUBSYSTEM,TOTAL >"$out" 2>&1
	awk -v s="$1" -v want="$2" '$1 == s { sum += $2 } END { exit sum != want }' "$out"
}

# -------------------------------------------------------------------- who may do

check_rights() {
	local run_as='setpriv --reuid=65534 --regid=65534 --clear-groups'
	if [ "$(id -u)" != 0 ] || ! command -v setpriv >/dev/null; then
		echo "ok $((++count)) - rights # SKIP not root"
		return
	fi
	start_feed c c cpu:cpu
	check "others may not register" tell c 'wait only root'
	$run_as resmon list >"$out" 2>&1
	check "others may not view" grep -q 'refuses: you may not view' "$out"
	kill_monitor TERM
	start_monitor --group "$(getent group 65534 | cut -d: -f1)"
	check "members of the group may register" registered c
	$run_as resmon list >"$out" 2>&1
	report $? "... and view"
	close_feed c
	kill_monitor TERM
	start_monitor --viewers all
	start_feed c c cpu:cpu
	check "with --viewers all others may not register" tell c 'wait only root'
	$run_as resmon list >"$out" 2>&1
	report $? "... but view"
	close_feed c
	run_as='' start_feed c c cpu:cpu
	registered c
	close_feed c
	kill_monitor TERM
	start_monitor
}

# as_user COMMAND...: in the process's place, where the system's socket seems to be
# there, and its user has a session.
as_user() {
	# shellcheck disable=SC2016 # the other shell's
	exec unshare -m sh -c 'mount -t tmpfs none /run && mkdir /run/rcontainer &&
		: >/run/rcontainer/resmond.sock && exec setpriv --reuid=65534 \
		--regid=65534 --clear-groups env -u RESMOND_SOCKET "$@"' - \
		XDG_RUNTIME_DIR="$work/session" "$@"
}

session_lists() {
	(as_user "$work/resmon" list) >"$out" 2>&1
}

check_session() {
	local pid
	if [ "$(id -u)" != 0 ] || ! unshare -m true 2>/dev/null; then
		echo "ok $((++count)) - a session # SKIP not root"
		return
	fi
	install -d -o 65534 "$work/session"
	# Not all may enter the directory of those.
	cp "$bin/resmon" "$bin/resmond" "$work"
	session_lists
	check "a session's viewer asks the system's monitor" \
		grep -q '^resmon: /run/rcontainer/resmond.sock: ' "$out"
	(as_user "$work/resmond") >>"$work/monitor.log" 2>&1 &
	pid=$!
	check "a session's monitor listens, and the viewer asks that" within session_lists
	kill -TERM "$pid" 2>/dev/null
	wait "$pid"
	report $? "... until it is told to end"
}

check_monitor() {
	resmond >"$out" 2>&1
	check "a second monitor" grep -q 'another resmond listens there' "$out"
	resmond --group no-such-group >"$out" 2>&1
	check "no such group" grep -q 'there is no such group' "$out"
	resmond --socket "$work/$(printf '%0200d' 0)" >"$out" 2>&1
	check "too long a name" grep -q 'cannot' "$out"
	start_feed d vda vda:disk
	check "a name that is taken" tell d "wait 'vda' is registered by process"
	close_feed d
	kill -TERM "$monitor"
	wait "$monitor"
	report $? "TERM ends it in good order"
	check "... and its socket is gone" test ! -e "$RESMOND_SOCKET"
	check "... which the viewer explains" \
		grep -q 'systemctl start resmond.socket' <(resmon list 2>&1)
	start_monitor
	registered vda && registered cpu
	report $? "the subsystems are back"
}

# shellcheck source=tests/resmon/accountant.sh
. "$here/accountant.sh"
# shellcheck source=tests/resmon/disks.sh
. "$here/disks.sh"

fixture
report $? "two subsystems register"
for dir in "$here"/cases/*/; do
	run_case "${dir%/}"
done
check_help
check_monitor
check_record
check_recordings
check_export
check_top
check_orders
check_killed_at_work
check_rights
check_session
check_accountant
check_disks
check_network
close_feed cpu
close_feed vda
check_kept
echo "1..$count"
[ "$failed" = 0 ]
