#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sockward {

/// Of a container without a name so much of its id is kept.
inline constexpr std::size_t kContainerIdDigits = 12;

/// What a question is about, by what it could be: a record matches when one of these is its own. Empty: not
/// asked for. All empty: every record matches.
struct Subject {
  std::optional<std::uint32_t> pid;
  std::string unit, unit_of_service;  ///< "nginx" could be nginx.service
  std::string comm, container, pod, address;

  bool is_everything() const {
    return !pid && unit.empty() && unit_of_service.empty() && comm.empty() && container.empty() &&
           pod.empty() && address.empty();
  }
  bool operator==(const Subject&) const = default;
};

/// Resolves a word as `sockward why` documents it: all digits are a pid; what begins with / or @ or has a
/// scheme (unix:, tcp:, udp:) is an address; NAME.service and the like is a unit; HOST:PORT is an address
/// (and RUNTIME:NAME a container); NAMESPACE/POD a pod (or a relative path); another word is a command, unit,
/// container, pod or host name, whatever matches. Pure.
Subject parse_subject(std::string_view word);

/// Without "unix:", "tcp:" or "udp:" in front. Pure.
std::string_view plain_address(std::string_view address);

}  // namespace sockward
