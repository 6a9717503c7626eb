#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sockward {

/// Which bound sockets a scan looks for, in all network namespaces. Of the internet by port alone, whatever
/// the protocol and the address: wildcards and other families may be in the way as well.
struct SocketFilter {
  bool everything = true;  ///< then the rest does not matter
  bool paths = false;      ///< all socket files: rules compare their paths
  bool netlink = false;    ///< all netlink ports
  std::vector<std::uint16_t> ports = {};
  std::vector<std::string> abstract_names = {};

  static SocketFilter nothing() { return {.everything = false}; }

  bool empty() const { return !everything && !paths && !netlink && ports.empty() && abstract_names.empty(); }
  /// Does a scan with this filter have all that one with the other would have?
  bool covers(const SocketFilter& other) const {
    const auto has = [](const auto& all, const auto& some) {
      return std::all_of(some.begin(), some.end(), [&](const auto& one) {
        return std::find(all.begin(), all.end(), one) != all.end();
      });
    };
    return everything || (!other.everything && (paths || !other.paths) && (netlink || !other.netlink) &&
                          has(ports, other.ports) && has(abstract_names, other.abstract_names));
  }
};

}  // namespace sockward
