/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* The Linux driver pisces.ko: its calls, with their numbers and structs. See docs/pisces.md.
 *
 * /dev/pisces makes enclaves; each is a device /dev/pisces-enclave<N>. Every call needs CAP_SYS_ADMIN. An enclave lives
 * until PISCES_DESTROY, whoever holds its device open: a leviathan that was restarted finds it with PISCES_LIST. */
#ifndef HOBBES_ABI_PISCES_H
#define HOBBES_ABI_PISCES_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PISCES_ABI_VERSION 2u
#define PISCES_MAX_ENCLAVES 64u
#define PISCES_MAX_CPUS 256u
#define PISCES_MAX_BLOCKS 512u
#define PISCES_MAX_DEVICES 16u /* of an enclave */
#define PISCES_MAX_BARS 6u

enum pisces_state {
	PISCES_CREATED = 0, /* holds CPUs and memory, runs nothing */
	PISCES_RUNNING = 1, /* its CPUs were started */
	PISCES_STOPPED = 2, /* they ran, and are out of its memory */
	PISCES_STUCK = 3,   /* a CPU did not answer INIT: nothing of the enclave goes back to Linux */
};

struct pisces_version {
	__u32 abi;        /* PISCES_ABI_VERSION of the driver */
	__u32 reserved;
	__u64 trampoline; /* physical address of its page */
	__u64 block_size; /* Linux's memory blocks: bases and sizes are multiples of it */
};

struct pisces_create {
	__u64 enclave_id; /* leviathan's, not 0; no two enclaves have the same */
	__u32 number;     /* out: of /dev/pisces-enclave<number> */
	__u32 reserved;   /* 0 */
};

struct pisces_list {
	__u64 used; /* bit N: there is an enclave N */
	__u64 enclave_ids[PISCES_MAX_ENCLAVES];
};

struct pisces_block {
	__u64 base;
	__u64 size;
};

struct pisces_cpu {
	__u32 cpu;     /* Linux's number */
	__u32 apic_id; /* out */
};

struct pisces_boot {
	__u64 boot_block; /* base; what lies there is as abi/boot_params.h says */
	__u64 reserved;   /* 0 */
};

struct pisces_pci_address {
	__u32 domain;
	__u8 bus;
	__u8 slot;
	__u8 function;
	__u8 reserved; /* 0 */
};

enum pisces_interrupts {
	PISCES_FORWARDED = 0, /* INTx: Linux masks it and interrupts the enclave, which acknowledges (x86_64.h) */
	PISCES_MSIX = 1,      /* the co-kernel fills the device's table in, Linux sees nothing of it */
};

struct pisces_device {
	struct pisces_pci_address address;
	__u32 place;      /* out: among the enclave's devices, from 0 */
	__u32 vector;     /* out: its interrupt at the boot CPU */
	__u32 interrupts; /* out: enum pisces_interrupts */
	__u32 isolated;   /* out: 1: an IOMMU keeps it within the enclave's memory; 0: there is none */
	struct pisces_block bars[PISCES_MAX_BARS]; /* out: size 0: none, or not memory */
	__u8 config[256]; /* out: its configuration space, as it is now */
};

struct pisces_info {
	__u64 enclave_id;
	__u32 state; /* enum pisces_state */
	__u32 cpu_count;
	__u32 block_count;
	__u32 host_apic_id; /* the enclave's bell to Linux: an interrupt to this CPU */
	__u32 host_vector;
	__u32 device_count;
	__u64 boot_block;   /* 0: it never booted */
	__u64 bells;        /* how often it rang */
	struct pisces_cpu cpus[PISCES_MAX_CPUS];
	struct pisces_block blocks[PISCES_MAX_BLOCKS];
	struct pisces_pci_address devices[PISCES_MAX_DEVICES];
};

/* What a descriptor of PISCES_OPEN_BELL waits for. It is read as an eventfd is: eight bytes, how often since the last
 * read; poll() says when there is something to read. After the enclave was destroyed it is always readable: 0 rings. */
enum pisces_bell {
	PISCES_BELL_RANG = 0,  /* the enclave rang */
	PISCES_BELL_ENDED = 1, /* it stopped, crashed, was stopped or destroyed: readable from then on */
};

#define PISCES_IOC 0xe9

/* On /dev/pisces. */
#define PISCES_VERSION _IOR(PISCES_IOC, 0, struct pisces_version)
#define PISCES_CREATE _IOWR(PISCES_IOC, 1, struct pisces_create)
#define PISCES_LIST _IOR(PISCES_IOC, 2, struct pisces_list)

/* On /dev/pisces-enclave<N>. EBUSY: it is online in Linux or another's. ENODEV: the enclave was destroyed. */

/* A block is System RAM, offline, and nobody's. The driver zeroes it before it is the enclave's, and afterwards. */
#define PISCES_ADD_BLOCK _IOW(PISCES_IOC, 16, struct pisces_block)
/* The co-kernel has let go of it. Mappings of it show a page of zeroes from then on. */
#define PISCES_REMOVE_BLOCK _IOW(PISCES_IOC, 17, struct pisces_block)
/* A CPU is present, offline, and nobody's. In a running enclave it is started at once; ETIMEDOUT: it did not come, and
 * is not the enclave's. */
#define PISCES_ADD_CPU _IOWR(PISCES_IOC, 18, struct pisces_cpu)
/* The co-kernel has stopped it. Not the boot CPU of a running enclave. */
#define PISCES_REMOVE_CPU _IOW(PISCES_IOC, 19, struct pisces_cpu)
/* Starts the CPUs of the boot parameters, which are all the enclave's, and waits until each has left the trampoline.
 * EINVAL: the parameters are wrong, the kernel log says how. ETIMEDOUT: a CPU did not come; then all are stopped. */
#define PISCES_BOOT _IOW(PISCES_IOC, 20, struct pisces_boot)
/* Takes all CPUs out of the enclave's memory, at once. EIO: one did not answer. */
#define PISCES_STOP _IO(PISCES_IOC, 21)
/* Stops it, zeroes its memory, lets go of everything; the device goes. */
#define PISCES_DESTROY _IO(PISCES_IOC, 22)
/* Interrupts the boot CPU (abi/x86_64.h). */
#define PISCES_RING _IO(PISCES_IOC, 23)
#define PISCES_INFO _IOR(PISCES_IOC, 24, struct pisces_info)
/* Returns a descriptor to map: offset 0 is the block's base. It is read and polled as a bell (PISCES_BELL_RANG), and a
 * write to it, of anything, rings for the enclave. Whoever has it needs no capability: a host-I/O proxy gets it. */
#define PISCES_OPEN_BLOCK _IOW(PISCES_IOC, 25, struct pisces_block)
/* Returns a descriptor; the argument is an enum pisces_bell. */
#define PISCES_OPEN_BELL _IO(PISCES_IOC, 26)
/* A device that the PCI driver "pisces" is bound to, and that no enclave has, becomes the running enclave's: reset,
 * reaching its memory alone where there is an IOMMU, its interrupts on their way to the boot CPU. ENOENT: the driver
 * does not have it. EBUSY: another enclave has it, or Linux or another enclave one of its IOMMU group. EOPNOTSUPP: no
 * interrupt of it can reach the enclave. */
#define PISCES_ADD_DEVICE _IOWR(PISCES_IOC, 27, struct pisces_device)
/* It reaches nothing any more, is reset, and still the driver's. */
#define PISCES_REMOVE_DEVICE _IOW(PISCES_IOC, 28, struct pisces_pci_address)

#endif
