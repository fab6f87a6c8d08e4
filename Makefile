# SPDX-License-Identifier: GPL-2.0-or-later
# Resource containers with energy accounting for paravirtualized guests.
# `make help` lists the verbs; they are the whole interface.

# Or arm64: of kernel, user space and test-kvm, by Debian's cross compiler.
ARCH ?= x86_64
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rcontainer
BUILD := $(CURDIR)/build
export CACHE BUILD

# Debian packages, one line per use.
PACKAGES := \
	linux-source-6.12 gcc make ccache flex bison bc libelf-dev libssl-dev xz-utils rsync patch \
	libsmartcols-dev libncurses-dev libcmocka-dev liburing-dev libnbd-dev libpfm4-dev pkg-config \
	qemu-system-x86 busybox-static cpio gzip coreutils dmsetup bsdextrautils mount systemd \
	prometheus-node-exporter linux-perf \
	fio postmark e2fsprogs xfsprogs btrfs-progs nbdkit tmux \
	gnuplot-nox gawk git python3-minimal \
	sparse shellcheck perl asciidoctor man-db libvirt-clients libxml2-utils python3-sphinx

# With ARCH=arm64.
CROSS_PACKAGES := gcc-aarch64-linux-gnu qemu-system-arm mmdebstrap

kernel = scripts/kernel.sh $(CACHE)

all: kernel user

help:
	@echo 'Verbs:'
	@echo '  demo      two VMs on one CPU, two programs in containers: the whole chain'
	@echo '  demo-host two VMs run Postmark: power of disk and CPU, by whom and for what'
	@echo '  demo-disk two programs write to one file: who pays for the disk'
	@echo '  test      user space, KUnit on UML and x86_64, booted guests, daemons'
	@echo '  test-hostile'
	@echo '            a guest whose disk lies to it'
	@echo '  test-debug'
	@echo '            the booted guests again, with KASAN, lockdep and kmemleak'
	@echo '  test-modules'
	@echo '            the booted guests again, in a kernel with modules'
	@echo '  test-sanitize'
	@echo '            user space again, with the sanitizers of addresses, leaks, behaviour'
	@echo '  kunit     only KUnit'
	@echo '  bench     measurements, as CSV, plots and one report.md into build/results/'
	@echo '  bench-quick'
	@echo '            have costs grown?  Instructions against those that are recorded'
	@echo '  bench-record'
	@echo '            record them anew'
	@echo '  bench-switch'
	@echo '            only: what a context switch costs'
	@echo '  bench-disk'
	@echo '            only: how fast the disk is, and what its accounting costs'
	@echo '  check     checkpatch, warnings of the compiler, sparse, shellcheck, kernel-doc, ABI entries'
	@echo '  check-configs'
	@echo '            the kernel part compiled in other configurations, and as modules'
	@echo '  htmldocs  the kernel documents, without warnings'
	@echo '  install   programs, manuals, units; with prefix= and DESTDIR= as usual;'
	@echo '            install-tools of the guest, install-host, install-dev; uninstall'
	@echo '  deb       Debian packages of user space, in build/deb/'
	@echo '  deb-kernel'
	@echo '            a Debian package of the kernel for guests, in build/deb/'
	@echo '  test-packages'
	@echo '            these installed in a Debian of their own'
	@echo '  test-debian'
	@echo '            demo and test in a new Debian of SUITE=trixie or bookworm; VERBS= are'
	@echo '            others, SUITES= only these suites of test'
	@echo '  test-guest'
	@echo '            these in a guest with Debian SUITE=trixie or bookworm, on our disk'
	@echo '  test-kvm  what rcontainer-libvirt(7) says, in a host with KVM and libvirt of Debian'
	@echo '            SUITE=trixie or bookworm, on an emulated processor; with ARCH=arm64'
	@echo '            daemons and guests of arm64, which count by a PMU'
	@echo '  patchset  the kernel part as a series for git am, in build/patchset/'
	@echo '  setup     install what is missing of the Debian packages'
	@echo '  tree      bring the kernel source in the cache up to date'
	@echo '  kernel    build the guest kernel'
	@echo '  user      build user space'
	@echo '  clean     remove build/'
	@echo
	@echo 'ARCH=arm64: kernel, user and test-kvm of arm64, by a cross compiler.'
	@echo 'Kernel source, objects and ccache are in $(CACHE).'

