// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * bind (6.11) and connect (6.0) through io_uring: io_bind() and io_connect(), which no system call passes.
 * Counted and reported like the system calls, once, when the request has its result. Older kernels:
 * uring_older.bpf.c. unlinkat: uring_unlink.bpf.c. fexit only.
 */
#include "core/bind.bpf.h"
#include "core/connect.bpf.h"
#include "core/uring_socket.bpf.h"

#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct io_bind {
	int addr_len;
};

struct io_connect {
	int addr_len;
};

struct io_uring_sqe {
	__u64 addr;
};

#pragma clang attribute pop

struct pending_address {
	__u8 bytes[KERNEL_ADDRESS_MAX];
};

/*
 * The address of a request, as it was when the kernel took it: the caller may change it afterwards. Where the
 * kernel keeps its own copy differs from one stable release to the next, and types do not tell.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024); /* under way at once; one that is evicted is told without its address */
	__type(key, __u64); /* the request */
	__type(value, struct pending_address);
} pending_addresses SEC(".maps");

/*
 * Forgets the address. One that was cancelled leaves its address behind, which must not become that of the
 * next request in the same place.
 */
static __always_inline int request_done(const struct io_kiocb *request)
{
	__u64 key = (__u64)request;

	bpf_map_delete_elem(&pending_addresses, &key);
	return 0;
}

static __always_inline int note_address(const struct io_kiocb *request, const struct io_uring_sqe *entry,
					int length, int refused)
{
	__u64 key = (__u64)request, bytes;
	struct pending_address pending = {};

	if (refused || length <= 0)
		return request_done(request);
	bytes = at_most(length, sizeof(pending.bytes));
	if (bpf_probe_read_user(pending.bytes, bytes, (const void *)READ(entry, addr)))
		return request_done(request);
	bpf_map_update_elem(&pending_addresses, &key, &pending, BPF_ANY);
	return 0;
}

SEC("fexit/io_bind_prep")
int BPF_PROG(bind_uring_entry_fexit, const struct io_kiocb *request, const struct io_uring_sqe *entry,
	     int refused)
{
	return note_address(request, entry, READ((const struct io_bind *)command_of(request), addr_len),
			    refused);
}

SEC("fexit/io_bind")
int BPF_PROG(bind_uring_fexit, const struct io_kiocb *request, unsigned int issue_flags, int answer)
{
	__u64 key = (__u64)request;
	struct socket_arguments arguments =
		arguments_of_request(SOCKWARD_BIND, bpf_map_lookup_elem(&pending_addresses, &key),
				     READ((const struct io_bind *)command_of(request), addr_len));
	int result = normalise_result(READ(request, cqe.res));

	if (answer != IOU_OK)
		return 0;
	observe_bind_of(SOCKWARD_PROBE_URING_BIND, sock_of_request(READ(request, file), result), &arguments,
			result);
	return request_done(request);
}

SEC("fexit/io_connect_prep")
int BPF_PROG(connect_uring_entry_fexit, const struct io_kiocb *request, const struct io_uring_sqe *entry,
	     int refused)
{
	return note_address(request, entry, READ((const struct io_connect *)command_of(request), addr_len),
			    refused);
}

SEC("fexit/io_connect")
int BPF_PROG(connect_uring_fexit, const struct io_kiocb *request, unsigned int issue_flags, int answer)
{
	__u64 key = (__u64)request;
	struct socket_arguments arguments =
		arguments_of_request(SOCKWARD_CONNECT, bpf_map_lookup_elem(&pending_addresses, &key),
				     READ((const struct io_connect *)command_of(request), addr_len));
	int result = normalise_result(READ(request, cqe.res));

	if (answer != IOU_OK)
		return 0;
	observe_connect_of(SOCKWARD_PROBE_URING_CONNECT, sock_of_request(READ(request, file), result),
			   &arguments, result);
	return request_done(request);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
