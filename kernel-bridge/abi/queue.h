// SPDX-License-Identifier: Apache-2.0
// The command queue's layout and numbers, shared by leviathan, its clients, the driver and every enclave (C11, C++20).
//
// A queue is one shared-memory object: a header, then two rings. Clients produce into the request ring and consume the
// reply ring; servers the other way round. docs/queues.md explains the protocol and shows an example byte by byte.
// Everything here is little-endian, of fixed width, and written by a peer that need not be honest: read a field once,
// check it, then use the copy.
#pragma once

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#ifdef __cplusplus
#define HOBBES_LAYOUT_ASSERT(condition) static_assert(condition, #condition)
#else
#define HOBBES_LAYOUT_ASSERT(condition) _Static_assert(condition, #condition)
#endif

#define HOBBES_QUEUE_MAGIC 0x0051434845424f48ull /* "HOBEHCQ\0" in memory */
#define HOBBES_QUEUE_VERSION 1u
#define HOBBES_CACHE_LINE 64u

/* ---- The rings ------------------------------------------------------------------------------------------------- */

/* Ring data sizes are powers of two in this range. A frame (header, payload and padding) may take half of a ring. */
#define HOBBES_RING_MIN_SIZE 1024u
#define HOBBES_RING_MAX_SIZE (1u << 30)
#define HOBBES_RING_DEFAULT_SIZE (256u * 1024u)

/* Values of the sleep words. The sleeper sets ASLEEP before its last look; whoever rings sets AWAKE. */
#define HOBBES_AWAKE 0u
#define HOBBES_ASLEEP 1u

/* One ring's control block; its data follow at once. Indices count bytes since the queue was made, never wrap in
 * practice (2^64), are multiples of HOBBES_FRAME_ALIGN, and lie at (index % size) in the data. Each word sits on a
 * cache line of its own, because each has another writer or another rhythm. */
struct hobbes_ring {
  uint64_t produced; /*   0 written by the producer: everything before it is readable */
  uint8_t pad0[56];
  uint64_t consumed; /*  64 written by the consumer: everything before it may be overwritten */
  uint8_t pad1[56];
  uint32_t consumer_sleep; /* 128 HOBBES_ASLEEP: wake me when there is a frame. Also the futex word of the side that
                                   consumes this ring, whatever that side waits for */
  uint8_t pad2[60];
  uint32_t producer_sleep; /* 192 HOBBES_ASLEEP: wake me when there is room */
  uint8_t pad3[60];
};

HOBBES_LAYOUT_ASSERT(sizeof(struct hobbes_ring) == 256);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_ring, consumed) == 64);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_ring, consumer_sleep) == 128);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_ring, producer_sleep) == 192);

/* ---- The queue object ------------------------------------------------------------------------------------------ */

struct hobbes_ring_place {
  uint64_t offset; /* 0 of the control block from the start of the queue; a multiple of HOBBES_CACHE_LINE */
  uint64_t size;   /* 8 of the data behind the control block, in bytes */
};

/* Constant once the magic is there (it is written last), except for the two "closed" words. */
struct hobbes_queue_header {
  uint64_t magic;                    /*   0 HOBBES_QUEUE_MAGIC */
  uint32_t version;                  /*   8 HOBBES_QUEUE_VERSION */
  uint32_t header_size;              /*  12 sizeof(struct hobbes_queue_header) */
  uint64_t total_size;               /*  16 of the whole object, in bytes */
  uint64_t reserved;                 /*  24 zero */
  struct hobbes_ring_place requests; /*  32 client to server */
  struct hobbes_ring_place replies;  /*  48 server to client: replies and events */
  uint32_t client_closed;            /*  64 non-zero: the client has left for good */
  uint8_t pad0[60];
  uint32_t server_closed; /* 128 non-zero: the server has left for good */
  uint8_t pad1[60];
  uint8_t pad2[64]; /* 192 */
};

HOBBES_LAYOUT_ASSERT(sizeof(struct hobbes_ring_place) == 16);
HOBBES_LAYOUT_ASSERT(sizeof(struct hobbes_queue_header) == 256);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_queue_header, requests) == 32);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_queue_header, replies) == 48);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_queue_header, client_closed) == 64);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_queue_header, server_closed) == 128);

/* ---- Frames ---------------------------------------------------------------------------------------------------- */

/* Every frame starts on a cache line, so a small one is one line and its header never wraps; its payload may. */
#define HOBBES_FRAME_ALIGN 64u

