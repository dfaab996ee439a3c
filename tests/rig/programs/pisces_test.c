/* SPDX-License-Identifier: Apache-2.0 */
/* What pisces.ko does and refuses: pisces-test NAME [ARGUMENT]. CPUs 1 to 3 and the movable blocks are the test's. Each
 * part puts everything online again. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/rig/programs/test_enclave.h"
#include "tests/rig/programs/test_kernel.h"

enum { block_size = 128 << 20 };

static int checks, failures;

static void check(const char *what, int holds)
{
	checks++;
	if (holds) return;
	failures++;
	printf("FAILED: %s\n", what);
}

static void expect(const char *what, int expected, int got)
{
	checks++;
	if (got == expected) return;
	failures++;
	printf("FAILED: %s: %d (%s), expected %d\n", what, got, got < 0 ? strerror(-got) : "no error", expected);
}

/* The blocks of the machine's movable memory, as the scenario found them. */
static uint64_t blocks[16];
static unsigned block_count;

static void find_blocks(void)
{
	char *list = getenv("RIG_BLOCKS"), *word;

	for (word = strtok(list, " "); word && block_count < 16; word = strtok(NULL, " "))
		blocks[block_count++] = strtoull(word, NULL, 10) * block_size;
	if (block_count < 2) die("RIG_BLOCKS: two numbers of movable blocks");
}

/* An enclave with these CPUs and one block, offline for it. */
static int make_enclave(uint64_t id, unsigned first_cpu, unsigned last_cpu, unsigned block)
{
	const int enclave = open_new_enclave(id);
	unsigned cpu;
	int result;

	if (enclave < 0) die("create: %s", strerror(-enclave));
	if ((result = set_block(blocks[block], 0))) die("block 0x%" PRIx64 " offline: %s", blocks[block], strerror(-result));
	if ((result = add_block(enclave, blocks[block], block_size))) die("add block: %s", strerror(-result));
	for (cpu = first_cpu; cpu <= last_cpu; cpu++) {
		if ((result = set_cpu(cpu, 0))) die("CPU %u offline: %s", cpu, strerror(-result));
		if ((result = add_cpu(enclave, cpu))) die("add CPU %u: %s", cpu, strerror(-result));
	}
	return enclave;
}

static void unmake_enclave(int enclave, unsigned first_cpu, unsigned last_cpu, unsigned block)
{
	unsigned cpu;

	expect("destroy", 0, call(enclave, PISCES_DESTROY, NULL));
	close(enclave);
	for (cpu = first_cpu; cpu <= last_cpu; cpu++) expect("the CPU is Linux's again", 0, set_cpu(cpu, 1));
	expect("the block is Linux's again", 0, set_block(blocks[block], 1));
}

static void test_version(void)
{
	struct pisces_version version = {0};
	struct pisces_list list = {0};
	const int pisces = open_pisces();

	check("/dev/pisces opens", pisces >= 0);
	expect("version", 0, call(pisces, PISCES_VERSION, &version));
	check("ABI version", version.abi == PISCES_ABI_VERSION);
	check("the trampoline is where the machine reserved it", version.trampoline == 0x10000);
	check("block size", version.block_size == block_size);
	expect("list", 0, call(pisces, PISCES_LIST, &list));
	check("there is no enclave yet", list.used == 0);
	expect("an unknown call", -ENOTTY, call(pisces, _IO(PISCES_IOC, 99), NULL));
	expect("a call of another driver", -ENOTTY, call(pisces, FIONREAD, NULL));
	expect("a bad pointer", -EFAULT, call(pisces, PISCES_VERSION, (void *)8));
	expect("an enclave without an id", -EINVAL, open_new_enclave(0));
	close(pisces);
}

