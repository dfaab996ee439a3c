/* SPDX-License-Identifier: Apache-2.0 */
/* An enclave with the test kernel, by calls of the driver. Functions end the program with a sentence when they fail,
 * unless they return an int: then it is 0, a descriptor, or -errno. */
#ifndef HOBBES_RIG_TEST_ENCLAVE_H
#define HOBBES_RIG_TEST_ENCLAVE_H

#include <stdint.h>

#include "kernel-bridge/abi/boot_params.h"
#include "kernel-bridge/abi/pisces.h"

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

int open_pisces(void);
/* Makes an enclave and opens its device. */
int open_new_enclave(uint64_t id);
int open_enclave(unsigned number);
int call(int fd, unsigned long request, void *argument);

int add_block(int enclave, uint64_t base, uint64_t size);
int add_cpu(int enclave, unsigned cpu);
/* Its memory, as long as the process lives. */
char *map_block(int enclave, uint64_t base, uint64_t size);
void get_info(int enclave, struct pisces_info *info);

/* Writes parameters for all the enclave's CPUs, tables and kernel into its first block. */
char *lay_out(int enclave, unsigned mode);
int boot(int enclave);
/* Waits, at most ten seconds; says whether it came. */
int await_u32(const volatile uint32_t *word, uint32_t value);

/* Linux's side: "online" or "offline" of a CPU, of a block. */
int set_cpu(unsigned cpu, int online);
int set_block(uint64_t base, int online);

#endif
