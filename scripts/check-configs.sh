#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Compile what we add and change in kernels of other configurations.
#
#	check-configs.sh CACHE [NAME...]
#
# NAME is a fragment in configs/check/, on top of configs/guest.config; without any,
# all of them, and "modules", the kernel with modules, which is linked.  Of the others
# each source file of linux/ and of the series is compiled, and of headers those
# that use them.  A warning is an error.  What a fragment asks for has to be in
# effect.  Lines in it that begin with "#:" are for this script:
#
#	#: arch ARCH		another one than x86_64
#	#: base none		not on top of configs/guest.config
#	#: absent PATTERN...	objects that this configuration does not have
#	#: present PATTERN...	objects that others do not have
#
# Objects that a configuration does not have are not asked for: make would compile
# them all the same where it knows their folder.
set -uo pipefail

cache=$1
shift
cd "$(dirname "$0")/.." || exit
# shellcheck source=scripts/kernel-lib.sh
. scripts/kernel-lib.sh
# Each folder has tools of its own, compiled from the same source.
# shellcheck disable=SC2034 # of kernel-lib.sh
kernel_hostcc='ccache gcc'

# Those that call what the series adds to vtime.h and writeback.h, where no file
# of the series does.
users=(kernel/softirq.o fs/mpage.o fs/btrfs/extent_io.o fs/xfs/xfs_aops.o)
# Compiled with KUnit, for 32 bits and for encryption only.
rarely=(arch/pmc/fake.o '*/tests/*.o' block/bounce.o block/blk-crypto-fallback.o)
passed=0 failed=0

# The objects of all source files that are ours or that the series edits.
objects() {
	{
		(cd linux && find . -name '*.c' -printf '%P\n')
		while read -r patch; do
			sed -n 's:^+++ b/\(.*\.c\)$:\1:p' "patches/$patch"
		done <patches/series
	} | sed 's/c$/o/'
	printf '%s\n' "${users[@]}"
}

# said FRAGMENT WORD: what follows "#: WORD".
said() {
	sed -n "s/^#: $2 //p" "$1"
}

# expected OBJECT: this configuration has it.  By the arrays absent and present.
expected() {
	local pattern
	for pattern in "${absent[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $1 == $pattern ]] && return 1
	done
	for pattern in "${present[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $1 == $pattern ]] && return
	done
	for pattern in "${rarely[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $1 == $pattern ]] && return 1
	done
	return 0
}

# Prints what is wrong.
compile() {
	local fragment=$1 object base absent present objects=()
	base=$(said "$fragment" base)
	read -ra absent <<<"$(said "$fragment" absent | tr '\n' ' ')"
	read -ra present <<<"$(said "$fragment" present | tr '\n' ' ')"
	local fragments=("$fragment")
	[ "$base" = none ] || fragments=(configs/guest.config "$fragment")
	kernel_use "check/$(basename "$fragment" .config)" "$(said "$fragment" arch)"
	local wanted=$kernel_obj/wanted
	touch -r "$wanted" "$kernel_obj/before" 2>/dev/null
	kernel_configure "${fragments[@]}" 2>&1 || return
	# Those of another configuration are no proof.
	[ "$wanted" -nt "$kernel_obj/before" ] && (cd "$kernel_obj" && rm -f "${all[@]}")
	for object in "${all[@]}"; do
		! expected "$object" || objects+=("$object")
	done
	KCFLAGS=-Werror kernel_make -k -j"$(nproc)" "${objects[@]}" 2>&1 >"$kernel_obj/build.out" |
		tee "$kernel_obj/build.log" | grep -vE '^make(\[[0-9]+\])?: '
	# A warning has to be said again by the next run.
	[ "${PIPESTATUS[2]}" = 1 ] || (cd "$kernel_obj" && rm -f "${all[@]}")
	for object in "${objects[@]}"; do
		[ -e "$kernel_obj/$object" ] || echo "$object was not compiled"
	done
}

# result NAME SECONDS FOUND MORE
result() {
	if [ -z "$3" ]; then
		passed=$((passed + 1))
		echo "ok $((passed + failed)) - $1: $4, $2 s"
	else
		failed=$((failed + 1))
		echo "not ok $((passed + failed)) - $1"
		printf '%s\n' "$3" | head -n 40 | sed 's/^/# /'
	fi
}

check_modules() {
	local start=$SECONDS found status=0
	found=$(scripts/kernel.sh "$cache" modules x86_64 'bzImage modules' \
		configs/guest.config configs/modules.config 2>&1 >/dev/null) || status=$?
	[ "$status" = 0 ] || found+="${found:+$'\n'}exit status $status"
	result modules $((SECONDS - start)) "$found" \
		"$(find "$cache/obj/modules" -name '*.ko' | wc -l) modules linked"
}

mapfile -t all < <(objects | sort -u)
if [ $# = 0 ]; then
	set -- modules
	for fragment in configs/check/*.config; do
		set -- "$@" "$(basename "$fragment" .config)"
	done
fi
echo "1..$#"
for name; do
	if [ "$name" = modules ]; then
		check_modules
		continue
	fi
	start=$SECONDS
	found=$(compile "configs/check/$name.config")
	result "$name" $((SECONDS - start)) "$found" \
		"$(cd "$cache/obj/check/$name" && find "${all[@]}" 2>/dev/null | wc -l) objects"
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
