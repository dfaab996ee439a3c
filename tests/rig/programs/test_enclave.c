/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/rig/programs/test_enclave.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "kernel-bridge/abi/x86_64.h"
#include "tests/rig/programs/test_kernel.h"

static_assert(offsetof(struct hobbes_boot_params, state) == PARAMS_STATE, "");
static_assert(offsetof(struct hobbes_boot_params, heartbeat) == PARAMS_HEARTBEAT, "");
static_assert(offsetof(struct hobbes_boot_params, cpus[0].apic_id) == PARAMS_BOOT_APIC_ID, "");
static_assert(offsetof(struct hobbes_boot_params, host_bell) == PARAMS_HOST_BELL, "");
static_assert(HOBBES_X86_DOORBELL_VECTOR == DOORBELL_VECTOR, "");

extern const char test_kernel[], test_kernel_end[];

enum { page_size = 4096, entries = 512, large_page = 2 << 20 };

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

int call(int fd, unsigned long request, void *argument)
{
	const int result = ioctl(fd, request, argument);

	return result < 0 ? -errno : result;
}

int open_pisces(void)
{
	const int fd = open("/dev/pisces", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int open_enclave(unsigned number)
{
	char name[64];
	int fd;

	snprintf(name, sizeof name, "/dev/pisces-enclave%u", number);
	fd = open(name, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int open_new_enclave(uint64_t id)
{
	struct pisces_create request = {.enclave_id = id};
	const int pisces = open_pisces();
	int result;

	if (pisces < 0) return pisces;
	result = call(pisces, PISCES_CREATE, &request);
	close(pisces);
	return result ? result : open_enclave(request.number);
}

int add_block(int enclave, uint64_t base, uint64_t size)
{
	struct pisces_block block = {base, size};

	return call(enclave, PISCES_ADD_BLOCK, &block);
}

int add_cpu(int enclave, unsigned cpu)
{
	struct pisces_cpu request = {.cpu = cpu};

	return call(enclave, PISCES_ADD_CPU, &request);
}

char *map_block(int enclave, uint64_t base, uint64_t size)
{
	struct pisces_block block = {base, size};
	const int fd = call(enclave, PISCES_OPEN_BLOCK, &block);
	char *memory;

	if (fd < 0) die("open block 0x%" PRIx64 ": %s", base, strerror(-fd));
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) die("map block 0x%" PRIx64 ": %s", base, strerror(errno));
	close(fd);
	return memory;
}

void get_info(int enclave, struct pisces_info *info)
{
	const int result = call(enclave, PISCES_INFO, info);

	if (result) die("info: %s", strerror(-result));
}

/* A table at TEST_TABLES + number pages. */
static uint64_t *table(char *block, unsigned number)
{
	return (uint64_t *)(block + TEST_TABLES + number * page_size);
}

static void map_large(char *block, uint64_t base, unsigned number, uint64_t address, uint64_t physical, unsigned count)
{
	const uint64_t first = base + TEST_TABLES + number * page_size;
	unsigned i;

	table(block, 0)[address >> 39 & (entries - 1)] = first | 3;
	for (i = 0; i < count; i++) {
		const uint64_t page = address + (uint64_t)i * large_page;
		const unsigned level2 = 1 + (unsigned)((page >> 30) - (address >> 30));

		table(block, number)[page >> 30 & (entries - 1)] = (first + level2 * page_size) | 3;
		table(block, number + level2)[page >> 21 & (entries - 1)] = (physical + (uint64_t)i * large_page) | 0x83;
	}
}

static void write_tables(char *block, uint64_t base)
{
	map_large(block, base, 1, 0, 0, 4 * entries);
	map_large(block, base, 6, HOBBES_X86_KERNEL_BASE, base + HOBBES_BOOT_KERNEL_OFFSET, 2);
	map_large(block, base, 8, HOBBES_X86_DIRECT_MAP + base, base, 1);
	*(uint64_t *)(block + TEST_CR3) = base + TEST_TABLES;
}

static void write_params(struct hobbes_boot_params *params, const struct pisces_info *info)
{
	unsigned i;

	params->version = HOBBES_BOOT_VERSION;
	params->size = sizeof *params;
	params->enclave_id = info->enclave_id;
	params->kernel_base = info->blocks[0].base + HOBBES_BOOT_KERNEL_OFFSET;
	params->kernel_size = page_size;
	params->kernel_text = page_size;
	params->kernel_entry = HOBBES_X86_KERNEL_BASE;
	params->machine_fd = -1;
	params->cpu_count = info->cpu_count;
	for (i = 0; i < info->cpu_count; i++)
		params->cpus[i] = (struct hobbes_boot_cpu){info->cpus[i].cpu, info->cpus[i].apic_id, -1, 0};
	params->region_count = info->block_count;
	for (i = 0; i < info->block_count; i++)
		params->regions[i] = (struct hobbes_boot_region){info->blocks[i].base, info->blocks[i].size, -1, -1};
	params->magic = HOBBES_BOOT_MAGIC;
}

char *lay_out(int enclave, unsigned mode)
{
	static struct pisces_info info;
	char *block;

	get_info(enclave, &info);
	if (!info.block_count) die("lay out: there is no block");
	block = map_block(enclave, info.blocks[0].base, info.blocks[0].size);
	memset(block, 0, TEST_TABLES + 16 * page_size);
	write_params((struct hobbes_boot_params *)block, &info);
	write_tables(block, info.blocks[0].base);
	*(uint32_t *)(block + TEST_MODE) = mode;
	memcpy(block + HOBBES_BOOT_KERNEL_OFFSET, test_kernel, (size_t)(test_kernel_end - test_kernel));
	return block;
}

int boot(int enclave)
{
	static struct pisces_info info;
	struct pisces_boot request = {0};

	get_info(enclave, &info);
	request.boot_block = info.blocks[0].base;
	return call(enclave, PISCES_BOOT, &request);
}

int await_u32(const volatile uint32_t *word, uint32_t value)
{
	const struct timespec nap = {0, 1000000};
	int tries;

	for (tries = 0; tries < 10000; tries++) {
		if (*word == value) return 1;
		nanosleep(&nap, NULL);
	}
	return 0;
}

static int write_file(const char *name, const char *text)
{
	const int fd = open(name, O_WRONLY | O_CLOEXEC);
	int result = 0;

	if (fd < 0) return -errno;
	if (write(fd, text, strlen(text)) < 0) result = -errno;
	close(fd);
	return result;
}

int set_cpu(unsigned cpu, int online)
{
	char name[64];

	snprintf(name, sizeof name, "/sys/devices/system/cpu/cpu%u/online", cpu);
	return write_file(name, online ? "1" : "0");
}

int set_block(uint64_t base, int online)
{
	char name[64];

	snprintf(name, sizeof name, "/sys/devices/system/memory/memory%" PRIu64 "/state", base >> 27);
	return write_file(name, online ? "online_movable" : "offline");
}
