// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sethostname(2) and setdomainname(2). Counted: every call, and every real change. Reported: changes,
 * and failures the settings ask for (also EINVAL: a name too long).
 *
 * At exit the old name is gone, so a program at entry keeps it. An exit without its entry happens (a
 * seccomp verdict): then the call did nothing, and the name at exit is the old one. Both names come from
 * the namespace, never from the caller's memory.
 */
#include "core/arguments.bpf.h"
#include "core/names.bpf.h"
#include "core/seccomp.bpf.h"

#include <bpf/bpf_tracing.h>

struct pending_name {
	__u64 pointer; /* the arguments: an entry left over from a killed call must not be taken */
	__u32 length;
	__u32 utsns;
	char old_name[72];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* pid and tgid */
	__type(value, struct pending_name);
} pending_names SEC(".maps");

static __always_inline int name_entry(int domain, __u64 pointer, __u32 length)
{
	struct pending_name pending = {.pointer = pointer, .length = length};
	struct uts_namespace *uts = current_uts();
	__u64 task = bpf_get_current_pid_tgid();

	pending.utsns = BPF_CORE_READ(uts, ns.inum);
	read_uts_name(uts, domain, pending.old_name);
	bpf_map_update_elem(&pending_names, &task, &pending, BPF_ANY);
	return 0;
}

static __always_inline void take_old_name(struct sockward_name_call *call, __u64 pointer)
{
	__u64 task = bpf_get_current_pid_tgid();
	struct pending_name *pending = bpf_map_lookup_elem(&pending_names, &task);

	if (pending && pending->pointer == pointer && pending->length == (__u32)call->asked_length &&
	    pending->utsns == call->header.utsns) {
		__builtin_memcpy(call->old_name, pending->old_name, sizeof(call->old_name));
	} else {
		__builtin_memcpy(call->old_name, call->new_name, sizeof(call->old_name));
		call->header.flags |= SOCKWARD_OLD_NAME_AT_EXIT;
	}
	if (pending)
		bpf_map_delete_elem(&pending_names, &task);
}

static __always_inline void copy_asked(struct sockward_name_call *call, const char *pointer)
{
	__u64 bytes;

	if (call->asked_length <= 0)
		return;
	if (call->asked_length > SOCKWARD_ASKED_MAX)
		call->header.flags |= SOCKWARD_NAME_CLIPPED;
	bytes = at_most(call->asked_length, SOCKWARD_ASKED_MAX);
	if (bpf_probe_read_user(call->asked, bytes, pointer)) {
		call->header.flags |= SOCKWARD_NAME_FAULT;
		return;
	}
	call->asked_bytes = bytes;
}

static __always_inline int name_exit(__u32 probe, int domain, __u64 pointer, int length, int result,
				     __u32 flags)
{
	__u32 syscall = domain ? SOCKWARD_SETDOMAINNAME : SOCKWARD_SETHOSTNAME;
	struct sockward_name_call *call = name_scratch_of(probe);
	struct uts_namespace *uts = current_uts();

	count_call(syscall, SOCKWARD_FAMILY_NONE, result);
	if (!call || !cpu_counters())
		return 0;
	__builtin_memset(call, 0, sizeof(*call));
	fill_header(&call->header, probe, syscall, SOCKWARD_NAME_CALL, result);
	call->header.flags = flags;
	call->asked_length = length;
	call->domain = domain;
	call->owner_userns = BPF_CORE_READ(uts, user_ns, ns.inum);
	read_uts_name(uts, domain, call->new_name);
	take_old_name(call, pointer);
	copy_asked(call, (const char *)pointer);
	finish_name_call(call, result);
	return 0;
}

SYSCALL_FENTRY(sethostname)
int BPF_PROG(sethostname_entry_fentry, const struct pt_regs *registers)
{
	return name_entry(0, argument(registers, 0), (__u32)argument(registers, 1));
}

SYSCALL_FEXIT(sethostname)
int BPF_PROG(sethostname_fexit, const struct pt_regs *registers, long result)
{
	note_seen(SOCKWARD_SETHOSTNAME);
	return name_exit(SOCKWARD_SETHOSTNAME, 0, argument(registers, 0), (int)argument(registers, 1),
			 normalise_result(result), 0);
}

