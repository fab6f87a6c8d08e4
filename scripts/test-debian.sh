#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Make a root of a Debian release, and run verbs of the Makefile in it on the
# committed state of this checkout.
#
#	test-debian.sh CACHE RELEASE VERB...
#
# The root has Debian's essential packages, apt and make: `make setup` has to
# install everything else.  The last line has the sum of all verbs.  A verb that
# closes with no sum counts as one test.  SUITES chooses test suites of the verb
# "test".
#
# CACHE/debian/RELEASE keeps the root's archive, downloaded packages, and the
# kernel source and objects of the runs.  Output, logs and results go to
# build/test-debian/RELEASE.  Needs the net, and root, but no KVM.
set -euo pipefail

# in_root STORE COMMAND...: mount what STORE/root needs and run COMMAND in its checkout.
# Runs in a mount and a PID namespace: with its last process all mounts are gone.
in_root() {
	local store=$1 root=$1/root
	shift
	# Programs in there may change how mounts propagate, which takes a mount at "/".
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
	mount --bind "$store/apt" "$root/var/cache/apt/archives"
	mount --bind "$store/cache" "$root/root/.cache/rcontainer"
	exec chroot "$root" /usr/bin/env -i -C /root/rcontainer HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" "$@"
}

if [ "$1" = --in-root ]; then
	shift
	in_root "$@"
fi

# shellcheck source=scripts/debian-lib.sh
. "$(dirname "$0")/debian-lib.sh"
cache=$1 release=$2
shift 2
self=$(realpath "$0")
top=$(dirname "$(dirname "$self")")
store=$cache/debian/$release
root=$store/root
checkout=$root/root/rcontainer
out=$top/build/test-debian/$release
# Seconds for a verb: building all kernels on two processors takes half an hour.
limit=10800
child=

fail() {
	echo "test-debian: $*" >&2
	exit 1
}

# alone LOG COMMAND...: run COMMAND in namespaces of its own, and show its output,
# which goes to LOG.  Whatever ends this script ends COMMAND, too: `exec` makes it a
# child of the script itself, whose death it is told of.  A signal ends the wait.
alone() {
	local log=$1 status=0
	shift
	(exec setpriv --pdeathsig TERM timeout --foreground -k 10 "$limit" \
		unshare --mount --pid --fork --kill-child "$@") </dev/null >"$log" 2>&1 &
	child=$!
	tail -n +1 -f --pid="$child" "$log" &
	wait "$child" || status=$?
	child=
	wait
	return "$status"
}

# The root's archive is made again when sources or packages of it change.
make_archive() {
	local include=make extension=list
	debian_sources "$release" >"$store/sources" || exit
	grep -q https: "$store/sources" && include+=,ca-certificates
	grep -q ^Types: "$store/sources" && extension=sources
	echo "include: $include" >>"$store/sources"
	cmp -s "$store/sources" "$store/sources.used" && [ -s "$store/root.tar" ] && return
	echo "test-debian: making a root of $release"
	debian_sources "$release" >"$store/debian.$extension"
	rm -f "$store/sources.used"
	# shellcheck disable=SC2016 # mmdebstrap's shell has it
	alone "$out/mmdebstrap.log" mmdebstrap --quiet --variant=apt --include="$include" \
		--customize-hook='rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*' \
		--customize-hook="copy-in '$store/debian.$extension' /etc/apt/sources.list.d" \
		"$release" "$store/root.tar" "$store/debian.$extension" ||
		fail "mmdebstrap made no root of $release"
	mv "$store/sources" "$store/sources.used"
}

leave() {
	if [ -n "$child" ]; then
		kill "$child" 2>/dev/null || true
		wait
	fi
	rm -rf "$out/logs" "$out/results"
	for dir in logs results; do
		[ ! -d "$checkout/build/$dir" ] || cp -r "$checkout/build/$dir" "$out/"
	done
	rm -rf --one-file-system "$root"
}

make_root() {
	rm -rf --one-file-system "$root"
	mkdir "$root"
	# Devices are the host's.
	tar -xf "$store/root.tar" -C "$root" --numeric-owner --exclude='./dev/*'
	mkdir -p "$root/root/.cache/rcontainer"
	cp -L /etc/resolv.conf "$root/etc/resolv.conf"
	# The root is thrown away: nothing has to survive a power failure.
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/90root"
	# How this host gets at the archive.
	apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' \
		>"$root/etc/apt/apt.conf.d/90host" || true
	git clone -q --depth 1 "file://$top" "$checkout"
}

[ "$(id -u)" = 0 ] || fail "needs root"
mkdir -p "$store/apt/partial" "$store/cache" "$out"
exec 9>"$store/lock"
flock -n 9 || fail "another run has $store"
trap leave EXIT
trap 'exit 1' TERM INT HUP
make_archive
make_root
echo "test-debian: $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' "$root/etc/os-release")," \
	"$(git -C "$checkout" log -1 --format='%h %s')"

passed=0 failed=0 skipped=0
for verb; do
	echo "test-debian: make $verb"
	start=$SECONDS status=0
	alone "$out/$verb.log" "$self" --in-root "$store" make "$verb" \
		${SUITES:+SUITES="$SUITES"} ${patience:+patience="$patience"} || status=$?
	# make has a word to say after that of tests that failed.
	sum=$(grep -aE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$out/$verb.log" | tail -n 1 | grep .) ||
		sum="$((status == 0)) passed, $((status != 0)) failed, 0 skipped"
	IFS=' ,' read -r p _ f _ s _ <<<"$sum"
	[ "$status" = 0 ] || [ "$f" != 0 ] || f=1
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	echo "test-debian: make $verb: status $status, $((SECONDS - start)) s"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
