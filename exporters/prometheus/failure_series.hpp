#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "telemetry/kernel_counters.hpp"

namespace sockward {

/// What a series of failures is about, without its container.
struct FailureKind {
  Syscall syscall = Syscall::bind;
  Family family = Family::none;
  std::uint16_t slot = 0;
  auto operator<=>(const FailureKind&) const = default;
};

/// Turns the kernel's two levels of counters into series by container: bounded in number, and never
/// decreasing.
///
/// - A label gets series of its own while fewer than `cap` other labels have; else its container is folded
/// into
///   "~other" for as long as it lives. `host` is always shown and does not count.
/// - Counts of a cgroup that is gone stay with its label until no cgroup of the label is left and `ttl` has
/// passed;
///   then the series disappear.
/// - "~other" is what level (a) has and no label shows: also what the kernel's table had no room for.
/// Not thread-safe.
class FailureSeries {
 public:
  using Seconds = std::chrono::seconds;
  /// Finds the label of a container key; nullopt: unknown and gone.
  using LabelOf = std::function<std::optional<std::string>(std::uint64_t)>;
  using Exists = std::function<bool(std::uint64_t)>;
  using Table = std::map<std::pair<std::string, FailureKind>, std::uint64_t>;

  FailureSeries(std::size_t cap, Seconds ttl, LabelOf label_of, Exists exists)
      : cap_(cap), ttl_(ttl), label_of_(std::move(label_of)), exists_(std::move(exists)) {}

  struct Update {
    Table series;                      ///< by (container label, kind)
    std::vector<std::string> expired;  ///< labels whose series disappeared with this update
    std::uint64_t overflowed = 0;      ///< containers folded for want of room, since the last update
  };
  /// `now`: seconds of a monotonic clock. Retires keys of cgroups that are gone.
  Update update(KernelSource& kernel, Seconds now);

 private:
  struct Container {
    std::string label;  ///< "~other": folded
    bool folded = false;
  };
  struct Label {
    std::size_t keys = 0;                       ///< live cgroups with this label
    Seconds empty_since{0};                     ///< when the last one went
    std::map<FailureKind, std::uint64_t> gone;  ///< counts of cgroups that are gone
  };

  Container& admit(std::uint64_t key, std::uint64_t& overflowed);
  void drop_gone(KernelSource& kernel, const std::vector<SourceCount>& counts, Seconds now);
  void expire(Update& update, Seconds now);

  const std::size_t cap_;
  const Seconds ttl_;
  LabelOf label_of_;
  Exists exists_;
  std::unordered_map<std::uint64_t, Container> containers_;
  std::map<std::string, Label> labels_;
};

}  // namespace sockward
