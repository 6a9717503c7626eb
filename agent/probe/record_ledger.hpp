#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "event/event.hpp"
#include "probe/mapped_array.hpp"

struct sockward_settled;

namespace sockward {

/// Records that were lost outside of the kernel, of all agents so far.
struct Losses {
  std::uint64_t queue_full = 0, decode = 0, output = 0;
};

/// Keeps, in memory that outlives the agent, up to which number the records of each probe and CPU are done
/// with. At the next start it tells duplicates and counts what was lost in between: taken from the ring by
/// the previous agent, and not written before it died.
///
/// admit() and drained() are for the thread that drains the ring, handled(), folded() and publish() for the
/// one that hands records out. Thread-safe.
class RecordLedger {
 public:
  /// `settled_fd`: the map of that name, with `blocks` elements. `given`: the numbers that were given out so
  /// far, by CPU and probe. Throws StartupError.
  RecordLedger(int settled_fd, std::uint32_t blocks, std::vector<std::uint64_t> given);
  RecordLedger(const RecordLedger&) = delete;
  RecordLedger& operator=(const RecordLedger&) = delete;

  /// false: this record was done with before. Records of one probe and CPU come in order.
  bool admit(const RecordNumber& record);
  /// Everything that was in the ring at the start has been admitted: what is missing by now was lost.
  void drained();
  /// So many records of a previous agent could not be read: their numbers mean nothing to this one.
  void lose(std::uint64_t records);
  /// Records that were lost between two agents, of all restarts so far.
  std::uint64_t lost() const;

  /// The record has been given to the sinks, folded, or dropped and counted.
  void handled(const RecordNumber& record);
  void folded(std::int64_t records);
  /// The sinks have written what they were given: from now on it counts as done.
  void publish(const Losses& losses);
  /// As the previous agent left them.
  Losses previous_losses() const;

 private:
  void miss(std::size_t index, std::uint64_t after, std::uint64_t to);
  void pass_skip(std::size_t index);
  std::uint64_t* number(std::vector<std::uint64_t>& numbers, const RecordNumber& record) const;

  MappedArray<sockward_settled> settled_;
  std::vector<std::uint64_t> given_;    // numbers that were given out before the start
  std::vector<std::uint64_t> seen_;     // latest admitted, by CPU and probe
  std::vector<std::uint64_t> handled_;  // latest handled, not yet published
  /// Numbers that were lost before the start: once `after` is handled, all up to `to` is done with.
  struct Skip {
    std::uint64_t after = 0, to = 0;
  };
  std::vector<Skip> skips_;
  // A number that no record had was dropped by the previous agent's full queue, which has been counted, or it
  // was lost. So many of the missing ones are drops: of those that were shown, and of those that are done
  // with.
  std::uint64_t drops_to_show_ = 0, drops_to_settle_ = 0;
  std::uint64_t lost_settled_ = 0;  // lost_, as far as it is done with: what the next agent begins with
  std::uint64_t dropped_ = 0;       // by a full queue, with a number that is done with
  mutable std::mutex mutex_;
  std::uint64_t folded_ = 0;
  std::uint64_t lost_ = 0;
  bool complete_ = false;  // everything from before the start was seen
};

/// The numbers that were given out so far, from the map of counters.
std::vector<std::uint64_t> numbers_given(int counters_fd, std::uint32_t blocks);

}  // namespace sockward
