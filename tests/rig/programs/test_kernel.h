/* SPDX-License-Identifier: Apache-2.0 */
/* What the test kernel and its starter agree on: offsets from the boot parameters. Included by assembly, too. */
#ifndef HOBBES_RIG_TEST_KERNEL_H
#define HOBBES_RIG_TEST_KERNEL_H

#define TEST_ARRIVALS 0x20000 /* 64 bits: CPUs that came */
#define TEST_CR3 0x20008      /* 64 bits: page tables with the first 4 GiB at their own addresses, for the local APIC */
#define TEST_MODE 0x20010     /* 32 bits */
#define TEST_STOP 0x20014     /* 32 bits: the host wants it to stop */
#define TEST_HEARD 0x20018    /* 32 bits: the host's bell was heard */
#define TEST_STACK_END 0x22000
#define TEST_TABLES 0x30000   /* page tables */

#define TEST_MODE_SERVE 0
#define TEST_MODE_HANG 1

/* Of struct hobbes_boot_params and abi/x86_64.h; start_test_kernel.c asserts that they are. */
#define PARAMS_STATE 1248
#define PARAMS_HEARTBEAT 1256
#define PARAMS_BOOT_APIC_ID 2540
#define PARAMS_HOST_BELL 18920
#define DOORBELL_VECTOR 0xf0

#define LOCAL_APIC 0xfee00000
#define APIC_SPURIOUS 0xf0
#define APIC_REQUESTS_7 0x270 /* vectors 0xe0 to 0xff */
#define APIC_COMMAND 0x300
#define APIC_COMMAND_HIGH 0x310

#endif
