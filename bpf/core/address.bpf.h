/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Socket addresses: copied from the caller, or from the kernel's own socket where it has one. */
#ifndef SOCKWARD_CORE_ADDRESS_H
#define SOCKWARD_CORE_ADDRESS_H

#include "core/directory.bpf.h"
#include "core/emit.bpf.h"
#include "core/groups.bpf.h"
#include "core/refusal.bpf.h"
#include "core/suppress.bpf.h"

#define UNIX_ADDRESS_MAX 110 /* sizeof(struct sockaddr_un), include/uapi/linux/un.h */
#define UNIX_PATH_OFFSET 2
#define UNIX_PATH_MAX 108
#define KERNEL_ADDRESS_MAX 128 /* sizeof(struct sockaddr_storage) */

/* How a TCP connect came to nothing (sockward_socket_call). */
struct connect_ending {
	__u64 elapsed_ns;
	__u32 syns;
	__u16 outcome, answered;
};

/* What a socket probe builds its record in. */
struct socket_scratch {
	volatile __u64 cursor;
	struct connect_ending ending; /* of the TCP connect that the record is about */
	struct sockward_socket_call call;
	__u8 data[SOCKWARD_DATA_BYTES];
};

/* Each socket probe has an area of its own. */
#define SOCKET_AREA(probe) SOCKWARD_AREA(SOCKWARD_SOCKET_CALL, probe)

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SOCKET_AREA(SOCKWARD_PROBES));
	__type(key, __u32);
	__type(value, struct socket_scratch);
} socket_scratch __weak SEC(".maps");

static __always_inline struct socket_scratch *socket_scratch_in(__u32 area)
{
	return bpf_map_lookup_elem(&socket_scratch, &area);
}

/* The probe is a constant. Functions that are not inlined are given the area. */
static __always_inline struct socket_scratch *socket_scratch_of(__u32 probe)
{
	return socket_scratch_in(SOCKET_AREA(probe));
}

/* subject_suppressed() of the address in the area (core/suppress.bpf.h). -1: suppress the record, too. */
__weak __attribute__((noinline)) int socket_suppressed(__u32 area, __u64 container_key, __u32 row, __u32 slot,
						       __u32 bytes)
{
	struct socket_scratch *scratch = socket_scratch_in(area);
	struct subject subject = {.container_key = container_key, .row = row, .slot = slot, .size = bytes};

	if (!scratch)
		return -1;
	subject.bytes = scratch->data;
	/* A path of AF_UNIX; what follows its NUL is nothing. */
	subject.is_text = *(__u16 *)scratch->data == AF_UNIX && scratch->data[UNIX_PATH_OFFSET];
	return subject_suppressed(&subject);
}

/* Appends the working directory of the caller; the header must be filled. Returns flags. */
__weak __attribute__((noinline)) int append_socket_directory(__u32 area)
{
	struct socket_scratch *scratch = socket_scratch_in(area);
	struct data_area data;

	if (!scratch)
		return SOCKWARD_DIR_UNKNOWN;
	data.cursor = &scratch->cursor;
	data.bytes = scratch->data;
	return append_directory(data, scratch->call.header.probe, AT_FDCWD);
}

/* Appends the caller's groups. Returns flags. */
__weak __attribute__((noinline)) int append_socket_groups(__u32 area)
{
	struct socket_scratch *scratch = socket_scratch_in(area);
	struct data_area data;

	if (!scratch)
		return 0;
	data.cursor = &scratch->cursor;
	data.bytes = scratch->data;
	return append_groups(data, &scratch->call.header);
}

/*
 * Fills the socket fields of the record; `socket` is a struct sock *, passed as a number. A global function,
 * so that the verifier checks it once and not again on every path of its callers.
 */
__weak __attribute__((noinline)) int fill_socket_call(__u32 area, __u64 socket, __u32 syscall)
{
	struct socket_scratch *scratch = socket_scratch_in(area);
	struct sock *sk = (struct sock *)socket;
	struct sockward_socket_call *call;
	__u32 family = family_of(sk);

	if (!scratch || !sk)
		return 0;
	call = &scratch->call;
	fill_socket(call, sk);
	if (syscall != SOCKWARD_CONNECT ||
	    (family != SOCKWARD_FAMILY_INET && family != SOCKWARD_FAMILY_INET6))
		return 0;
	if (has_inet_address(sk, family))
		inet_address_of(call->source, sk, family);
	call->elapsed_ns = scratch->ending.elapsed_ns;
	call->syns = scratch->ending.syns;
	call->outcome = scratch->ending.outcome;
	call->answered = scratch->ending.answered;
	return 0;
}

