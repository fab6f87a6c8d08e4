#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Build one kernel in the cache.
#
#   kernel.sh CACHE NAME ARCH TARGET [--base CONFIG] FRAGMENT...
#
# NAME is the folder in CACHE/obj, one for each configuration: a change of the
# configuration rebuilds nearly everything.  TARGET may be several words.  Each
# FRAGMENT adds to those before; what none of them names is off or, with --base, as
# CONFIG (which may be compressed by xz) has it.  NAME "baseline" is built from the
# pristine source.
set -euo pipefail

cache=$1 name=$2 arch=$3 target=$4 base=
shift 4
if [ "$1" = --base ]; then
	base=$2
	shift 2
fi
src=$cache/linux
[ "$name" = baseline ] && src=$cache/pristine
obj=$cache/obj/$name
# With the compiler's own list of dependencies a miss costs no preprocessing.
export CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$cache CCACHE_DEPEND=1
# Nothing of the build's time or place in the image: rebuilds repeat.
export KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=build \
	KBUILD_BUILD_HOST=build KBUILD_BUILD_VERSION=1

mkdir -p "$obj"
exec 9>"$obj.lock"
flock 9

run() {
	make -s -C "$src" O="$obj" ARCH="$arch" CC='ccache gcc' "$@"
}

# The last statement about each option of the files given, "is not set" included.
statements() {
	awk 'match($0, /^(# )?CONFIG_[A-Za-z0-9_]+[= ]/) && (/^C/ || /^# [^ ]* is not set$/) {
		option = $0
		gsub(/^# |[= ].*/, "", option)
		said[option] = $0
		if (!(option in seen)) {
			seen[option] = 1
			order[++n] = option
		}
	}
	END { for (i = 1; i <= n; i++) print said[order[i]] }' "$@"
}

# An option that was asked for and dropped is an error, not a surprise; one that
# is off may be unknown because its menu is off.
not_in_effect() {
	statements "$@" | awk 'NR == FNR { line[$0] = 1; sub(/=.*/, ""); on[$0] = 1; next }
		/^C/ && !($0 in line) || /^#/ && ($2 in on)' "$obj/.config" -
}

configure() {
	cp "$obj/.config" "$obj/config.before" 2>/dev/null || true
	if [ -n "$base" ]; then
		cp "$obj/wanted.new" "$obj/.config"
		run olddefconfig
	else
		run KCONFIG_ALLCONFIG="$obj/wanted.new" allnoconfig
	fi >"$obj/config.log" 2>&1 || { cat "$obj/config.log" >&2; exit 1; }
}

if [ -n "$base" ]; then
	xz -dcf "$base" | statements - "$@"
else
	cat "$@"
fi >"$obj/wanted.new"
if ! cmp -s "$obj/wanted.new" "$obj/wanted" || [ "$src" -nt "$obj/wanted" ] ||
	[ -n "$(find "$src/kernel/rcontainer" "$src/arch/pmc" "$src/block/energy" \
		"$src/drivers/pvblk" -name Kconfig \
		-newer "$obj/wanted" 2>/dev/null)" ]; then
	configure
	missing=$(not_in_effect "$@")
	if [ -n "$missing" ] && [ "$name" != baseline ]; then
		printf 'kernel: %s: not in effect:\n%s\n' "$name" "$missing" >&2
		exit 1
	fi
	mv "$obj/wanted.new" "$obj/wanted"
fi
rm -f "$obj/wanted.new"

start=$SECONDS
echo "kernel: building $name ($arch $target); a first build takes" \
	"$([ -n "$base" ] && echo "an hour or two" || echo "6 to 10 minutes")"
# shellcheck disable=SC2086 # a list of words
run -j"$(nproc)" $target 2>"$obj/build.log" || {
	cat "$obj/build.log" >&2
	exit 1
}
# Warnings of our own files are errors in spirit: show all there are.
cat "$obj/build.log" >&2
echo "kernel: $name built in $((SECONDS - start)) s"
