/* SPDX-License-Identifier: GPL-2.0 */
/* Transitional page tables: what a CPU runs on between the trampoline and the co-kernel's own (abi/x86_64.h). They lie
 * in Linux's memory, one set for each enclave. */
#ifndef PISCES_PAGE_TABLES_H
#define PISCES_PAGE_TABLES_H

#include <linux/types.h>

struct pisces_page_tables {
	void *memory; /* NULL: none */
};

int pisces_make_page_tables(struct pisces_page_tables *tables, u64 boot_block, u64 kernel_base);
void pisces_free_page_tables(struct pisces_page_tables *tables);
u32 pisces_page_tables_address(const struct pisces_page_tables *tables);

#endif