SEC("tracepoint/syscalls/sys_enter_sethostname")
int sethostname_entry_tp(struct sys_enter_context *context)
{
	note_entry(SOCKWARD_SETHOSTNAME);
	return name_entry(0, context->arguments[0], (__u32)context->arguments[1]);
}

SEC("tracepoint/syscalls/sys_exit_sethostname")
int sethostname_tp(struct sys_exit_context *context)
{
	const struct pt_regs *registers = caller_registers();

	return name_exit(SOCKWARD_SETHOSTNAME, 0, argument(registers, 0), (int)argument(registers, 1),
			 normalise_result(context->result), seccomp_flag(SOCKWARD_SETHOSTNAME));
}

SYSCALL_FENTRY(setdomainname)
int BPF_PROG(setdomainname_entry_fentry, const struct pt_regs *registers)
{
	return name_entry(1, argument(registers, 0), (__u32)argument(registers, 1));
}

SYSCALL_FEXIT(setdomainname)
int BPF_PROG(setdomainname_fexit, const struct pt_regs *registers, long result)
{
	note_seen(SOCKWARD_SETDOMAINNAME);
	return name_exit(SOCKWARD_SETDOMAINNAME, 1, argument(registers, 0), (int)argument(registers, 1),
			 normalise_result(result), 0);
}

SEC("tracepoint/syscalls/sys_enter_setdomainname")
int setdomainname_entry_tp(struct sys_enter_context *context)
{
	note_entry(SOCKWARD_SETDOMAINNAME);
	return name_entry(1, context->arguments[0], (__u32)context->arguments[1]);
}

SEC("tracepoint/syscalls/sys_exit_setdomainname")
int setdomainname_tp(struct sys_exit_context *context)
{
	const struct pt_regs *registers = caller_registers();

	return name_exit(SOCKWARD_SETDOMAINNAME, 1, argument(registers, 0), (int)argument(registers, 1),
			 normalise_result(context->result), seccomp_flag(SOCKWARD_SETDOMAINNAME));
}

SEC("tracepoint/syscalls/sys_exit_sethostname")
int sethostname_denied_tp(struct sys_exit_context *context)
{
	const struct pt_regs *registers = caller_registers();
	__u32 flags = seccomp_flag(SOCKWARD_SETHOSTNAME);

	return flags ? name_exit(SOCKWARD_PROBE_DENIED_SETHOSTNAME, 0, argument(registers, 0),
				 (int)argument(registers, 1), normalise_result(context->result), flags)
		     : 0;
}

SEC("tracepoint/syscalls/sys_exit_setdomainname")
int setdomainname_denied_tp(struct sys_exit_context *context)
{
	const struct pt_regs *registers = caller_registers();
	__u32 flags = seccomp_flag(SOCKWARD_SETDOMAINNAME);

	return flags ? name_exit(SOCKWARD_PROBE_DENIED_SETDOMAINNAME, 1, argument(registers, 0),
				 (int)argument(registers, 1), normalise_result(context->result), flags)
		     : 0;
}

#ifdef COMPAT_FEXIT
COMPAT_FENTRY(sethostname)
int BPF_PROG(sethostname_compat_entry_fentry, const struct pt_regs *registers)
{
	return name_entry(0, compat_argument(registers, 0), (__u32)compat_argument(registers, 1));
}

COMPAT_FEXIT(sethostname)
int BPF_PROG(sethostname_compat_fexit, const struct pt_regs *registers, long result)
{
	return name_exit(SOCKWARD_PROBE_COMPAT_SETHOSTNAME, 0, compat_argument(registers, 0),
			 (int)compat_argument(registers, 1), normalise_result(result), 0);
}

COMPAT_FENTRY(setdomainname)
int BPF_PROG(setdomainname_compat_entry_fentry, const struct pt_regs *registers)
{
	return name_entry(1, compat_argument(registers, 0), (__u32)compat_argument(registers, 1));
}

COMPAT_FEXIT(setdomainname)
int BPF_PROG(setdomainname_compat_fexit, const struct pt_regs *registers, long result)
{
	return name_exit(SOCKWARD_PROBE_COMPAT_SETDOMAINNAME, 1, compat_argument(registers, 0),
			 (int)compat_argument(registers, 1), normalise_result(result), 0);
}
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
