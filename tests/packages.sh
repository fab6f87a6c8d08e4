#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian packages in DIRECTORY, installed in a Debian of their own, which is
# made for that and removed again, as TAP.
#
#	packages.sh [--kernel] DIRECTORY
#
# Needs the net, and root.  --kernel is about the kernel's package: is it what its
# configuration says, and does it boot a guest of the tests?
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib.sh
. "$here/lib.sh"

kernel=
[ "$1" = --kernel ] && { kernel=1; shift; }
debs=$(realpath "$1")
work=$(mktemp -d "${TMPDIR:-/tmp}/rcontainer-packages.XXXXXX")
chmod 755 "$work"
# mmdebstrap that was cut short leaves file systems mounted.
leave() {
	local mounted
	while read -r _ mounted _; do
		case $mounted in "$work"/*) umount "$mounted" ;; esac
	done < <(tac /proc/mounts)
	rm -rf --one-file-system "$work"
}
trap leave EXIT
trap 'exit 1' TERM INT HUP
out=$work/out
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

explain() {
	tail -n 20 "$out"
}

# within COMMAND...: in the other Debian.
within() {
	chroot "$root" "$@"
}

# install PACKAGE: without what is recommended; what is said is in $out.
install() {
	local status
	cp "$debs/$1"_*.deb "$root/tmp/package.deb"
	within apt-get install -y -qq --no-install-recommends /tmp/package.deb >"$out" 2>&1 </dev/null
	status=$?
	rm -f "$root/tmp/package.deb"
	return $status
}

sound() {
	within dpkg --audit >"$out" 2>&1 && [ ! -s "$out" ] && within apt-get check -qq >"$out" 2>&1
}

# All files but those that any installation changes; directories are packaging
# tools' business, too.
files() {
	(cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp \
		-o -path ./run -o -path ./var/log -o -path ./var/cache -o -path ./var/lib/dpkg \
		-o -path ./var/lib/apt -o -path ./etc/ld.so.cache \) -prune -o ! -type d -print | sort)
}

enabled() { # unit
	find "$root/etc/systemd/system" -name "$1" | grep -q .
}

user_space() {
	local program page
	files >"$work/before"
	install rcontainer-tools
	check "rcontainer-tools: installed" test $? = 0
	check "... with all that it depends on" sound
	within rctl --version >"$out" 2>&1
	check "rctl runs" grep -q '^rctl from rcontainer' "$out"
	within rctl list >"$out" 2>&1
	check "... and says what is missing" grep -q '^rctl: .*rcontainer' "$out"
	for page in rctl.8 rcfs.5 rcontainer-tutorial.7; do
		within man -w "${page#*.}" "${page%.*}" >"$out" 2>&1
		check "man $page" test $? = 0
	done
	check "completion of rctl" test -s "$root/usr/share/bash-completion/completions/rctl"
	check "the file system is to be mounted" enabled sys-fs-rcontainer.mount
	check "udev's rules for disks" test -s "$root/usr/lib/udev/rules.d/60-pvblk.rules"
	check "... and what puts them into an initramfs" test -x "$root/usr/share/initramfs-tools/hooks/pvblk"

	install rcontainer-host
	check "rcontainer-host: installed" test $? = 0
	check "... with all that it depends on" sound
	for program in pvlaunch resmon cpuacctd pvblkd resmond; do
		within "$program" --version >"$out" 2>&1
		check "$program runs" grep -q "^$program from rcontainer" "$out"
		within man -w "$program" >"$out" 2>&1
		check "man $program" test $? = 0
	done
	# shellcheck disable=SC2016 # the other shell's
	within sh -c 'truncate -s 1M /tmp/image; timeout -s TERM 20 pvblkd --resmond none \
		--state-dir /tmp --disk d,socket=/tmp/socket,file=/tmp/image & pid=$!
		sleep 3; kill $pid; wait $pid' >"$out" 2>&1
	check "pvblkd finds its model" grep -q '^ready' "$out"
	within pvlaunch --name x --machine /tmp/machine --qemu /bin/echo >"$out" 2>&1
	check "pvlaunch finds model and plugin" grep -q '/usr/.*rcontainer/pvplugin.so' "$out"
	check "the resource monitor's socket is enabled" enabled resmond.socket
	check "the accountant is not" test -z "$(find "$root/etc/systemd/system" -name 'cpuacctd*')"

	install rcontainer-dev
	check "rcontainer-dev: installed" test $? = 0
	check "... and has the headers" test -s "$root/usr/include/rcontainer/pvenergy.h"

	mkdir -p "$root/var/lib/rcontainer/images"
	touch "$root/var/lib/rcontainer/d.state"
	within apt-get purge -y -qq 'rcontainer-*' >"$out" 2>&1 </dev/null
	check "purged" test $? = 0
	check "... the images of disks are left" test -d "$root/var/lib/rcontainer/images"
	check "... the totals are not" test ! -e "$root/var/lib/rcontainer/d.state"
	rm -r "${root:?}/var/lib/rcontainer"
	# Dependencies that something else recommends would stay: of libnbd0's, libidn2-0,
	# for libc6.
	within apt-get -o APT::AutoRemove::RecommendsImportant=false \
		-o APT::AutoRemove::SuggestsImportant=false \
		autoremove --purge -y -qq >"$out" 2>&1 </dev/null
	diff "$work/before" <(files) >"$out"
	check "... and nothing else" test ! -s "$out"
}

# has OPTION...: built in or as modules.
has() {
	local option
	for option; do
		grep -qE "^CONFIG_$option=[ym]$" "$config" || echo "CONFIG_$option is off"
	done >"$out"
	[ ! -s "$out" ]
}

# The configuration of the package, against what we asked for and what Debian has.  What
# the compiler is, and what comes with information for debuggers, may differ.
configuration() {
	local ours=$here/../configs/deb.config
	local base=/usr/src/linux-config-6.12/config.amd64_none_cloud-amd64.xz
	check "... the image" test -s "$root/boot/vmlinuz-$release"
	grep '^CONFIG_' "$ours" | grep -vxFf "$config" >"$out"
	sed -n 's/^# \(CONFIG_[^ ]*\) is not set$/^\1=/p' "$ours" | grep -f - "$config" >>"$out"
	check "... its configuration is what was asked for" test ! -s "$out"
	if [ -e $base ]; then
		xz -dc $base | grep -E '^CONFIG_' | grep -vxFf "$config" |
			grep -vE '^CONFIG_(CC_|GCC_|AS_|LD_|PAHOLE_|RUSTC_)' |
			grep -vE '^CONFIG_([A-Z]*_)*(DEBUG_INFO|BTF)(_|=)' |
			grep -vFf <(grep -oE '^CONFIG_[A-Z0-9_]+=' "$ours") >"$out"
		check "... and all else as in Debian's kernel" test ! -s "$out"
	else
		echo "ok - ... and all else as in Debian's kernel # SKIP no linux-config-6.12"
	fi
	check "a mounted root file system can be checked" has BLK_DEV_WRITE_MOUNTED
	check "swap, core dumps, EFI's partition" has SWAP COREDUMP VFAT_FS EFI_PARTITION
	check "containers' network and files" has NETFILTER NF_TABLES NF_TABLES_INET NFT_NAT \
		NFT_MASQ BRIDGE VETH TUN VLAN_8021Q OVERLAY_FS USER_NS
	check "security modules" has SECURITY_APPARMOR SECURITY_SELINUX SECURITY_LANDLOCK \
		SECURITY_YAMA SECURITY_LOCKDOWN_LSM
	check "what makes attacks harder" has CPU_MITIGATIONS MITIGATION_RETPOLINE \
		MITIGATION_PAGE_TABLE_ISOLATION STACKPROTECTOR_STRONG RANDOMIZE_BASE \
		HARDENED_USERCOPY FORTIFY_SOURCE STRICT_KERNEL_RWX STRICT_MODULE_RWX
}

# module NAME: of the package.
module() {
	modinfo -b "$root" -k "$release" "$@" 2>"$out"
}

the_kernel() {
	local package release config
	files >"$work/before"
	package=$(basename "$(find "$debs" -name 'linux-image-*.deb')")
	release=${package#linux-image-} release=${release%%_*}
	install "linux-image-$release"
	check "linux-image-$release: installed" test $? = 0
	check "... with all that it depends on" sound
	config=$root/boot/config-$release
	configuration
	check "the disk's driver is a module" test -n "$(module -n pvblk)"
	check "... which is signed" test -n "$(module -F signer pvblk)"
	check "... and loaded before virtio's" grep -qx 'pre: pvblk' <(module -F softdep virtio_blk)
	cp "$root/boot/vmlinuz-$release" "$work/vmlinuz"
	within apt-get purge -y -qq "linux-image-$release" >"$out" 2>&1 </dev/null
	check "purged" test $? = 0
	diff "$work/before" <(files) >"$out"
	check "... and nothing is left" test ! -s "$out"
}

# Called by mmdebstrap when the other Debian is there.
if [ -n "${PACKAGES_ROOT:-}" ]; then
	root=$PACKAGES_ROOT
	if [ -n "$kernel" ]; then the_kernel; else user_space; fi
	[ -z "${PACKAGES_KERNEL:-}" ] || cp "$work/vmlinuz" "$PACKAGES_KERNEL"
	exit 0
fi

if ! command -v mmdebstrap >/dev/null; then
	echo "ok - Debian packages # SKIP no mmdebstrap"
	exit
fi
if [ -z "$kernel" ]; then
	lintian --allow-root --fail-on error "$debs"/rcontainer-*.deb >"$out" 2>&1
	check "lintian finds no errors" test $? = 0
	sed 's/^/# /' "$out"
fi
# The same Debian as this one, from the same place.
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
sources=/etc/apt/sources.list
[ -s $sources ] || sources=/etc/apt/sources.list.d/debian.sources
tap=$work/tap
export tap debs
export PACKAGES_KERNEL=${kernel:+$work/vmlinuz}
# shellcheck disable=SC2016 # mmdebstrap's shell has it
self="PACKAGES_ROOT=\"\$1\" '$here/packages.sh' ${kernel:+--kernel} \"\$debs\" >\"\$tap\""
TMPDIR=$work mmdebstrap --variant=apt --format=null --include=man-db --customize-hook="$self" \
	"$codename" - $sources >"$out" 2>&1
check "a Debian to install packages in" test $? = 0
cat "$tap" 2>/dev/null
if [ -n "$kernel" ] && [ -s "$work/vmlinuz" ]; then
	machine=$work/machine
	guest_kernel=$work/vmlinuz
	(launch deb rcfs --nr-pcpus 2 --pcpus 0,1 --serial "$work/log" \
		--timeout $((240 * patience))) >"$out" 2>&1
	check "the kernel boots, and resource containers work" test $? = 0
	sed 's/\r$//; s/^/# /' "$work/log" | grep -v '^# *ok'
fi
