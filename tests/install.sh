#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# make install, as TAP: which files there are then, that programs find what came
# with them, and what systemd thinks of the units.
#
#	install.sh [--update] BUILD_USER_DIR
#
# install.expected has the files and their modes.  --update writes it anew; look
# at the difference before you commit it.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/tap.sh
. "$here/tap.sh"
update=
[ "$1" = --update ] && { update=1; shift; }
bin=$(realpath "$1")
work=$(mktemp -d /dev/shm/rcontainer-install.XXXXXX)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
root=$work/root
out=$work/out

explain() {
	head -n 30 "$out"
}

# The same for all, whatever the umask.
run_make() {
	(umask 077 && make -s -C "$here/../userspace" OUT="$bin" DESTDIR="$root" prefix=/usr "$@") \
		>"$out" 2>&1
}

files() {
	(cd "$root" && find . -type f -printf '%m %P\n' | sort -k 2)
}

# ------------------------------------------------------------------------ files

# Nothing is to be built then, nor with that umask.
make -s -C "$here/../userspace" OUT="$bin" all man
run_make install
check "make install" test $? = 0 -a ! -s "$out"
[ -z "$update" ] || files >"$here/install.expected"
diff "$here/install.expected" <(files) >"$out"
check "files and modes" test ! -s "$out"
check "all may enter the directories" test -z "$(find "$root" -mindepth 1 -type d ! -perm -755)"
run_make install
check "make install, again" test $? = 0
for guest in rctl.8 rcfs.5 rctl.bash-completion; do
	cmp "$(find "$bin/man" "$here/../userspace/rctl" -name "$guest" | head -n 1)" \
		"$(find "$root" -name "$guest" -o -path "*/completions/${guest%.bash-completion}" | head -n 1)" \
		>"$out" 2>&1
	check "$guest is what was built" test $? = 0
done

# --------------------------------------------------------------------- programs

for program in bin/rctl bin/resmon bin/pvlaunch sbin/cpuacctd sbin/pvblkd sbin/resmond; do
	"$root/usr/$program" --version >"$out" 2>&1
	check "$program runs" grep -q "^${program#*/} from rcontainer [0-9]" "$out"
done

# Of all, the default models and the plugin are used; a program that is there for
# QEMU is started when all else is found.
truncate -s 1M "$work/image"
"$root/usr/sbin/pvblkd" --resmond none --state-dir "$work" \
	--disk "d,socket=$work/socket,file=$work/image" >"$out" 2>&1 &
pid=$!
for _ in $(seq 200); do
	grep -q '^ready' "$out" && break
	kill -0 $pid 2>/dev/null || break
	sleep 0.1
done
check "pvblkd finds its model" grep -q '^ready' "$out"
kill -TERM $pid
wait $pid
qemu=$work/qemu
printf '#!/bin/sh\necho "$@" >%s.said\n' "$qemu" >"$qemu"
chmod +x "$qemu"
"$root/usr/bin/pvlaunch" --name one --machine "$work/machine" --qemu "$qemu" >"$out" 2>&1
check "pvlaunch finds model and plugin" grep -q "$root/usr/.*rcontainer/pvplugin.so" "$qemu.said"
find "$root" -name '*.model' -exec "$root/usr/sbin/cpuacctd" --check-model {} \; >"$out" 2>&1
check "cpuacctd can read the models" test $? = 0 -a "$(grep -c . "$out")" -gt 2

# ------------------------------------------------------------------------ units

systemd_verify() {
	systemd-analyze verify --man=no --root="$root" "$1" >"$out" 2>&1 && [ ! -s "$out" ]
}

if command -v systemd-analyze >/dev/null; then
	etc=$root/etc/systemd/system
	mkdir -p "$etc" "$root/usr/bin"
	cp /usr/lib/systemd/system/*.target "$root/usr/lib/systemd/system/"
	# What services of the drop-ins execute.
	cp "$bin/rctl" "$root/usr/bin/python3"
	cp "$bin/rctl" "$root/usr/sbin/daemon"
	for unit in sys-fs-rcontainer.mount cpuacctd.service pvblkd@disk.service resmond.service; do
		check "systemd-analyze verify $unit" systemd_verify "$unit"
	done
	for example in "$root"/usr/share/doc/rcontainer/examples/service-*.conf; do
		name=$(basename "$example" .conf)
		mkdir -p "$etc/$name.service.d"
		printf '[Service]\nExecStart=/usr/sbin/daemon\n' >"$etc/$name.service"
		cp "$example" "$etc/$name.service.d/50-rcontainer.conf"
		check "systemd-analyze verify a service with $name.conf" systemd_verify "$name.service"
	done
	sed -i 's/^ExecStartPost=.*/ExecStartPost=no-such-program/' "$etc/service-bound.service.d/50-rcontainer.conf"
	systemd_verify service-bound.service
	check "... which looks at drop-ins" grep -q no-such-program "$out"
	rm -r "${root:?}/etc" "$root/usr/bin/python3" "$root/usr/sbin/daemon"
	rm "$root"/usr/lib/systemd/system/*.target
else
	echo "ok - systemd units # SKIP no systemd-analyze"
fi
# Elsewhere units name the programs there.
make -s -C "$here/../userspace" OUT="$bin" DESTDIR="$work/local" install-host >"$out" 2>&1
check "units of another prefix" grep -q '^ExecStart=/usr/local/sbin/resmond' \
	"$work/local/usr/local/lib/systemd/system/resmond.service"

# -------------------------------------------------------------------- uninstall

run_make uninstall
check "make uninstall" test $? = 0 -a ! -s "$out"
files >"$out"
check "nothing is left" test ! -s "$out"
check "nor directories of ours" test -z "$(find "$root" -name '*rcontainer*')"
