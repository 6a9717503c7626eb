#pragma once

namespace sockward {

/// Before the first thread: all of them share one heap, and blocks of 4 MiB and more go back to the kernel
/// when they are freed (smaller ones are used again: a page of 10,000 series costs 20 % more without). glibc
/// gives each thread a heap of its own otherwise, up to eight for a CPU, and none gives its free memory to
/// the others: 3 MiB more in an agent whose threads allocate little.
void use_one_heap();

/// Once the start is over: gives free heap memory back, and the code that only the start ran (machine code of
/// libraries is mapped from their files: what is called again comes back from the page cache). Thread-safe.
void release_startup_memory();

}  // namespace sockward
