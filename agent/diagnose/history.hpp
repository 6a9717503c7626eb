#pragma once
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "event/event.hpp"
#include "telemetry/history_kind.hpp"

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
  std::uint32_t index = 0;  ///< of the argument
  std::string path;         ///< raw bytes
  std::string option;       ///< that it is the value of: "-S", "ControlPath"; empty: none is seen
  bool clipped = false;     ///< it is longer
  MonotonicTime time;
  bool refused = false;  ///< a process that was given it has failed since
  bool used = false;     ///< a call with it, or with what was left of it, was seen
};

/// What happened lately, bounded in time and number. Used by one thread.
class History {
 public:
  static constexpr std::size_t kEntries = 1024;
  static constexpr std::chrono::seconds kKept{60};
  /// Entries evicted before their time was over because the history was full, by kind: a diagnosis that would
  /// have used one does not know of it.
  using Forgotten = std::array<std::uint64_t, kHistoryKinds>;

  /// `entries`: how many of each kind are kept, 1 and more.
  explicit History(std::size_t entries = kEntries) : entries_(entries) {}

  /// Remembers an event; call it after the event was diagnosed. The same removal that fails again takes the
  /// place of the previous one.
  void remember(const Event& event);
  const Forgotten& forgotten() const { return forgotten_; }
  /// The over-long socket path that the process of this event was started with, unless it has used it in a
  /// call since (then that call was diagnosed), or one of its children was refused it already.
  std::optional<PendingName> pending_name(const Event& event) const;
  /// All over-long socket paths that the process of this event was started with, used ones too.
  std::vector<PendingName> names_at_exec(const Event& event) const;
  /// Was the end of this process, which had bound a socket file, seen within kKept?
  bool has_ended(std::uint32_t tgid, std::uint64_t leader_start_ns) const;
  /// An audit message belongs to one call: the next one like it needs a message of its own.
  void use(std::uint64_t audit_serial);
  bool is_used(std::uint64_t audit_serial) const;
  /// The latest change of this name in this namespace, if it was within kKept of `now`.
  std::optional<NameChange> latest_change(NamespaceInode utsns, bool domain, MonotonicTime now) const;
  /// The latest failed removal of this path by the process that made `event`, within kKept.
  std::optional<UnlinkFailure> failed_unlink(const Event& event, const std::string& path) const;
  /// The latest failed removal, by the process that made `event`, of a longer path that begins with this one.
  std::optional<std::string> unlinked_longer(const Event& event, const std::string& path) const;

 private:
  /// Drops what is too old, and the oldest when there is no room for one more.
  template <typename Entries>
  void make_room(Entries& entries, HistoryKind kind, MonotonicTime now);
  void remember_change(const Event& event, const NameCall& call);
  void remember_unlink(const Event& event);
  void remember_argument(const Event& event, const LongArgument& argument);
  void remember_use(const SocketCall& call);
  void remember_end(const Event& event, const ProcessExit& end);

  std::size_t entries_;
  Forgotten forgotten_{};
  std::deque<NameChange> changes_;  // oldest first
  std::deque<UnlinkFailure> unlinks_;
  std::deque<PendingName> names_;
  struct End {
    std::uint32_t tgid = 0;
    std::uint64_t leader_start_ns = 0;
    MonotonicTime time;
  };
  std::deque<End> ends_;
  std::deque<std::uint64_t> used_;  // numbers of audit messages
};

}  // namespace sockward
