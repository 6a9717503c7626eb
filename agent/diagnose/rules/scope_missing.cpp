// A link-local address (fe80::/10) without an interface: EINVAL (net/ipv6/af_inet6.c, __inet6_bind;
// net/ipv6/tcp_ipv6.c, tcp_v6_connect).
#include <fmt/format.h>

#include <cerrno>

#include "base/printable.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {
namespace {

std::string interfaces_with_link_local(const Facts& facts) {
  std::string names;
  if (!facts.interfaces()) return names;
  for (const NetworkInterface& interface : *facts.interfaces())
    for (const InterfaceAddress& one : interface.addresses) {
      if (!is_link_local(one.address)) continue;
      names += (names.empty() ? "" : ", ") + printable(interface.name).text;
      break;
    }
  return names;
}

}  // namespace

std::optional<Finding> scope_missing(const Facts& facts) {
  if (!facts.is_inet() || facts.event.error() != EINVAL) return std::nullopt;
  const SocketCall& call = *facts.socket();
  if (!is_link_local(call.address) || call.address.scope != 0 || call.bound_device != 0) return std::nullopt;
  Finding found{
      .cause = Cause::scope_missing,
      .evidence = {{fmt::format("{} is a link-local address: it means nothing without an interface, and the "
                                "call gave none (sin6_scope_id is 0)",
                                call.address.ip_text())}}};
  if (call.bound_port != 0 && facts.event.syscall == Syscall::bind)
    found.alternative = "the socket already has a port: a second bind returns EINVAL, too";
  const std::string names = interfaces_with_link_local(facts);
  if (!names.empty()) found.note("interfaces that have a link-local address now: " + names);
  const std::string example = names.substr(0, names.find(','));
  found.advice = fmt::format("name the interface: {}%{}, or set sin6_scope_id", call.address.ip_text(),
                             example.empty() ? "eth0" : example);
  return found;
}

}  // namespace sockward::rules
