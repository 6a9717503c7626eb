// sethostname or setdomainname of more than 64 bytes: EINVAL (kernel/sys.c, __NEW_UTS_LEN).
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/rule.hpp"

namespace sockward {
namespace {

constexpr int kLongestName = 64;

class HostnameTooLong final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<NameCall>(&seen.event.call);
    if (call == nullptr || seen.event.error() != EINVAL || call->asked_length <= kLongestName)
      return std::nullopt;
    return Diagnosis{
        .cause = Cause::hostname_too_long,
        .confidence = Confidence::certain,
        .evidence = {fmt::format("the name has {} bytes, {} fit", call->asked_length, kLongestName)},
        .advice = fmt::format("use {} bytes at most (DNS labels: 63)", kLongestName)};
  }
};

}  // namespace

std::unique_ptr<Rule> rule_hostname_too_long() {
  return std::make_unique<HostnameTooLong>();
}

}  // namespace sockward
