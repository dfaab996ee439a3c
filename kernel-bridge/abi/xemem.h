/* SPDX-License-Identifier: Apache-2.0 */
/* XEMEM between leviathan and a co-kernel, over its control queue. A kernel asks with HOBBES_EVENT_XEMEM, an event
 * whose payload is a hobbes_xemem_request; leviathan answers with the command HOBBES_CMD_XEMEM_ANSWER. What follows a
 * struct is described beside it; each side checks that every byte it reads lies in the frame. See docs/xemem.md. */
#ifndef HOBBES_ABI_XEMEM_H
#define HOBBES_ABI_XEMEM_H

#include <stdint.h>

#define HOBBES_EVENT_XEMEM 5101u
#define HOBBES_CMD_XEMEM_ANSWER 5005u /* hobbes_xemem_answer, its extents; refused (not found): nobody waits for it */
#define HOBBES_CMD_XEMEM_FREE 5006u   /* hobbes_xemem_ref: nobody maps the removed segment's pages any more */
#define HOBBES_CMD_XEMEM_SIGNAL 5007u /* hobbes_xemem_ref: count one signal of the segment */

#define HOBBES_XEMEM_VERSION 1u
#define HOBBES_XEMEM_NAME_MAX 63u       /* bytes of a name, without a NUL */
#define HOBBES_XEMEM_MAX_EXTENTS 4096u  /* of one segment */
#define HOBBES_XEMEM_WELL_KNOWN 31u     /* the last of the ids that exporters may ask for; the first is 1 */

enum hobbes_xemem_op {
	HOBBES_XEMEM_MAKE = 1,   /* mode, size, address, signal, segment (wanted; 0: any), then name, extents -> segment */
	HOBBES_XEMEM_REMOVE = 2, /* segment */
	HOBBES_XEMEM_GET = 3,    /* segment, WRITE -> size */
	HOBBES_XEMEM_ATTACH = 4, /* segment, offset, size, address, WRITE -> attachment, extents */
	HOBBES_XEMEM_DETACH = 5, /* attachment; the kernel has let go of all its extents */
	HOBBES_XEMEM_LOOKUP = 6, /* name follows -> segment, size */
	HOBBES_XEMEM_SIGNAL = 7, /* segment */
	HOBBES_XEMEM_NEXT = 8,   /* segment -> the one with the next greater id: segment, size, enclave, app, name */
};

#define HOBBES_XEMEM_WRITE 1u     /* to be written, too */
#define HOBBES_XEMEM_SIGNALLED 2u /* MAKE: it can be signalled */
#define HOBBES_XEMEM_REPLACE 8u   /* MAKE: the process' own segment of that name is removed in the same step */
#define HOBBES_XEMEM_READ_ONLY 4u /* MAKE: nobody may write it, whatever its mode */

struct hobbes_xemem_extent {
	uint64_t base; /* physical, as the enclave addressed numbers it */
	uint64_t size;
};

struct hobbes_xemem_request {
	uint32_t version;
	uint32_t op;         /* enum hobbes_xemem_op */
	uint64_t request_id; /* of the kernel's choice; 0: no answer is wanted */
	uint64_t app_id;     /* of the process that asks */
	int32_t pid;         /* in the enclave, for listings */
	uint32_t flags;      /* HOBBES_XEMEM_* */
	uint64_t segment;
	uint64_t attachment;
	uint64_t address;
	uint64_t offset;
	uint64_t size;
	uint64_t signal;     /* MAKE: physical address of the signal word (abi of hobbes/xemem.h); 0: none */
	uint32_t mode;
	uint32_t name_size;    /* bytes of the name behind the struct, padded to a multiple of 8 */
	uint32_t extent_count; /* hobbes_xemem_extent[] behind it */
	uint32_t reserved;
};

struct hobbes_xemem_answer {
	uint32_t version;
	int32_t result; /* 0 or -errno; then nothing else is valid */
	uint64_t request_id;
	uint64_t segment;
	uint64_t attachment;
	uint64_t size;
	uint32_t extent_count; /* hobbes_xemem_extent[] behind the struct */
	uint32_t flags;        /* HOBBES_XEMEM_SIGNALLED */
	uint64_t enclave, app;
	char name[HOBBES_XEMEM_NAME_MAX + 1u]; /* with its NUL */
};

struct hobbes_xemem_ref {
	uint64_t segment;
};

/* What a program gives LWK_XEMEM_MAKE (cokernel/liblwk/lwk.h). */
struct hobbes_xemem_make {
	uint64_t address;
	uint64_t size;
	uint64_t name;    /* address of its NUL-terminated name; 0: none */
	uint64_t signal;  /* address of its signal word; 0: none */
	uint64_t segment; /* the number wanted; 0: any */
	uint64_t mode;
	uint64_t replace; /* not 0: the process' own segment of that name is removed in the same step */
};

/* The word that counts a segment's signals, shared by exporter and signallers. The low half is the count of those that
 * nobody has taken; the exporter alone sets and clears the other bits. Who signals adds 1 by compare-and-exchange. */
#define HOBBES_XEMEM_COUNT_MASK 0xffffffffull
#define HOBBES_XEMEM_COUNTS (1ull << 63) /* signals are counted here; clear: they go to the eventfd */
#define HOBBES_XEMEM_SLEEPS (1ull << 62) /* who waits sleeps (a futex on the low half): the signaller wakes him */

#endif
