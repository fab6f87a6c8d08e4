# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Other QEMUs beside the host's own: those in roots of other Debian releases, as
# "make test-debian" leaves them; to be sourced, in the checkout.

# shellcheck source=tests/lib.sh
. tests/lib.sh

work=$(mktemp -d)
stage=
trap 'rm -rf "$work" ${stage:+"$stage"}' EXIT

# qemu_roots [ROOT...]: the host's own, an empty name, and each ROOT with a QEMU.
# Without any ROOT, those below $CACHE/debian.
qemu_roots() {
	local root

	echo
	[ $# != 0 ] || set -- "$CACHE"/debian/*/root
	for root; do
		[ ! -x "$root/usr/bin/qemu-system-x86_64" ] || echo "$root"
	done
}

# qemu_stage ROOT FILE...: have copies of the files where ROOT sees them; sets
# $stage, and $seen, which is the same place for a program in ROOT.
qemu_stage() {
	local root=$1

	shift
	stage=$(mktemp -d "${root:-}/tmp/rcontainer-qemu.XXXXXX")
	# shellcheck disable=SC2034 # the caller's
	seen=${stage#"$root"}
	cp -rL "$@" "$stage/"
}

# within_root ROOT COMMAND...
within_root() {
	local root=$1

	shift
	if [ -n "$root" ]; then
		# It may have no device files of its own.
		# shellcheck disable=SC2016 # the other shell's
		unshare -m sh -c 'mount --rbind /dev "$1/dev" && mount -t proc proc "$1/proc" &&
			exec chroot "$@"' sh "$root" "$@"
	else
		"$@"
	fi
}

# qemu_version ROOT: as 10.0.13
qemu_version() {
	within_root "$1" qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'
}
