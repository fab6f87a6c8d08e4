#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Golden-output tests of rctl on recorded trees, as TAP.
#
#   run.sh [--update] RCTL_BINARY
#
# Each directory in cases/ has `cmd`, a shell script that runs in a copy of
# trees/ with $RCTL set, and `expected`: its standard output, its standard error
# behind "! ", and its exit status.  --update writes `expected` anew; look at
# the difference before you commit it.

set -u
export LC_ALL=C
unset COLUMNS LIBSMARTCOLS_DEBUG POSIXLY_CORRECT

update=
if [[ ${1-} == --update ]]; then
	update=1
	shift
fi
if [[ $# != 1 || ! -x $1 ]]; then
	echo "usage: ${0##*/} [--update] RCTL_BINARY" >&2
	exit 1
fi
RCTL=$(realpath "$1")
export RCTL
here=$(dirname "$(realpath "$0")")
completion=$here/../../userspace/rctl/rctl.bash-completion
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

count=0
failed=0

report()	# status, name: one line of TAP
{
	count=$((count + 1))
	if [[ $1 == 0 ]]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=$((failed + 1))
	fi
}

is_json()
{
	python3 -m json.tool >/dev/null
}

run_case()	# directory
{
	local dir=$1 name=${1##*/} status
	rm -rf "$scratch/tree" && cp -r "$here/trees" "$scratch/tree"
	(cd "$scratch/tree" && sh "$dir/cmd") </dev/null \
		>"$scratch/out" 2>"$scratch/err"
	status=$?
	{
		cat "$scratch/out"
		sed 's/^/! /' "$scratch/err"
		echo "exit $status"
	} >"$scratch/result"
	if [[ $update ]]; then
		cp "$scratch/result" "$dir/expected"
	fi
	diff -u "$dir/expected" "$scratch/result" >"$scratch/diff" 2>&1
	report $? "$name"
	[[ -s $scratch/diff ]] && sed 's/^/# /' "$scratch/diff"
	# A case of errors prints no document, which "expected" says.
	if [[ -s $scratch/out ]] && grep -q -e '--json' "$dir/cmd"; then
		is_json <"$scratch/out"
		report $? "$name: valid JSON"
	fi
}

long_options()
{
	grep -o -e '--[a-z][a-z-]*' | sort -u
}

# What completion offers after the words given, one a line; of the running
# system it knows what is in $sysroot.
sysroot=/nonexistent
complete_words()
(
	# shellcheck source=/dev/null
	source "$completion"
	compopt() { :; }
	rctl() { "$RCTL" --sysroot "$sysroot" "$@"; }
	COMP_WORDS=(rctl "$@")
	COMP_CWORD=$#
	_rctl_module
	printf '%s\n' "${COMPREPLY[@]}"
)

commands=$("$RCTL" --help | sed -n '/^Commands:/,/^$/s/^ \([a-z]*\) .*/\1/p')

check_completion()
{
	local c
	diff <(echo "$commands" | sort) <(complete_words "" | sort) | sed 's/^/# /'
	report "${PIPESTATUS[0]}" "completion: commands"
	for c in "" $commands; do
		# "See 'rctl <command> --help'" is no option more.
		diff <("$RCTL" ${c:+"$c"} --help | grep '^ *-' | long_options) \
			<(complete_words ${c:+"$c"} -- | long_options) | sed 's/^/# /'
		report "${PIPESTATUS[0]}" "completion: options of rctl $c"
		"$RCTL" ${c:+"$c"} --help | grep -q '^Available output columns' || continue
		diff <("$RCTL" ${c:+"$c"} --help | sed -n '/^Available/,/^$/s/^  *\([A-Z][A-Z]*\)  .*/\1/p' | sort) \
			<(complete_words ${c:+"$c"} --output "" | tr -d , | sort) | sed 's/^/# /'
		report "${PIPESTATUS[0]}" "completion: columns of rctl $c"
	done
}

# What depends on what there is.
check_completion_of()	# expected words, words to complete...
{
	local sysroot=$here/trees/web expected=$1
	shift
	diff <(tr ' ' '\n' <<<"$expected") <(complete_words "$@" | sort) | sed 's/^/# /'
	report "${PIPESTATUS[0]}" "completion: rctl $*"
}

check_completion_here()
{
	check_completion_of "DISK, DISK.ACCESS, DISK.BASE," top --output DISK
	check_completion_of "PATH,CPU, PATH,CPU.ACCESS, PATH,CPU.BASE," stat -o PATH,CPU
	check_completion_of "web/back web/back/db" list web/b
	check_completion_of "batch10 batch2" stat -n 3 b
	check_completion_of "batch10 batch2" run --create b
	check_completion_of "batch10 batch2" create --mode 0700 --owner root b
	check_completion_of "TOTAL" top -s T
	check_completion_of "batch10 batch2" rename b
	check_completion_of "batch10 batch2" wait -t 5 b
	check_completion_of "tsc=" model --set t
	check_completion_of "" stat -n ""
}

check_manual()
{
	local manual=$here/../../userspace/rctl/rctl.8.adoc c
	for c in $commands; do
		"$RCTL" "$c" --help | grep '^ *-' | long_options |
			while read -r option; do
				grep -q -e "\\*$option\\*" "$manual" || echo "# $option"
			done | grep .
		report $((! $?)) "manual: options of rctl $c"
	done
}

make_many()	# directory, number
{
	local root=$1/sys/fs/rcontainer i
	mkdir -p "$root/info"
	seq -f "$root/c%.0f" "$2" | xargs mkdir
	for i in "$root" "$root"/c*; do
		echo 1 >"$i/tasks"
		printf 'cpu.access_uj 5\ncpu.base_uj 7\n' >"$i/energy"
	done
}

check_many()
{
	make_many "$scratch/many" 10000
	local TIMEFORMAT='%3U %3S' ms n
	{ time "$RCTL" --sysroot "$scratch/many" list -n >"$scratch/out"; } 2>"$scratch/time"
	n=$(wc -l <"$scratch/out")
	ms=$(awk '{ printf "%d", ($1 + $2) * 1000 }' "$scratch/time")
	echo "# 10,000 containers: $ms ms of CPU time"
	[[ $n == 10001 ]]
	report $? "list: 10,000 containers"
	# Of the CPU, so that others' work does not count.
	((ms < 1000))
	report $? "list: 10,000 containers in less than a second"
	"$RCTL" --sysroot "$scratch/many" list --json | is_json
	report $? "list: 10,000 containers, valid JSON"
}

check_deep()
{
	local root=$scratch/deep/sys/fs/rcontainer name i n
	name=$(printf 'd/%.0s' {1..1000})
	mkdir -p "$root/$name"
	n=$(ulimit -Sn 256 && "$RCTL" --sysroot "$scratch/deep" list -no PATH | wc -l)
	[[ $n == 1001 ]]
	report $? "list: 1,000 levels"
	"$RCTL" --sysroot "$scratch/deep" delete -r d && [[ ! -e $root/d ]]
	report $? "delete: 1,000 levels"
}

# Containers come and go while the tree is walked.
check_vanishing()
{
	local root=$scratch/few/sys/fs/rcontainer i status=0 mover
	make_many "$scratch/few" 200
	while [[ ! -e $scratch/stop ]]; do
		mv "$root/c77" "$root/c190" "$scratch/"
		mv "$scratch/c77" "$scratch/c190" "$root/"
	done &
	mover=$!
	for i in {1..50}; do
		"$RCTL" --sysroot "$scratch/few" list >"$scratch/out" 2>&1 ||
			status=1
	done
	touch "$scratch/stop"
	wait $mover
	[[ $status == 0 ]] || grep '^rctl' "$scratch/out" | sed 's/^/# /'
	report $status "list: containers vanish meanwhile"
}

for dir in "$here"/cases/*/; do
	run_case "${dir%/}"
done
check_completion
check_completion_here
check_manual
check_many
check_deep
check_vanishing
echo "1..$count"
echo "$((count - failed)) passed, $failed failed"
[[ $failed == 0 ]]
