#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sockward {

/// Why audit messages were lost.
enum class AuditLoss : std::uint8_t {
  overrun,   ///< the kernel had no room in our socket: times, not messages
  full,      ///< refusals that were dropped before a record could ask for them
  malformed  ///< messages that could not be understood
};

/// Their names as labels of sockward_audit_lost_total, in the order of AuditLoss.
inline constexpr std::array<std::string_view, 3> kAuditLossNames = {"overrun", "full", "malformed"};
inline constexpr std::size_t kAuditLosses = kAuditLossNames.size();
static_assert(kAuditLosses == static_cast<std::size_t>(AuditLoss::malformed) + 1);
using AuditLost = std::array<std::uint64_t, kAuditLosses>;

/// In sockward_coverage: what security modules say in the kernel's audit messages.
inline constexpr std::string_view kAuditRoute = "audit";
/// The same of requests to systemd-hostnamed over the system bus.
inline constexpr std::string_view kRequestRoute = "dbus";

}  // namespace sockward
