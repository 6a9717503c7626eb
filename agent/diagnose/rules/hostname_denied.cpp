// sethostname or setdomainname was refused: EPERM without CAP_SYS_ADMIN in the user namespace that owns the
// UTS namespace (kernel/sys.c). Writes through sysctl need only file permission and are refused at open: not
// seen.
#include <fmt/format.h>
#include <linux/capability.h>

#include <cerrno>

#include "diagnose/capabilities.hpp"
#include "diagnose/rules.hpp"

namespace sockward::rules {

std::optional<Finding> hostname_denied(const Facts& facts) {
  const NameCall* call = facts.name();
  if (call == nullptr || facts.event.error() != EPERM) return std::nullopt;
  const Actor& actor = facts.event.actor;
  Finding found{.cause = Cause::hostname_denied,
                .evidence = {{authority_text(actor, CAP_SYS_ADMIN, "CAP_SYS_ADMIN", call->owner_userns)}}};
  const Authority authority = authority_of(actor, CAP_SYS_ADMIN, call->owner_userns);
  if (authority == Authority::yes)
    found.alternative = "capabilities would allow it: a seccomp filter or a security module may have refused";
  else if (authority == Authority::unclear)
    found.alternative =
        "the caller may have made the user namespace that owns the UTS namespace, or be in one above it: "
        "then "
        "a seccomp filter or a security module has refused";
  found.advice = fmt::format(
      "uid {} tried to rename UTS namespace {}: if that is its job, give it CAP_SYS_ADMIN in a "
      "UTS namespace of its own; if not, find out why it tries",
      actor.uid, actor.utsns);
  return found;
}

}  // namespace sockward::rules
