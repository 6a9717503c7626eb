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

/*
 * The name that will result, as the kernel builds it: the old one up to the offset, then the written bytes up
 * to a newline, a NUL, or 64 bytes in all. Each half is a function of its own, so that the verifier looks at
 * it once: together, it walked the second for each turn of the first.
 */

/* Copies the old name up to the offset. Returns the bytes it copied. */
__attribute__((noinline)) int keep_old_name(__u32 offset)
{
	struct sockward_name_call *call = name_scratch_of(SOCKWARD_PROBE_SYSCTL);

	if (!call)
		return 0;
	for (int i = 0; i < SOCKWARD_HOSTNAME_MAX - 1; i++) {
		if ((__u32)i >= offset || !call->old_name[i])
			return i;
		call->new_name[i] = call->old_name[i];
	}
	return SOCKWARD_HOSTNAME_MAX - 1;
}

/* Appends the written bytes to the `length` ones kept. */
__attribute__((noinline)) int append_written(__u32 length)
{
	struct sockward_name_call *call = name_scratch_of(SOCKWARD_PROBE_SYSCTL);

	if (!call)
		return 0;
	for (int i = 0; i < SOCKWARD_HOSTNAME_MAX - 1; i++) {
		__u32 to = length + i;
		__u8 byte;

		if (i >= call->asked_bytes || to >= SOCKWARD_HOSTNAME_MAX - 1)
			break;
		byte = call->asked[i];
		if (!byte || byte == '\n')
			break;
		call->new_name[at_most(to, SOCKWARD_HOSTNAME_MAX - 2)] = byte;
	}
	return 0;
}

static __always_inline void compute_result(__u32 offset)
{
	__u32 length = keep_old_name(offset);

	/* Behind the end of the name: the kernel ignores the write. */
	if (settings.writes_strict && offset > length)
		return;
	append_written(length);
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
	call->owner_userns = READ(uts, user_ns, ns.inum);
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
	compute_result(settings.writes_strict ? offset : 0);
	finish_name_call(call, 0);
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
