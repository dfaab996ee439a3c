// SPDX-License-Identifier: GPL-2.0
// Starting an enclave's CPUs. What the boot block says was written by somebody with the capability, but is not
// believed: each number is read once, and checked against what the enclave holds.
#include <linux/printk.h>
#include <linux/sizes.h>

#include "block.h"
#include "boot.h"
#include "enclave.h"
#include "kernel-bridge/abi/x86_64.h"
#include "trampoline.h"

#define refuse(enclave, format, ...) \
	({ pr_info("enclave %u cannot boot: " format "\n", (enclave)->number, ##__VA_ARGS__); -EINVAL; })

static struct pisces_held_cpu *cpu_of_apic(struct pisces_enclave *enclave, u32 apic_id)
{
	struct pisces_held_cpu *held;

	list_for_each_entry(held, &enclave->cpus, link)
		if (held->apic_id == apic_id)
			return held;
	return NULL;
}

static int check_cpus(struct pisces_enclave *enclave, const struct hobbes_boot_params *params, u32 count)
{
	u32 i;

	if (!count || count > HOBBES_BOOT_MAX_CPUS)
		return refuse(enclave, "%u CPUs", count);
	for (i = 0; i < count; i++) {
		const u32 apic_id = READ_ONCE(params->cpus[i].apic_id);

		if (!cpu_of_apic(enclave, apic_id))
			return refuse(enclave, "it does not have the CPU with APIC id %u", apic_id);
	}
	return 0;
}

static int check_regions(struct pisces_enclave *enclave, const struct hobbes_boot_params *params)
{
	const u32 count = READ_ONCE(params->region_count);
	u32 i;

	if (!count || count > HOBBES_BOOT_MAX_REGIONS)
		return refuse(enclave, "%u memory regions", count);
	for (i = 0; i < count; i++) {
		const u64 base = READ_ONCE(params->regions[i].base), size = READ_ONCE(params->regions[i].size);
		const struct pisces_held_block *block = pisces_find_block(enclave, base);

		if (!block || block->size != size)
			return refuse(enclave, "it does not have the memory at 0x%llx", base);
	}
	return 0;
}

/* kernel_base and kernel_entry, checked. */
static int find_kernel(struct pisces_enclave *enclave, const struct hobbes_boot_params *params,
		       const struct pisces_held_block *block, u64 *base, u64 *entry)
{
	*base = READ_ONCE(params->kernel_base);
	*entry = READ_ONCE(params->kernel_entry);
	if (*base % SZ_2M || *base < block->base || block->size < HOBBES_BOOT_KERNEL_LIMIT ||
	    *base - block->base > block->size - HOBBES_BOOT_KERNEL_LIMIT)
		return refuse(enclave, "kernel at 0x%llx", *base);
	if (*entry < HOBBES_X86_KERNEL_BASE || *entry - HOBBES_X86_KERNEL_BASE >= HOBBES_BOOT_KERNEL_LIMIT)
		return refuse(enclave, "entry point 0x%llx", *entry);
	return 0;
}

static int check_head(struct pisces_enclave *enclave, const struct hobbes_boot_params *params)
{
	if (READ_ONCE(params->magic) != HOBBES_BOOT_MAGIC)
		return refuse(enclave, "there is no boot block");
	if (READ_ONCE(params->version) != HOBBES_BOOT_VERSION)
		return refuse(enclave, "version %u of the boot protocol", READ_ONCE(params->version));
	if (READ_ONCE(params->enclave_id) != enclave->id)
		return refuse(enclave, "the boot block is of another enclave");
	if (READ_ONCE(params->size) < offsetofend(struct hobbes_boot_params, host_bell))
		return refuse(enclave, "the boot parameters have no place for a bell");
	return 0;
}

static int start(struct pisces_enclave *enclave, struct pisces_held_cpu *cpu)
{
	const struct pisces_start start = {
		.apic_id = cpu->apic_id,
		.page_tables = pisces_page_tables_address(&enclave->page_tables),
		.entry = enclave->boot.entry,
		.params = HOBBES_X86_DIRECT_MAP + enclave->boot.boot_block,
	};

	cpu->started = true; /* also when it does not come: then it has to be stopped for certain */
	return pisces_start_cpu(&start);
}

/* In the order of the boot parameters, the boot CPU first. */
static int start_all(struct pisces_enclave *enclave, const struct hobbes_boot_params *params, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		struct pisces_held_cpu *cpu = cpu_of_apic(enclave, READ_ONCE(params->cpus[i].apic_id));
		int result;

		if (!cpu || cpu->started)
			return refuse(enclave, "a CPU is named twice");
		result = start(enclave, cpu);
		if (result) {
			pr_err("enclave %u: CPU %u did not start\n", enclave->number, cpu->cpu);
			return result;
		}
	}
	return 0;
}

int pisces_boot(struct pisces_enclave *enclave, const struct pisces_boot *boot)
{
	struct pisces_held_block *block = pisces_find_block(enclave, boot->boot_block);
	struct hobbes_boot_params *params;
	u64 kernel_base, entry;
	u32 count;
	int result;

	if (enclave->state != PISCES_CREATED && enclave->state != PISCES_STOPPED)
		return -EBUSY;
	if (boot->reserved || !block)
		return -EINVAL;
	params = block->memory;
	count = READ_ONCE(params->cpu_count);
	result = check_head(enclave, params);
	if (!result)
		result = check_cpus(enclave, params, count);
	if (!result)
		result = check_regions(enclave, params);
	if (!result)
		result = find_kernel(enclave, params, block, &kernel_base, &entry);
	if (result)
		return result;

	pisces_free_page_tables(&enclave->page_tables);
	result = pisces_make_page_tables(&enclave->page_tables, block->base, kernel_base);
	if (result)
		return result;
	pisces_set_params(enclave, params);
	enclave->boot.boot_block = block->base;
	enclave->boot.entry = entry;
	enclave->boot.apic_id = READ_ONCE(params->cpus[0].apic_id);
	params->host_bell.apic_id = enclave->doorbell.apic_id;
	params->host_bell.vector = enclave->doorbell.vector;
	WRITE_ONCE(enclave->state, PISCES_RUNNING);
	result = start_all(enclave, params, count);
	if (result)
		pisces_stop(enclave);
	return result;
}

int pisces_start_added_cpu(struct pisces_enclave *enclave, struct pisces_held_cpu *cpu)
{
	return start(enclave, cpu);
}
