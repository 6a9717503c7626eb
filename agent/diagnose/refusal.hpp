#pragma once
#include <optional>

#include "event/event.hpp"
#include "record/diagnosis.hpp"

namespace sockward {

/// The diagnosis of a call that a layer beside the kernel's own checks was seen to refuse: a security module
/// or a BPF program on the cgroup (certain: their own answer was seen), a seccomp filter (likely: concluded
/// from an entry that is missing). nullopt: none was seen to.
std::optional<Diagnosis> observed_refusal(const Event& event);

}  // namespace sockward
