// SPDX-License-Identifier: GPL-2.0
// The life of enclaves: made, given CPUs and memory, stopped, destroyed.
#include <linux/module.h>
#include <linux/slab.h>
#include <asm/apic.h>
#include <asm/barrier.h>
#include <asm/smp.h>

#include "block.h"
#include "boot.h"
#include "enclave.h"
#include "kernel-bridge/abi/x86_64.h"
#include "ledger.h"
#include "pci.h"
#include "trampoline.h"

static DEFINE_MUTEX(table_lock);
static struct pisces_enclave *enclaves[PISCES_MAX_ENCLAVES]; /* each a reference */

static void free_enclave(struct kref *references)
{
	kfree(container_of(references, struct pisces_enclave, references));
}

void pisces_put_enclave(struct pisces_enclave *enclave)
{
	kref_put(&enclave->references, free_enclave);
}

static struct pisces_enclave *new_enclave(u64 id)
{
	struct pisces_enclave *enclave = kzalloc(sizeof(*enclave), GFP_KERNEL);
	int result;

	if (!enclave)
		return ERR_PTR(-ENOMEM);
	kref_init(&enclave->references);
	mutex_init(&enclave->lock);
	spin_lock_init(&enclave->params_lock);
	INIT_LIST_HEAD(&enclave->cpus);
	INIT_LIST_HEAD(&enclave->blocks);
	enclave->id = id;
	result = pisces_open_doorbell(&enclave->doorbell);
	if (!result)
		return enclave;
	pisces_put_enclave(enclave);
	return ERR_PTR(result);
}

/* REQUIRES: table_lock. */
static int find_place(u64 id)
{
	int i, place = -ENOSPC;

	for (i = PISCES_MAX_ENCLAVES - 1; i >= 0; i--) {
		if (!enclaves[i])
			place = i;
		else if (enclaves[i]->id == id)
			return -EEXIST;
	}
	return place;
}

/* An enclave keeps the module, which is what its interrupt would enter. */
static int enter(struct pisces_enclave *enclave, unsigned int *number)
{
	int place, result;

	mutex_lock(&table_lock);
	place = find_place(enclave->id);
	result = place < 0 ? place : pisces_add_device(place);
	if (!result) {
		__module_get(THIS_MODULE);
		enclave->number = *number = place;
		enclaves[place] = enclave;
	}
	mutex_unlock(&table_lock);
	return result;
}

int pisces_create_enclave(u64 id, unsigned int *number)
{
	struct pisces_enclave *enclave;
	int result;

	if (!id)
		return -EINVAL;
	enclave = new_enclave(id);
	if (IS_ERR(enclave))
		return PTR_ERR(enclave);
	result = enter(enclave, number);
	if (result) {
		pisces_close_doorbell(&enclave->doorbell);
		pisces_put_enclave(enclave);
	}
	return result;
}

struct pisces_enclave *pisces_find_enclave(unsigned int number)
{
	struct pisces_enclave *enclave;

	mutex_lock(&table_lock);
	enclave = number < PISCES_MAX_ENCLAVES ? enclaves[number] : NULL;
	if (enclave)
		kref_get(&enclave->references);
	mutex_unlock(&table_lock);
	return enclave;
}

void pisces_list_enclaves(struct pisces_list *list)
{
	int i;

	mutex_lock(&table_lock);
	for (i = 0; i < PISCES_MAX_ENCLAVES; i++) {
		if (!enclaves[i])
			continue;
		list->used |= 1ull << i;
		list->enclave_ids[i] = enclaves[i]->id;
	}
	mutex_unlock(&table_lock);
}

void pisces_stop_all(void)
{
	unsigned int number;

	for (number = 0; number < PISCES_MAX_ENCLAVES; number++) {
		struct pisces_enclave *enclave = pisces_find_enclave(number);

		if (!enclave)
			continue;
		mutex_lock(&enclave->lock);
		if (!enclave->dead && !pisces_stop(enclave))
			pr_info("enclave %u is stopped: Linux goes down\n", number);
		mutex_unlock(&enclave->lock);
		pisces_put_enclave(enclave);
	}
}

