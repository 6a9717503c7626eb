// Network interfaces, and calls about addresses that they may or may not have.
#pragma once
#include "support/fixtures.hpp"

namespace sockward::test {

inline Event bind_to(const SocketAddress& address,
                     SocketCall::AddressState state = SocketCall::AddressState::unknown,
                     int error = EADDRNOTAVAIL) {
  Event event = inet_bind(error, address);
  call_of(event).address_state = state;
  return event;
}

class InterfaceTest : public DiagnosisTest {
 protected:
  NetworkInterface& add_interface(const std::string& name, std::vector<InterfaceAddress> addresses = {}) {
    host.links.push_back({.index = static_cast<std::uint32_t>(host.links.size() + 1),
                          .name = name,
                          .up = true,
                          .loopback = name == "lo",
                          .addresses = std::move(addresses)});
    return host.links.back();
  }
};

}  // namespace sockward::test
