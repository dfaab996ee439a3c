/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What the bare-metal port (cokernel/arch/x86_64) and whoever starts its CPUs (pisces.ko, a virtual machine, the test
 * loader of tests/rig/direct) agree on beyond the boot protocol (boot_params.h). See docs/bare-metal.md. */
#ifndef HOBBES_ABI_X86_64_H
#define HOBBES_ABI_X86_64_H

/* The kernel image: an ELF64 executable (ET_EXEC) linked here, at most HOBBES_BOOT_KERNEL_LIMIT, loaded at
 * hobbes_boot_params.kernel_base, which is a multiple of 2 MiB (the boot block + HOBBES_BOOT_KERNEL_OFFSET). */
#define HOBBES_X86_KERNEL_BASE 0xffffffff80000000ull
/* The kernel's direct map: + physical address. Host I/O does not see it: what the kernel hands to a proxy are addresses
 * at HOBBES_HOSTED_DIRECT_MAP (hosted.h) + physical address, where the proxy has the enclave's memory. */
#define HOBBES_X86_DIRECT_MAP 0xffff800000000000ull
#define HOBBES_X86_DIRECT_SIZE 0x200000000000ull /* 32 TiB of physical addresses */

/* Low memory that Linux does not use, for the trampoline and the transitional page tables: the default place, and what
 * there is of it. Nothing of it is the kernel's, which never touches it once it has left. */
#define HOBBES_X86_TRAMPOLINE_BASE 0x10000ull
#define HOBBES_X86_TRAMPOLINE_LIMIT 0x10000ull

/* Entering the kernel. Every CPU comes to hobbes_boot_params.kernel_entry through INIT and STARTUP in 64-bit mode:
 *
 *   CR0   PE, PG, WP or not; caches on (CD and NW clear)
 *   CR4   PAE; others as they come, but LA57 is clear
 *   EFER  LME, LMA; NXE and SCE as they come
 *   CR3   transitional page tables, used only until the kernel has loaded its own: by the time of RUNNING, or of the
 *         answer to ADD_CPU, this CPU has. They map, readable, writable and executable:
 *           physical [0, 2 MiB)                          at the same address (the trampoline)
 *           [kernel_base, kernel_base + 4 MiB)           at HOBBES_X86_KERNEL_BASE
 *           [boot block, boot block + 2 MiB)             at HOBBES_X86_DIRECT_MAP + boot block
 *         The boot block begins at a multiple of 2 MiB.
 *   CS    any 64-bit code segment of the trampoline's; the other segments and GDT, IDT, TR are not used
 *   RFLAGS IF and DF clear
 *   RDI   HOBBES_X86_DIRECT_MAP + physical address of the boot parameters
 *   RSI   this CPU's APIC id, as CPUID tells it (x2APIC id where there is one)
 *   no stack
 *
 * The local APIC is in xAPIC or x2APIC mode, whatever it was left in (INIT changes neither); the kernel uses it as
 * it is.
 *
 * The CPU of cpus[0] is the boot CPU. Other CPUs of cpus[] are started as well without waiting for RUNNING, in any
 * order (a boot whose CPUs have not all come after HOBBES_X86_ARRIVAL_NS is a crash). Any other CPU is started
 * later, then announced with ADD_CPU (its payload names the APIC id); until then it waits in the kernel with
 * interrupts off. ADD_CPU of one that has not come after HOBBES_X86_ARRIVAL_NS is HOBBES_STATUS_TIMEOUT (ETIMEDOUT),
 * and changes nothing.
 *
 * REMOVE_CPU is answered when the CPU has stopped for good: it uses no memory of the enclave any more, interrupts
 * are off, and it stands in `hlt`. So do all CPUs after `state` has become STOPPED or CRASHED, at the latest
 * HOBBES_X86_HALT_NS later. Then, or by force at any time, INIT takes a CPU out of the kernel, and STARTUP
 * elsewhere.
 *
 * A reset of the enclave is the starter's: INIT to all of its CPUs, the boot block laid out anew, other blocks
 * zeroed. */
#define HOBBES_X86_ARRIVAL_NS 2000000000ull
#define HOBBES_X86_HALT_NS 100000000ull

/* Doorbells.
 *
 * To the kernel: a fixed interrupt of this vector to the boot CPU's APIC id. One bell for everything: control queue,
 * typed console input, host I/O. The writer's stores come first (with x2APIC: mfence; lfence before the ICR is
 * written). Before RUNNING nobody need ring.
 *
 * To Linux: a fixed interrupt as hobbes_boot_params.host_bell says, again one for everything: control queue and
 * console (as far as their sleep words ask for it), host-I/O words (struct hobbes_hio_channel: `posted`, `cancels`,
 * `state`), the enclave's `state`. Vector 0: nobody listens, the host polls. The host may move its bell by writing
 * the field as one 64-bit word. */
#define HOBBES_X86_DOORBELL_VECTOR 0xf0u

/* PCI devices. Each has a place in its enclave, from 0; its interrupt is a fixed one to the boot CPU, of the vector
 * HOBBES_X86_DEVICE_VECTOR + place. It comes from the device itself (MSI-X, whose table the kernel fills in), or is
 * forwarded by the host, which has masked the device meanwhile: then the kernel, when it has served the device, sets
 * the bit `place` of hobbes_boot_params.served_devices and rings; if the device has more, the interrupt comes again. */
#define HOBBES_X86_MAX_DEVICES 16u
#define HOBBES_X86_DEVICE_VECTOR 0x40u

#endif
