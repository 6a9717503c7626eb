#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/network/network_view.hpp"

namespace sockward {

/// The interfaces of a network namespace with their addresses (rtnetlink(7), RTM_GETLINK and RTM_GETADDR).
/// `netns`: an open /proc/pid/ns/net; `proc`: usually "/proc". Waits for an answer 200 ms at most. Error: the
/// namespace cannot be entered or asked.
Result<std::vector<NetworkInterface>> list_interfaces(int netns, const std::string& proc);

}  // namespace sockward
