#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"

namespace sockward {

/// Takes from the calling thread, and from those it will start, everything that serving HTTP on open sockets
/// does not need:
/// - all capabilities, also from the bounding set, and new privileges;
/// - all files, but for reading what lies in `folders` (Landlock, Linux 5.13);
/// - all system calls but those of a list (seccomp, unless `seccomp` is false): they fail with EPERM.
///
/// The list has no new sockets, programs, processes, signals, mappings with code, writes to files. Where
/// there is no Landlock and `folders` is empty, it has no opening of files either. A part that the kernel
/// does not have is not an error; what is there and fails is.
Result<bool> confine_web_thread(const std::vector<std::string>& folders, bool seccomp);

}  // namespace sockward