setup:
	@scripts/setup.sh $(PACKAGES)

tree: setup
	@scripts/tree.sh $(CACHE)

kernel: kernel-$(ARCH)
user: user-$(ARCH)

kernel-x86_64: tree
	@$(kernel) guest x86_64 bzImage configs/guest.config

user-x86_64: setup
	@$(MAKE) -s -C userspace OUT=$(BUILD)/user
	@$(MAKE) -s -C tests/boot OUT=$(BUILD)/boot USER=$(BUILD)/user
	@$(MAKE) -s -C tests/disk OUT=$(BUILD)/disk BOOT=$(BUILD)/boot USER=$(BUILD)/user

kernel-arm64: setup-cross tree
	@$(kernel) arm64 arm64 Image configs/guest.config configs/arm64.config

# Against the libraries of Debian SUITE=, into build/arm64/.
cross = CC='aarch64-linux-gnu-gcc --sysroot=$(CACHE)/arm64/$(SUITE)/root'

user-arm64: setup-cross
	@scripts/sysroot.sh $(CACHE) $(SUITE)
	@$(MAKE) -s -C userspace OUT=$(BUILD)/arm64/user $(cross)
	@$(MAKE) -s -C tests/boot OUT=$(BUILD)/arm64/boot $(cross) \
		$(addprefix $(BUILD)/arm64/boot/,init spin exact)

setup-cross: setup
	@scripts/setup.sh $(CROSS_PACKAGES)

kunit-kernels: tree
	@$(kernel) kunit-uml um linux configs/kunit.config configs/kunit-uml.config
	@$(kernel) kunit-x86 x86_64 bzImage configs/kunit.config configs/kunit-x86.config

demo: kernel user
	@tests/demo/run.sh

demo-host: kernel user
	@$(MAKE) -s -C userspace OUT=$(BUILD)/user tests
	@tests/demo/host.sh

demo-disk: kernel user
	@tests/demo/disk.sh

test: kernel kunit-kernels user
	@$(MAKE) -s -C userspace OUT=$(BUILD)/user tests plugin-tests man
	@tests/run.sh $(or $(SUITES),user rctl plugin kunit boot disk stress launch accountant pvblkd \
		resmon host patchset install)

# A disk's back end that lies.  Some of it depends on time: for a quiet machine.
test-hostile: kernel user
	@tests/run.sh hostile

# The guests again, in a kernel that looks for mistakes.
test-debug: kernel user
	@$(kernel) debug x86_64 bzImage configs/guest.config configs/debug.config
	@GUEST=debug tests/run.sh boot disk

# The guests again, in a kernel with modules, as distributions have them.
test-modules: kernel user
	@scripts/setup.sh kmod
	@$(kernel) modules x86_64 'bzImage modules' configs/guest.config configs/modules.config
	@scripts/modules.sh $(CACHE) modules
	@GUEST=modules tests/run.sh boot disk

# User space again, where the compiler's sanitizers look for mistakes.
sanitize := -fsanitize=address,undefined -fsanitize-undefined-trap-on-error \
	-fno-omit-frame-pointer

test-sanitize: user
	@$(MAKE) -s -C userspace OUT=$(BUILD)/sanitize SANITIZE='$(sanitize)' all tests
	@tests/sanitize.sh $(BUILD)/sanitize '$(sanitize)'

kunit: kunit-kernels
	@tests/run.sh kunit

