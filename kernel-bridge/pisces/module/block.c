// SPDX-License-Identifier: GPL-2.0
// Mappings are filled by faults, each under `revoking`: after a block was revoked no fault can bring a page of it back,
// and those that were there have been taken away. A mapping that outlives its block shows a blank page instead of
// killing its process: leviathan looks into enclaves that are being destroyed.
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/version.h>

#include "block.h"
#include "enclave.h"
#include "ledger.h"

#define PISCES_FS_MAGIC 0x50495343

static struct vfsmount *mount;

static int init_fs(struct fs_context *context)
{
	return init_pseudo(context, PISCES_FS_MAGIC) ? 0 : -ENOMEM;
}

/* Where the inodes of blocks come from; nobody else can mount it. It has no owner: the module would keep itself. */
static struct file_system_type block_fs = {
	.name = "pisces",
	.init_fs_context = init_fs,
	.kill_sb = kill_anon_super,
};

int pisces_blocks_init(void)
{
	mount = kern_mount(&block_fs);
	return PTR_ERR_OR_ZERO(mount);
}

/* Every block is gone, since each descriptor of one keeps the module. */
void pisces_blocks_exit(void)
{
	kern_unmount(mount);
}

static void free_block(struct kref *references)
{
	struct pisces_held_block *block = container_of(references, struct pisces_held_block, references);

	if (block->inode)
		iput(block->inode);
	if (block->blank)
		__free_page(block->blank);
	kfree(block);
}

static void scrub(struct pisces_held_block *block)
{
	u64 done;

	for (done = 0; done < block->size; done += SZ_2M) {
		memset(block->memory + done, 0, SZ_2M);
		cond_resched();
	}
}

static struct pisces_held_block *new_block(u64 base, u64 size)
{
	struct pisces_held_block *block = kzalloc(sizeof(*block), GFP_KERNEL);

	if (!block)
		return NULL;
	kref_init(&block->references);
	init_rwsem(&block->revoking);
	INIT_LIST_HEAD(&block->link);
	block->base = base;
	block->size = size;
	block->blank = alloc_page(GFP_KERNEL | __GFP_ZERO);
	block->inode = alloc_anon_inode(mount->mnt_sb);
	if (IS_ERR(block->inode))
		block->inode = NULL;
	if (block->blank && block->inode)
		return block;
	kref_put(&block->references, free_block);
	return NULL;
}

struct pisces_held_block *pisces_take_block(u64 base, u64 size)
{
	struct pisces_held_block *block = new_block(base, size);
	int result;

	if (!block)
		return ERR_PTR(-ENOMEM);
	result = pisces_claim_memory(base, size);
	if (result) {
		kref_put(&block->references, free_block);
		return ERR_PTR(result);
	}
	/* The direct map keeps memory that is offline. */
	block->memory = memremap(base, size, MEMREMAP_WB);
	if (!block->memory) {
		pisces_release_memory(base);
		kref_put(&block->references, free_block);
		return ERR_PTR(-ENOMEM);
	}
	scrub(block);
	return block;
}

static void revoke(struct pisces_held_block *block)
{
	down_write(&block->revoking);
	block->revoked = true;
	up_write(&block->revoking);
	unmap_mapping_range(block->inode->i_mapping, 0, 0, 1);
}

void pisces_give_block_back(struct pisces_held_block *block)
{
	revoke(block);
	scrub(block);
	memunmap(block->memory);
	block->memory = NULL;
	pisces_release_memory(block->base);
	kref_put(&block->references, free_block);
}

struct pisces_held_block *pisces_find_block(struct pisces_enclave *enclave, u64 base)
{
	struct pisces_held_block *block;

	list_for_each_entry(block, &enclave->blocks, link)
		if (block->base == base)
			return block;
	return NULL;
}

/* ---- Descriptors ---- */

struct block_file {
	struct pisces_listener listener; /* its enclave is a reference */
	struct pisces_held_block *block; /* a reference */
};