/*
 * Bytes before the NUL of the AF_UNIX path in the area, whose address has `bytes`; UNIX_PATH_MAX + 1:
 * longer than fits. 0: abstract, unnamed. Eight at a time; of a word with a zero byte, `zero` has the highest
 * bit of the first one set, and none before (as in include/asm-generic/word-at-a-time.h).
 */
__weak __attribute__((noinline)) int path_length_in(__u32 area, __u32 bytes)
{
	const __u64 ones = 0x0101010101010101ULL;
	struct socket_scratch *scratch = socket_scratch_in(area);
	__u32 most = bytes - UNIX_PATH_OFFSET, length = UNIX_PATH_MAX + 1;
	__u64 word, zero;

	if (!scratch || bytes <= UNIX_PATH_OFFSET)
		return 0;
	SOCKWARD_ROLLED
	for (__u32 at = 0; at <= UNIX_PATH_MAX; at += sizeof(word)) {
		word = *(__u64 *)&scratch->data[UNIX_PATH_OFFSET + at];
		zero = (word - ones) & ~word & ones << 7;
		if (zero) {
			length = at + ((((zero - 1) & ~zero) >> 7 & ones) * ones >> 56);
			break;
		}
	}
	if (length > UNIX_PATH_MAX)
		length = UNIX_PATH_MAX + 1;
	return length < most ? length : most;
}

/* The same of a bound socket: a path's len counts its NUL (net/unix/af_unix.c, unix_mkname_bsd). */
static __always_inline int bound_path_length(struct sock *sk)
{
	const char *name = 0;
	__u32 length;

	/* Only a path has a file. */
	if (!READ((struct unix_sock *)sk, path.dentry))
		return 0;
	length = unix_address_of(sk, &name);
	return length > UNIX_PATH_OFFSET + 1 ? (int)length - UNIX_PATH_OFFSET - 1 : 0;
}

/* Copies at most SOCKWARD_ADDRESS_MAX bytes of the caller's sockaddr. Returns the bytes copied. */
static __always_inline __u64 copy_user_address(__u8 *data, const void *address, int length, __u32 *flags)
{
	__u64 bytes;

	if (length <= 0) {
		if (length < 0)
			*flags |= SOCKWARD_ADDRESS_FAULT;
		return 0;
	}
	if (length > SOCKWARD_ADDRESS_MAX)
		*flags |= SOCKWARD_ADDRESS_CLIPPED;
	bytes = at_most(length, SOCKWARD_ADDRESS_MAX);
	if (!bpf_probe_read_user(data, bytes, address))
		return bytes;
	/* An over-long length may reach behind the caller's memory: keep what is certainly there. */
	if (bytes > UNIX_ADDRESS_MAX && !bpf_probe_read_user(data, UNIX_ADDRESS_MAX, address)) {
		*flags |= SOCKWARD_ADDRESS_CLIPPED;
		return UNIX_ADDRESS_MAX;
	}
	*flags &= ~SOCKWARD_ADDRESS_CLIPPED;
	*flags |= SOCKWARD_ADDRESS_FAULT;
	return 0;
}

/* Writes the socket's own local address as a sockaddr. Returns its bytes; 0 when it has none. */
static __always_inline __u64 copy_kernel_address(__u8 *data, struct sock *sk, __u32 *flags)
{
	__u32 family = family_of(sk);
	const char *name = 0;
	__u64 bytes = 0;

	if (family == SOCKWARD_FAMILY_UNIX) {
		bytes = at_most(unix_address_of(sk, &name), UNIX_ADDRESS_MAX + 1);
		if (bpf_probe_read_kernel(data, bytes, name))
			bytes = 0;
	} else if (family == SOCKWARD_FAMILY_INET || family == SOCKWARD_FAMILY_INET6) {
		bytes = inet_address_of(data, sk, family);
	}
	if (bytes)
		*flags |= SOCKWARD_ADDRESS_KERNEL;
	return bytes;
}

struct socket_arguments {
	__u32 syscall; /* enum sockward_syscall */
	__u32 family; /* enum sockward_family, of the socket */
	__u64 container_key; /* 0: not known yet */
	int fd;
	const void *address;
	int own_address; /* report the socket's own address, not the caller's */
	int length;
	__u32 flags; /* enum sockward_flag, found before */
	__u32 via; /* enum sockward_via, when the caller's entry does not say it */
	const void *kernel_address; /* what the caller passed, as it was at the call, or NULL */
	struct sockward_file_name replaced; /* with SOCKWARD_NAME_REPLACED */
	int is_bind; /* a constant, unlike `syscall`: of those it may be asked who has the name */
	int is_copied; /* the address is in the area already: `copied` bytes */
	__u32 copied;
};