static void test_refusals(void)
{
	const int first = open_new_enclave(11), second = open_new_enclave(12);
	struct pisces_block range = {blocks[0], block_size};
	struct pisces_boot request = {blocks[0], 0};

	if (first < 0 || second < 0) die("create: %d %d", first, second);
	expect("the same id twice", -EEXIST, open_new_enclave(11));
	expect("an unknown call", -ENOTTY, call(first, _IO(PISCES_IOC, 99), NULL));
	expect("an unknown call with much to read", -ENOTTY, call(first, _IOC(_IOC_WRITE, PISCES_IOC, 99, 8000), &range));
	expect("a bad pointer", -EFAULT, call(first, PISCES_ADD_BLOCK, (void *)8));

	expect("a CPU that is online", -EBUSY, add_cpu(first, 1));
	expect("CPU 0", -EBUSY, add_cpu(first, 0));
	expect("a CPU that does not exist", -EINVAL, add_cpu(first, 4000));
	expect("a block that is online", -EBUSY, add_block(first, blocks[0], block_size));
	expect("no block", -EINVAL, add_block(first, blocks[0], 0));
	expect("half a block", -EINVAL, add_block(first, blocks[0], block_size / 2));
	expect("a block and a half", -EINVAL, add_block(first, blocks[0], block_size + block_size / 2));
	expect("a block that begins elsewhere", -EINVAL, add_block(first, blocks[0] + 4096, block_size));
	expect("memory that is none", -EINVAL, add_block(first, 1ull << 40, block_size));
	expect("device memory", -EINVAL, add_block(first, 0xf8000000, block_size));
	expect("a range that wraps", -EINVAL, add_block(first, -(uint64_t)block_size, 2ull * block_size));
	expect("a boot without memory", -EINVAL, boot(first));
	expect("removing what it has not", -ENOENT, call(first, PISCES_REMOVE_BLOCK, &range));
	expect("mapping what it has not", -ENOENT, call(first, PISCES_OPEN_BLOCK, &range));
	expect("a bell of no kind", -EINVAL, call(first, PISCES_OPEN_BELL, (void *)7));

	expect("CPU 1 offline", 0, set_cpu(1, 0));
	expect("block offline", 0, set_block(blocks[0], 0));
	expect("a CPU", 0, add_cpu(first, 1));
	expect("a block", 0, add_block(first, blocks[0], block_size));
	expect("the CPU twice", -EBUSY, add_cpu(first, 1));
	expect("the CPU in two enclaves", -EBUSY, add_cpu(second, 1));
	expect("the block twice", -EBUSY, add_block(first, blocks[0], block_size));
	expect("the block in two enclaves", -EBUSY, add_block(second, blocks[0], block_size));
	expect("a range that overlaps it", -EBUSY, add_block(second, blocks[0], 2ull * block_size));
	expect("Linux takes the CPU meanwhile", -EBUSY, set_cpu(1, 1));
	expect("Linux takes the block meanwhile", -EBUSY, set_block(blocks[0], 1));

	expect("a boot without a boot block", -EINVAL, boot(first));
	lay_out(first, TEST_MODE_SERVE);
	request.reserved = 1;
	expect("a boot with what is not known yet", -EINVAL, call(first, PISCES_BOOT, &request));
	request = (struct pisces_boot){blocks[1], 0};
	expect("a boot from memory that it has not", -EINVAL, call(first, PISCES_BOOT, &request));
	unmake_enclave(first, 1, 1, 0);
	expect("destroy", 0, call(second, PISCES_DESTROY, NULL));
	expect("a destroyed enclave", -ENODEV, add_cpu(second, 1));
	close(second);
}

