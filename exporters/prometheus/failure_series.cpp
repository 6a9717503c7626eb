#include "prometheus/failure_series.hpp"

#include <algorithm>

namespace sockward {
namespace {

constexpr const char* kHost = "host";
constexpr const char* kOther = "~other";

/// All that is counted by container, over all of them.
std::map<CountedKind, std::uint64_t> all_counts(const KernelSnapshot& snapshot) {
  std::map<CountedKind, std::uint64_t> all;
  for (std::size_t syscall = 0; syscall < kSyscalls; ++syscall)
    for (std::size_t family = 0; family < kFamilies; ++family)
      for (std::uint16_t slot = 1; slot < kErrnoSlots; ++slot)
        if (const auto count = snapshot.calls[syscall][family][slot]; count != 0)
          all[{static_cast<Syscall>(syscall), static_cast<Family>(family), slot}] = count;
  for (const Family family : {Family::inet, Family::inet6})
    for (std::uint16_t outcome = 1; outcome < kConnectOutcomes; ++outcome)
      if (const auto count = snapshot.connections[family == Family::inet6][outcome]; count != 0)
        all[{Syscall::connect, family, outcome, true}] = count;
  return all;
}

}  // namespace

FailureCounters read_counters(const KernelSource& kernel) {
  // (b) before (a), so that the difference is never negative.
  auto by_container = kernel.failures_by_source();
  auto retired = kernel.retired();
  return {std::move(by_container), std::move(retired), kernel.snapshot()};
}

FailureSeries::Container FailureSeries::admit(std::uint64_t key) {
  if (const auto known = containers_.find(key); known != containers_.end()) return known->second;
  Container container;
  if (const auto name = key == KernelSource::kHostKey ? std::optional<std::string>(kHost) : label_of_(key)) {
    const bool shown = labels_.contains(*name) || *name == kHost;
    const std::size_t others = labels_.size() - labels_.count(kHost);
    if (!shown && others >= cap_) {
      ++overflowed_;
    } else {
      container = labels_.try_emplace(*name).first;
      ++(*container)->second.keys;
    }
  }
  containers_.emplace(key, container);
  return container;
}

void FailureSeries::add(Counts& counts, CountedKind kind, std::uint64_t count) {
  const auto known =
      std::find_if(counts.begin(), counts.end(), [&](const auto& one) { return one.first == kind; });
  if (known != counts.end())
    known->second += count;
  else
    counts.emplace_back(kind, count);
}

void FailureSeries::drop_gone(KernelSource& kernel, const std::vector<SourceCount>& counts, Seconds now) {
  using Fate = KernelSource::Fate;
  std::unordered_map<std::uint64_t, Container> remembered;
  std::erase_if(containers_, [&](const auto& entry) {
    const auto& [key, container] = entry;
    if (key == KernelSource::kHostKey || exists_(key)) return false;
    const Fate fate = kernel.retire(key, !container                     ? Fate::forget
                                         : (*container)->first == kHost ? Fate::host
                                                                        : Fate::remember);
    if (!container) return true;
    if (fate == Fate::remember) remembered.emplace(key, container);
    Label& label = (*container)->second;
    if (--label.keys == 0) label.empty_since = now;
    return true;
  });
  for (const auto& count : counts)
    if (const auto found = remembered.find(count.container_key); found != remembered.end())
      add((*found->second)->second.gone, count.kind, count.count);
}

std::vector<std::string> FailureSeries::expire(Seconds now) {
  std::vector<std::string> expired;
  for (auto label = labels_.begin(); label != labels_.end();) {
    if (label->second.keys == 0 && now - label->second.empty_since >= ttl_ && label->first != kHost) {
      expired.push_back(label->first);
      label = labels_.erase(label);
    } else {
      ++label;
    }
  }
  return expired;
}

std::vector<std::string> FailureSeries::upkeep(KernelSource& kernel, Seconds now) {
  if (const auto counts = kernel.failures_by_source()) {
    for (const auto& count : *counts) admit(count.container_key);
    drop_gone(kernel, *counts, now);
  }
  return expire(now);
}

FailureSeries::Table FailureSeries::read(const FailureCounters& counters) {
  // What is shown by name now, and what was once: the rest of level (a) is ~other.
  Table series;
  std::map<CountedKind, std::uint64_t> named;
  for (auto& [name, label] : labels_) label.shown = label.gone;
  if (counters.by_container)
    for (const auto& count : *counters.by_container) {
      const Container container = admit(count.container_key);
      if (!container || count.count == 0) continue;
      add((*container)->second.shown, count.kind, count.count);
      named[count.kind] += count.count;
    }
  for (const auto& count : counters.retired) named[count.kind] += count.count;
  for (auto& [name, label] : labels_) {
    std::sort(label.shown.begin(), label.shown.end());
    for (const auto& [kind, count] : label.shown) series.push_back({name, kind, count});
  }
  if (!counters.by_container) return series;
  for (const auto& [kind, count] : all_counts(counters.all))
    if (const std::uint64_t shown = named[kind]; count > shown)
      series.push_back({kOther, kind, count - shown});
  return series;
}

}  // namespace sockward
