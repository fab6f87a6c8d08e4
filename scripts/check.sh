#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Look at the sources: style, warnings, types, shell, comments.
#
#   check.sh CACHE [PART...]	of: checkpatch warnings sparse shellcheck kernel-doc abi
#
# One line a part, after what it found.
set -uo pipefail

cache=$1
shift
cd "$(dirname "$0")/.." || exit
pristine=$cache/pristine
status=0

# What checkpatch is not asked:
ignore=(
	# Who sends the series signs it; MAINTAINERS is a patch of its own.
	MISSING_SIGN_OFF FILE_PATH_CHANGES
	# The macros that use an argument twice define variables named by it.
	MACRO_ARG_REUSE
	# It takes "(struct x *p) { p->y = 0; }" of a function on one line for a
	# definition of p.
	INITIALISED_STATIC
	# A hook that is configured out does not use its argument.
	MACRO_ARG_UNUSED
	# _BITUL() is an unsigned long, not the __u32 of the ABI's fields.
	BIT_MACRO
	# A negative array size asserts the layout in C and C++ of any age.
	NEW_TYPEDEFS
)

# Of files in a git checkout it takes patches for source: so by standard input.
part_checkpatch() {
	local patch checkpatch
	checkpatch=(perl "$pristine/scripts/checkpatch.pl" --strict --no-tree --terse --show-types
		--no-summary --quiet --ignore "$(IFS=,; echo "${ignore[*]}")")
	{
		while read -r patch; do
			"${checkpatch[@]}" - <"patches/$patch" | sed "s:^-:patches/$patch:"
		done <patches/series
		# Paths as in the kernel: it has rules for some.
		cd linux && find . -type f ! -path './include/trace/*' -printf '%P\0' |
			sort -z | xargs -0 "${checkpatch[@]}" -f
		# Tracepoints have a style of their own.
		find include/trace -type f -print0 | sort -z | xargs -0 -r \
			"${checkpatch[@]}" --ignore "$(IFS=,; echo "${ignore[*]}"),PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE" -f
	} 2>&1
}

# All C with warnings as errors, by the compiler that is installed.  The builds have
# folders of their own: an object that exists already would say nothing.
part_warnings() {
	local out
	out=$(realpath -m "${BUILD:-build}/warnings")
	make -s -C userspace CC='gcc -Werror' OUT="$out/user" all tests plugin-tests
	make -s -C tests/boot CC='gcc -Werror' OUT="$out/boot" USER="$out/user"
	make -s -C tests/disk CC='gcc -Werror' OUT="$out/disk" BOOT="$out/boot" USER="$out/user"
	scripts/check-configs.sh "$cache" guest kunit-tests | sed -n '/^not ok/p; s/^# //p' ||
		echo "warnings: check-configs.sh has failed"
}

# Kernel headers of this age are above sparse's head here and there; what it
# says of them is not about us.  It knows no __cleanup, so guard() seems to leave
# locks held: lockdep is for that.  Objects of the guest kernel's folder are
# checked, not built again.
part_sparse() {
	local dir said
	for dir in arch/pmc/ kernel/rcontainer/ block/energy/ drivers/pvblk/; do
		said=$(KBUILD_CHECKSRC=2 scripts/kernel.sh "$cache" guest x86_64 "$dir" \
			configs/guest.config 2>&1 >/dev/null) ||
			printf '%s\nsparse: %s was not checked\n' "$said" "$dir"
		grep -E '(arch/pmc|kernel/rcontainer|block/energy|drivers/pvblk|linux/(pmc|rcontainer|blk-energy|pvenergy|pvblk)\.h|^make|rror)' \
			<<<"$said" | grep -v 'context imbalance'
	done
}

# It takes functions that are called by a trap or by name for unreachable.
part_shellcheck() {
	git ls-files -z | xargs -0 grep -lIE '^#!.*\b(ba|da)?sh\b|^# shellcheck shell=' |
		xargs -d '\n' shellcheck -x -P SCRIPTDIR -e SC2317 -f gcc
}

part_kernel-doc() {
	find linux/include/linux linux/include/uapi linux/kernel linux/arch \
		linux/block linux/drivers \
		-name '*.[ch]' -print0 | sort -z |
		xargs -0 perl "$pristine/scripts/kernel-doc" -none -Wall 2>&1 |
		grep -v '^$'
}

# The files that users see: from the tables that make them.
visible_files() {
	# table NAME PREFIX: what a table in files.c has.
	table() {
		sed -n "/^const struct rcfs_file $1\[\]/,/^};/p" linux/kernel/rcontainer/files.c |
			sed -n "s:^[^\"]*\"\([a-z_.]*\)\".*:/sys/fs/rcontainer/$2\1:p"
	}
	table rcfs_files .../
	table rcfs_info_files info/
	sed -n 's:^static DEVICE_ATTR_R[OW](\(.*\));:/sys/block/pvd*/\1:p' linux/drivers/pvblk/attrs.c
}

# Each has an entry in Documentation/ABI, and each entry is of one, or of a
# directory.
part_abi() {
	local documented
	documented=$(sed -n 's/^What:[[:space:]]*//p' linux/Documentation/ABI/testing/sysfs-{block-pvblk,fs-rcontainer} |
		grep -v '/$')
	comm -3 <(visible_files | sort) <(sort <<<"$documented") |
		sed 's/^\t\(.*\)/\1: there is no such file/; t; s/$/: no entry in Documentation\/ABI/'
	[ "$(visible_files | wc -l)" -gt 10 ] || echo "abi: the tables were not found"
	perl "$cache/linux/scripts/get_abi.pl" validate --dir linux/Documentation/ABI
}

[ $# -gt 0 ] || set -- checkpatch warnings sparse shellcheck kernel-doc abi
for part; do
	found=$("part_$part" 2>&1)
	if [ -z "$found" ]; then
		printf 'check: %-12s clean\n' "$part"
	else
		status=1
		printf '%s\n' "$found"
		printf 'check: %-12s %d findings\n' "$part" "$(wc -l <<<"$found")"
	fi
done
exit $status
