/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads of the commands leviathan sends to a co-kernel over its control queue. Codes are in abi/queue.h; where a code
 * is the reference's, so is its meaning, but payloads are binary structs. Strings are NUL-terminated and follow the struct
 * they belong to; the receiver checks that every byte it reads lies in the frame. */
#ifndef HOBBES_ABI_COMMANDS_H
#define HOBBES_ABI_COMMANDS_H

#include <stdint.h>

/* Codes of our own, in the block kept for them (abi/queue.h). */
#define HOBBES_CMD_HIO_CREATE 5000u /* struct hobbes_hio_create -> struct hobbes_hio_created */
#define HOBBES_CMD_APP_REAP 5001u   /* struct hobbes_app_ref: forget an ended application, or its unused channel */
#define HOBBES_CMD_APP_LIST 5002u   /* -> struct hobbes_app_status[] */
#define HOBBES_CMD_COUNTERS 5003u   /* -> struct hobbes_counters */
/* struct hobbes_app_ref (0: the whole enclave since its boot) -> struct hobbes_system_calls, its rows, its processes */
#define HOBBES_CMD_SYSTEM_CALLS 5004u
#define HOBBES_EVENT_APP_ENDED 5100u /* unsolicited: struct hobbes_app_status */

#define HOBBES_APP_LARGE_PAGES 1u
#define HOBBES_APP_SMARTMAP 2u
#define HOBBES_APP_NO_REWRITE 4u
#define HOBBES_APP_PMI 8u /* the proxy has a descriptor for each rank, HOBBES_HIO_FIRST_RANK_FD and on: it becomes its 3 */

struct hobbes_memory_command { /* ADD_MEM 1001, REMOVE_MEM 1011 */
	uint64_t base;
	uint64_t size;
	int32_t numa;
	uint32_t reserved;
};

struct hobbes_cpu_command { /* ADD_CPU 1000 (-> s32 logical id), REMOVE_CPU 1010 */
	uint32_t cpu_id;
	uint32_t apic_id;
	int32_t numa;
	uint32_t reserved;
};

#define HOBBES_PCI_MAX_PLACES 16u
#define HOBBES_PCI_MAX_BARS 6u
#define HOBBES_PCI_NAME_SIZE 64u

enum hobbes_pci_interrupts {
	HOBBES_PCI_FORWARDED = 0, /* by the host: each is to be acknowledged (abi/x86_64.h) */
	HOBBES_PCI_MSIX = 1,      /* as the kernel fills the device's MSI-X table in */
};

struct hobbes_pci_bar {
	uint64_t base;
	uint64_t size; /* 0: none, or not memory */
};

struct hobbes_pci_command { /* ADD_PCI 1002 */
	char name[HOBBES_PCI_NAME_SIZE]; /* NUL-terminated */
	uint32_t place;      /* among the enclave's devices, below HOBBES_PCI_MAX_PLACES: says which interrupt is its */
	uint32_t interrupts; /* enum hobbes_pci_interrupts */
	struct hobbes_pci_bar bars[HOBBES_PCI_MAX_BARS];
	uint8_t config[256]; /* a copy of its configuration space */
};

struct hobbes_pci_ref { /* REMOVE_PCI 1012 */
	char name[HOBBES_PCI_NAME_SIZE];
};

struct hobbes_hio_create {
	uint64_t app_id;
};

struct hobbes_hio_created {
	uint64_t channel; /* physical address of a struct hobbes_hio_channel */
	uint64_t size;
};

struct hobbes_app_launch { /* APP_LAUNCH 2000 */
	uint64_t app_id;
	uint32_t flags; /* HOBBES_APP_* */
	uint32_t ranks; /* processes to start, all or none */
	uint64_t heap_size;  /* bytes; 0: the co-kernel's choice */
	uint64_t stack_size; /* bytes; 0: the co-kernel's choice */
	uint64_t cpu_mask[4]; /* enclave-logical CPUs; all zero: any. Several ranks share them out where there are enough */
	uint32_t uid, gid;
	uint32_t umask;
	uint32_t argc;
	uint32_t envc;
	uint32_t strings_size; /* bytes after the struct: path, name, cwd, argc arguments, envc NAME=VALUEs */
	uint32_t first_rank; /* its ranks' numbers in their job start here */
	uint32_t job_ranks;  /* of the job, here and elsewhere: above 1 each finds PMI_RANK and PMI_SIZE in its environment */
};