/* Parameters that do not fit what the enclave holds. */
static void test_parameters(void)
{
	const int enclave = make_enclave(21, 1, 1, 0);
	struct hobbes_boot_params *params = (struct hobbes_boot_params *)lay_out(enclave, TEST_MODE_SERVE);
	const struct hobbes_boot_params good = *params;

#define REFUSED(change) \
	do { \
		change; \
		expect("a boot with " #change, -EINVAL, boot(enclave)); \
		*params = good; \
	} while (0)
	REFUSED(params->magic = 0);
	REFUSED(params->version = 99);
	REFUSED(params->enclave_id = 22);
	REFUSED(params->size = 100);
	REFUSED(params->cpu_count = 0);
	REFUSED(params->cpu_count = 1000);
	REFUSED(params->cpu_count = 2);
	REFUSED(params->cpus[0].apic_id = 0);
	REFUSED(params->region_count = 0);
	REFUSED(params->region_count = 100000);
	REFUSED(params->regions[0].base = 0);
	REFUSED(params->regions[0].size *= 2);
	REFUSED(params->kernel_base = 0);
	REFUSED(params->kernel_base += 4096);
	REFUSED(params->kernel_base = blocks[0] + block_size - (2 << 20));
	REFUSED(params->kernel_entry = 0x100000);
	REFUSED(params->kernel_entry = 0xffffffff80000000ull + HOBBES_BOOT_KERNEL_LIMIT);
	params->cpu_count = 2;
	params->cpus[1] = params->cpus[0];
	expect("a boot with a CPU twice", -EINVAL, boot(enclave));
	*params = good;
	expect("and with none of that", 0, boot(enclave));
	check("it runs", await_u32(&params->state, HOBBES_ENCLAVE_RUNNING));
	expect("a boot of what runs", -EBUSY, boot(enclave));
	unmake_enclave(enclave, 1, 1, 0);
}

static int is_readable(int fd, int milliseconds)
{
	struct pollfd poll_fd = {fd, POLLIN, 0};

	return poll(&poll_fd, 1, milliseconds) == 1;
}

/* Bells both ways, more CPUs, one that comes later, one that goes; memory that comes and goes; the end. */
static void test_life(void)
{
	const int enclave = make_enclave(31, 1, 2, 0);
	char *memory = lay_out(enclave, TEST_MODE_SERVE);
	struct hobbes_boot_params *params = (struct hobbes_boot_params *)memory;
	const volatile uint64_t *heartbeat = &params->heartbeat;
	const int bell = call(enclave, PISCES_OPEN_BELL, (void *)PISCES_BELL_RANG);
	const int end = call(enclave, PISCES_OPEN_BELL, (void *)PISCES_BELL_ENDED);
	struct pisces_block range = {blocks[0], block_size}, more = {blocks[1], block_size};
	struct pisces_cpu cpu = {1, 0};
	static struct pisces_info info;
	uint64_t count = 0, before;

	check("the bell is silent before the boot", !is_readable(bell, 0));
	expect("boot", 0, boot(enclave));
	check("it runs", await_u32(&params->state, HOBBES_ENCLAVE_RUNNING));
	check("it rings", is_readable(bell, 10000));
	check("eight bytes", read(bell, &count, sizeof count) == sizeof count);
	check("rung once", count == 1);
	check("and no more", preadv2(bell, &(struct iovec){&count, sizeof count}, 1, -1, RWF_NOWAIT) < 0 && errno == EAGAIN);
	check("both CPUs came", await_u32((uint32_t *)(memory + TEST_ARRIVALS), 2));
	before = *heartbeat;
	usleep(100000);
	check("its heart beats", *heartbeat != before);
	check("it has not ended", !is_readable(end, 0));

	expect("ring", 0, call(enclave, PISCES_RING, NULL));
	check("it heard the bell", await_u32((uint32_t *)(memory + TEST_HEARD), 1));
	check("it rings back", is_readable(bell, 10000));

	expect("CPU 3 offline", 0, set_cpu(3, 0));
	expect("a CPU later", 0, add_cpu(enclave, 3));
	check("it came", await_u32((uint32_t *)(memory + TEST_ARRIVALS), 3));
	expect("the boot CPU stays", -EINVAL, call(enclave, PISCES_REMOVE_CPU, &cpu));
	cpu.cpu = 3;
	expect("a CPU goes", 0, call(enclave, PISCES_REMOVE_CPU, &cpu));
	expect("it is Linux's again", 0, set_cpu(3, 1));
	expect("the boot block stays", -EBUSY, call(enclave, PISCES_REMOVE_BLOCK, &range));
	expect("another block offline", 0, set_block(blocks[1], 0));
	expect("another block", 0, add_block(enclave, blocks[1], block_size));
	get_info(enclave, &info);
	check("info tells", info.enclave_id == 31 && info.state == PISCES_RUNNING && info.cpu_count == 2 &&
				    info.block_count == 2 && info.boot_block == blocks[0] && info.bells >= 2);
	expect("another block goes", 0, call(enclave, PISCES_REMOVE_BLOCK, &more));
	expect("and is Linux's again", 0, set_block(blocks[1], 1));

	*(volatile uint32_t *)(memory + TEST_STOP) = 1;
	check("its end is heard", is_readable(end, 10000));
	check("it stopped", params->state == HOBBES_ENCLAVE_STOPPED);
	unmake_enclave(enclave, 1, 2, 0);
	check("what was its memory shows nothing", params->magic == 0 && *heartbeat == 0);
	params->magic = 1; /* and does no harm */
	check("the bells of a dead enclave are readable", is_readable(bell, 0) && is_readable(end, 0));
}

/* Memory is zero when an enclave gets it and when it is given back, mapped or not. */
static void test_scrub(void)
{
	int enclave = make_enclave(41, 1, 1, 0);
	char *memory = map_block(enclave, blocks[0], block_size);
	struct pisces_block range = {blocks[0], block_size};
	size_t i, dirty = 0;

	for (i = 0; i < block_size; i += 8) dirty += *(uint64_t *)(memory + i) != 0;
	check("nothing of Linux is in it", dirty == 0);
	memset(memory, 0xa5, block_size);
	expect("remove", 0, call(enclave, PISCES_REMOVE_BLOCK, &range));
	for (i = 0; i < block_size; i += 4096) dirty += *(uint64_t *)(memory + i) != 0;
	check("the old mapping shows nothing", dirty == 0);
	memset(memory, 0x5a, block_size);
	expect("add again", 0, add_block(enclave, blocks[0], block_size));
	memory = map_block(enclave, blocks[0], block_size);
	for (i = 0; i < block_size; i += 8) dirty += *(uint64_t *)(memory + i) != 0;
	check("what was written there is gone", dirty == 0);
	check("no private mapping", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE,
					  call(enclave, PISCES_OPEN_BLOCK, &range), 0) == MAP_FAILED);
	check("nothing behind its end", mmap(NULL, 8192, PROT_READ, MAP_SHARED,
					       call(enclave, PISCES_OPEN_BLOCK, &range), block_size - 4096) == MAP_FAILED);
	unmake_enclave(enclave, 1, 1, 0);
}

