/* SPDX-License-Identifier: GPL-2.0 */
/* The trampoline: a page below 1 MiB where a CPU begins after INIT and STARTUP. */
#ifndef PISCES_TRAMPOLINE_H
#define PISCES_TRAMPOLINE_H

/* Offsets in the page of what the driver writes for each start; the code is trampoline_code.S. */
#define TRAMPOLINE_VARIABLES 0x800
#define TRAMPOLINE_GDT_POINTER (TRAMPOLINE_VARIABLES + 0x00) /* 16-bit limit, 32-bit base */
#define TRAMPOLINE_FAR_POINTER (TRAMPOLINE_VARIABLES + 0x08) /* 32-bit offset, 16-bit selector */
#define TRAMPOLINE_CR3 (TRAMPOLINE_VARIABLES + 0x10)         /* 32 bits; 0: stay here and halt */
#define TRAMPOLINE_COOKIE (TRAMPOLINE_VARIABLES + 0x14)      /* 32 bits: what the CPU writes to the marker */
#define TRAMPOLINE_ENTRY (TRAMPOLINE_VARIABLES + 0x18)       /* 64 bits */
#define TRAMPOLINE_PARAMS (TRAMPOLINE_VARIABLES + 0x20)      /* 64 bits, for rdi */
#define TRAMPOLINE_APIC_ID (TRAMPOLINE_VARIABLES + 0x28)     /* 32 bits, for rsi */
#define TRAMPOLINE_MARKER (TRAMPOLINE_VARIABLES + 0x2c)      /* 32 bits: the CPU needs the page no more */
#define TRAMPOLINE_GDT (TRAMPOLINE_VARIABLES + 0x30)         /* null, 64-bit code */

#define TRAMPOLINE_CODE_SELECTOR 0x08

#ifndef __ASSEMBLY__
#include <linux/types.h>

/* Where a CPU goes from here. */
struct pisces_start {
	u32 apic_id;
	u32 page_tables; /* physical; 0: it halts in the trampoline, outside of anybody's memory */
	u64 entry;       /* virtual, as the next one */
	u64 params;
};

/* -EINVAL: that page is not below 1 MiB, or not reserved (memmap=64K$0x10000). */
int pisces_trampoline_init(u64 page);
void pisces_trampoline_exit(void);

/* INIT and STARTUP. -ETIMEDOUT: the CPU did not come through the trampoline. May sleep; one CPU at a time. */
int pisces_start_cpu(const struct pisces_start *start);
/* Takes the CPU out of whatever it does and leaves it waiting for STARTUP. -EIO: it cannot be proved that it obeyed. */
int pisces_stop_cpu(u32 apic_id);

#endif
#endif
