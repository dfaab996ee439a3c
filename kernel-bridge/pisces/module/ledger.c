// SPDX-License-Identifier: GPL-2.0
// The ledger. Claims are made first and checked afterwards, so that a hotplug operation that begins meanwhile sees
// them; one that began before is noted by the memory notifier, and CPU hotplug is kept out with cpus_read_lock().
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/page-flags.h>
#include <linux/slab.h>

#include "ledger.h"

struct claim {
	struct list_head link;
	u64 base;
	u64 size;
};

/* Innermost lock; hotplug callbacks take it. */
static DEFINE_MUTEX(ledger_lock);
static cpumask_t cpus;
static LIST_HEAD(claims);
/* The memory that Linux is putting online right now; hotplug operations are one at a time. */
static u64 onlining_base, onlining_size;

static enum cpuhp_state cpu_guard;

static bool overlap(u64 base, u64 size, u64 other_base, u64 other_size)
{
	return base < other_base + other_size && other_base < base + size;
}

static bool is_claimed(u64 base, u64 size)
{
	struct claim *claim;

	list_for_each_entry(claim, &claims, link)
		if (overlap(base, size, claim->base, claim->size))
			return true;
	return false;
}

/* Runs on the CPU that controls the operation, before the other one is touched. */
static int guard_cpu(unsigned int cpu)
{
	bool ours;

	mutex_lock(&ledger_lock);
	ours = cpumask_test_cpu(cpu, &cpus);
	mutex_unlock(&ledger_lock);
	if (ours)
		pr_info("CPU %u stays offline: an enclave has it\n", cpu);
	return ours ? -EBUSY : 0;
}

static int guard_memory(struct notifier_block *self, unsigned long action, void *data)
{
	const struct memory_notify *range = data;
	const u64 base = PFN_PHYS((u64)range->start_pfn);
	const u64 size = PFN_PHYS((u64)range->nr_pages);
	int result = NOTIFY_OK;

	mutex_lock(&ledger_lock);
	switch (action) {
	case MEM_GOING_ONLINE:
		if (is_claimed(base, size)) {
			pr_info("memory at 0x%llx stays offline: an enclave has it\n", base);
			result = notifier_from_errno(-EBUSY);
		} else {
			onlining_base = base;
			onlining_size = size;
		}
		break;
	case MEM_ONLINE:
	case MEM_CANCEL_ONLINE:
		if (onlining_base == base)
			onlining_size = 0;
		break;
	}
	mutex_unlock(&ledger_lock);
	return result;
}

static struct notifier_block memory_guard = { .notifier_call = guard_memory };

int pisces_ledger_init(void)
{
	int result = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "pisces:guard", guard_cpu, NULL);

	if (result < 0)
		return result;
	cpu_guard = result;
	result = register_memory_notifier(&memory_guard);
	if (result < 0)
		cpuhp_remove_state_nocalls(cpu_guard);
	return result;
}

void pisces_ledger_exit(void)
{
	unregister_memory_notifier(&memory_guard);
	cpuhp_remove_state_nocalls(cpu_guard);
}

int pisces_claim_cpu(unsigned int cpu)
{
	int result = 0;

	if (cpu >= nr_cpu_ids || !cpu_possible(cpu))
		return -EINVAL;
	cpus_read_lock();
	mutex_lock(&ledger_lock);
	if (!cpu_present(cpu))
		result = -EINVAL;
	else if (cpu_online(cpu) || cpumask_test_cpu(cpu, &cpus))
		result = -EBUSY;
	else
		cpumask_set_cpu(cpu, &cpus);
	mutex_unlock(&ledger_lock);
	cpus_read_unlock();
	return result;
}

void pisces_release_cpu(unsigned int cpu)
{
	mutex_lock(&ledger_lock);
	cpumask_clear_cpu(cpu, &cpus);
	mutex_unlock(&ledger_lock);
}

/* With CONFIG_DEBUG_VM the page structs of offline memory are filled with a pattern, which says nothing. */
static bool is_broken(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);

	return !PagePoisoned(page) && PageHWPoison(page);
}

static int check_memory(u64 base, u64 size)
{
	unsigned long pfn;

	if (region_intersects(base, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) != REGION_INTERSECTS)
		return -EINVAL;
	for (pfn = PHYS_PFN(base); pfn < PHYS_PFN(base + size); pfn++) {
		if (!pfn_valid(pfn))
			return -EINVAL;
		if (pfn_to_online_page(pfn))
			return -EBUSY;
		if (is_broken(pfn))
			return -EHWPOISON;
		cond_resched();
	}
	return 0;
}

static int enter_claim(struct claim *claim)
{
	int result = 0;

	mutex_lock(&ledger_lock);
	if (is_claimed(claim->base, claim->size) || overlap(claim->base, claim->size, onlining_base, onlining_size))
		result = -EBUSY;
	else
		list_add(&claim->link, &claims);
	mutex_unlock(&ledger_lock);
	return result;
}

int pisces_claim_memory(u64 base, u64 size)
{
	const u64 block = memory_block_size_bytes();
	struct claim *claim;
	int result;

	if (!size || base % block || size % block || size > U64_MAX - base)
		return -EINVAL;
	claim = kzalloc(sizeof(*claim), GFP_KERNEL);
	if (!claim)
		return -ENOMEM;
	claim->base = base;
	claim->size = size;
	result = enter_claim(claim);
	if (result) {
		kfree(claim);
		return result;
	}
	result = check_memory(base, size);
	if (result)
		pisces_release_memory(base);
	return result;
}

void pisces_release_memory(u64 base)
{
	struct claim *claim, *next;

	mutex_lock(&ledger_lock);
	list_for_each_entry_safe(claim, next, &claims, link) {
		if (claim->base != base)
			continue;
		list_del(&claim->link);
		kfree(claim);
	}
	mutex_unlock(&ledger_lock);
}
