# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What test scripts share; to be sourced.

# shellcheck source=tests/tap.sh
. "$(dirname "${BASH_SOURCE[0]}")/tap.sh"

: "${BUILD:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/build}"
: "${CACHE:=${XDG_CACHE_HOME:-$HOME/.cache}/rcontainer}"
: "${PROGRAMS:=$BUILD/user}"
export BUILD CACHE

# GUEST= is the kernel of the guest under test, if not "guest": "modules", or "debug",
# which needs more time.
guest_kernel=$CACHE/obj/${GUEST:-guest}/arch/x86/boot/bzImage
busy_kernel=$CACHE/obj/guest/arch/x86/boot/bzImage
# shellcheck disable=SC2034 # used by those who source this
: "${patience:=1}"
# shellcheck disable=SC2034
[ "${GUEST:-}" != debug ] || patience=4
# A kernel that checks each of its memory accesses has too many of them to look at,
# unless a test counts them: memory=yes.
no_memory=
[ "${GUEST:-}" != debug ] || [ -n "${memory:-}" ] || no_memory=--no-memory
initramfs=${INITRAMFS:-$BUILD/boot/initramfs.gz}

# Prints what no kernel of a test may say; fails if there is any.
clean_log() {
	! grep -aE 'WARNING: |BUG: |Oops|INFO: (task|rcu)|possible .* detected|KASAN|unreferenced object|Kernel panic|RIP: 0010' "$1"
}

# emulator_died LOG STATUS: of a guest; one that ended so says nothing of our code, and is
# to be started again.
#
# QEMU 7.2 locks a page of code only when a translated block is entered in its
# list, not while it is translated: with several virtual CPUs a block that was
# read just before the kernel patches a jump label can stay behind with the
# breakpoint in it, whichever key it is.
#
# It changes the map of memory under a virtual CPU that is running and may be just
# about to look an address up there: where there is nothing any more, QEMU dies of a
# null pointer, or of an assertion (iotlb_to_section() of QEMU 10).  Kernels change
# the map when they look for PCI devices, with all CPUs up; a segmentation fault or an
# abort after that is none of this kind.
emulator_died() {
	grep -qsa 'Oops: int3: ' "$1" ||
		{ [[ $2 = 139 || $2 = 134 ]] && ! grep -qsaE '^# first process|KTAP version' "$1"; }
}

# On a busy machine a guest may find that timer interrupts come too late to be any:
# it does not look.  One that hangs says where, of each CPU and task, when its time
# is over.
kernel_options="no_timer_check panic=-1 unknown_nmi_panic panic_print=0x41"

# with_modules INITRAMFS: prints its name, or that of one with the modules of
# $guest_kernel behind it, if that has any.
with_modules() {
	local modules=${guest_kernel%/arch/*}/modules.gz with new
	if [ ! -e "$modules" ]; then
		echo "$1"
		return
	fi
	with=${1%.gz}.${GUEST:-guest}.gz
	if ! [ "$with" -nt "$1" ] || ! [ "$with" -nt "$modules" ]; then
		# In cat's redirection $BASHPID would be the process of cat.
		new=$with.$BASHPID
		cat "$1" "$modules" >"$new"
		mv "$new" "$with"
	fi
	echo "$with"
}

# launch NAME RUN [OPTION...]: a guest in the machine $machine whose first
# process runs RUN.  $APPEND is added to its kernel command line.  Replaces
# the shell, so that a signal reaches the launcher: call it as ( launch ... ).
launch() {
	local name=$1 run=$2
	shift 2
	# shellcheck disable=SC2154,SC2086 # the caller's; none or one
	exec "$BUILD/user/pvlaunch" --machine "$machine" --name "$name" \
		--plugin "$BUILD/user/pvplugin.so" $no_memory \
		--kernel "$guest_kernel" --initrd "$(with_modules "$initramfs")" \
		--append "console=ttyS0 quiet $kernel_options rdinit=/init run=$run${APPEND:+ $APPEND}" "$@"
}

# start_busy [OPTION...]: another virtual machine that keeps its CPUs busy,
# until stop_busy.
start_busy() {
	local status
	busy_log=$machine.busy.log
	for _ in 1 2 3; do
		status=0
		rm -f "$busy_log"
		(guest_kernel=$busy_kernel launch busy busy --serial "$busy_log" "$@") >&2 &
		busy_pid=$!
		for _ in $(seq 600); do
			grep -qa '^busy: running' "$busy_log" 2>/dev/null && return
			kill -0 "$busy_pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -0 "$busy_pid" 2>/dev/null && break
		wait "$busy_pid" || status=$?
		emulator_died "$busy_log" $status || break
	done
	echo "not ok - the busy virtual machine did not start"
	return 1
}

stop_busy() {
	kill -TERM "$busy_pid" 2>/dev/null || true
	wait "$busy_pid" 2>/dev/null || true
	rm -f "$busy_log"
}
