// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sethostname(2) and setdomainname(2). Counted: every call, and every real change. Reported: changes,
 * and failures the settings ask for (also EINVAL: a name too long).
 *
 * At exit the old name is gone, so a program at entry keeps it. An exit without its entry happens (a
 * seccomp verdict): then the call did nothing, and the name at exit is the old one. Both names come from
 * the namespace, never from the caller's memory.
 */
#include "core/names.bpf.h"
#include "core/programs.bpf.h"

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

	pending.utsns = READ(uts, ns.inum);
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

/* The name that the caller passed. */
struct asked_name {
	__u64 pointer;
	int length;
};

static __always_inline int name_exit(__u32 probe, int domain, struct asked_name asked, int result,
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
	call->asked_length = asked.length;
	call->domain = domain;
	call->owner_userns = READ(uts, user_ns, ns.inum);
	read_uts_name(uts, domain, call->new_name);
	take_old_name(call, asked.pointer);
	copy_asked(call, (const char *)asked.pointer);
	finish_name_call(call, result);
	return 0;
}

static __always_inline int sethostname_exit(__u32 probe, argument_reader argument_of,
					    const struct pt_regs *registers, long result, __u32 flags)
{
	struct asked_name asked = {argument_of(registers, 0), (int)argument_of(registers, 1)};

	return name_exit(probe, 0, asked, normalise_result(result), flags);
}

static __always_inline int setdomainname_exit(__u32 probe, argument_reader argument_of,
					      const struct pt_regs *registers, long result, __u32 flags)
{
	struct asked_name asked = {argument_of(registers, 0), (int)argument_of(registers, 1)};

	return name_exit(probe, 1, asked, normalise_result(result), flags);
}

/* The programs at entry, in the place of ENTRY_PROGRAM: they keep the old name. */
#define NAME_ENTRY_PROGRAMS(CALL, call, domain)                                                              \
	SYSCALL_FENTRY(call)                                                                                 \
	int BPF_PROG(call##_entry_fentry, const struct pt_regs *registers)                                   \
	{                                                                                                    \
		return name_entry(domain, argument(registers, 0), (__u32)argument(registers, 1));            \
	}                                                                                                    \
                                                                                                             \
	SEC("tracepoint/syscalls/sys_enter_" #call)                                                          \
	int call##_entry_tp(struct sys_enter_context *context)                                               \
	{                                                                                                    \
		note_entry(SOCKWARD_##CALL);                                                                 \
		return name_entry(domain, context->arguments[0], (__u32)context->arguments[1]);              \
	}

NAME_ENTRY_PROGRAMS(SETHOSTNAME, sethostname, 0)
FEXIT_PROGRAM(SETHOSTNAME, sethostname, sethostname_exit)
COMPAT_PROGRAM(SETHOSTNAME, sethostname, sethostname_exit)
EXIT_PROGRAMS(SETHOSTNAME, sethostname, sethostname_exit)

NAME_ENTRY_PROGRAMS(SETDOMAINNAME, setdomainname, 1)
FEXIT_PROGRAM(SETDOMAINNAME, setdomainname, setdomainname_exit)
COMPAT_PROGRAM(SETDOMAINNAME, setdomainname, setdomainname_exit)
EXIT_PROGRAMS(SETDOMAINNAME, setdomainname, setdomainname_exit)

#ifdef COMPAT_FENTRY
COMPAT_FENTRY(sethostname)
int BPF_PROG(sethostname_compat_entry_fentry, const struct pt_regs *registers)
{
	return name_entry(0, compat_argument(registers, 0), (__u32)compat_argument(registers, 1));
}

COMPAT_FENTRY(setdomainname)
int BPF_PROG(setdomainname_compat_entry_fentry, const struct pt_regs *registers)
{
	return name_entry(1, compat_argument(registers, 0), (__u32)compat_argument(registers, 1));
}
#endif

char LICENSE[] SEC("license") = "Dual BSD/GPL";
