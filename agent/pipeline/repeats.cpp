#include "pipeline/repeats.hpp"

namespace sockward {

bool Repeats::fold(const Record& record) {
  if (window_.count() == 0 || !record.event.failed()) return false;
  const Actor& actor = record.event.actor;
  Key key{actor.tgid,          actor.leader_start_ns,  record.event.syscall,
          record.event.result, record.diagnosis.cause, subject_of(record)};
  const auto found = folded_.find(key);
  if (found == folded_.end()) {
    // A full table lets records through: nothing is lost, there are only more of them.
    if (folded_.size() < kKept) folded_.emplace(std::move(key), Folded{record.event.time, nullptr});
    return false;
  }
  found->second.latest = std::make_unique<Record>(record);
  ++found->second.count;
  found->second.suppressed += record.repeats;
  return true;
}

std::vector<Record> Repeats::due(MonotonicTime now, bool all) {
  const auto window = static_cast<std::uint64_t>(std::chrono::nanoseconds(window_).count());
  std::vector<Record> result;
  for (auto at = folded_.begin(); at != folded_.end();) {
    Folded& folded = at->second;
    if (!all && folded.since.ns + window > now.ns) {
      ++at;
      continue;
    }
    if (folded.latest) {
      folded.latest->repeats = folded.count - 1 + folded.suppressed;
      reported_ += folded.count;
      result.push_back(std::move(*folded.latest));
    }
    at = folded_.erase(at);
  }
  return result;
}

}  // namespace sockward
