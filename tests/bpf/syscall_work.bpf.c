// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which tasks pay for system-call tracepoints: the flag that the kernel sets on every task of the machine as
 * long as one such tracepoint is in use (kernel/tracepoint.c, syscall_regfunc). It sends each call by a slow
 * path.
 */
#include "core/kernel.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_info___work {
  unsigned long flags;
  unsigned long syscall_work; /* since 5.11, where the entry code is shared */
};

struct task_struct___work {
  struct thread_info___work thread_info;
};

#pragma clang attribute pop

enum syscall_work_bit___work {
  SYSCALL_WORK_BIT_SYSCALL_TRACEPOINT = 1,
};

/* Before: arch/x86/include/asm/thread_info.h and arch/arm64/include/asm/thread_info.h,
 * TIF_SYSCALL_TRACEPOINT. */
#if defined(__TARGET_ARCH_x86)
#define OLD_BIT 28
#else
#define OLD_BIT 10
#endif

SEC("iter/task")
int syscall_work_iter(struct bpf_iter__task* context) {
  struct task_struct___work* task = (void*)context->task;
  char traced;

  if (!task) return 0;
  if (bpf_core_field_exists(task->thread_info.syscall_work))
    traced = BPF_CORE_READ(task, thread_info.syscall_work) >>
                 bpf_core_enum_value(enum syscall_work_bit___work, SYSCALL_WORK_BIT_SYSCALL_TRACEPOINT) &
             1;
  else
    traced = BPF_CORE_READ(task, thread_info.flags) >> OLD_BIT & 1;
  bpf_seq_write(context->meta->seq, &traced, 1);
  return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
