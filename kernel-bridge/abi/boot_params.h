/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* The boot protocol: what a bridge leaves at the start of an enclave's first memory block for the co-kernel.
 *
 * One layout for every bridge (hosted, pisces, kvm). All addresses are physical; in the hosted port "physical" means
 * the node's synthetic block addresses (docs/hosted-port.md). Written by the bridge before boot, afterwards each field
 * belongs to the side its comment names. Little endian, x86-64. See docs/boot-protocol.md. */
#ifndef HOBBES_ABI_BOOT_PARAMS_H
#define HOBBES_ABI_BOOT_PARAMS_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define HOBBES_BOOT_MAGIC 0x544f4f4245424f48ull /* "HOBEBOOT" */
#define HOBBES_BOOT_VERSION 2u

/* Offsets in the boot block. */
#define HOBBES_BOOT_PARAMS_SIZE 0x10000ull   /* params and their tables */
#define HOBBES_BOOT_CLOCK_OFFSET 0xf000ull   /* a page of its own: kernels show it to programs */
#define HOBBES_BOOT_KERNEL_OFFSET 0x200000ull /* the kernel image starts 2 MiB in */
#define HOBBES_BOOT_KERNEL_LIMIT 0x400000ull  /* and has 4 MiB, zero-filled data included */

#define HOBBES_BOOT_MAX_CPUS 256u
#define HOBBES_BOOT_MAX_REGIONS 512u
#define HOBBES_BOOT_MAX_CHANNELS 8u
#define HOBBES_CRASH_TEXT_SIZE 1024u

/* hobbes_boot_params.state: moved forward by the co-kernel only. */
enum hobbes_enclave_state {
	HOBBES_ENCLAVE_BOOTING = 0,
	HOBBES_ENCLAVE_RUNNING = 1, /* serves its control queue */
	HOBBES_ENCLAVE_STOPPED = 2, /* shut down in order */
	HOBBES_ENCLAVE_CRASHED = 3, /* see hobbes_boot_params.crash */
};

enum hobbes_channel_kind {
	HOBBES_CHANNEL_NONE = 0,
	HOBBES_CHANNEL_CONTROL = 1, /* a queue (abi/queue.h): leviathan is the client, the co-kernel the server */
	HOBBES_CHANNEL_CONSOLE = 2, /* a console (abi/console.h) */
};

struct hobbes_boot_cpu {
	uint32_t cpu_id;  /* +0  Linux's number */
	uint32_t apic_id; /* +4 */
	int32_t numa;     /* +8  -1: unknown */
	uint32_t reserved; /* +12 */
};

struct hobbes_boot_region {
	uint64_t base; /* +0 */
	uint64_t size; /* +8 */
	int32_t numa;  /* +16 -1: unknown */
	int32_t fd;    /* +20 hosted: number of the block's memfd in the enclave's descriptor table; else -1 */
};

struct hobbes_boot_channel {
	uint32_t kind;     /* +0  enum hobbes_channel_kind */
	int32_t host_bell; /* +4  hosted: eventfd to write when leviathan sleeps; else -1 */
	uint64_t base;     /* +8 */
	uint64_t size;     /* +16 */
};

/* The node's clocks as a line over the TSC: ns = base_ns + ((tsc - tsc_base) * mult >> 32), read under `sequence`
 * (even: stable; a reader retries when it changed or is odd). Written by the host side, at boot and to follow NTP. */
struct hobbes_clock {
	uint32_t sequence;     /* +0 */
	uint32_t reserved;     /* +4 */
	uint64_t tsc_base;     /* +8 */
	uint64_t mult;         /* +16 2^32 * nanoseconds per TSC tick */
	uint64_t monotonic_ns; /* +24 CLOCK_MONOTONIC at tsc_base */
	uint64_t realtime_ns;  /* +32 CLOCK_REALTIME at tsc_base */
};

struct hobbes_crash {
	uint64_t cpu;                       /* +0 */
	uint64_t address;                   /* +8  instruction pointer */
	char text[HOBBES_CRASH_TEXT_SIZE];  /* +16 NUL-terminated reason */
};

