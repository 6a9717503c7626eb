#pragma once
#include "base/file_descriptor.hpp"

namespace sockward {

/// Turns the kernel's BPF statistics on for as long as the descriptor is open (5.8). Costs every BPF program
/// of the node some nanoseconds a run. Throws StartupError.
FileDescriptor enable_bpf_statistics();

}  // namespace sockward
