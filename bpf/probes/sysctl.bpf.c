// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes to kernel.hostname and kernel.domainname through /proc/sys: they make no sethostname call.
 * The program sits at the root of the cgroup-v2 tree and sees every such write of the machine, after the
 * permission check and before the write. So the name that will result is computed as the kernel does it
 * (kernel/sysctl.c, _proc_do_string), and the agent checks it by reading the namespace at once.
 * A write always acts on the writer's present UTS namespace, wherever the file was opened.
 */
#include "core/names.bpf.h"

#define SYSCTL_NAME_MAX 32

static __always_inline int same_text(const char *one, const char *other, int bytes)
{
	for (int i = 0; i < bytes; i++)
		if (one[i] != other[i])
			return 0;
	return 1;
}

/* Which name does this sysctl hold? 0 host name, 1 domain name, -1 neither. */
static __always_inline int which_name(struct bpf_sysctl *context)
{
	char name[SYSCTL_NAME_MAX] = {};
	long length = bpf_sysctl_get_name(context, name, sizeof(name), 0);

	if (length == sizeof("kernel/hostname") - 1 && same_text(name, "kernel/hostname", 15))
		return 0;
	if (length == sizeof("kernel/domainname") - 1 && same_text(name, "kernel/domainname", 17))
		return 1;
	return -1;
}

/* new = old up to the offset, then the written bytes up to a newline, a NUL, or 64 bytes in all. */
static __always_inline void compute_result(struct sockward_name_call *call, __u32 offset)
{
	__u32 length = 0;

	for (int i = 0; i < SOCKWARD_HOSTNAME_MAX - 1; i++) {
		if (length >= offset || !call->old_name[i])
			break;
		call->new_name[i] = call->old_name[i];
		length = i + 1;
	}
	if (settings.writes_strict && offset > length) {
		/* Behind the end of the name: the kernel ignores the write. */
		return;
	}
	for (int i = 0; i < SOCKWARD_HOSTNAME_MAX - 1; i++) {
		__u8 byte;

		if (i >= call->asked_bytes || length >= SOCKWARD_HOSTNAME_MAX - 1)
			break;
		byte = call->asked[i];
		if (!byte || byte == '\n')
			break;
		call->new_name[length & 63] = byte;
		length++;
	}
}

SEC("cgroup/sysctl")
int sysctl_cgroup(struct bpf_sysctl *context)
{
	__u32 offset = context->file_pos;
	struct uts_namespace *uts = current_uts();
	struct sockward_name_call *call;
	int domain;
	long bytes;

	if (!context->write)
		return 1;
	domain = which_name(context);
	call = name_scratch_of(SOCKWARD_PROBE_SYSCTL);
	if (domain < 0 || !call)
		return 1;
	__builtin_memset(call, 0, sizeof(*call));
	fill_header(&call->header, SOCKWARD_PROBE_SYSCTL,
		    domain ? SOCKWARD_SETDOMAINNAME : SOCKWARD_SETHOSTNAME, SOCKWARD_NAME_CALL, 0);
	call->header.via = SOCKWARD_VIA_SYSCTL;
	call->domain = domain;
	call->file_position = offset;
	call->owner_userns = BPF_CORE_READ(uts, user_ns, ns.inum);
	read_uts_name(uts, domain, call->old_name);
	bytes = bpf_sysctl_get_new_value(context, (char *)call->asked, sizeof(call->asked));
	if (bytes == -7 /* E2BIG: filled, and there is more */) {
		call->header.flags |= SOCKWARD_NAME_CLIPPED;
		bytes = sizeof(call->asked) - 1;
	}
	if (bytes < 0) {
		call->header.flags |= SOCKWARD_NAME_FAULT;
		bytes = 0;
	}
	call->asked_length = bytes;
	call->asked_bytes = bytes;
	compute_result(call, settings.writes_strict ? offset : 0);
	finish_name_call(call, 0);
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
