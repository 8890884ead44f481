/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A process maps a file with code in it, whose name is that of a TLS library. Told of every
 * process, since one that has just begun is not selected yet. Where the kernel has no such hook,
 * perf events tell the same (src/broker/mappings.c).
 */
#ifndef OBI_BPF_MAPPED_H
#define OBI_BPF_MAPPED_H

#define VM_EXEC 0x4
#define MINOR_BITS 20 /* dev_t within the kernel */

/* Set before loading; those behind the last one are empty. */
const volatile struct obi_tls_name tls_names[OBI_TLS_NAMES] = {};

static __always_inline bool is_tls_library(struct dentry *dentry)
{
	struct obi_tls_name name = {};

	bpf_probe_read_kernel_str(name.text, sizeof(name.text), BPF_CORE_READ(dentry, d_name.name));
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < OBI_TLS_NAMES; i++) {
		if (!tls_names[i].mask[0])
			return false;
		if ((name.word[0] & tls_names[i].mask[0]) == tls_names[i].word[0] &&
		    (name.word[1] & tls_names[i].mask[1]) == tls_names[i].word[1])
			return true;
	}
	return false;
}

SEC("fentry/perf_event_mmap")
int BPF_PROG(tls_mapped, struct vm_area_struct *vma)
{
	struct obi_process_mapped *event;
	struct file *file = vma->vm_file;
	u32 pid, device;
	struct inode *inode;

	if (!file || !(vma->vm_flags & VM_EXEC))
		return 0;
	if (!is_tls_library(BPF_CORE_READ(file, f_path.dentry)))
		return 0;
	pid = current_pid();
	if (!pid)
		return 0;
	/* Of files of an overlay /proc/PID/maps may name another one: then there are probes twice,
	 * which is once too many, and no more. */
	inode = BPF_CORE_READ(file, f_inode);
	device = BPF_CORE_READ(inode, i_sb, s_dev);
	event = bpf_ringbuf_reserve(&process_events, sizeof(*event), 0);
	if (!event) {
		__sync_fetch_and_add(&process_events_lost, 1);
		return 0;
	}
	event->type = OBI_PROCESS_MAPPED;
	event->pad = 0;
	event->pid = pid;
	event->major = device >> MINOR_BITS;
	event->minor = device & ((1 << MINOR_BITS) - 1);
	event->inode = BPF_CORE_READ(inode, i_ino);
	event->start = vma->vm_start;
	event->end = vma->vm_end;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

#endif
