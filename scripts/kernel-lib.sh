# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What builds kernels in the cache; to be sourced, with $cache set.
#
# kernel_use NAME ARCH has the functions after it work on CACHE/obj/NAME.
# $kernel_hostcc is another compiler for the tools of the build.

# shellcheck disable=SC2154 # $cache is the caller's
# With the compiler's own list of dependencies a miss costs no preprocessing.
export CCACHE_DIR=$cache/ccache CCACHE_BASEDIR=$cache CCACHE_DEPEND=1
# Nothing of the build's time or place in the image: rebuilds repeat.
export KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=build \
	KBUILD_BUILD_HOST=build KBUILD_BUILD_VERSION=1

# ARCH is x86_64 if it is empty; elsewhere arm64 takes Debian's cross compiler.  The source is the
# pristine one for "baseline".  Holds the folder's lock.
kernel_use() {
	kernel_name=$1 kernel_arch=${2:-x86_64}
	kernel_cross=
	[ "$kernel_arch" != arm64 ] || [ "$(uname -m)" = aarch64 ] || kernel_cross=aarch64-linux-gnu-
	kernel_src=$cache/linux
	[ "$kernel_name" = baseline ] && kernel_src=$cache/pristine
	kernel_obj=$cache/obj/$kernel_name
	mkdir -p "$kernel_obj"
	exec 9>"$kernel_obj.lock"
	flock 9
}

kernel_make() {
	make -s -C "$kernel_src" O="$kernel_obj" ARCH="$kernel_arch" \
		CROSS_COMPILE="$kernel_cross" CC="ccache ${kernel_cross}gcc" HOSTCC="${kernel_hostcc:-gcc}" "$@"
}

# The last statement about each option of the files given, "is not set" included.
kernel_statements() {
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
kernel_not_in_effect() {
	kernel_statements "$@" | awk 'NR == FNR { line[$0] = 1; sub(/=.*/, ""); on[$0] = 1; next }
		/^C/ && !($0 in line) || /^#/ && ($2 in on)' "$kernel_obj/.config" -
}

# kernel_configure [--base CONFIG] FRAGMENT...: if they, or what they choose from,
# have changed since the last time.  Each FRAGMENT adds to those before; what none of
# them names is off or, with --base, as CONFIG (which may be compressed by xz) has it.
kernel_configure() {
	local base='' missing wanted=$kernel_obj/wanted
	if [ "$1" = --base ]; then
		base=$2
		shift 2
		xz -dcf "$base" | kernel_statements - "$@"
	else
		cat "$@"
	fi >"$wanted.new"
	if cmp -s "$wanted.new" "$wanted" && ! [ "$kernel_src" -nt "$wanted" ] &&
		[ -z "$(find "$kernel_src"/{kernel/rcontainer,arch/pmc,block,drivers/block,drivers/pvblk,init} \
			-maxdepth 2 -name Kconfig -newer "$wanted" 2>/dev/null)" ]; then
		rm -f "$wanted.new"
		return
	fi
	if [ -n "$base" ]; then
		cp "$wanted.new" "$kernel_obj/.config"
		kernel_make olddefconfig
	else
		kernel_make KCONFIG_ALLCONFIG="$wanted.new" allnoconfig
	fi >"$kernel_obj/config.log" 2>&1 || { cat "$kernel_obj/config.log" >&2; return 1; }
	missing=$(kernel_not_in_effect "$@")
	if [ -n "$missing" ] && [ "$kernel_name" != baseline ]; then
		printf 'kernel: %s: not in effect:\n%s\n' "$kernel_name" "$missing" >&2
		return 1
	fi
	mv "$wanted.new" "$wanted"
}
