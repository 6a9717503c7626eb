#pragma once
#include <vector>

#include "base/result.hpp"
#include "telemetry/uts_names.hpp"

struct bpf_link;

namespace sockward {

/// Runs the task iterator once and groups what it wrote by namespace. Thread-safe.
Result<std::vector<UtsNamespace>> walk_uts_namespaces(const bpf_link* iterator);

}  // namespace sockward
