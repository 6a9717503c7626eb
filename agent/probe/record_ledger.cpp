#include "probe/record_ledger.hpp"

#include <bpf/bpf.h>
#include <sockward/counters.h>

#include <algorithm>

#include "base/result.hpp"
#include "base/startup_error.hpp"

namespace sockward {

RecordLedger::RecordLedger(int settled_fd, std::uint32_t blocks, std::vector<std::uint64_t> given)
    : given_(std::move(given)) {
  auto mapped = MappedArray<sockward_settled>::map(settled_fd, blocks, "map the record numbers");
  if (!mapped) throw failure(mapped.error().text(), "raise the memory limit of this process");
  settled_ = std::move(*mapped);
  given_.resize(std::size_t{blocks} * SOCKWARD_PROBES);
  for (const sockward_settled& block : settled_.elements())
    seen_.insert(seen_.end(), std::begin(block.sequence), std::end(block.sequence));
  handled_ = seen_;
  skips_.resize(seen_.size());
  sockward_settled& common = settled_.elements().back();
  lost_ = common.lost[SOCKWARD_LOST_RESTART] + common.folded;  // no record will report those any more
  common.lost[SOCKWARD_LOST_RESTART] = lost_;
  common.folded = 0;
  lost_settled_ = lost_;
  const std::uint64_t queue_full = common.lost[SOCKWARD_LOST_QUEUE_FULL];
  dropped_ = std::min<std::uint64_t>(queue_full, common.dropped);
  drops_to_show_ = drops_to_settle_ = queue_full - dropped_;
}

std::uint64_t* RecordLedger::number(std::vector<std::uint64_t>& numbers, const RecordNumber& record) const {
  const std::size_t index = record.cpu * std::size_t{SOCKWARD_PROBES} + record.probe;
  return record.probe < SOCKWARD_PROBES && index < numbers.size() ? &numbers[index] : nullptr;
}

bool RecordLedger::admit(const RecordNumber& record) {
  const std::lock_guard lock(mutex_);
  std::uint64_t* seen = number(seen_, record);
  if (seen == nullptr) return true;
  if (record.sequence <= *seen) return false;
  if (record.sequence > *seen + 1 && !complete_)
    miss(static_cast<std::size_t>(seen - seen_.data()), *seen, record.sequence - 1);
  *seen = record.sequence;
  return true;
}

/// The numbers behind `after`, up to `to`, will not come any more.
void RecordLedger::miss(std::size_t index, std::uint64_t after, std::uint64_t to) {
  skips_[index] = {.after = after, .to = to};
  const std::uint64_t gap = to - after, drops = std::min(gap, drops_to_show_);
  drops_to_show_ -= drops;
  lost_ += gap - drops;
}

/// All records before a skip are done with, and so is the skip.
void RecordLedger::pass_skip(std::size_t index) {
  const auto [after, to] = skips_[index];
  if (handled_[index] < after || handled_[index] >= to) return;
  const std::uint64_t gap = to - after, drops = std::min(gap, drops_to_settle_);
  drops_to_settle_ -= drops;
  dropped_ += drops;
  lost_settled_ += gap - drops;
  handled_[index] = to;
}

void RecordLedger::drained() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(complete_, true)) return;
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    if (given_[i] <= seen_[i]) continue;
    miss(i, seen_[i], given_[i]);
    seen_[i] = given_[i];
  }
}

void RecordLedger::lose(std::uint64_t records) {
  const std::lock_guard lock(mutex_);
  lost_ += records;
  lost_settled_ += records;
}

std::uint64_t RecordLedger::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void RecordLedger::handled(const RecordNumber& record) {
  const std::lock_guard lock(mutex_);
  std::uint64_t* handled = number(handled_, record);
  if (handled == nullptr) return;
  // Numbers in between were admitted and found no room in the queue, but for those of a skip.
  const auto index = static_cast<std::size_t>(handled - handled_.data());
  const Skip& skip = skips_[index];
  if (record.sequence > skip.to && *handled < skip.after) {
    dropped_ += skip.after - *handled;
    *handled = skip.after;
  }
  if (record.sequence > skip.to) pass_skip(index);
  if (record.sequence > *handled) dropped_ += record.sequence - *handled - 1;
  *handled = record.sequence;
}

void RecordLedger::folded(std::int64_t records) {
  const std::lock_guard lock(mutex_);
  folded_ += static_cast<std::uint64_t>(records);
}

std::vector<std::uint64_t> numbers_given(int counters_fd, std::uint32_t blocks) {
  std::vector<std::uint64_t> given;
  const auto counters = std::make_unique<sockward_cpu_counters>();
  for (std::uint32_t cpu = 0; cpu < blocks; ++cpu) {
    if (bpf_map_lookup_elem(counters_fd, &cpu, counters.get()) != 0) *counters = {};
    given.insert(given.end(), std::begin(counters->sequence), std::end(counters->sequence));
  }
  return given;
}

Losses RecordLedger::previous_losses() const {
  const auto& lost = settled_.elements().back().lost;
  return {.queue_full = lost[SOCKWARD_LOST_QUEUE_FULL],
          .decode = lost[SOCKWARD_LOST_DECODE],
          .output = lost[SOCKWARD_LOST_OUTPUT]};
}

void RecordLedger::publish(const Losses& losses) {
  const std::lock_guard lock(mutex_);
  sockward_settled& common = settled_.elements().back();
  common.lost[SOCKWARD_LOST_QUEUE_FULL] = losses.queue_full;
  common.lost[SOCKWARD_LOST_DECODE] = losses.decode;
  common.lost[SOCKWARD_LOST_OUTPUT] = losses.output;
  for (std::size_t i = 0; i < handled_.size(); ++i)
    if (handled_[i] == skips_[i].after && seen_[i] == skips_[i].to) pass_skip(i);  // nothing came behind it
  // First what was lost, then the numbers: who dies in between counts twice rather than not at all.
  common.lost[SOCKWARD_LOST_RESTART] = lost_settled_;
  common.dropped = std::min<std::uint64_t>(dropped_, losses.queue_full);
  for (std::size_t i = 0; i < handled_.size(); ++i) {
    auto& settled = settled_.elements()[i / SOCKWARD_PROBES].sequence[i % SOCKWARD_PROBES];
    if (settled != handled_[i]) __atomic_store_n(&settled, handled_[i], __ATOMIC_RELEASE);
  }
  __atomic_store_n(&common.folded, folded_, __ATOMIC_RELEASE);
}

}  // namespace sockward
