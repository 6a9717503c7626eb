// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The least that a program can do with the calls that sockward watches: count them. What these cost is the
 * kernel's part, below which no observer of the same kind gets (scripts/cost).
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

enum call {
  BIND,
  CONNECT,
  UNLINK,
  UNLINKAT,
  EXEC,
  CALLS,
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, CALLS);
  __type(key, __u32);
  __type(value, __u64);
} calls SEC(".maps");

static __always_inline int count(__u32 call) {
  __u64* value = bpf_map_lookup_elem(&calls, &call);

  if (value) ++*value;
  return 0;
}

#define COUNTING(name, section, call) \
  SEC(section)                        \
  int name(void* context) {           \
    return count(call);               \
  }

#if defined(__TARGET_ARCH_x86)
#define ENTRY_FUNCTION "__x64_sys_"
#else
#define ENTRY_FUNCTION "__arm64_sys_"
#endif

/* At the functions that sockward's programs are attached to; exec has the same hook with both backends. */
COUNTING(bind_fexit, "fexit/__sys_bind", BIND)
COUNTING(connect_fexit, "fexit/__sys_connect", CONNECT)
COUNTING(unlinkat_fexit, "fexit/" ENTRY_FUNCTION "unlinkat", UNLINKAT)
COUNTING(bind_tp, "tracepoint/syscalls/sys_exit_bind", BIND)
COUNTING(connect_tp, "tracepoint/syscalls/sys_exit_connect", CONNECT)
COUNTING(unlinkat_tp, "tracepoint/syscalls/sys_exit_unlinkat", UNLINKAT)
COUNTING(exec_btf, "tp_btf/sched_process_exec", EXEC)
/* arm64 has only unlinkat. */
#if defined(__TARGET_ARCH_x86)
COUNTING(unlink_fexit, "fexit/" ENTRY_FUNCTION "unlink", UNLINK)
COUNTING(unlink_tp, "tracepoint/syscalls/sys_exit_unlink", UNLINK)
#endif

/*
 * The same with one program for every call's end, which looks at the number: what it spares the calls that
 * are watched, all others pay for.
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct pt_regs {
#if defined(__TARGET_ARCH_x86)
  unsigned long orig_ax;
#else
  int syscallno;
#endif
};
#pragma clang attribute pop

#if defined(__TARGET_ARCH_x86)
#define NUMBER_OF(registers) (registers)->orig_ax
enum number { NR_BIND = 49, NR_CONNECT = 42, NR_UNLINK = 87, NR_UNLINKAT = 263 };
#else
#define NUMBER_OF(registers) (registers)->syscallno
enum number { NR_BIND = 200, NR_CONNECT = 203, NR_UNLINK = -1, NR_UNLINKAT = 35 };
#endif

SEC("tp_btf/sys_exit")
int calls_raw(__u64* context) {
  switch (NUMBER_OF((struct pt_regs*)context[0])) {
    case NR_BIND:
      return count(BIND);
    case NR_CONNECT:
      return count(CONNECT);
    case NR_UNLINK:
      return count(UNLINK);
    case NR_UNLINKAT:
      return count(UNLINKAT);
    default:
      return 0;
  }
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
