#include "telemetry/kernel_counters.hpp"

#include "base/errno_name.hpp"

namespace sockward {

std::string_view to_string(Family family) {
  static constexpr std::array<std::string_view, kFamilies> kNames = {"unix",  "inet",  "inet6", "netlink",
                                                                     "vsock", "other", "none"};
  return kNames.at(static_cast<std::size_t>(family));
}

std::string_view to_string(Backend backend) {
  static constexpr std::array<std::string_view, 6> kNames = {"fexit",  "cgroup",     "iterator",
                                                             "tp_btf", "tracepoint", "none"};
  return kNames.at(static_cast<std::size_t>(backend));
}

std::string errno_label(std::size_t slot) {
  const auto name = errno_name(static_cast<int>(slot));
  return std::string(name.value_or("other"));
}

}  // namespace sockward
