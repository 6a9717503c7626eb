#pragma once
#include <string>

namespace sockward {

/// Sends libbpf's messages to the debug log and keeps its latest warnings for error messages. libbpf has one
/// print function per process, so this is process-wide too. Thread-safe.
void capture_libbpf_log();
/// The warnings since the last call, joined; empties the memory.
std::string take_libbpf_warnings();

}  // namespace sockward
