// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Creation of UTS namespaces, by clone and clone3 (one program at the birth of a task, whatever made it) and
 * by unshare. A first name in a new namespace is what a container runtime does: core/names.bpf.h asks for it.
 */
#include "core/arguments.bpf.h"
#include "core/names.bpf.h"

#include <bpf/bpf_tracing.h>

#define CLONE_NEWUTS 0x04000000

static __always_inline void note_namespace(struct uts_namespace *uts, int by_unshare)
{
	struct sockward_cpu_counters *block = cpu_counters();
	__u32 inode = READ(uts, ns.inum), fresh = 0;

	if (!block || !inode)
		return;
	add_one(&block->uts_created[by_unshare]);
	bpf_map_update_elem(&fresh_uts, &inode, &fresh, BPF_ANY);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(clone_btf, struct task_struct *task, unsigned long flags)
{
	if (flags & CLONE_NEWUTS)
		note_namespace(FOLLOW(task, nsproxy, uts_ns), 0);
	return 0;
}

static __always_inline int unshare_exit(const struct pt_regs *registers, long result)
{
	if (!result && (argument(registers, 0) & CLONE_NEWUTS))
		note_namespace(current_uts(), 1);
	return 0;
}

SYSCALL_FEXIT(unshare)
int BPF_PROG(unshare_fexit, const struct pt_regs *registers, long result)
{
	return unshare_exit(registers, result);
}

SEC("tracepoint/syscalls/sys_exit_unshare")
int unshare_tp(struct sys_exit_context *context)
{
	return unshare_exit(caller_registers(), context->result);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