/* A kernel that does not come up: it is stopped, started anew, stopped again, and everything is Linux's again. */
static void test_wild(void)
{
	const int enclave = make_enclave(51, 1, 2, 0);
	char *memory = lay_out(enclave, TEST_MODE_HANG);

	expect("boot", 0, boot(enclave));
	check("its CPUs came", await_u32((uint32_t *)(memory + TEST_ARRIVALS), 2));
	expect("stop", 0, call(enclave, PISCES_STOP, NULL));
	memory = lay_out(enclave, TEST_MODE_SERVE);
	expect("reset", 0, boot(enclave));
	check("it runs", await_u32((uint32_t *)(memory + PARAMS_STATE), HOBBES_ENCLAVE_RUNNING));
	expect("stop", 0, call(enclave, PISCES_STOP, NULL));
	expect("a stopped one can be stopped", 0, call(enclave, PISCES_STOP, NULL));
	lay_out(enclave, TEST_MODE_HANG);
	expect("boot", 0, boot(enclave));
	unmake_enclave(enclave, 1, 2, 0);
}

/* Two at once, the second of which outlives who made it. */
static void test_two(void)
{
	const int first = make_enclave(61, 1, 1, 0);
	char *memory = lay_out(first, TEST_MODE_SERVE);
	struct pisces_list list = {0};
	const pid_t child = fork();
	struct pisces_block range = {blocks[1], block_size};
	int status, pisces, second, block;

	if (child == 0) {
		const int enclave = make_enclave(62, 2, 2, 1);

		lay_out(enclave, TEST_MODE_SERVE);
		_exit(boot(enclave) != 0);
	}
	expect("boot", 0, boot(first));
	check("the other one's maker ended well", waitpid(child, &status, 0) == child && status == 0);
	check("the first runs", await_u32((uint32_t *)(memory + PARAMS_STATE), HOBBES_ENCLAVE_RUNNING));
	pisces = open_pisces();
	expect("list", 0, call(pisces, PISCES_LIST, &list));
	check("both are there", list.used == 3 && list.enclave_ids[0] == 61 && list.enclave_ids[1] == 62);
	close(pisces);
	second = open_enclave(1);
	check("adopted", second >= 0);
	memory = map_block(second, blocks[1], block_size);
	check("it runs", await_u32((uint32_t *)(memory + PARAMS_STATE), HOBBES_ENCLAVE_RUNNING));
	block = call(second, PISCES_OPEN_BLOCK, &range);
	check("nothing is heard yet", !is_readable(block, 0));
	check("whoever has its memory may ring", write(block, "", 1) == 1);
	check("it heard that", await_u32((uint32_t *)(memory + TEST_HEARD), 1));
	check("the descriptor hears the answer", is_readable(block, 10000));
	close(block);
	unmake_enclave(second, 2, 2, 1);
	unmake_enclave(first, 1, 1, 0);
	expect("there is no device any more", -ENOENT, open_enclave(1));
}