struct hobbes_frame {
  uint32_t length;     /*  0 of the payload behind this header, in bytes, without padding */
  uint32_t code;       /*  4 HOBBES_CMD_*; a reply repeats its request's, an event says which event it is */
  uint64_t request_id; /*  8 chosen by the client, never reused in a queue's life; 0 in events */
  int32_t status;      /* 16 HOBBES_STATUS_*; 0 in requests and events */
  uint32_t flags;      /* 20 HOBBES_FRAME_* */
  int32_t sys_errno;   /* 24 Linux's errno behind the status, or 0 */
  uint32_t reserved;   /* 28 zero */
};

HOBBES_LAYOUT_ASSERT(sizeof(struct hobbes_frame) == 32);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_frame, request_id) == 8);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_frame, status) == 16);
HOBBES_LAYOUT_ASSERT(__builtin_offsetof(struct hobbes_frame, sys_errno) == 24);

#define HOBBES_FRAME_MORE (1u << 0)  /* the message goes on in the ring's next frame (same code and id) */
#define HOBBES_FRAME_EVENT (1u << 1) /* from the server, not asked for; request_id is 0 */
#define HOBBES_FRAME_REPLY (1u << 2) /* answers the request of that id */

/* ---- Status of a reply. The payload of a failed one is a sentence for a person, without a final NUL. -------------
 * The numbers are those of hobbes::Code. Never reuse one. */
#define HOBBES_STATUS_OK 0
#define HOBBES_STATUS_INVALID 1
#define HOBBES_STATUS_NOT_FOUND 2
#define HOBBES_STATUS_EXISTS 3
#define HOBBES_STATUS_BUSY 4
#define HOBBES_STATUS_EXHAUSTED 5
#define HOBBES_STATUS_DENIED 6
#define HOBBES_STATUS_UNSUPPORTED 7
#define HOBBES_STATUS_TIMEOUT 8
#define HOBBES_STATUS_UNAVAILABLE 9
#define HOBBES_STATUS_CORRUPT 10
#define HOBBES_STATUS_IO 11

/* ---- Command codes. Never reuse one. Those up to 4999 and HIO are the original system's. ----------------------- */
#define HOBBES_CMD_ADD_CPU 1000u
#define HOBBES_CMD_ADD_MEM 1001u
#define HOBBES_CMD_ADD_PCI 1002u
#define HOBBES_CMD_REMOVE_CPU 1010u
#define HOBBES_CMD_REMOVE_MEM 1011u
#define HOBBES_CMD_REMOVE_PCI 1012u
#define HOBBES_CMD_LOAD_FILE 1100u
#define HOBBES_CMD_STORE_FILE 1101u
#define HOBBES_CMD_CREATE_VM 1500u
#define HOBBES_CMD_FREE_VM 1501u
#define HOBBES_CMD_LAUNCH_VM 1502u
#define HOBBES_CMD_STOP_VM 1503u
#define HOBBES_CMD_PAUSE_VM 1504u
#define HOBBES_CMD_CONTINUE_VM 1505u
#define HOBBES_CMD_SIMULATE_VM 1506u
#define HOBBES_CMD_VM_MOVE_CORE 1540u
#define HOBBES_CMD_VM_DBG 1541u
#define HOBBES_CMD_VM_CONS_CONNECT 1550u
#define HOBBES_CMD_VM_CONS_DISCONNECT 1551u
#define HOBBES_CMD_VM_CONS_KEYCODE 1552u
#define HOBBES_CMD_APP_LAUNCH 2000u
#define HOBBES_CMD_APP_KILL 2001u
#define HOBBES_CMD_VM_LAUNCH 2050u
#define HOBBES_CMD_VM_DESTROY 2051u
#define HOBBES_CMD_SHUTDOWN 2100u
#define HOBBES_CMD_PING 3000u
#define HOBBES_CMD_FILE_OPEN 4000u
#define HOBBES_CMD_FILE_CLOSE 4001u
#define HOBBES_CMD_FILE_READ 4002u
#define HOBBES_CMD_FILE_WRITE 4003u
#define HOBBES_CMD_FILE_SEEK 4004u
#define HOBBES_CMD_FILE_STAT 4005u
#define HOBBES_CMD_FILE_FSTAT 4006u
#define HOBBES_CMD_HIO 0xf210u

/* New codes: 5000 to 5999 go to an enclave (commands.h), 6000 to 6999 to leviathan (leviathan/client). */
#define HOBBES_CMD_FIRST_ENCLAVE_CODE 5000u
#define HOBBES_CMD_FIRST_CLIENT_CODE 6000u
