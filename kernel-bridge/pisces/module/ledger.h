/* SPDX-License-Identifier: GPL-2.0 */
/* The ledger: which CPUs and which physical memory are no longer Linux's. What is in it Linux cannot put online: CPU
 * and memory hotplug ask the ledger first. */
#ifndef PISCES_LEDGER_H
#define PISCES_LEDGER_H

#include <linux/types.h>

int pisces_ledger_init(void);
void pisces_ledger_exit(void);

/* -EINVAL: there is no such CPU; -EBUSY: it is online, or another's. */
int pisces_claim_cpu(unsigned int cpu);
void pisces_release_cpu(unsigned int cpu);

/* -EINVAL: not whole memory blocks of System RAM; -EBUSY: not offline, or another's; -EHWPOISON: a page is broken. */
int pisces_claim_memory(u64 base, u64 size);
void pisces_release_memory(u64 base);

#endif