/* The CPU is taken and given back in every round, the block, which takes an emulated machine long, in every tenth. */
static void test_rounds(int rounds)
{
	int i;

	for (i = 0; i < rounds && failures == 0; i++) {
		const unsigned cpu = 1 + (unsigned)i % 3, block = (unsigned)(i / 10) % 2;
		const int enclave = open_new_enclave(1000 + (uint64_t)i);
		char *memory;

		if (i % 10 == 0) expect("block offline", 0, set_block(blocks[block], 0));
		expect("CPU offline", 0, set_cpu(cpu, 0));
		expect("add block", 0, add_block(enclave, blocks[block], block_size));
		expect("add CPU", 0, add_cpu(enclave, cpu));
		memory = lay_out(enclave, TEST_MODE_SERVE);
		expect("boot", 0, boot(enclave));
		check("it runs", await_u32((uint32_t *)(memory + PARAMS_STATE), HOBBES_ENCLAVE_RUNNING));
		expect("destroy", 0, call(enclave, PISCES_DESTROY, NULL));
		expect("CPU online", 0, set_cpu(cpu, 1));
		if (i % 10 == 9) expect("block online", 0, set_block(blocks[block], 1));
		munmap(memory, block_size);
		close(enclave);
	}
	printf("%d rounds\n", i);
}

/* An enclave that is left behind, running. */
static void test_leave(void)
{
	const int enclave = make_enclave(81, 1, 2, 0);
	char *memory = lay_out(enclave, TEST_MODE_SERVE);

	expect("boot", 0, boot(enclave));
	check("it runs", await_u32((uint32_t *)(memory + PARAMS_STATE), HOBBES_ENCLAVE_RUNNING));
}

/* A descriptor in the hands of somebody without the capability is of no use, and opens nothing. */
static void test_capability(void)
{
	const int pisces = open_pisces(), enclave = open_new_enclave(71);
	struct pisces_version version;

	if (setgroups(0, NULL) || setgid(65534) || setuid(65534)) die("become nobody: %s", strerror(errno));
	expect("open", -EACCES, open_pisces());
	expect("version", -EPERM, call(pisces, PISCES_VERSION, &version));
	expect("a CPU", -EPERM, add_cpu(enclave, 1));
	expect("destroy", -EPERM, call(enclave, PISCES_DESTROY, NULL));
}

/* To every enclave. */
static void call_all(unsigned long request)
{
	struct pisces_list list = {0};
	unsigned i;

	expect("list", 0, call(open_pisces(), PISCES_LIST, &list));
	for (i = 0; i < PISCES_MAX_ENCLAVES; i++)
		if (list.used >> i & 1) expect("call", 0, call(open_enclave(i), request, NULL));
}

/* Every instruction of the enclaves' kernels becomes a jump to itself. */
static void hang_all(void)
{
	static const char jump[] = {(char)0xeb, (char)0xfe};
	struct pisces_list list = {0};
	struct pisces_info info;
	unsigned i;

	expect("list", 0, call(open_pisces(), PISCES_LIST, &list));
	for (i = 0; i < PISCES_MAX_ENCLAVES; i++) {
		char *memory;
		uint64_t at, end;

		if (!(list.used >> i & 1)) continue;
		get_info(open_enclave(i), &info);
		memory = map_block(open_enclave(i), info.boot_block, block_size);
		at = ((struct hobbes_boot_params *)memory)->kernel_base - info.boot_block;
		end = at + ((struct hobbes_boot_params *)memory)->kernel_text;
		for (; at < end; at += sizeof jump) memcpy(memory + at, jump, sizeof jump);
	}
}

int main(int count, char **arguments)
{
	const char *name = count > 1 ? arguments[1] : "";

	if (!strstr(name, "-all")) find_blocks();
	if (!strcmp(name, "version")) test_version();
	else if (!strcmp(name, "refusals")) test_refusals();
	else if (!strcmp(name, "parameters")) test_parameters();
	else if (!strcmp(name, "life")) test_life();
	else if (!strcmp(name, "scrub")) test_scrub();
	else if (!strcmp(name, "wild")) test_wild();
	else if (!strcmp(name, "two")) test_two();
	else if (!strcmp(name, "rounds")) test_rounds(count > 2 ? atoi(arguments[2]) : 10);
	else if (!strcmp(name, "leave")) test_leave();
	else if (!strcmp(name, "capability")) test_capability();
	else if (!strcmp(name, "stop-all")) call_all(PISCES_STOP);
	else if (!strcmp(name, "hang-all")) hang_all();
	else if (!strcmp(name, "destroy-all")) call_all(PISCES_DESTROY);
	else die("pisces-test: no part '%s'", name);
	printf("%s: %d checks, %d failed\n", name, checks, failures);
	return failures > 0;
}
