/* SPDX-License-Identifier: Apache-2.0 */
/* What the hosted port and the hosted bridge agree on beyond the boot protocol: fixed addresses, and the machine
 * protocol through which the bridge plugs memory into a running enclave. See docs/hosted-port.md. */
#ifndef HOBBES_ABI_HOSTED_H
#define HOBBES_ABI_HOSTED_H

#include <stdint.h>

/* The same in every process of an enclave, and in its host-I/O proxies (direct map only). */
#define HOBBES_HOSTED_USER_END 0x7b0000000000ull    /* applications live in [64 KiB, this) */
#define HOBBES_HOSTED_DIRECT_MAP 0x7c0000000000ull  /* + physical address: all memory of the enclave */
#define HOBBES_HOSTED_DIRECT_SIZE 0x020000000000ull /* 2 TiB of physical addresses: up to the kernel image */
#define HOBBES_HOSTED_KERNEL_BASE 0x7e0000000000ull /* the kernel image */

/* Synthetic physical addresses of memory blocks start here, so that 0 is never a valid one. */
#define HOBBES_HOSTED_FIRST_BLOCK 0x100000000ull

/* Memory of others that an enclave is lent has addresses from here to the end of the direct map. */
#define HOBBES_HOSTED_FIRST_LENT 0x010000000000ull /* 1 TiB */

/* The boot loader's argument is the number (decimal) of a SOCK_SEQPACKET socket, its highest descriptor. There it waits
 * for one struct hobbes_hosted_boot, with descriptors as SCM_RIGHTS: the enclave's, which get the numbers from
 * hobbes_hosted_boot.first_fd on in the order sent, and at last its log, which becomes descriptor 2. It becomes the user,
 * maps the boot block at its direct-map address and the kernel image at its base, and jumps to kernel_entry with the
 * direct-map address of the boot parameters in rdi and Linux's AT_HWCAP2 in rsi. When the socket is closed before, it ends. */
#define HOBBES_HOSTED_BOOT_VERSION 1u
#define HOBBES_HOSTED_MAX_FDS 253u /* Linux sends no more in one message */

struct hobbes_hosted_boot {
	uint32_t version;
	uint32_t change_user; /* 1: to uid and gid, without other groups; 0: stays as it is */
	uint32_t uid;
	uint32_t gid;
	int32_t first_fd;
	uint32_t fd_count; /* the log included */
	uint64_t base;     /* of the boot block, whose descriptor is the first */
	uint64_t size;
};

/* Lent files: a SOCK_SEQPACKET pair of which the enclave has both ends, and each of its proxies the one to send. A message
 * is one descriptor and the number that HOBBES_HIO_LEND gave; it is there before that call is answered. Sending does not
 * wait. */
struct hobbes_hosted_lent {
	uint64_t number;
};

/* Machine protocol: SOCK_SEQPACKET on hobbes_boot_params.machine_fd, one request and one reply a time.
 * A request's descriptor, and the descriptors of the reply to HELLO, travel as SCM_RIGHTS. */
#define HOBBES_MACHINE_VERSION 2u
#define HOBBES_MACHINE_MAX_REGIONS 128u

enum hobbes_machine_call {
	HOBBES_MACHINE_HELLO = 1,  /* -> descriptors of boot-time and added blocks (in order of `regions`), then the control
				      channel's host_bell, the console's, and where lent files are sent */
	HOBBES_MACHINE_PLUG = 2,   /* base, size + the block's memfd -> fd number in the enclave's table */
	HOBBES_MACHINE_UNPLUG = 3, /* base: unmap in every process, close */
	HOBBES_MACHINE_LEND = 5,   /* as PLUG, at HOBBES_HOSTED_FIRST_LENT or above: not the kernel's to hand out */
	HOBBES_MACHINE_LEND_READ_ONLY = 6,
	HOBBES_MACHINE_PIDS = 4,   /* -> count of Linux processes of the enclave (init included) */
};

struct hobbes_machine_request {
	uint32_t version;
	uint32_t call; /* enum hobbes_machine_call */
	uint64_t base;
	uint64_t size;
};

struct hobbes_machine_reply {
	int32_t result; /* >= 0, or -errno */
	uint32_t region_count;
	struct {
		uint64_t base;
		uint64_t size;
	} regions[HOBBES_MACHINE_MAX_REGIONS];
};

#endif