/* The window of 2 MiB around the fault, as far as the mapping and the block go: a page table's worth at a time. */
static vm_fault_t insert_window(struct vm_fault *fault, struct pisces_held_block *block)
{
	struct vm_area_struct *area = fault->vma;
	const unsigned long from = max(area->vm_start, ALIGN_DOWN(fault->address, SZ_2M));
	const unsigned long to = min(area->vm_end, ALIGN_DOWN(fault->address, SZ_2M) + SZ_2M);
	vm_fault_t result = VM_FAULT_NOPAGE;
	unsigned long address;

	for (address = from; address < to && !(result & VM_FAULT_ERROR); address += PAGE_SIZE) {
		const unsigned long page = area->vm_pgoff + ((address - area->vm_start) >> PAGE_SHIFT);

		result = vmf_insert_pfn(area, address, PHYS_PFN(block->base) + page);
	}
	return result;
}

static vm_fault_t fault_in(struct vm_fault *fault)
{
	struct block_file *file = fault->vma->vm_file->private_data;
	struct pisces_held_block *block = file->block;
	vm_fault_t result;

	down_read(&block->revoking);
	if (fault->pgoff >= PHYS_PFN(block->size))
		result = VM_FAULT_SIGBUS;
	else if (block->revoked)
		result = vmf_insert_pfn(fault->vma, fault->address & PAGE_MASK, page_to_pfn(block->blank));
	else
		result = insert_window(fault, block);
	up_read(&block->revoking);
	return result;
}

static const struct vm_operations_struct area_operations = { .fault = fault_in };

static void set_area_flags(struct vm_area_struct *area, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(area, flags);
#else
	area->vm_flags |= flags;
#endif
}

static int map_block(struct file *file, struct vm_area_struct *area)
{
	const struct block_file *self = file->private_data;
	const u64 pages = PHYS_PFN(self->block->size);

	if (area->vm_pgoff > pages || vma_pages(area) > pages - area->vm_pgoff)
		return -EINVAL;
	if ((area->vm_flags & (VM_SHARED | VM_MAYWRITE)) == VM_MAYWRITE)
		return -EINVAL; /* private */
	set_area_flags(area, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP);
	area->vm_ops = &area_operations;
	return 0;
}

static ssize_t read_block(struct kiocb *request, struct iov_iter *to)
{
	struct block_file *self = request->ki_filp->private_data;

	return pisces_listen(&self->listener, request, to);
}

/* Whoever has the enclave's memory may ring for what he wrote there, whatever he writes here. */
static ssize_t write_block(struct file *file, const char __user *from, size_t size, loff_t *position)
{
	struct block_file *self = file->private_data;
	struct pisces_enclave *enclave = self->listener.enclave;

	if (mutex_lock_killable(&enclave->lock))
		return -EINTR;
	if (!enclave->dead)
		pisces_ring(enclave);
	mutex_unlock(&enclave->lock);
	return size;
}

static __poll_t poll_block(struct file *file, struct poll_table_struct *table)
{
	struct block_file *self = file->private_data;

	return pisces_poll(&self->listener, file, table);
}

static int close_block(struct inode *inode, struct file *file)
{
	struct block_file *self = file->private_data;

	kref_put(&self->block->references, free_block);
	pisces_put_enclave(self->listener.enclave);
	kfree(self);
	return 0;
}

static const struct file_operations block_operations = {
	.owner = THIS_MODULE,
	.mmap = map_block,
	.read_iter = read_block,
	.write = write_block,
	.poll = poll_block,
	.release = close_block,
	.llseek = noop_llseek,
};

static struct file *make_file(struct pisces_enclave *enclave, struct pisces_held_block *block)
{
	struct block_file *self = kzalloc(sizeof(*self), GFP_KERNEL);
	struct file *file;

	if (!self)
		return ERR_PTR(-ENOMEM);
	file = anon_inode_getfile("[pisces-block]", &block_operations, self, O_RDWR);
	if (IS_ERR(file)) {
		kfree(self);
		return file;
	}
	pisces_start_listening(&self->listener, enclave, false);
	kref_get(&block->references);
	self->block = block;
	file->f_mapping = block->inode->i_mapping;
	file->f_mode |= FMODE_NOWAIT;
	return file;
}

int pisces_open_block(struct pisces_enclave *enclave, struct pisces_held_block *block)
{
	return pisces_install(make_file(enclave, block));
}
