// sethostname or setdomainname of more than 64 bytes: EINVAL (kernel/sys.c, __NEW_UTS_LEN).
#include <fmt/format.h>

#include <cerrno>

#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> hostname_too_long(const Facts& facts) {
  constexpr int kLongestName = 64;
  const NameCall* call = facts.name();
  if (call == nullptr || facts.event.error() != EINVAL || call->asked_length <= kLongestName)
    return std::nullopt;
  return Finding{
      .cause = Cause::hostname_too_long,
      .evidence = {{fmt::format("the name has {} bytes, {} fit", call->asked_length, kLongestName)}},
      .alternative = {},
      .advice = fmt::format("use {} bytes at most (DNS labels: 63)", kLongestName)};
}

}  // namespace sockward::rules
