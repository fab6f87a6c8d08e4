// SPDX-License-Identifier: GPL-2.0-or-later
/* See doctor.h: what files tell of virtual machines, meters and daemons. */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "doctorlook.h"
#include "machine.h"
#include "perfsource.h"
#include "qemuversion.h"
#include "textfile.h"

#define QEMU		"qemu-system-x86_64"
#define CGROUP_ROOT	"sys/fs/cgroup"
#define POWERCAP	"sys/class/powercap"
#define MODULES		"sys/module"
#define KVM_NAME_LEN	32

/* ---------------------------------------------------------------------- files */

int doctor_there(const struct doctor *d, const char *path)
{
	return faccessat(d->root, path, F_OK, 0) ? -errno : 0;
}

long doctor_number(const struct doctor *d, const char *path, long missing)
{
	char text[32], *end;
	long number;

	if (text_read(d->root, path, text, sizeof(text)) <= 0)
		return missing;
	number = strtol(text, &end, 10);
	return end == text ? missing : number;
}

int doctor_flag(const struct doctor *d, const char *path)
{
	char text[8];

	if (text_read(d->root, path, text, sizeof(text)) <= 0)
		return -1;
	return *text == 'Y' || *text == '1';
}

bool doctor_is_guest(const struct doctor *d)
{
	/* "flags" is among the first lines, each of which is the same for all CPUs. */
	char text[8192];

	text_read(d->root, "proc/cpuinfo", text, sizeof(text));
	return strstr(text, " hypervisor");
}

/* The part of @path that openat() takes below the root. */
static const char *below_root(const char *path)
{
	return path + strspn(path, "/");
}

/* ------------------------------------------------------------------------ KVM */

static int is_kvm_module(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "kvm_", 4);
}

/* The module that runs guests on this processor; "" without one. */
static void kvm_module(const struct doctor *d, char name[KVM_NAME_LEN])
{
	struct dirent **list;
	int n = scandirat(d->root, MODULES, &list, is_kvm_module, alphasort);

	*name = '\0';
	if (n < 0)
		return;
	for (int i = 0; i < n; i++) {
		if (!i)
			snprintf(name, KVM_NAME_LEN, "%.*s", KVM_NAME_LEN - 1,
				 list[i]->d_name);
		free(list[i]);
	}
	free(list);
}

static int module_flag(const struct doctor *d, const char *module, const char *parameter)
{
	char *path = format(MODULES "/%s/parameters/%s", module, parameter);
	int flag = doctor_flag(d, path);

	free(path);
	return flag;
}

static const char *no_kvm_advice(const struct doctor *d, const char *module)
{
	if (doctor_is_guest(d))
		return "this host is a virtual machine whose own host must allow nested ones";
	if (*module)
		return "switch virtualization on in the firmware";
	return "switch virtualization on in the firmware, and load kvm_intel or kvm_amd";
}

void doctor_kvm(const struct doctor *d, struct doctor_line *l)
{
	char module[KVM_NAME_LEN];
	const char *nested = "", *comma;
	int ret = d->ops->open_kvm(d->arg), flag;

	kvm_module(d, module);
	comma = *module ? ", " : "";
	flag = module_flag(d, module, "nested");
	if (*module && flag >= 0)
		nested = flag ? ", nested" : ", not nested";
	if (!ret)
		doctor_say(l, DOCTOR_OK, NULL, "/dev/kvm can be opened%s%s%s", comma,
			   module, nested);
	else if (ret == -ENOENT || ret == -ENXIO || ret == -ENODEV)
		doctor_say(l, DOCTOR_WORSE, no_kvm_advice(d, module),
			   "no /dev/kvm%s%s; emulated virtual machines are accounted, too",
			   *module ? ", but the module " : "", module);
	else
		doctor_say(l, DOCTOR_INFO, "QEMU's user must be able to; cpuacctd need not",
			   "/dev/kvm cannot be opened here (%s)%s%s%s", strerror(-ret),
			   comma, module, nested);
}

void doctor_vpmu(const struct doctor *d, struct doctor_line *l)
{
	char module[KVM_NAME_LEN];
	int pmu, mediated;

	kvm_module(d, module);
	pmu = module_flag(d, "kvm", "enable_pmu");
	mediated = module_flag(d, *module ? module : "kvm", "enable_mediated_pmu");
	if (!*module)
		doctor_say(l, DOCTOR_INFO, NULL, "no module of KVM is loaded");
	else if (doctor_there(d, DOCTOR_PMUS "/cpu") && doctor_there(d, DOCTOR_PMUS "/cpu_core"))
		doctor_say(l, DOCTOR_INFO, NULL, "this host has no PMU to share with guests");
	else if (!pmu)
		doctor_say(l, DOCTOR_WORSE,
			   "load kvm with enable_pmu=1",
			   "guests have no PMU (kvm.enable_pmu is off), and divide energy by CPU time");
	else if (mediated > 0)
		doctor_say(l, DOCTOR_WORSE,
			   "use --source clock, or load the module with enable_mediated_pmu=0",
			   "mediated (%s.enable_mediated_pmu), so guests with a PMU and the accountant's events exclude each other",
			   module);
	else
		doctor_say(l, DOCTOR_OK, NULL, "guests' counters are events of the host%s",
			   mediated < 0 ? "; KVM has no mediated PMU" :
					  ", not mediated");
}

