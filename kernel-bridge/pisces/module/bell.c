// SPDX-License-Identifier: GPL-2.0
// The enclave's bell to Linux is an interrupt vector of its own, from the domain in which all vectors of CPUs are
// allotted. It stays on one CPU that is never offline, since the enclave knows its number.
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/irq.h>
#include <linux/irqdomain.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <asm/hw_irq.h>
#include <asm/irqdomain.h>
#include <asm/smp.h>

#include "enclave.h"
#include "pci.h"

/* CPU 0 cannot be put offline. */
#define BELL_CPU 0

static irqreturn_t hear(int irq, void *data)
{
	struct pisces_doorbell *doorbell = data;

	pisces_hear_acknowledgements(container_of(doorbell, struct pisces_enclave, doorbell));
	atomic64_inc(&doorbell->count);
	wake_up_all(&doorbell->sleepers);
	return IRQ_HANDLED;
}

/* The vector is told by the message that a device would send to raise it. */
static int learn_vector(struct pisces_doorbell *doorbell)
{
	struct irq_data *data = irq_get_irq_data(doorbell->irq);
	struct msi_msg message = {};

	if (!data || !data->chip->irq_compose_msi_msg)
		return -ENXIO;
	data->chip->irq_compose_msi_msg(data, &message);
	doorbell->vector = message.arch_data.vector;
	doorbell->apic_id = per_cpu(x86_cpu_to_apicid, BELL_CPU);
	return doorbell->vector ? 0 : -ENXIO;
}

int pisces_open_doorbell(struct pisces_doorbell *doorbell)
{
	struct irq_alloc_info info = { .mask = cpumask_of(BELL_CPU) };
	int irq, result;

	atomic64_set(&doorbell->count, 0);
	init_waitqueue_head(&doorbell->sleepers);
	irq = irq_domain_alloc_irqs(x86_vector_domain, 1, NUMA_NO_NODE, &info);
	if (irq < 0)
		return irq;
	irq_set_handler(irq, handle_edge_irq);
	result = request_irq(irq, hear, IRQF_NOBALANCING | IRQF_NO_THREAD, "pisces", doorbell);
	if (result) {
		irq_dispose_mapping(irq);
		return result;
	}
	doorbell->irq = irq;
	result = learn_vector(doorbell);
	if (result)
		pisces_close_doorbell(doorbell);
	return result;
}

/* Nobody rings any more: the enclave's CPUs are stopped. */
void pisces_close_doorbell(struct pisces_doorbell *doorbell)
{
	if (!doorbell->irq)
		return;
	free_irq(doorbell->irq, doorbell);
	irq_dispose_mapping(doorbell->irq);
	doorbell->irq = 0;
}

void pisces_wake_sleepers(struct pisces_doorbell *doorbell)
{
	wake_up_all(&doorbell->sleepers);
}

/* ---- Listening ---- */

void pisces_start_listening(struct pisces_listener *listener, struct pisces_enclave *enclave, bool for_end)
{
	kref_get(&enclave->references);
	listener->enclave = enclave;
	listener->for_end = for_end;
	atomic64_set(&listener->heard, atomic64_read(&enclave->doorbell.count));
}

static bool has_news(struct pisces_listener *listener)
{
	struct pisces_enclave *enclave = listener->enclave;

	if (listener->for_end)
		return pisces_has_ended(enclave);
	return atomic64_read(&enclave->doorbell.count) != atomic64_read(&listener->heard) || READ_ONCE(enclave->dead);
}

/* Like an eventfd's: eight bytes, and never blocking for a caller who asked for that in this one call (RWF_NOWAIT). */
ssize_t pisces_listen(struct pisces_listener *listener, struct kiocb *request, struct iov_iter *to)
{
	struct pisces_doorbell *doorbell = &listener->enclave->doorbell;
	u64 count = 1, rung;

	if (iov_iter_count(to) < sizeof(count))
		return -EINVAL;
	if (!has_news(listener)) {
		if ((request->ki_filp->f_flags & O_NONBLOCK) || (request->ki_flags & IOCB_NOWAIT))
			return -EAGAIN;
		if (wait_event_interruptible(doorbell->sleepers, has_news(listener)))
			return -ERESTARTSYS;
	}
	if (!listener->for_end) {
		rung = atomic64_read(&doorbell->count);
		count = rung - atomic64_xchg(&listener->heard, rung);
	}
	return copy_to_iter(&count, sizeof(count), to) == sizeof(count) ? sizeof(count) : -EFAULT;
}

__poll_t pisces_poll(struct pisces_listener *listener, struct file *file, struct poll_table_struct *table)
{
	poll_wait(file, &listener->enclave->doorbell.sleepers, table);
	return has_news(listener) ? EPOLLIN | EPOLLRDNORM : 0;
}

/* ---- Descriptors ---- */

static ssize_t read_bell(struct kiocb *request, struct iov_iter *to)
{
	return pisces_listen(request->ki_filp->private_data, request, to);
}

static __poll_t poll_bell(struct file *file, struct poll_table_struct *table)
{
	return pisces_poll(file->private_data, file, table);
}

static int close_bell(struct inode *inode, struct file *file)
{
	struct pisces_listener *listener = file->private_data;

	pisces_put_enclave(listener->enclave);
	kfree(listener);
	return 0;
}

static const struct file_operations bell_operations = {
	.owner = THIS_MODULE,
	.read_iter = read_bell,
	.poll = poll_bell,
	.release = close_bell,
	.llseek = noop_llseek,
};

static struct file *make_bell(struct pisces_enclave *enclave, unsigned long kind)
{
	struct pisces_listener *listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	struct file *file;

	if (!listener)
		return ERR_PTR(-ENOMEM);
	file = anon_inode_getfile("[pisces-bell]", &bell_operations, listener, O_RDWR);
	if (IS_ERR(file)) {
		kfree(listener);
		return file;
	}
	pisces_start_listening(listener, enclave, kind == PISCES_BELL_ENDED);
	file->f_mode |= FMODE_NOWAIT;
	return file;
}

int pisces_open_bell(struct pisces_enclave *enclave, unsigned long kind)
{
	if (kind != PISCES_BELL_RANG && kind != PISCES_BELL_ENDED)
		return -EINVAL;
	return pisces_install(make_bell(enclave, kind));
}

/* A descriptor of the caller's for the file, which it takes over. */
int pisces_install(struct file *file)
{
	int fd;

	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	return fd;
}
