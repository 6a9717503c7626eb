#pragma once
#include <string>
#include <string_view>

#include "event/event.hpp"

namespace sockward {

/// PROC_USER_INIT_INO, include/linux/proc_ns.h: the user namespace above all others.
inline constexpr NamespaceInode kInitialUserNamespace = 4026531837;

/// Does the caller have a capability over something that `owner` owns? (user_namespaces(7))
enum class Authority {
  yes,     ///< the capability is effective in the owning namespace, or in the initial one, above all others
  no,      ///< not effective, or effective only in a namespace that cannot be above the owner
  unclear  ///< effective in another namespace, which may be above the owner; or the caller may have made it
};
Authority authority_of(const Actor& actor, int capability, NamespaceInode owner);

/// One line of evidence: what the caller has and where.
std::string authority_text(const Actor& actor, int capability, std::string_view name, NamespaceInode owner);

}  // namespace sockward
