#include "telemetry/diagnosis_counts.hpp"

namespace sockward {

bool DiagnosisCounts::add(Key key) {
  const std::lock_guard lock(mutex_);
  bool room = true;
  const bool fixed = key.container == "host" || key.container == "~other";
  if (!fixed && !containers_.contains(key.container) && containers_.size() >= cap_) {
    key.container = "~other";
    room = false;
  } else if (!fixed) {
    ++containers_[key.container];
  }
  ++counts_[std::move(key)];
  return room;
}

std::vector<std::pair<DiagnosisCounts::Key, std::uint64_t>> DiagnosisCounts::read() const {
  const std::lock_guard lock(mutex_);
  return {counts_.begin(), counts_.end()};
}

void DiagnosisCounts::forget(const std::string& container) {
  const std::lock_guard lock(mutex_);
  containers_.erase(container);
  std::erase_if(counts_, [&](const auto& entry) { return entry.first.container == container; });
}

}  // namespace sockward
