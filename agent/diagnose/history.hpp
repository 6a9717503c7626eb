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

/// A long argument that may be a socket's path, as remembered.
struct PendingName {
  std::uint32_t tgid = 0;
  std::uint64_t leader_start_ns = 0;
  std::string path;      ///< raw bytes
  bool clipped = false;  ///< it is longer
  MonotonicTime time;
  bool refused = false;  ///< a process that was given it has failed since
};

/// What happened lately, bounded in time and number. Used by one thread.
class History {
 public:
  static constexpr std::size_t kChanges = 512, kUnlinks = 1024, kNames = 1024;
  static constexpr std::chrono::seconds kKept{60};

  /// Remembers an event; call it after the event was diagnosed.
  void remember(const Event& event);
  /// The over-long socket path that the process of this event was started with, unless it has used it in a
  /// call since (then that call was diagnosed), or one of its children was refused it already.
  std::optional<PendingName> pending_name(const Event& event) const;
  /// The latest change of this name in this namespace, if it was within kKept of `now`.
  std::optional<NameChange> latest_change(NamespaceInode utsns, bool domain, MonotonicTime now) const;
  /// The latest failed removal of this path by the process that made `event`, within kKept.
  std::optional<UnlinkFailure> failed_unlink(const Event& event, const std::string& path) const;

 private:
  void remember_change(const Event& event, const NameCall& call);
  void remember_unlink(const Event& event);
  void remember_argument(const Event& event, const LongArgument& argument);
  void remember_use(const SocketCall& call);
  void remember_end(const Event& event, const ProcessExit& end);

  std::deque<NameChange> changes_;  // oldest first
  std::deque<UnlinkFailure> unlinks_;
  std::deque<PendingName> names_;
};

}  // namespace sockward