static struct pisces_held_cpu *find_cpu(struct pisces_enclave *enclave, unsigned int cpu)
{
	struct pisces_held_cpu *held;

	list_for_each_entry(held, &enclave->cpus, link)
		if (held->cpu == cpu)
			return held;
	return NULL;
}

static int stop_cpu(struct pisces_enclave *enclave, struct pisces_held_cpu *held)
{
	if (!held->started)
		return 0;
	if (pisces_stop_cpu(held->apic_id)) {
		pr_err("enclave %u: CPU %u does not answer INIT: the enclave keeps it, and its memory\n",
		       enclave->number, held->cpu);
		WRITE_ONCE(enclave->state, PISCES_STUCK);
		return -EIO;
	}
	held->started = false;
	return 0;
}

static void drop_cpu(struct pisces_enclave *enclave, struct pisces_held_cpu *held)
{
	list_del(&held->link);
	enclave->cpu_count--;
	pisces_release_cpu(held->cpu);
	kfree(held);
}

int pisces_add_cpu(struct pisces_enclave *enclave, struct pisces_cpu *cpu)
{
	struct pisces_held_cpu *held;
	int result;

	if (enclave->cpu_count >= PISCES_MAX_CPUS)
		return -ENOSPC;
	held = kzalloc(sizeof(*held), GFP_KERNEL);
	if (!held)
		return -ENOMEM;
	result = pisces_claim_cpu(cpu->cpu);
	if (result) {
		kfree(held);
		return result;
	}
	held->cpu = cpu->cpu;
	held->apic_id = cpu->apic_id = per_cpu(x86_cpu_to_apicid, cpu->cpu);
	list_add_tail(&held->link, &enclave->cpus);
	enclave->cpu_count++;
	if (enclave->state != PISCES_RUNNING)
		return 0;
	result = pisces_start_added_cpu(enclave, held);
	if (result && !stop_cpu(enclave, held))
		drop_cpu(enclave, held);
	return result;
}

int pisces_remove_cpu(struct pisces_enclave *enclave, unsigned int cpu)
{
	struct pisces_held_cpu *held = find_cpu(enclave, cpu);
	int result;

	if (!held)
		return -ENOENT;
	if (enclave->state == PISCES_RUNNING && held->apic_id == enclave->boot.apic_id)
		return -EINVAL;
	result = stop_cpu(enclave, held);
	if (!result)
		drop_cpu(enclave, held);
	return result;
}

int pisces_stop(struct pisces_enclave *enclave)
{
	struct pisces_held_cpu *held;
	int result = 0;

	list_for_each_entry(held, &enclave->cpus, link)
		if (stop_cpu(enclave, held))
			result = -EIO;
	pisces_silence_pci(enclave);
	if (!result && enclave->state != PISCES_CREATED)
		WRITE_ONCE(enclave->state, PISCES_STOPPED);
	pisces_wake_sleepers(&enclave->doorbell);
	return result;
}

static void leave_table(struct pisces_enclave *enclave)
{
	mutex_lock(&table_lock);
	enclaves[enclave->number] = NULL;
	pisces_remove_device(enclave->number);
	mutex_unlock(&table_lock);
}

/* The order: first nothing of it runs, then nothing of it is left, then others may have what it had. */
int pisces_destroy(struct pisces_enclave *enclave)
{
	struct pisces_held_cpu *cpu, *next_cpu;
	struct pisces_held_block *block, *next_block;
	const int result = pisces_stop(enclave);

	if (result)
		return result;
	pisces_set_params(enclave, NULL);
	pisces_release_pci(enclave);
	list_for_each_entry_safe(block, next_block, &enclave->blocks, link) {
		list_del_init(&block->link);
		pisces_give_block_back(block);
	}
	enclave->block_count = 0;
	list_for_each_entry_safe(cpu, next_cpu, &enclave->cpus, link)
		drop_cpu(enclave, cpu);
	pisces_close_doorbell(&enclave->doorbell);
	pisces_free_page_tables(&enclave->page_tables);
	WRITE_ONCE(enclave->dead, true);
	pisces_wake_sleepers(&enclave->doorbell);
	leave_table(enclave);
	pisces_put_enclave(enclave);
	module_put(THIS_MODULE); /* the caller's open file keeps it a little longer */
	return 0;
}

