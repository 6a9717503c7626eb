#pragma once
#include <string>

#include "base/result.hpp"
#include "event/event.hpp"

namespace sockward {

/// How many BPF programs the kernel runs for this kind of call in this cgroup, those of its parents included
/// (bpf(2), BPF_PROG_QUERY). 0 for calls that no such program can refuse.
Result<unsigned> count_cgroup_programs(const std::string& cgroup, const Event& event);

}  // namespace sockward
