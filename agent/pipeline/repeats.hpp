#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "record/record.hpp"

namespace sockward {

/// Removes duplicates: a program that tries the same again and again (nginx binds five times) is reported
/// once, and once more with the number of repeats when the window is over. Bounded. Used by one thread.
class Repeats {
 public:
  static constexpr std::size_t kKept = 1024;
  explicit Repeats(std::chrono::seconds window) : window_(window) {}

  /// true: a duplicate, which a later record counts: do not write it. Always false with a window of 0.
  bool fold(const Record& record);
  bool empty() const { return folded_.empty(); }
  /// From now on. Records that wait already keep their window.
  void set_window(std::chrono::seconds window) { window_ = window; }
  /// Records whose window is over by `now` and that have repeats; with `all`, also the others.
  std::vector<Record> due(MonotonicTime now, bool all = false);
  /// How many duplicates the records that due() gave stand for, all in all.
  std::uint64_t reported() const { return reported_; }

 private:
  using Key = std::tuple<std::uint32_t, std::uint64_t, Syscall, int, Cause, std::string>;
  struct Folded {
    MonotonicTime since;
    std::unique_ptr<Record> latest;  // the latest duplicate; null: there is none, as of most records
    std::uint64_t count = 0;         // duplicates
    std::uint64_t suppressed = 0;    // by the kernel side, before these
  };
  std::uint64_t reported_ = 0;
  std::chrono::seconds window_;
  std::map<Key, Folded> folded_;
};

}  // namespace sockward
