#pragma once
#include <optional>
#include <string>
#include <vector>

#include "diagnose/finding.hpp"
#include "host/paths/path_view.hpp"

namespace sockward {

class Facts;

/// The way along the path of a call, and how much of it is known to have been so when the call returned.
///
/// What proves it: a change of an inode's owner, mode or links sets its change time, and so does every name
/// that is made or removed in a directory (inode_set_ctime_current() in the file systems); nothing but the
/// clock sets it back. So an inode that was last changed before the call is as it was, and a name leads to
/// the same inode if either the directory or the inode behind the name was not changed since (renaming and
/// linking change both). Mounts are vouched for by the mount namespace's event counter.
struct PathFacts {
  std::optional<std::string> path;  ///< absolute below the caller's root; raw bytes
  std::string obstacle;             ///< why the way could not be looked up; empty: `trace` is filled
  bool skipped = false;             ///< because the CPU budget was exhausted
  PathTrace trace;
  /// For each directory of trace.searched: the path led to it. Each includes those before it.
  std::vector<Standing> leads_to;
  /// For each: it had the owner and mode it has now.
  std::vector<Standing> as_it_is;
  Standing object_is;        ///< the object at the end was the same one
  Standing object_as_it_is;  ///< and had the owner and mode it has now
  Standing absence;          ///< the missing component, or the last one, was missing
  /// A link, a directory or the object was put where it is, or changed, after the call: what the path led to
  /// then is not what it leads to now. Printable; empty: nothing says so.
  std::string moved;

  bool known() const { return obstacle.empty(); }
  /// Every directory before this one was as it is now: what it allows now it allowed then.
  Standing allowed_before(std::size_t directory) const;
};

/// Was this inode last changed before the call? The doubt names the path.
Standing unchanged_since_call(const Facts& facts, const PathStep& step);
/// Its owner, mode or links may have been changed after the call (not merely a name in it made or removed).
bool attributes_changed_after_call(const Facts& facts, const PathObject& object);

PathFacts look_along_path(const Facts& facts, const PathView& paths, bool follow);

}  // namespace sockward
