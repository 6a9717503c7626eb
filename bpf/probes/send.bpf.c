// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * sendto(2), sendmsg(2) and sendmmsg(2) of AF_UNIX datagram sockets, with an address and without: sd_notify,
 * syslog. Only with probes.sends, for a send that succeeds has to be counted, too. Reported: failures, as of
 * connect. Not seen: sends of sockets that have connections, where an address tells the kernel nothing.
 *
 * fexit: where all of them meet in the kernel, with write(2), 32-bit programs and io_uring, and nothing else
 * does; one program for the three calls, at each datagram. Tracepoints: at the end of each of the calls, of
 * whatever socket.
 */
#include "core/programs.bpf.h"
#include "core/send.bpf.h"
#include "core/uring_socket.bpf.h"

#if defined(__TARGET_ARCH_x86)
#define NR_SENDTO 44
#define NR_SENDMSG 46
#define NR_SENDMMSG 307
#define NR_COMPAT_SENDTO 369
#define NR_COMPAT_SENDMSG 370
#define NR_COMPAT_SENDMMSG 345
#define NR_COMPAT_SOCKETCALL 102
#define SOCKETCALL_SENDMSG 16 /* include/uapi/linux/net.h */
#define SOCKETCALL_SENDMMSG 20
#else
#define NR_SENDTO 206
#define NR_SENDMSG 211
#define NR_SENDMMSG 269
#define NR_COMPAT_SENDTO 290
#define NR_COMPAT_SENDMSG 296
#define NR_COMPAT_SENDMMSG 374
#endif

/* A call, and what else is known of the way by which it came. */
#define CALL_MASK 0xFF
#define HAS_FD 0x100
#define IS_REQUEST 0x200 /* of io_uring */

/* Of a 32-bit program that has one call for all that is done with sockets. */
static __always_inline __u32 call_of_socketcall(const struct pt_regs *registers)
{
#ifdef NR_COMPAT_SOCKETCALL
	__u32 call = compat_argument(registers, 0);

	if (call == SOCKETCALL_SENDMSG)
		return SOCKWARD_SENDMSG;
	if (call == SOCKETCALL_SENDMMSG)
		return SOCKWARD_SENDMMSG;
#endif
	return SOCKWARD_SENDTO;
}

/*
 * Which call this is: numbers that native and 32-bit programs use for one do not mean another send to the
 * others. What is none of the three, as write(2), does what sendto does. A function of its own: the verifier
 * does not follow each of its ways through the rest.
 */
__weak __attribute__((noinline)) __u32 sending_call(void)
{
	const struct pt_regs *registers = caller_registers();

	switch (call_number(registers)) {
	case NR_SENDTO:
		return SOCKWARD_SENDTO | HAS_FD;
	case NR_SENDMSG:
		return SOCKWARD_SENDMSG | HAS_FD;
	case NR_SENDMMSG:
		return SOCKWARD_SENDMMSG | HAS_FD;
	case NR_COMPAT_SENDTO:
		return SOCKWARD_SENDTO;
	case NR_COMPAT_SENDMSG:
		return SOCKWARD_SENDMSG;
	case NR_COMPAT_SENDMMSG:
		return SOCKWARD_SENDMMSG;
#ifdef NR_COMPAT_SOCKETCALL
	case NR_COMPAT_SOCKETCALL:
		return call_of_socketcall(registers);
#endif
	default:
		return came_by_io_uring() ? SOCKWARD_SENDMSG | IS_REQUEST : SOCKWARD_SENDTO;
	}
}

SEC("fexit/unix_dgram_sendmsg")
int BPF_PROG(send_fexit, const struct socket *socket, const struct msghdr *message, __u64 size, int result)
{
	struct sock *sk = (struct sock *)number_of(READ(socket, sk));
	struct socket_arguments arguments = {.fd = -1};
	__u32 call;

	/* Those with connections that keep messages apart (SOCK_SEQPACKET) come by here, too. */
	if (READ(sk, sk_type) != SOCK_DGRAM)
		return 0;
	call = sending_call();
	if (call & IS_REQUEST) {
		/* It is tried again, when the socket is ready or by a worker: no answer yet. */
		if (result == -EAGAIN)
			return 0;
		arguments.via = SOCKWARD_VIA_IO_URING;
	}
	if (result < 0 && (call & HAS_FD))
		arguments.fd = (int)argument(caller_registers(), 0);
	arguments.syscall = at_most(call & CALL_MASK, SOCKWARD_SENDMMSG);
	arguments.length = READ(message, msg_namelen);
	arguments.kernel_address = READ(message, msg_name);
	return observe_send(SOCKWARD_SENDTO, sk, &arguments, arguments.length > 0, normalise_result(result));
}

/* A socket whose peer has gone, or that gets another one. */
SEC("fentry/unix_dgram_disconnected")
int BPF_PROG(send_peer_fentry, struct sock *sk, struct sock *other)
{
	__u32 thread = FOLLOW(current_task(), pid);
	struct gone_peer gone = {.sk = number_of(sk)};
	const char *name = 0;

	gone.length = at_most(unix_address_of(other, &name), UNIX_ADDRESS_MAX + 1);
	if (!gone.length) {
		bpf_map_delete_elem(&gone_peers, &thread);
		return 0;
	}
	bpf_probe_read_kernel(gone.address, at_most(gone.length, UNIX_ADDRESS_MAX + 1), name);
	bpf_map_update_elem(&gone_peers, &thread, &gone, BPF_ANY);
	return 0;
}

/* What sendmsg(2) is given, and sendmmsg(2) an array of: the first is the one that it fails with. */
struct user_message {
	const void *name;
	int length;
};

static __always_inline void read_message(struct socket_arguments *arguments, const void *from)
{
	struct user_message message = {};

	if (bpf_probe_read_user(&message, sizeof(message), from))
		return;
	arguments->address = message.name;
	arguments->length = message.name ? message.length : 0;
}

static __always_inline int send_exit(__u32 call, struct sys_exit_context *context)
{
	const struct pt_regs *registers = caller_registers();
	struct socket_arguments arguments = {.syscall = call, .fd = (int)argument(registers, 0)};
	struct sock *sk = sock_of_call(arguments.fd, normalise_result(context->result));

	if (!sk || !sends_datagrams(sk))
		return 0;
	arguments.flags = seccomp_flag(call);
	if (context->result < 0 && call == SOCKWARD_SENDTO) {
		arguments.address = (const void *)argument(registers, 4);
		arguments.length = arguments.address ? (int)argument(registers, 5) : 0;
	} else if (context->result < 0) {
		read_message(&arguments, (const void *)argument(registers, 1));
	}
	return observe_send(call, sk, &arguments, arguments.length > 0, normalise_result(context->result));
}

#define SEND_PROGRAMS(CALL, call)                                                                            \
	ENTRY_PROGRAM(CALL, call)                                                                            \
                                                                                                             \
	SEC("tracepoint/syscalls/sys_exit_" #call)                                                           \
	int call##_tp(struct sys_exit_context *context)                                                      \
	{                                                                                                    \
		return send_exit(SOCKWARD_##CALL, context);                                                  \
	}

SEND_PROGRAMS(SENDTO, sendto)
SEND_PROGRAMS(SENDMSG, sendmsg)
SEND_PROGRAMS(SENDMMSG, sendmmsg)

char LICENSE[] SEC("license") = "Dual BSD/GPL";
