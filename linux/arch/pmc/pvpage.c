// SPDX-License-Identifier: GPL-2.0
/*
 * Event counters from the energy page that the hypervisor shares with this
 * virtual machine, on an ivshmem-plain PCI device.
 */
#define pr_fmt(fmt) "pvpage: " fmt

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/percpu.h>
#include <linux/pmc.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <asm/cpu.h>
#include <asm/mpspec.h>

#include "backend.h"
#include "page.h"

#define IVSHMEM_DEVICE_ID	0x1110
#define IVSHMEM_BAR_MEMORY	2

/* Protects struct pmc_page_cpu.log, and readers from the device's removal. */
static DEFINE_MUTEX(pvpage_mutex);
static struct pmc_backend pvpage_backend;
static struct pci_dev *pvpage_dev;
static void *pvpage_mem;
static u32 pvpage_weight_seq;
static char pvpage_vm_name[PVENERGY_NAME_LEN];

/* Where the virtual CPUs are, as it was checked. */
static u32 pvpage_nr_vcpus, pvpage_vcpu_offset, pvpage_vcpu_stride;
static enum cpuhp_state pvpage_online_state;

/* The statistics' address would cost the switch path a register. */
static noinline void pvpage_charge_slow(const struct pvenergy_vcpu *v, u64 *last,
					u64 *sum)
{
	pmc_page_charge_slow(v, last, sum, this_cpu_ptr(&pmc_page_cpu.stats));
}

static void pvpage_charge(u64 *last, u64 *sum)
{
	const struct pvenergy_vcpu *v = __this_cpu_read(pmc_page_cpu.vcpu);

	if (likely(v) && unlikely(!pmc_page_try_charge(v, last, sum)))
		pvpage_charge_slow(v, last, sum);
}

static bool pvpage_reweigh(u64 *weight_pj)
{
	guard(mutex)(&pvpage_mutex);
	return pvpage_mem &&
	       pmc_page_reweigh(pvpage_mem, &pvpage_weight_seq, weight_pj);
}

static bool pvpage_meter(u64 *nj)
{
	guard(mutex)(&pvpage_mutex);
	return pvpage_mem && pmc_page_meter(pvpage_mem, nj);
}

static void pvpage_show(struct seq_file *m)
{
	u64 retries = 0, gave_up = 0, moves = 0;
	struct pmc_page_log log = {};
	unsigned int cpu;

	guard(mutex)(&pvpage_mutex);
	for_each_possible_cpu(cpu) {
		struct pmc_page_cpu *c = per_cpu_ptr(&pmc_page_cpu, cpu);

		if (!c->vcpu)
			continue;
		pmc_page_log_check(c->vcpu, &c->log);
		retries += READ_ONCE(c->stats.retries);
		gave_up += READ_ONCE(c->stats.gave_up);
		moves += READ_ONCE(c->vcpu->moves);
		log.seen += c->log.seen;
		log.overrun += c->log.overrun;
		log.mismatches += c->log.mismatches;
	}
	seq_printf(m, "vm %s\nunplugged %s\n", pvpage_vm_name,
		   pvpage_mem ? "no" : "yes");
	seq_printf(m, "read_retries %llu\nreads_given_up %llu\n", retries, gave_up);
	seq_printf(m, "absences %llu\nmoves %llu\n", log.seen, moves);
	seq_printf(m, "log_overrun %llu\nlog_mismatches %llu\n",
		   log.overrun, log.mismatches);
}

static const struct pmc_ops pvpage_ops = {
	.name	= "pvpage",
	.charge	= pvpage_charge,
	.reweigh = pvpage_reweigh,
	.show	= pvpage_show,
};

/* Where it was not present before, its physical id is known only now. */
static int pvpage_online(unsigned int cpu)
{
	const struct pvenergy_vcpu *v;
	unsigned int i;

	/* On the way back from suspend the device sleeps still. */
	if (per_cpu(pmc_page_cpu.vcpu, cpu))
		return 0;
	for (i = 0; i < pvpage_nr_vcpus; i++) {
		v = pvpage_mem + pvpage_vcpu_offset + (size_t)i * pvpage_vcpu_stride;
		if (READ_ONCE(v->id) == cpu_physical_id(cpu)) {
			per_cpu(pmc_page_cpu.vcpu, cpu) = v;
			return 0;
		}
	}
	pr_warn("CPU %u is not in the energy page: what runs there is not counted\n", cpu);
	return 0;
}