/* The writer's stores come first: the wrmsr of an x2APIC would overtake them. */
void pisces_interrupt(struct pisces_enclave *enclave, u32 vector)
{
	if (READ_ONCE(enclave->state) != PISCES_RUNNING)
		return;
	weak_wrmsr_fence();
	safe_apic_wait_icr_idle();
	apic_icr_write(APIC_DM_FIXED | APIC_DEST_PHYSICAL | vector, enclave->boot.apic_id);
}

void pisces_ring(struct pisces_enclave *enclave)
{
	pisces_interrupt(enclave, HOBBES_X86_DOORBELL_VECTOR);
}

void pisces_set_params(struct pisces_enclave *enclave, struct hobbes_boot_params *params)
{
	unsigned long flags;

	spin_lock_irqsave(&enclave->params_lock, flags);
	enclave->boot.params = params;
	spin_unlock_irqrestore(&enclave->params_lock, flags);
}

bool pisces_has_ended(struct pisces_enclave *enclave)
{
	unsigned long flags;
	bool ended;

	if (READ_ONCE(enclave->dead) || READ_ONCE(enclave->state) >= PISCES_STOPPED)
		return true;
	spin_lock_irqsave(&enclave->params_lock, flags);
	ended = enclave->boot.params && READ_ONCE(enclave->boot.params->state) >= HOBBES_ENCLAVE_STOPPED;
	spin_unlock_irqrestore(&enclave->params_lock, flags);
	return ended;
}

int pisces_add_block(struct pisces_enclave *enclave, const struct pisces_block *range)
{
	struct pisces_held_block *block;
	int result;

	if (enclave->block_count >= PISCES_MAX_BLOCKS)
		return -ENOSPC;
	block = pisces_take_block(range->base, range->size);
	if (IS_ERR(block))
		return PTR_ERR(block);
	result = pisces_show_block_to_pci(enclave, block);
	if (result) {
		pisces_give_block_back(block);
		return result;
	}
	list_add_tail(&block->link, &enclave->blocks);
	enclave->block_count++;
	return 0;
}

static bool is_in_use(struct pisces_enclave *enclave, const struct pisces_held_block *block)
{
	return block->base == enclave->boot.boot_block && enclave->state != PISCES_CREATED &&
	       enclave->state != PISCES_STOPPED;
}

int pisces_remove_block(struct pisces_enclave *enclave, const struct pisces_block *range)
{
	struct pisces_held_block *block = pisces_find_block(enclave, range->base);

	if (!block || block->size != range->size)
		return -ENOENT;
	if (enclave->state == PISCES_STUCK || is_in_use(enclave, block))
		return -EBUSY;
	if (block->memory == enclave->boot.params) {
		pisces_set_params(enclave, NULL);
		enclave->boot.boot_block = 0;
	}
	list_del_init(&block->link);
	enclave->block_count--;
	pisces_hide_block_from_pci(enclave, block);
	pisces_give_block_back(block);
	return 0;
}

void pisces_get_info(struct pisces_enclave *enclave, struct pisces_info *info)
{
	const struct pisces_held_cpu *cpu;
	const struct pisces_held_block *block;

	info->enclave_id = enclave->id;
	info->state = enclave->state;
	info->host_apic_id = enclave->doorbell.apic_id;
	info->host_vector = enclave->doorbell.vector;
	info->boot_block = enclave->boot.boot_block;
	info->bells = atomic64_read(&enclave->doorbell.count);
	list_for_each_entry(cpu, &enclave->cpus, link) {
		info->cpus[info->cpu_count].cpu = cpu->cpu;
		info->cpus[info->cpu_count++].apic_id = cpu->apic_id;
	}
	list_for_each_entry(block, &enclave->blocks, link) {
		info->blocks[info->block_count].base = block->base;
		info->blocks[info->block_count++].size = block->size;
	}
	pisces_get_pci_info(enclave, info);
}
