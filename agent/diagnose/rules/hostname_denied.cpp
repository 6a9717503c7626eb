// sethostname or setdomainname was refused: EPERM without CAP_SYS_ADMIN in the user namespace that owns the
// UTS namespace (kernel/sys.c). Writes through sysctl need only file permission and are refused at open: not
// seen.
#include <fmt/format.h>
#include <linux/capability.h>

#include <cerrno>

#include "diagnose/capabilities.hpp"
#include "diagnose/rule.hpp"

namespace sockward {
namespace {

class HostnameDenied final : public Rule {
  std::optional<Diagnosis> examine(const Observation& seen) const override {
    const auto* call = std::get_if<NameCall>(&seen.event.call);
    if (call == nullptr || seen.event.error() != EPERM) return std::nullopt;
    const Actor& actor = seen.event.actor;
    const Authority authority = authority_of(actor, CAP_SYS_ADMIN, call->owner_userns);
    Diagnosis found{.cause = Cause::hostname_denied, .confidence = Confidence::likely};
    found.evidence.push_back(authority_text(actor, CAP_SYS_ADMIN, "CAP_SYS_ADMIN", call->owner_userns));
    if (authority == Authority::no) {
      found.confidence = Confidence::certain;
    } else {
      found.evidence.emplace_back(
          "so plain capabilities would allow it: a seccomp filter or a security module refused");
    }
    found.advice = fmt::format(
        "uid {} tried to rename UTS namespace {}: if that is its job, give it CAP_SYS_ADMIN in a "
        "UTS namespace of its own; if not, find out why it tries",
        actor.uid, actor.utsns);
    return found;
  }
};

}  // namespace

std::unique_ptr<Rule> rule_hostname_denied() {
  return std::make_unique<HostnameDenied>();
}

}  // namespace sockward
