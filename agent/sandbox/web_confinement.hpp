#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sockward {

/// Takes from the calling thread, and from those it will start, everything that serving HTTP on open sockets
/// does not need:
/// - all capabilities, also from the bounding set, and new privileges;
/// - all files, but for reading what lies in `folders` (Landlock, Linux 5.13; where there is none, and
/// `folders` is empty, opening is
///   refused by the filter below);
/// - all system calls but those of a list (seccomp; `seccomp` false leaves them): no new sockets, programs,
/// processes, signals, mappings with
///   code, writes to files. They fail with EPERM.
/// A part that the kernel does not have is not an error; what is there and fails is.
Result<bool> confine_web_thread(const std::vector<std::string>& folders, bool seccomp);

}  // namespace sockward
