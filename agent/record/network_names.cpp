#include "record/network_names.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace sockward {

std::string_view network_transport(const SocketCall& call) {
  constexpr int kMptcp = 262;  // IPPROTO_MPTCP
  if (call.family == AF_UNIX) return "unix";
  if (call.family != AF_INET && call.family != AF_INET6) return "";
  if (call.protocol == IPPROTO_TCP || call.protocol == kMptcp) return "tcp";
  if (call.protocol == IPPROTO_UDP) return "udp";
  return "";
}

std::vector<std::string_view> resolve_names(std::uint64_t resolve) {
  // include/uapi/linux/openat2.h
  static constexpr std::string_view kNames[] = {"RESOLVE_NO_XDEV",     "RESOLVE_NO_MAGICLINKS",
                                                "RESOLVE_NO_SYMLINKS", "RESOLVE_BENEATH",
                                                "RESOLVE_IN_ROOT",     "RESOLVE_CACHED"};
  std::vector<std::string_view> names;
  for (std::size_t bit = 0; bit < std::size(kNames); ++bit)
    if ((resolve >> bit & 1) != 0) names.push_back(kNames[bit]);
  return names;
}

}  // namespace sockward