void doctor_exits(const struct doctor *d, struct doctor_line *l)
{
	static const char *const dirs[] = {
		"sys/kernel/tracing", "sys/kernel/debug/tracing",
	};
	bool hidden = false;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		char *path = format("%s/events/kvm/kvm_exit", dirs[i]);
		int ret = doctor_there(d, path);

		free(path);
		if (!ret) {
			doctor_say(l, DOCTOR_OK, NULL,
				   "tracepoint kvm:kvm_exit, which a model may count");
			return;
		}
		hidden |= ret == -EACCES;
	}
	if (hidden)
		doctor_say(l, DOCTOR_INFO, "look again as root",
			   "tracepoints cannot be seen by this user");
	else
		doctor_say(l, DOCTOR_INFO,
			   "to count exits, load kvm, and mount tracefs on /sys/kernel/tracing",
			   "no tracepoint kvm:kvm_exit");
}

/* ----------------------------------------------------------------------- QEMU */

void doctor_qemu(const struct doctor *d, struct doctor_line *l)
{
	unsigned int version = d->ops->qemu_version(d->arg, QEMU);
	char *text = format(QEMU " %u.%u", version / 100, version % 100);

	if (!version)
		doctor_say(l, DOCTOR_INFO, "install qemu-system-x86, if QEMU is nowhere else",
			   "no " QEMU " in $PATH");
	else if (version < QEMU_VERSION_OLDEST)
		doctor_say(l, DOCTOR_WORSE, "use 7.2 or newer", "%s is too old", text);
	else if (version > QEMU_VERSION_NEWEST)
		doctor_say(l, DOCTOR_INFO, NULL, "%s is newer than what was tried", text);
	else
		doctor_say(l, DOCTOR_OK, NULL, "%s", text);
	free(text);
}

/* Whether at least one thread of a process is named as one of a virtual CPU. */
static bool has_named_vcpus(const struct doctor *d, pid_t pid)
{
	static struct perf_thread thread[PERF_MAX_THREADS];
	unsigned int nr = d->host->threads(d->arg, pid, thread, PERF_MAX_THREADS);

	for (unsigned int i = 0; i < nr && i < PERF_MAX_THREADS; i++)
		if (thread[i].vcpu)
			return true;
	return false;
}

void doctor_vcpus(const struct doctor *d, struct doctor_line *l)
{
	struct perf_process process[MACHINE_MAX_VMS];
	unsigned int nr = d->host->processes(d->arg, process, MACHINE_MAX_VMS);
	unsigned int named = 0;

	if (nr > MACHINE_MAX_VMS)
		nr = MACHINE_MAX_VMS;
	for (unsigned int i = 0; i < nr; i++)
		named += has_named_vcpus(d, process[i].pid);
	if (!nr)
		doctor_say(l, DOCTOR_INFO, NULL, "no QEMU is running that can be seen here");
	else if (named < nr)
		doctor_say(l, DOCTOR_WORSE, "start QEMU with -name NAME,debug-threads=on",
			   "running: %u, of which %u without named vCPU threads, so all their threads are counted",
			   nr, nr - named);
	else
		doctor_say(l, DOCTOR_OK, NULL, "running: %u, with named vCPU threads", nr);
}

/* -------------------------------------------------------------------- cgroups */

static bool has_unified_cgroups(const struct doctor *d)
{
	return !doctor_there(d, CGROUP_ROOT "/cgroup.controllers");
}

void doctor_cgroup(const struct doctor *d, struct doctor_line *l)
{
	static const char advice[] =
		"boot with systemd.unified_cgroup_hierarchy=1, or give --cgroup an absolute path";

	if (has_unified_cgroups(d))
		doctor_say(l, DOCTOR_OK, NULL, "version 2 on /" CGROUP_ROOT);
	else if (!doctor_there(d, CGROUP_ROOT "/unified/cgroup.controllers"))
		doctor_say(l, DOCTOR_WORSE, advice,
			   "version 1 on /" CGROUP_ROOT ", version 2 below it in unified");
	else if (!doctor_there(d, CGROUP_ROOT "/systemd"))
		doctor_say(l, DOCTOR_WORSE, advice, "version 1 on /" CGROUP_ROOT);
	else
		doctor_say(l, DOCTOR_WORSE,
			   "mount -t cgroup2 none /" CGROUP_ROOT ", or account with --qemu",
			   "nothing on /" CGROUP_ROOT);
}

