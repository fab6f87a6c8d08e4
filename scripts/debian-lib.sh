# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What makes roots of Debian releases; to be sourced.

# debian_sources RELEASE: prints this host's sources of packages, of another release.
debian_sources() {
	local file=/etc/apt/sources.list codename
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	[ -s $file ] || file=/etc/apt/sources.list.d/debian.sources
	if [ ! -s $file ]; then
		echo "neither /etc/apt/sources.list nor $file has sources" >&2
		return 1
	fi
	sed "/^ *#/d; s/\b$codename\b/$1/g" "$file"
}

# debian_base STORE RELEASE VARIANT PACKAGES [ARCH]: STORE/base.tar is a root of that release,
# of this host's architecture or ARCH, made by mmdebstrap; made again when its sources or
# packages change.
debian_base() {
	local store=$1 release=$2 variant=$3 packages=$4 arch=${5:-} list=$1/debian.list
	debian_sources "$release" >"$store/sources.new" || return
	! grep -q ^Types: "$store/sources.new" || list=$store/debian.sources
	cp "$store/sources.new" "$list"
	echo "# $variant $packages" >>"$store/sources.new"
	if cmp -s "$store/sources.new" "$store/sources" && [ -s "$store/base.tar" ]; then
		rm "$store/sources.new"
		return
	fi
	echo "making a root of Debian $release; takes some minutes"
	rm -f "$store/sources"
	mmdebstrap --quiet --variant="$variant" ${arch:+--architectures="$arch"} --include="$packages" "$release" \
		"$store/base.tar" "$list" || return
	mv "$store/sources.new" "$store/sources"
}

# in_root ROOT COMMAND...: in namespaces whose mounts end with it; with this script, at
# the latest.
in_root() {
	# shellcheck disable=SC2016 # the other shell's
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child sh -ec '
		mount -t proc proc "$0/proc"
		mount -t sysfs -o ro sysfs "$0/sys"
		mount --bind /dev "$0/dev"
		exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
			DEBIAN_FRONTEND=noninteractive "$@"' "$@"
}

# image_begin STORE: what makes an image has STORE for itself, and a directory $work in it,
# both for as long as the script runs.
image_begin() {
	mkdir -p "$1"
	exec 9>"$1/lock"
	flock 9
	work=$(mktemp -d "$1/work.XXXXXX")
	image_job=
	trap image_leave EXIT
	trap 'exit 1' TERM INT HUP
}

image_leave() {
	[ -z "$image_job" ] || kill -KILL "$image_job" 2>/dev/null
	wait
	rm -rf --one-file-system "$work"
}

# image_make FUNCTION...: their output is shown if one fails.
image_make() {
	# A job of its own: left of "||" no failure would end it, and it ends with this script.
	(for function; do "$function"; done) >"$work/log" 2>&1 &
	image_job=$!
	wait $image_job || { cat "$work/log" >&2; exit 1; }
	image_job=
}

# image_add SOURCE TARGET MODE: a file of the test into $root.
image_add() {
	# shellcheck disable=SC2154 # the caller's
	install -D -m "$3" "$here/$1" "$root/$2"
}

# image_slow: on a host that has other work the clock of $root runs on while its CPUs
# wait: what comes after 90 seconds is not missing.
image_slow() {
	mkdir -p "$root/etc/systemd/system.conf.d"
	printf '%s\n' '[Manager]' DefaultTimeoutStartSec=1200 DefaultDeviceTimeoutSec=1200 \
		>"$root/etc/systemd/system.conf.d/slow.conf"
}
