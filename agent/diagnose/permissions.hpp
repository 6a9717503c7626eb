#pragma once
#include <optional>
#include <string>

#include "diagnose/finding.hpp"
#include "host/paths/path_view.hpp"
#include "host/process/process_view.hpp"

namespace sockward {

class Facts;

/// Why a path could not be used: the very component that denies.
struct Denial {
  enum class What { search, write, sticky, immutable, socket };
  What what = What::search;
  PathStep step;              ///< the directory, or the socket
  std::size_t directory = 0;  ///< its place in PathTrace::searched; that of the last one for an object
};

/// The kernel's decision, replayed with the caller's credentials (fs/namei.c, generic_permission,
/// may_delete).
struct PermissionReplay {
  bool known = false;  ///< the way could be looked up; else `obstacle` says why not
  std::string obstacle;
  std::optional<Denial> denial;  ///< nullopt: modes and capabilities allow the call
  Credentials credentials;
  Standing standing;  ///< of the whole replay: credentials, the way, and what denies
  /// A component whose owner or mode was changed after the call, at or before what denies now: it may have
  /// been what denied then.
  std::optional<PathStep> changed_since;
  bool changed_is_directory = true, changed_is_last = false;
  /// The link at the end of the path, if fs.protected_symlinks would keep the caller from following it: it
  /// lies in a sticky directory that all may write, and belongs neither to the caller nor to the directory's
  /// owner (fs/namei.c, may_follow_link). No capability overrides that.
  std::optional<PathStep> protected_link;
};

/// For bind and connect on AF_UNIX paths, and unlink. `known` is false for other calls.
PermissionReplay replay_permissions(const Facts& facts, const ProcessView& processes);

/// The replay with everything given: pure, for tables. `create`, `connect` or `remove` at the end of the
/// path.
enum class Purpose { create, connect, remove };
std::optional<Denial> find_denial(const PathTrace& trace, const Credentials& credentials, const Actor& actor,
                                  Purpose purpose);

}  // namespace sockward