void doctor_slice(const struct doctor *d, struct doctor_line *l)
{
	bool absolute = *d->cgroup == '/';
	char *path = absolute ? format("%s", below_root(d->cgroup)) :
				format(CGROUP_ROOT "/%s", d->cgroup);

	if (!doctor_there(d, path))
		doctor_say(l, DOCTOR_OK, NULL, "%s is there", d->cgroup);
	else if (!absolute && !has_unified_cgroups(d))
		doctor_say(l, DOCTOR_INFO, "see the line cgroup",
			   "%s cannot be on /" CGROUP_ROOT, d->cgroup);
	else
		doctor_say(l, DOCTOR_INFO, NULL,
			   "%s is not there yet, it comes with the first virtual machine",
			   d->cgroup);
	free(path);
}

/* ------------------------------------------------------------ meters and types */

static int is_rapl_zone(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "intel-rapl:", 11);
}

/* Append a zone's name to a list that does not have it yet. */
static void add_zone(char *list, size_t size, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += len)
		if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ','))
			return;
	snprintf(list + strlen(list), size - strlen(list), "%s%.31s", *list ? ", " : "",
		 name);
}

/* Return: whether the zone's energy can be read. */
static bool look_at_zone(const struct doctor *d, const char *zone, char *list, size_t size)
{
	char *path = format(POWERCAP "/%s/name", zone);
	char name[32];

	text_read(d->root, path, name, sizeof(name));
	name[strcspn(name, "\n")] = '\0';
	free(path);
	add_zone(list, size, *name ? name : zone);
	path = format(POWERCAP "/%s/energy_uj", zone);
	if (doctor_number(d, path, -1) < 0) {
		free(path);
		return false;
	}
	free(path);
	return true;
}

void doctor_rapl(const struct doctor *d, struct doctor_line *l)
{
	struct dirent **zone;
	int n = scandirat(d->root, POWERCAP, &zone, is_rapl_zone, alphasort);
	char list[256] = "";
	bool readable = true;

	for (int i = 0; i < n; i++) {
		readable &= look_at_zone(d, zone[i]->d_name, list, sizeof(list));
		free(zone[i]);
	}
	if (n >= 0)
		free(zone);
	if (n <= 0)
		doctor_say(l, DOCTOR_INFO, doctor_is_guest(d) ? NULL :
			   "modprobe intel_rapl_msr, which is for AMD, too",
			   "no energy meter in /" POWERCAP ", so nothing here can check a model");
	else if (!readable)
		doctor_say(l, DOCTOR_INFO, "look again as root",
			   "%s, but energy_uj cannot be read", list);
	else
		doctor_say(l, DOCTOR_OK, NULL, "%s", list);
}

void doctor_btf(const struct doctor *d, struct doctor_line *l)
{
	if (!doctor_there(d, "sys/kernel/btf/vmlinux"))
		doctor_say(l, DOCTOR_OK, NULL, "/sys/kernel/btf/vmlinux");
	else
		doctor_say(l, DOCTOR_INFO, NULL,
			   "no /sys/kernel/btf/vmlinux; cpuacctd needs none");
}

/* -------------------------------------------------------------------- daemons */

void doctor_resmond(const struct doctor *d, struct doctor_line *l)
{
	struct stat st;

	if (!d->resmond) {
		doctor_say(l, DOCTOR_INFO, NULL, "nothing is to be published");
		return;
	}
	if (!fstatat(*d->resmond == '/' ? d->root : AT_FDCWD, below_root(d->resmond), &st, 0) &&
	    S_ISSOCK(st.st_mode))
		doctor_say(l, DOCTOR_OK, NULL, "%s", d->resmond);
	else
		doctor_say(l, DOCTOR_WORSE, "systemctl enable --now resmond.socket",
			   "no socket %s, so resmon(1) shows nothing", d->resmond);
}

void doctor_io_uring(const struct doctor *d, struct doctor_line *l)
{
	long disabled = doctor_number(d, "proc/sys/kernel/io_uring_disabled", 0);
	long group = doctor_number(d, "proc/sys/kernel/io_uring_group", -1);
	static const char advice[] = "sysctl kernel.io_uring_disabled=0";

	if (disabled <= 0)
		doctor_say(l, DOCTOR_OK, NULL, "allowed");
	else if (disabled > 1)
		doctor_say(l, DOCTOR_WORSE, advice,
			   "kernel.io_uring_disabled is %ld, so pvblkd cannot serve disks",
			   disabled);
	else if (group < 0)
		doctor_say(l, DOCTOR_WORSE, advice,
			   "kernel.io_uring_disabled is 1, so pvblkd cannot serve disks without CAP_SYS_ADMIN");
	else
		doctor_say(l, DOCTOR_WORSE, advice,
			   "kernel.io_uring_disabled is 1, so pvblkd must be of group %ld", group);
}
