/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests of io_uring: what the kernel keeps of them. */
#ifndef SOCKWARD_CORE_URING_H
#define SOCKWARD_CORE_URING_H

#include "core/maps.bpf.h"
#include "core/read.bpf.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct io_cmd_data {
	__u8 data[1];
};

struct io_cqe {
	__s32 res;
};

struct io_kiocb {
	struct file *file;
	struct io_cmd_data cmd; /* what each operation keeps there is a type of its own */
	struct io_cqe cqe;
	void *async_data;
};

#pragma clang attribute pop

#define IOU_OK 0 /* io_uring/io_uring.h; -EAGAIN: tried again, by a worker or when the socket is ready */

/* What the operation keeps of its request. */
static __always_inline const void *command_of(const struct io_kiocb *request)
{
	return (const void *)request + bpf_core_field_offset(struct io_kiocb, cmd);
}

#endif
