#pragma once
#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "event/event.hpp"

namespace sockward {

/// One change of a name, as remembered.
struct NameChange {
  NamespaceInode utsns = 0;
  bool domain = false;
  std::uint32_t tgid = 0;
  std::string comm;
  std::string old_name, new_name;
  MonotonicTime time;
};

/// A socket file that could not be removed, as remembered.
struct UnlinkFailure {
  std::uint32_t tgid = 0;
  std::uint64_t leader_start_ns = 0;
  std::string path;  ///< resolved; raw bytes
  Syscall syscall = Syscall::unlink;
  int error = 0;
  MonotonicTime time;
};

/// What happened lately, bounded in time and number. Used by one thread.
class History {
 public:
  static constexpr std::size_t kChanges = 512, kUnlinks = 1024;
  static constexpr std::chrono::seconds kKept{60};

  /// Remembers an event; call it after the event was diagnosed.
  void remember(const Event& event);
  /// The latest change of this name in this namespace, if it was within kKept of `now`.
  std::optional<NameChange> latest_change(NamespaceInode utsns, bool domain, MonotonicTime now) const;
  /// The latest failed removal of this path by the process that made `event`, within kKept.
  std::optional<UnlinkFailure> failed_unlink(const Event& event, const std::string& path) const;

 private:
  void remember_change(const Event& event, const NameCall& call);
  void remember_unlink(const Event& event);

  std::deque<NameChange> changes_;  // oldest first
  std::deque<UnlinkFailure> unlinks_;
};

}  // namespace sockward