/* Whom a kernel on bare metal interrupts to ring for the host (abi/x86_64.h). One naturally aligned 64-bit word. */
struct hobbes_boot_bell {
	uint32_t apic_id; /* +0 */
	uint32_t vector;  /* +4 0: nobody */
};

struct hobbes_boot_params {
	uint64_t magic;         /* +0 */
	uint32_t version;       /* +8 */
	uint32_t size;          /* +12 sizeof(struct hobbes_boot_params) of the writer */
	uint64_t enclave_id;    /* +16 */
	uint64_t kernel_base;   /* +24 physical */
	uint64_t kernel_size;   /* +32 file and zero-filled data, page aligned */
	uint64_t kernel_text;   /* +40 bytes from kernel_base that are code and read-only data, page aligned */
	uint64_t kernel_entry;  /* +48 virtual */
	uint64_t initrd_base;   /* +56 0: none */
	uint64_t initrd_size;   /* +64 */
	uint64_t tsc_hz;        /* +72 */
	uint32_t cpu_count;     /* +80 */
	uint32_t region_count;  /* +84 region 0 is the boot block */
	uint32_t channel_count; /* +88 */
	int32_t machine_fd;     /* +92 hosted: listening socket of the machine protocol (abi/hosted.h); else -1 */
	uint8_t entropy[64];    /* +96 */
	char name[64];          /* +160 */
	char cmd_line[1024];    /* +224 */

	uint32_t state;         /* +1248 co-kernel writes: enum hobbes_enclave_state; futex word for the host */
	int32_t lending_fd;     /* +1252 hosted: where lent files come in (abi/hosted.h), and +1 where they are sent; 0: nowhere */
	uint64_t heartbeat;     /* +1256 co-kernel writes: advances while its control task is alive */

	uint8_t clock_of_version_1[40];                                /* +1264 */
	struct hobbes_crash crash;                                     /* +1304 co-kernel writes */
	struct hobbes_boot_channel channels[HOBBES_BOOT_MAX_CHANNELS]; /* +2344 */
	struct hobbes_boot_cpu cpus[HOBBES_BOOT_MAX_CPUS];             /* +2536 */
	struct hobbes_boot_region regions[HOBBES_BOOT_MAX_REGIONS];    /* +6632 */
	/* Of writers whose `size` covers it. */
	struct hobbes_boot_bell host_bell; /* +18920 host writes */
	uint32_t schedule_hz;           /* +18928 turns a second of threads that share a CPU; 0: the kernel's choice */
	uint32_t reserved_word;         /* +18932 */
	uint64_t served_devices;        /* +18936 co-kernel sets bits, host takes them: abi/x86_64.h, PCI devices */
	uint8_t reserved_tables[42496]; /* +18944 */

	struct hobbes_clock clock;        /* +61440 */
	uint8_t reserved_clock[4096 - 40]; /* +61480 */
};

#ifdef __cplusplus
static_assert(sizeof(hobbes_boot_cpu) == 16);
static_assert(sizeof(hobbes_boot_region) == 24);
static_assert(sizeof(hobbes_boot_channel) == 24);
static_assert(sizeof(hobbes_clock) == 40);
static_assert(sizeof(hobbes_boot_bell) == 8);
static_assert(sizeof(hobbes_boot_params) == HOBBES_BOOT_PARAMS_SIZE);
static_assert(__builtin_offsetof(hobbes_boot_params, crash) == 1304);
static_assert(__builtin_offsetof(hobbes_boot_params, clock) == HOBBES_BOOT_CLOCK_OFFSET);
static_assert(__builtin_offsetof(hobbes_boot_params, state) == 1248);
static_assert(__builtin_offsetof(hobbes_boot_params, channels) == 2344);
static_assert(__builtin_offsetof(hobbes_boot_params, regions) == 6632);
static_assert(__builtin_offsetof(hobbes_boot_params, host_bell) == 18920);
static_assert(__builtin_offsetof(hobbes_boot_params, schedule_hz) == 18928);
static_assert(__builtin_offsetof(hobbes_boot_params, served_devices) == 18936);
#endif

#endif
