// SPDX-License-Identifier: GPL-2.0
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/x86_64.h"
#include "page_tables.h"

enum { TOP, LOW_1G, LOW_2M, KERNEL_1G, KERNEL_2M, DIRECT_1G, DIRECT_2M, TABLES };
#define TABLES_ORDER 3
#define ENTRIES 512

#define LINK 0x3ull  /* present, writable */
#define LARGE 0x83ull /* and 2 MiB */

static u64 *table(void *memory, int number)
{
	return memory + number * PAGE_SIZE;
}

static u64 link_to(void *memory, int number)
{
	return virt_to_phys(table(memory, number)) | LINK;
}

static unsigned int index_of(u64 address, unsigned int shift)
{
	return address >> shift & (ENTRIES - 1);
}

/* Maps `count` times 2 MiB, which do not cross a boundary of 1 GiB, through two tables of their own. */
static void map(void *memory, int table_1g, int table_2m, u64 address, u64 physical, int count)
{
	int i;

	table(memory, TOP)[index_of(address, 39)] = link_to(memory, table_1g);
	table(memory, table_1g)[index_of(address, 30)] = link_to(memory, table_2m);
	for (i = 0; i < count; i++)
		table(memory, table_2m)[index_of(address, 21) + i] = (physical + i * SZ_2M) | LARGE;
}

int pisces_make_page_tables(struct pisces_page_tables *tables, u64 boot_block, u64 kernel_base)
{
	BUILD_BUG_ON(TABLES > 1 << TABLES_ORDER);
	/* cr3 has 32 bits while the CPU is on its way. */
	tables->memory = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO | __GFP_DMA32, TABLES_ORDER);
	if (!tables->memory)
		return -ENOMEM;
	map(tables->memory, LOW_1G, LOW_2M, 0, 0, 1);
	map(tables->memory, KERNEL_1G, KERNEL_2M, HOBBES_X86_KERNEL_BASE, kernel_base, HOBBES_BOOT_KERNEL_LIMIT / SZ_2M);
	map(tables->memory, DIRECT_1G, DIRECT_2M, HOBBES_X86_DIRECT_MAP + boot_block, boot_block, 1);
	return 0;
}

void pisces_free_page_tables(struct pisces_page_tables *tables)
{
	free_pages((unsigned long)tables->memory, TABLES_ORDER);
	tables->memory = NULL;
}

u32 pisces_page_tables_address(const struct pisces_page_tables *tables)
{
	return virt_to_phys(tables->memory);
}