bench: kernel baseline user
	@$(kernel) kunit-uml um linux configs/kunit.config configs/kunit-uml.config
	@$(MAKE) -s -C userspace OUT=$(BUILD)/user tests plugin-tests
	@tests/bench/run.sh

bench-quick: kernel user
	@tests/bench/quick.sh

bench-record: kernel user
	@tests/bench/quick.sh --record

baseline: tree
	@$(kernel) baseline x86_64 bzImage configs/guest.config

bench-switch: kernel baseline user
	@tests/bench/switch.sh

bench-disk: kernel user
	@tests/bench/disk.sh

# prefix= and DESTDIR= as usual; install-tools is the guest's part, install-host the
# host's, install-dev are headers.
install install-tools install-host install-dev: user
	@$(MAKE) -s -C userspace OUT=$(BUILD)/user $@

uninstall:
	@$(MAKE) -s -C userspace OUT=$(BUILD)/user $@

# Debian packages in build/deb.
deb:
	@scripts/setup.sh $(PACKAGES) build-essential debhelper lintian
	@scripts/deb.sh $(BUILD)/deb

deb-kernel: tree
	@scripts/setup.sh build-essential debhelper kmod linux-config-6.12
	@scripts/deb-kernel.sh $(CACHE) $(BUILD)/deb

# Installed in a Debian of their own; needs the net.  That of the kernel, too, if
# there is one.
test-packages: deb
	@scripts/setup.sh mmdebstrap mount
	@tests/run.sh packages $$([ -z "$$(ls $(BUILD)/deb/linux-image-*.deb 2>/dev/null)" ] || echo packages-kernel)

# What a user of that release does first, from nothing but make; needs root and the net.
SUITE ?= $(if $(filter arm64,$(ARCH)),bookworm,trixie)
VERBS ?= demo test

test-debian:
	@scripts/setup.sh mmdebstrap mount git
	@SUITES='$(SUITES)' scripts/test-debian.sh $(CACHE) $(SUITE) $(VERBS)

# A whole Debian as guest, by these packages; needs the net, once.
test-guest: user deb
	@scripts/setup.sh mmdebstrap fdisk
	@ls $(BUILD)/deb/linux-image-*.deb >/dev/null 2>&1 || $(MAKE) -s deb-kernel
	@tests/guest/image.sh $(CACHE) $(SUITE) $(BUILD)/deb
	@SUITE=$(SUITE) tests/run.sh guest

# A Debian as host, by these packages, with KVM on an emulated processor; needs the
# net, once.
test-kvm: test-kvm-$(ARCH)

test-kvm-x86_64: kernel user deb
	@scripts/setup.sh mmdebstrap fdisk syslinux mtools dosfstools
	@tests/kvm/image.sh $(CACHE) $(SUITE) $(BUILD)/deb
	@SUITE=$(SUITE) tests/run.sh kvm

# An arm64 host with KVM, and its guests; needs the net, once.
test-kvm-arm64: kernel user
	@SUITE=$(SUITE) tests/run.sh kvm-arm64

htmldocs: tree
	@scripts/htmldocs.sh $(CACHE)

check: kernel user
	@scripts/check.sh $(CACHE)

check-configs: tree
	@scripts/setup.sh gcc-aarch64-linux-gnu
	@scripts/check-configs.sh $(CACHE)

patchset: tree
	@scripts/patchset.sh $(CACHE) $(BUILD)/patchset

clean:
	rm -rf $(BUILD)

.PHONY: all help setup tree kernel user kunit-kernels demo demo-host demo-disk test test-hostile test-debug \
	test-modules test-sanitize kunit bench bench-quick bench-record baseline bench-switch bench-disk check \
	check-configs patchset clean \
	install install-tools install-host install-dev uninstall deb deb-kernel test-packages \
	test-debian test-guest test-kvm htmldocs setup-cross \
	$(foreach verb,kernel user test-kvm,$(verb)-x86_64 $(verb)-arm64)
