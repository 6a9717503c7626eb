/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Settings the agent writes into read-only data before the programs are loaded. */
#ifndef SOCKWARD_SETTINGS_H
#define SOCKWARD_SETTINGS_H

#include <sockward/event.h>

enum sockward_hierarchy {
	SOCKWARD_CGROUP_V2 = 0,
	SOCKWARD_CGROUP_V1_PIDS = 1,
	SOCKWARD_CGROUP_V1_MEMORY = 2,
};

/* A call of this number in the programs is one of bpf_rdonly_cast (bpf/core/read.bpf.h). */
#define SOCKWARD_CAST_CALL 0x63617374

struct sockward_settings {
	__u64 report_errno[3]; /* bit n: failures with errno n are reported, whatever the call */
	__u32 report_syscalls; /* bit per enum sockward_syscall */
	__u32 only_tgid; /* 0 = every process */
	__u32 host_utsns; /* inode of the UTS namespace that is "the host" */
	__u16 near_limit_bytes; /* report successful binds of paths this long or longer; 0 = never */
	__u8 report_too_long; /* report names that do not fit whatever the errno */
	__u8 report_unix_refused; /* report ECONNREFUSED and EPROTOTYPE of connect on AF_UNIX */
	__u8 report_all_errors;
	__u8 hierarchy; /* enum sockward_hierarchy */
	__u8 writes_strict; /* kernel.sysctl_writes_strict is 1: offsets count */
	__u8 report_replaced; /* report binds that took the name of another socket file */
	__u8 watch_processes; /* report long arguments and the end of watched processes */
	/* fexit backend: note which calls of tasks with a filter began (probes.seccomp_denied) */
	__u8 seccomp_denied;
	__u8 kernel_types; /* the kernel has BTF of its own: tasks can be had as typed pointers */
	__u8 report_unix_missing; /* report failures by call and family: core/wanted.bpf.h */
	/* These programs count and report where the CPU's word for the active generation is the same. */
	__u32 generation;
	__u32 source_rate; /* records per second of one container, call and error; 0 = any number */
	__u32 address_rate; /* the same of one address in it */
	/* Where that word is in a value of the map `active`; 0: it is sockward_cpu_counters.generation. */
	__u32 active_offset;
	__u32 given_up_ms; /* report connects that the program gave up after so long, or longer */
	/* Connects of 32-bit programs come to the program that sees their return (fexit backend), too. */
	__u32 compat_connects;
	/* Report failures only of what the agent starts, and of its descendants. Its pid, as ... */
	__u32 tracer_pid; /* 0: of every process */
	__u32 tracer_pidns; /* ... this pid namespace numbers it (inode) */
};
static_assert(sizeof(struct sockward_settings) == 80, "no padding");

#endif