/* Reads a part of the address that the caller passed, `offset` bytes behind its beginning. */
static __always_inline void read_passed(void *to, __u32 size, const struct socket_arguments *arguments,
					__u32 offset)
{
	if (arguments->kernel_address)
		bpf_probe_read_kernel(to, size, arguments->kernel_address + offset);
	else
		bpf_probe_read_user(to, size, arguments->address + offset);
}

/* Copies what the caller passed from where the kernel keeps it. Returns the bytes copied. */
static __always_inline __u64 copy_kept_address(__u8 *data, const void *address, int length, __u32 *flags)
{
	__u64 bytes;

	if (length <= 0)
		return 0;
	bytes = at_most(length, KERNEL_ADDRESS_MAX);
	if (bpf_probe_read_kernel(data, bytes, address))
		return 0;
	*flags |= SOCKWARD_ADDRESS_KERNEL;
	return bytes;
}

/* Copies the address that the caller passed. Returns the bytes copied. */
static __always_inline __u64 copy_passed_address(__u8 *data, const struct socket_arguments *arguments,
						 __u32 *flags)
{
	if (arguments->kernel_address)
		return copy_kept_address(data, arguments->kernel_address, arguments->length, flags);
	return copy_user_address(data, arguments->address, arguments->length, flags);
}

/* Copies what the caller passed into the area. Returns the bytes of its AF_UNIX path: path_length_in(). */
static __always_inline int passed_path_length(__u32 area, struct socket_scratch *scratch,
					      struct socket_arguments *arguments)
{
	arguments->copied = copy_passed_address(scratch->data, arguments, &arguments->flags);
	arguments->is_copied = 1;
	return path_length_in(area, arguments->copied);
}

/* The address of the call, from where it is best known. Returns the bytes copied. */
static __always_inline __u64 copy_address(__u8 *data, const struct socket_arguments *arguments,
					  struct sock *sk, __u32 *flags)
{
	if (arguments->is_copied)
		return at_most(arguments->copied, SOCKWARD_ADDRESS_MAX);
	if (arguments->own_address)
		return copy_kernel_address(data, sk, flags);
	return copy_passed_address(data, arguments, flags);
}

int address_state_in(__u32 area, __u64 sock, int result); /* core/inet6.bpf.h */
int append_holder(__u32 area, __u64 socket); /* core/holder.bpf.h */

/* Fills and sends one socket record, unless there were enough like it. */
static __always_inline void emit_socket_call(struct socket_scratch *scratch, __u32 probe,
					     const struct socket_arguments *arguments, struct sock *sk,
					     int result)
{
	struct sockward_socket_call *call = &scratch->call;
	struct data_area data = {.cursor = &scratch->cursor, .bytes = scratch->data};
	const __u32 syscall = arguments->syscall;
	__u32 row = sockward_row(syscall, arguments->family), slot = errno_slot(result);
	__u32 flags = arguments->flags | refusal_flag(result);
	const __u32 area = SOCKET_AREA(probe);
	__u64 container_key = arguments->container_key ?: current_container_key();
	int suppressed;
	__u64 bytes;

	bytes = copy_address(scratch->data, arguments, sk, &flags);
	suppressed = socket_suppressed(area, container_key, row, slot, bytes);
	if (suppressed < 0)
		return;
	__builtin_memset(call, 0, sizeof(*call));
	fill_header(&call->header, probe, syscall, SOCKWARD_SOCKET_CALL, result);
	call->header.suppressed = suppressed;
	if (arguments->via)
		call->header.via = arguments->via;
	call->fd = arguments->fd;
	call->address_length = arguments->length;
	call->replaced_device = arguments->replaced.device;
	call->replaced_inode = arguments->replaced.inode;
	if (sk)
		fill_socket_call(area, number_of(sk), syscall);
	call->address_bytes = bytes;
	scratch->cursor = bytes;
	if (bytes > UNIX_PATH_OFFSET && *(__u16 *)scratch->data == AF_UNIX &&
	    scratch->data[UNIX_PATH_OFFSET] != '/' && scratch->data[UNIX_PATH_OFFSET] != 0)
		flags |= append_socket_directory(area);
	call->directory_bytes = scratch->cursor - bytes;
	if (groups_matter(result))
		flags |= append_socket_groups(area);
	if (arguments->is_bind && result == -EADDRINUSE && !(flags & SOCKWARD_SECCOMP_REFUSED))
		flags |= append_holder(area, number_of(sk));
	call->address_state = address_state_in(area, number_of(sk), result);
	call->header.flags = flags;
	emit(&call->header, sizeof(*call) + cursor_of(data));
}

#include "core/inet6.bpf.h"

#endif