struct hobbes_app_ref {
	uint64_t app_id;
};

struct hobbes_app_kill { /* APP_KILL 2001 */
	uint64_t app_id;
	int32_t signal;
	uint32_t reserved;
};

enum hobbes_app_state { /* as in the reference */
	HOBBES_APP_INITTED = 0,
	HOBBES_APP_RUNNING = 1,
	HOBBES_APP_STOPPED = 2,
	HOBBES_APP_CRASHED = 3,
};

struct hobbes_app_status {
	uint64_t app_id;
	uint32_t state;     /* enum hobbes_app_state; CRASHED: ended by `signal` */
	int32_t exit_code;  /* of the first rank that failed, else 0; so is `signal` */
	int32_t signal;
	uint32_t processes; /* alive */
	uint32_t dead_rank; /* 1 + the number of the rank whose death by `signal` ended the others; else 0 */
	uint32_t reserved;
};

#define HOBBES_FILE_SET_MODE 1u /* a file that was there gets `mode`, too */

struct hobbes_file_open { /* FILE_OPEN 4000, path follows -> struct hobbes_file_opened */
	uint32_t flags;    /* Linux's O_* */
	uint32_t mode;     /* of a file that is made; no umask applies */
	uint32_t uid, gid; /* on whose behalf */
	uint32_t options;  /* HOBBES_FILE_SET_MODE */
	uint32_t reserved;
};

#define HOBBES_FILE_IN_ENCLAVE 0u /* `handle` is open */
#define HOBBES_FILE_ON_HOST 1u    /* nothing is open: the path that follows names a file of Linux; open it yourself */

struct hobbes_file_opened {
	uint64_t handle;
	uint32_t where; /* HOBBES_FILE_* */
	uint32_t reserved;
};

struct hobbes_file_io { /* FILE_READ 4002 -> bytes (none: end of file); FILE_WRITE 4003, bytes follow -> u64 written */
	uint64_t handle;
	uint64_t offset; /* HOBBES_FILE_AT_POSITION: where the handle stands */
	uint64_t length;
};
#define HOBBES_FILE_AT_POSITION UINT64_MAX

struct hobbes_file_ref { /* FILE_CLOSE 4001, FILE_FSTAT 4006 */
	uint64_t handle;
};

struct hobbes_file_seek { /* FILE_SEEK 4004 -> u64 position */
	uint64_t handle;
	int64_t offset;
	uint32_t whence;
	uint32_t reserved;
};

struct hobbes_file_status { /* reply to FILE_STAT 4005 (payload: path) and FILE_FSTAT */
	uint64_t size;
	uint64_t mtime_ns;
	uint32_t mode;
	uint32_t uid, gid;
	uint32_t where; /* HOBBES_FILE_*; ON_HOST: only this and the path that follows are valid */
};

struct hobbes_counters {
	uint64_t system_calls;  /* served */
	uint64_t trapped;       /* of these, through the trap */
	uint64_t sites_patched;
	uint64_t host_calls;
	uint64_t unimplemented;
	uint64_t pages_total;   /* 4 KiB */
	uint64_t pages_free;
};

struct hobbes_system_calls {
	uint64_t trapped;       /* calls that came in through the trap */
	uint64_t sites_patched;
	uint64_t sites_trapped; /* left on the trap */
	uint64_t host_calls;    /* requests to the host */
	uint64_t linux_calls;   /* the port's own, for the processes */
	uint32_t rows;          /* struct hobbes_system_call[] */
	uint32_t processes;     /* then uint32_t[]: those that are alive, as the machine numbers them */
};

#define HOBBES_SYSTEM_CALL_UNIMPLEMENTED 1u
#define HOBBES_SYSTEM_CALL_OUT_OF_TABLE 0xffffffffu /* the `number` of all calls that no table has a place for */

struct hobbes_system_call {
	uint32_t number;
	uint32_t flags;   /* HOBBES_SYSTEM_CALL_* */
	uint64_t calls;
	uint64_t errors;
	uint64_t host;    /* of these, such as asked the host */
	uint64_t samples; /* of these, such as were timed */
	uint64_t time_ns; /* of the samples */
};

#endif
