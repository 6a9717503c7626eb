#pragma once
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"
#include "telemetry/uts_names.hpp"

struct bpf_link;

namespace sockward {

/// Runs the task iterator once and groups what it wrote by namespace. Thread-safe.
Result<std::vector<UtsNamespace>> iterate_uts_namespaces(const bpf_link* iterator);

/// Runs it once for the event counter of one mount namespace (kernel/mount_events.hpp). Thread-safe.
Result<std::optional<std::uint64_t>> iterate_mount_events(const bpf_link* iterator, NamespaceInode mntns);

}  // namespace sockward
