// SPDX-License-Identifier: GPL-2.0
// Starting and stopping CPUs, one at a time, through one page of low memory.
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <asm/apic.h>

#include "trampoline.h"

/* An emulated CPU on a loaded machine needs long; a real one some microseconds. */
#define ARRIVAL_MS 5000
#define STARTUP_LIMIT 0x100000

extern const char pisces_trampoline_code[], pisces_trampoline_long[], pisces_trampoline_end[];

/* Who holds it may write the page. */
static DEFINE_MUTEX(trampoline_lock);
static void *trampoline;
static u64 trampoline_base;
static u32 last_cookie;

static void write_u64(unsigned int offset, u64 value)
{
	WRITE_ONCE(*(u64 *)(trampoline + offset), value);
}

static void write_u32(unsigned int offset, u32 value)
{
	WRITE_ONCE(*(u32 *)(trampoline + offset), value);
}

static void write_constants(void)
{
	const u32 base = trampoline_base;
	u16 *gdt_limit = trampoline + TRAMPOLINE_GDT_POINTER;
	u32 *gdt_base = trampoline + TRAMPOLINE_GDT_POINTER + 2;
	u16 *selector = trampoline + TRAMPOLINE_FAR_POINTER + 4;

	*gdt_limit = 2 * sizeof(u64) - 1;
	*gdt_base = base + TRAMPOLINE_GDT;
	write_u32(TRAMPOLINE_FAR_POINTER, base + (pisces_trampoline_long - pisces_trampoline_code));
	*selector = TRAMPOLINE_CODE_SELECTOR;
	write_u64(TRAMPOLINE_GDT + 8, 0x00209b0000000000); /* present, code, readable, accessed, 64-bit */
}

int pisces_trampoline_init(u64 page)
{
	if (!page || page % PAGE_SIZE || page > STARTUP_LIMIT - PAGE_SIZE)
		return -EINVAL;
	if (region_intersects(page, PAGE_SIZE, IORESOURCE_MEM, IORES_DESC_RESERVED) != REGION_INTERSECTS)
		return -EINVAL;
	BUILD_BUG_ON(TRAMPOLINE_GDT + 16 > PAGE_SIZE);
	if (WARN_ON(pisces_trampoline_end - pisces_trampoline_code > TRAMPOLINE_VARIABLES))
		return -EINVAL;
	trampoline = memremap(page, PAGE_SIZE, MEMREMAP_WB);
	if (!trampoline)
		return -ENOMEM;
	trampoline_base = page;
	memset(trampoline, 0, PAGE_SIZE);
	memcpy(trampoline, pisces_trampoline_code, pisces_trampoline_end - pisces_trampoline_code);
	write_constants();
	return 0;
}

void pisces_trampoline_exit(void)
{
	memset(trampoline, 0, PAGE_SIZE);
	memunmap(trampoline);
}

/* No CPU ignores INIT when it is asked to: tests name one that does. */
static int deaf_apic_id = -1;
module_param(deaf_apic_id, int, 0600);
MODULE_PARM_DESC(deaf_apic_id, "for tests: the CPU with this APIC id gets neither INIT nor STARTUP");

static void send(u32 apic_id, u32 command)
{
	if (apic_id == READ_ONCE(deaf_apic_id))
		return;
	safe_apic_wait_icr_idle();
	apic_icr_write(command, apic_id);
	safe_apic_wait_icr_idle();
}

static void send_init(u32 apic_id)
{
	send(apic_id, APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT);
	msleep(10);
	send(apic_id, APIC_INT_LEVELTRIG | APIC_DM_INIT);
}

static void send_startup(u32 apic_id)
{
	send(apic_id, APIC_DM_STARTUP | (u32)(trampoline_base >> PAGE_SHIFT));
}

static bool has_arrived(u32 cookie)
{
	return READ_ONCE(*(u32 *)(trampoline + TRAMPOLINE_MARKER)) == cookie;
}

/* The manuals ask for a second STARTUP where the first had no effect. */
static int await(u32 apic_id, u32 cookie)
{
	const unsigned long limit = jiffies + msecs_to_jiffies(ARRIVAL_MS);

	usleep_range(200, 400);
	if (!has_arrived(cookie))
		send_startup(apic_id);
	while (!has_arrived(cookie)) {
		if (time_after(jiffies, limit))
			return -ETIMEDOUT;
		usleep_range(50, 200);
	}
	return 0;
}

static int send_through(const struct pisces_start *start)
{
	const u32 cookie = ++last_cookie ? last_cookie : ++last_cookie;

	write_u32(TRAMPOLINE_CR3, start->page_tables);
	write_u64(TRAMPOLINE_ENTRY, start->entry);
	write_u64(TRAMPOLINE_PARAMS, start->params);
	write_u32(TRAMPOLINE_APIC_ID, start->apic_id);
	write_u32(TRAMPOLINE_COOKIE, cookie);
	write_u32(TRAMPOLINE_MARKER, 0);
	mb(); /* before the interrupt leaves; partner: the CPU that starts there */
	send_init(start->apic_id);
	send_startup(start->apic_id);
	return await(start->apic_id, cookie);
}

int pisces_start_cpu(const struct pisces_start *start)
{
	int result;

	mutex_lock(&trampoline_lock);
	result = send_through(start);
	if (result)
		send_init(start->apic_id); /* should it come late, it finds nothing */
	mutex_unlock(&trampoline_lock);
	return result;
}

int pisces_stop_cpu(u32 apic_id)
{
	const struct pisces_start park = { .apic_id = apic_id };
	int result;

	mutex_lock(&trampoline_lock);
	result = send_through(&park);
	send_init(apic_id);
	mutex_unlock(&trampoline_lock);
	return result ? -EIO : 0;
}
