#include "prometheus/failure_series.hpp"

#include <set>

namespace sockward {
namespace {

constexpr const char* kHost = "host";
constexpr const char* kOther = "~other";

FailureKind kind_of(const SourceCount& count) {
  return {count.syscall, count.family, count.slot};
}

std::map<FailureKind, std::uint64_t> all_failures(const KernelSnapshot& snapshot) {
  std::map<FailureKind, std::uint64_t> all;
  for (std::size_t syscall = 0; syscall < kSyscalls; ++syscall)
    for (std::size_t family = 0; family < kFamilies; ++family)
      for (std::uint16_t slot = 1; slot < kErrnoSlots; ++slot)
        if (const auto count = snapshot.calls[syscall][family][slot]; count != 0)
          all[{static_cast<Syscall>(syscall), static_cast<Family>(family), slot}] = count;
  return all;
}

}  // namespace

FailureSeries::Container& FailureSeries::admit(std::uint64_t key, std::uint64_t& overflowed) {
  if (const auto known = containers_.find(key); known != containers_.end()) return known->second;
  const auto name = key == KernelSource::kHostKey ? std::optional<std::string>(kHost) : label_of_(key);
  Container container{.label = name.value_or(kOther), .folded = !name};
  if (name) {
    const bool shown = labels_.contains(*name) || *name == kHost;
    const std::size_t others = labels_.size() - labels_.count(kHost);
    if (!shown && others >= cap_) {
      container = {.label = kOther, .folded = true};
      ++overflowed;
    } else {
      ++labels_[*name].keys;
    }
  }
  return containers_.emplace(key, std::move(container)).first->second;
}

void FailureSeries::drop_gone(KernelSource& kernel, const std::vector<SourceCount>& counts, Seconds now) {
  std::set<std::uint64_t> gone;
  for (const auto& [key, container] : containers_)
    if (key != KernelSource::kHostKey && !exists_(key)) gone.insert(key);
  for (const std::uint64_t key : gone) {
    const Container container = containers_.at(key);
    containers_.erase(key);
    using Fate = KernelSource::Fate;
    const Fate fate = kernel.retire(key, container.folded           ? Fate::forget
                                         : container.label == kHost ? Fate::host
                                                                    : Fate::remember);
    if (container.folded) continue;
    Label& label = labels_[container.label];
    for (const auto& count : counts)
      if (count.container_key == key && fate == Fate::remember) label.gone[kind_of(count)] += count.count;
    if (--label.keys == 0) label.empty_since = now;
  }
}

void FailureSeries::expire(Update& update, Seconds now) {
  for (auto label = labels_.begin(); label != labels_.end();) {
    if (label->second.keys == 0 && now - label->second.empty_since >= ttl_ && label->first != kHost) {
      update.expired.push_back(label->first);
      label = labels_.erase(label);
    } else {
      ++label;
    }
  }
}

FailureSeries::Update FailureSeries::update(KernelSource& kernel, Seconds now) {
  Update update;
  const auto counts = kernel.failures_by_source();
  if (counts) {
    for (const auto& count : *counts) admit(count.container_key, update.overflowed);
    drop_gone(kernel, *counts, now);
  }
  expire(update, now);
  // What is shown by name now, and what was once: the rest of level (a) is ~other. Read (b) before (a), so
  // that the difference is never negative.
  std::map<FailureKind, std::uint64_t> named;
  const auto live = kernel.failures_by_source();
  if (live)
    for (const auto& count : *live) {
      const Container& container = admit(count.container_key, update.overflowed);
      if (container.folded || count.count == 0) continue;
      update.series[{container.label, kind_of(count)}] += count.count;
      named[kind_of(count)] += count.count;
    }
  for (const auto& count : kernel.retired()) named[kind_of(count)] += count.count;
  for (const auto& [label, state] : labels_)
    for (const auto& [kind, count] : state.gone) update.series[{label, kind}] += count;
  if (!live) return update;
  for (const auto& [kind, count] : all_failures(kernel.snapshot()))
    if (const std::uint64_t shown = named[kind]; count > shown) update.series[{kOther, kind}] = count - shown;
  return update;
}

}  // namespace sockward
