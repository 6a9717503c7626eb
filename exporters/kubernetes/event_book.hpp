#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "delivery/delivery_counts.hpp"
#include "delivery/group_limits.hpp"
#include "kubernetes/pod_event.hpp"

namespace sockward {

/// How many requests there may be a minute. 0: any number.
struct EventRates {
  std::uint32_t pod = 10;   ///< new Events of one pod
  std::uint32_t node = 60;  ///< requests of this agent
};

/// The Events that the API knows or should know, as those of client-go: the first occurrence creates one, and
/// those that follow become its series, until none came for six minutes. In a storm a series is brought up to
/// date ever more rarely, once a minute at last. Every record that it is given ends up delivered or among the
/// losses, exactly once. Bounded. Pure but for the times it is given; used under a lock.
class EventBook {
 public:
  static constexpr std::size_t kMost = 1000;
  explicit EventBook(EventRates rates) : of_pods_(rates.pod), of_node_(rates.node) {}

  void occurred(PodEvent event, MonotonicTime now);

  /// One request to the API.
  struct Request {
    std::string key;
    bool creates = true;  ///< or patches
    std::string pod_namespace, name, body;
    std::uint64_t records = 0, times = 0;  ///< that the API knows of afterwards
  };
  /// What should be sent now; call answered() with its outcome before asking for the next one. `all`: also
  /// what could wait. nullopt: nothing.
  std::optional<Request> next(MonotonicTime now, bool all = false);

  /// accepted; exists: an earlier try, whose answer was lost, had created it; vanished: there is no such
  /// Event any more; later: it is worth another try.
  enum class Answer { accepted, exists, vanished, later };
  void answered(const Request& request, Answer answer, MonotonicTime now);
  /// It never will be.
  void answered(const Request& request, EventLoss loss);

  /// Forgets series that are over, and what the API would no longer keep.
  void advance(MonotonicTime now);
  /// What was not delivered never will be.
  void stop();

  bool empty() const { return entries_.empty(); }
  std::uint64_t take_delivered() { return std::exchange(delivered_, 0); }
  using Losses = std::array<std::uint64_t, kEventLossCount>;
  Losses take_losses() { return std::exchange(losses_, Losses{}); }

 private:
  struct Entry {
    PodEvent event;
    std::string name;           ///< of the object; given by the first request
    std::uint64_t records = 0;  ///< that the API does not know of
    std::uint64_t times = 0, known_times = 0;
    WallTime last;
    MonotonicTime occurred, not_before, began;  ///< began: to wait for the API
    std::uint64_t tries = 0;
    std::chrono::nanoseconds pause{};  ///< between two patches
    bool created = false, under_way = false;
  };
  using Entries = std::map<std::string, Entry>;

  void lose(EventLoss loss, std::uint64_t records) { losses_[static_cast<std::size_t>(loss)] += records; }
  void make_room();

  GroupLimits of_pods_, of_node_;
  Entries entries_;  // by key
  std::uint64_t delivered_ = 0;
  Losses losses_{};
};

}  // namespace sockward
