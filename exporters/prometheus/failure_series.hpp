#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "telemetry/kernel_counters.hpp"

namespace sockward {

/// The kernel's counts by container, read for one scrape.
struct FailureCounters {
  Result<std::vector<SourceCount>> by_container;  ///< level (b)
  std::vector<SourceCount> retired;               ///< what was removed from it
  KernelSnapshot all;                             ///< level (a): never less than the two others together
};
/// Reads each of them once.
FailureCounters read_counters(const KernelSource& kernel);

/// Turns the kernel's two levels of counters into series by container: bounded in number, and never
/// decreasing. Not thread-safe.
///
/// - A label gets series of its own while fewer than `cap` other labels have them; otherwise its container
///   is folded into "~other" for as long as it lives. `host` is always shown and does not count.
///
/// - Counts of a cgroup that is gone stay with its label until no cgroup of the label is left and `ttl`
///   has passed; then the series disappear.
///
/// - "~other" is what level (a) has and no label shows: also what the kernel's table had no room for.
class FailureSeries {
 public:
  using Seconds = std::chrono::seconds;
  /// Finds the label of a container key; nullopt: unknown and gone.
  using LabelOf = std::function<std::optional<std::string>(std::uint64_t)>;
  using Exists = std::function<bool(std::uint64_t)>;
  struct Series {
    std::string_view container;  ///< valid until the next upkeep()
    CountedKind kind;
    std::uint64_t count = 0;
  };
  using Table = std::vector<Series>;

  FailureSeries(std::size_t cap, Seconds ttl, LabelOf label_of, Exists exists)
      : cap_(cap), ttl_(ttl), label_of_(std::move(label_of)), exists_(std::move(exists)) {}

  /// Makes room: retires keys of cgroups that are gone, and lets labels expire. Call it every few seconds,
  /// scraped or not: it also learns the names of new containers while they live. Returns the labels whose
  /// series disappeared. `now`: seconds of a monotonic clock.
  std::vector<std::string> upkeep(KernelSource& kernel, Seconds now);
  /// The series as they are now, each once, those of a container together.
  Table read(const FailureCounters& counters);
  /// Containers aggregated into ~other because the cap was reached, ever.
  std::uint64_t overflowed() const { return overflowed_; }

 private:
  using Counts = std::vector<std::pair<CountedKind, std::uint64_t>>;  // few: searched from the front
  struct Label {
    std::size_t keys = 0;    ///< live cgroups with this label
    Seconds empty_since{0};  ///< when the last one went
    Counts gone;             ///< of cgroups that are gone
    Counts shown;            ///< being summed up by read()
  };
  using Labels = std::map<std::string, Label>;
  /// The label of a cgroup, whose node stays while it has keys; nullopt: it is folded into "~other".
  using Container = std::optional<Labels::iterator>;

  Container admit(std::uint64_t key);
  static void add(Counts& counts, CountedKind kind, std::uint64_t count);
  void drop_gone(KernelSource& kernel, const std::vector<SourceCount>& counts, Seconds now);
  std::vector<std::string> expire(Seconds now);

  const std::size_t cap_;
  const Seconds ttl_;
  LabelOf label_of_;
  Exists exists_;
  std::uint64_t overflowed_ = 0;
  std::unordered_map<std::uint64_t, Container> containers_;
  Labels labels_;
};

}  // namespace sockward
