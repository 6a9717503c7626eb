// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Who refused: the hooks of security modules on the calls that are watched, and the BPF programs of cgroups
 * on addresses. fexit only. Each is an operation of its own: one that a kernel lacks is only unseen.
 */
#include "core/refusal.bpf.h"

#include <bpf/bpf_tracing.h>

SEC("fexit/security_socket_bind")
int BPF_PROG(lsm_socket_bind_fexit, void *socket, void *address, int length, int result)
{
	return note_refusal(SOCKWARD_LSM_REFUSED, result);
}

SEC("fexit/security_socket_connect")
int BPF_PROG(lsm_socket_connect_fexit, void *socket, void *address, int length, int result)
{
	return note_refusal(SOCKWARD_LSM_REFUSED, result);
}

SEC("fexit/security_unix_stream_connect")
int BPF_PROG(lsm_unix_connect_fexit, void *sock, void *other, void *fresh, int result)
{
	return note_refusal(SOCKWARD_LSM_REFUSED, result);
}

SEC("fexit/security_path_mknod")
int BPF_PROG(lsm_path_mknod_fexit, void *directory, void *dentry, int mode, unsigned int device, int result)
{
	return note_refusal(SOCKWARD_LSM_REFUSED, result);
}

SEC("fexit/security_path_unlink")
int BPF_PROG(lsm_path_unlink_fexit, void *directory, void *dentry, int result)
{
	return note_refusal(SOCKWARD_LSM_REFUSED, result);
}

SEC("fexit/__cgroup_bpf_run_filter_sock_addr")
int cgroup_address_fexit(__u64 *context)
{
	__u64 result = 0;

	/* Its arguments differ from kernel to kernel: the result alone is asked for (5.17). */
	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_func_ret))
		return 0;
	if (bpf_get_func_ret(context, &result))
		return 0;
	return note_refusal(SOCKWARD_CGROUP_REFUSED, (int)result);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
