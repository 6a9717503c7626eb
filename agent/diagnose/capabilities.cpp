#include "diagnose/capabilities.hpp"

#include <fmt/format.h>

namespace sockward {

Authority authority_of(const Actor& actor, int capability, NamespaceInode owner) {
  // Who made a user namespace below its own has all capabilities in it (security/commoncap.c, cap_capable).
  if (!actor.has_capability(capability))
    return actor.userns == owner || owner == kInitialUserNamespace ? Authority::no : Authority::unclear;
  if (actor.userns == owner || actor.userns == kInitialUserNamespace) return Authority::yes;
  return owner == kInitialUserNamespace ? Authority::no : Authority::unclear;
}

std::string authority_text(const Actor& actor, int capability, std::string_view name, NamespaceInode owner) {
  if (!actor.has_capability(capability)) return fmt::format("the caller (uid {}) has no {}", actor.uid, name);
  if (actor.userns == owner)
    return fmt::format("the caller has {} in the owning user namespace {}", name, owner);
  return fmt::format("the caller has {} in user namespace {}, but the owner is user namespace {}", name,
                     actor.userns, owner);
}

}  // namespace sockward
