#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel part as a series: does it apply, is it complete, and does the
# script see when it is not?
#
#	patchset.sh
set -uo pipefail
. "$(dirname "$0")/lib.sh"
top=$(cd "$(dirname "$0")/.." && pwd)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' TERM INT HUP
# Whoever runs the tests needs no identity in git.
export GIT_CONFIG_COUNT=2 \
	GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=Test \
	GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=test@example.org
export SOURCE_DATE_EPOCH=1700000000

# A checkout that can be spoiled; not of git, and the cache is only read.
mkdir "$work/top"
cp -r "$top/linux" "$top/patches" "$top/scripts" "$work/top/"

patchset() {
	"$work/top/scripts/patchset.sh" "$CACHE" "$work/$1" >"$work/log" 2>&1
}

explain() {
	cat "$work/log"
}

# refuses NAME MESSAGE: it fails, says so, and leaves no series.
refuses() {
	check "$1" eval "! patchset bad && grep -q '$2' '$work/log' && [ ! -e '$work/bad' ]"
}

parts=$(grep -vc '^#' "$work/top/patches/parts")
numbered() {
	[ "$(find "$work/one" -name '[0-9]*.patch' | wc -l)" = "$parts" ]
}

check "the series applies and makes the tree that is built" patchset one
check "one patch a part" numbered
check "a cover letter" grep -q '^Subject: \[PATCH 00*/' "$work/one/cover-letter"
patchset two
check "a series repeats" diff -r "$work/one" "$work/two"

mkdir -p "$work/top/linux/lib"
echo >"$work/top/linux/lib/nobodys.c"
refuses "a file in no part is found" lib/nobodys.c
rm -r "$work/top/linux/lib"

echo >>"$work/top/linux/arch/pmc/core.c"
refuses "another tree than the one that is built is found" 'core.c differs'
cp "$top/linux/arch/pmc/core.c" "$work/top/linux/arch/pmc/core.c"

first=$(head -n 1 "$top/patches/series")
sed -i "s/[[:space:]]$first\$/	include\/linux\/pmc.h/" "$work/top/patches/parts"
refuses "a patch in no part is found" "$first"
