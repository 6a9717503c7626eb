#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "event/event.hpp"

namespace sockward {

/// "tcp", "udp", "unix", or empty: OpenTelemetry's network.transport.
std::string_view network_transport(const SocketCall& call);

/// The flags of openat2's how.resolve by name: {"RESOLVE_NO_SYMLINKS"}.
std::vector<std::string_view> resolve_names(std::uint64_t resolve);

}  // namespace sockward
