/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PISCES_BOOT_H
#define PISCES_BOOT_H

struct pisces_enclave;
struct pisces_held_cpu;

/* REQUIRES: enclave->lock, and that it runs. */
int pisces_start_added_cpu(struct pisces_enclave *enclave, struct pisces_held_cpu *cpu);

#endif