/* Nobody charges from it any more, or yet. */
static void pvpage_unmap(void)
{
	unsigned int cpu;

	if (pvpage_online_state > 0)
		cpuhp_remove_state_nocalls(pvpage_online_state);
	pvpage_online_state = 0;
	guard(mutex)(&pvpage_mutex);
	for_each_possible_cpu(cpu)
		per_cpu(pmc_page_cpu.vcpu, cpu) = NULL;
	memunmap(pvpage_mem);
	pvpage_mem = NULL;
}

static int pvpage_map_cpus(const struct pvenergy_header *h)
{
	int state;

	pvpage_nr_vcpus = h->nr_vcpus;
	pvpage_vcpu_offset = h->vcpu_offset;
	pvpage_vcpu_stride = h->vcpu_stride;
	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "pmc/pvpage:online",
				  pvpage_online, NULL);
	if (state < 0)
		return state;
	pvpage_online_state = state;
	return 0;
}

static int pvpage_setup(struct pci_dev *pdev, struct pvenergy_header *h)
{
	resource_size_t size = pci_resource_len(pdev, IVSHMEM_BAR_MEMORY);
	const char *why;
	int ret;

	/*
	 * Plain memory on the host.  Where the firmware's MTRRs call the BAR
	 * uncached this mapping works too, only slower.
	 */
	pvpage_mem = memremap(pci_resource_start(pdev, IVSHMEM_BAR_MEMORY),
			      size, MEMREMAP_WB);
	if (!pvpage_mem)
		return -ENOMEM;

	ret = pmc_page_check(pvpage_mem, size, h, &why);
	if (ret) {
		if (ret == -EINVAL)
			pci_err(pdev, "energy page refused: %s (version %u, %llu bytes)\n",
				why, h->version, (u64)size);
		goto unmap;
	}

	/* With pmc=rdpmc the page has the names, the weights and the absences. */
	pvpage_backend.ops = pmc_allowed(PMC_PVPAGE) ? &pvpage_ops : pmc_rdpmc_ops(h);
	if (!pvpage_backend.ops) {
		ret = -ENODEV;
		goto unmap;
	}
	pvpage_backend.nr_events = h->nr_events;
	memcpy(pvpage_backend.events, h->events, sizeof(h->events));
	/* Of the page, whoever reads its counters. */
	pvpage_backend.meter = h->flags & PVENERGY_METER ? pvpage_meter : NULL;
	pvpage_weight_seq = h->weight_seq;
	strscpy(pvpage_vm_name, h->vm_name);
	ret = pvpage_map_cpus(h);
	if (ret)
		goto unmap;
	ret = pmc_register(&pvpage_backend);
	if (!ret)
		return 0;
unmap:
	pvpage_unmap();
	return ret;
}

static int pvpage_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct pvenergy_header *h;
	int ret;

	if (!pmc_allowed(PMC_PVPAGE) && !pmc_allowed(PMC_RDPMC))
		return -ENODEV;
	/* Other ivshmem devices are none of our business, nor is a second page. */
	if (pvpage_dev || !pci_resource_len(pdev, IVSHMEM_BAR_MEMORY))
		return -ENODEV;
	ret = pcim_enable_device(pdev);
	if (ret)
		return ret;
	h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (!h)
		return -ENOMEM;
	/* First of all: rdpmc shares what is set up. */
	ret = pmc_backend() ? -EBUSY : pvpage_setup(pdev, h);
	kfree(h);
	if (ret == -EBUSY)
		pci_err(pdev, "energy page not used: another source of counters is, or accounting has begun\n");
	if (!ret)
		pvpage_dev = pdev;
	return ret;
}

static void pvpage_remove(struct pci_dev *pdev)
{
	pmc_unregister(&pvpage_backend);
	pvpage_unmap();
	pvpage_dev = NULL;
}

static const struct pci_device_id pvpage_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, IVSHMEM_DEVICE_ID) },
	{ }
};

static struct pci_driver pvpage_driver = {
	.name		= "pvpage",
	.id_table	= pvpage_ids,
	.probe		= pvpage_probe,
	.remove		= pvpage_remove,
	.driver		= { .suppress_bind_attrs = true },
};
builtin_pci_driver(pvpage_driver);
