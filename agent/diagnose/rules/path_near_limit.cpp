// A bind succeeded, but its path leaves few bytes: a longer container, user or project name will not fit.
#include <fmt/format.h>
#include <sys/socket.h>

#include "diagnose/path_budget.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

class PathNearLimit final : public Rule {
  // The kernel side reports a successful bind only when the path has names.near_limit_bytes or more.
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<SocketCall>(&seen.event.call);
    constexpr std::size_t kLeast = 100;  // a bind that replaced another file is reported whatever its length
    if (call != nullptr && call->replaced && call->address.name.size() < kLeast) return std::nullopt;
    if (call == nullptr || seen.event.failed() || seen.event.syscall != Syscall::bind) return std::nullopt;
    if (call->family != AF_UNIX || call->address.kind != AddressKind::path || !call->kernel_copy)
      return std::nullopt;
    const std::size_t bytes = call->address.name.size();
    if (bytes > kUsablePathBytes) return std::nullopt;  // all 108: path_truncated
    return Diagnosis{.cause = Cause::path_near_limit,
                     .confidence = Confidence::certain,
                     .evidence = {fmt::format("the path has {} bytes of {}: {} left", bytes, kUsablePathBytes,
                                              kUsablePathBytes - bytes)},
                     .advice = "a name longer by more than that will not fit: " + shorten_advice()};
  }
};

}  // namespace

std::unique_ptr<Rule> rule_path_near_limit() {
  return std::make_unique<PathNearLimit>();
}

}  // namespace sockward
