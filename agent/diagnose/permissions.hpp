#pragma once
#include <optional>
#include <string>

#include "diagnose/rule.hpp"

namespace sockward {

/// Why a path could not be used: the very component that denies.
struct Denial {
  enum class What { search, write, sticky, immutable, socket };
  What what = What::search;
  PathStep step;      ///< the directory, or the socket
  bool sure = false;  ///< nothing that was looked at leaves a doubt
};

/// The kernel's decision, replayed with the caller's credentials (fs/namei.c, generic_permission,
/// may_delete).
struct PermissionReplay {
  bool known = false;  ///< the walk could be made; else `obstacle` says why not
  std::string obstacle;
  std::optional<Denial> denial;  ///< nullopt: modes and capabilities allow the call
  Credentials credentials;
  std::string doubt;  ///< what makes the answer advisory; empty: nothing
};

/// For bind and connect on AF_UNIX paths, and unlink. `known` is false for other calls.
PermissionReplay replay_permissions(const Observation& seen);

/// The replay with everything given: pure, for tables. `create`, `connect` or `remove` at the end of the
/// path.
enum class Purpose { create, connect, remove };
std::optional<Denial> find_denial(const PathTrace& trace, const Credentials& credentials, const Actor& actor,
                                  Purpose purpose);

/// "uid 998 (groups 998, 100)"
std::string credentials_text(const Credentials& credentials);

}  // namespace sockward
