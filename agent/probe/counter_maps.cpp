#include "probe/counter_maps.hpp"

#include <bpf/bpf.h>

#include <map>

#include "base/startup_error.hpp"

namespace sockward {
namespace {

static_assert(kFamilies == SOCKWARD_FAMILIES);
static_assert(kErrnoSlots <= SOCKWARD_SLOTS);
static_assert(NameChanges::kRoutes == SOCKWARD_VIAS);

std::uint64_t load(const __u64& counter) {
  return __atomic_load_n(&counter, __ATOMIC_RELAXED);
}

std::uint32_t row_of(std::size_t syscall, std::size_t family) {
  return sockward_row(static_cast<__u32>(syscall), static_cast<__u32>(family));
}

// Calls visit(syscall, family) once for each row of the counters.
template <class Visit>
void for_each_row(Visit visit) {
  for (std::size_t syscall = 0; syscall < kSyscalls; ++syscall) {
    if (!takes_socket(static_cast<Syscall>(syscall))) {
      visit(syscall, static_cast<std::size_t>(Family::none));
      continue;
    }
    for (std::size_t family = 0; family < kFamilies; ++family) visit(syscall, family);
  }
}

void add_name_changes(const __u64 (&counters)[SOCKWARD_VIAS][2], NameChanges& total) {
  for (std::size_t via = 0; via < SOCKWARD_VIAS; ++via) {
    auto& fields = total.by(static_cast<Via>(via));
    fields.hostname += load(counters[via][0]);
    fields.domainname += load(counters[via][1]);
  }
}

void add_block(const sockward_cpu_counters& block, KernelSnapshot& total) {
  for_each_row([&](std::size_t syscall, std::size_t family) {
    const auto& row = block.calls[row_of(syscall, family)];
    for (std::size_t slot = 0; slot < kErrnoSlots; ++slot)
      total.calls[syscall][family][slot] += load(row[slot]);
  });
  for (std::size_t i = 0; i < total.path_lengths.size(); ++i)
    total.path_lengths[i] += load(block.path_lengths[i]);
  add_name_changes(block.hostname_changes[SOCKWARD_SCOPE_CONTAINER], total.hostname_changes.container);
  add_name_changes(block.hostname_changes[SOCKWARD_SCOPE_HOST], total.hostname_changes.host);
  total.path_length_sum += load(block.path_length_sum);
  total.ring_full += load(block.ring_full);
  total.source_table_full += load(block.source_table_full);
  total.exec_arguments_unread += load(block.exec_arguments_unread);
  total.uts_created.clone += load(block.uts_created[0]);
  total.uts_created.unshare += load(block.uts_created[1]);
  total.names_bound.path += load(block.names_bound[0]);
  total.names_bound.other += load(block.names_bound[1]);
  total.names_new += load(block.names_new);
  total.suppressed += load(block.suppressed);
  for (const __u64& sequence : block.sequence) total.records += load(sequence);
}

SourceCount to_source_count(const sockward_source_key& key, std::uint64_t count) {
  SourceCount result{.container_key = key.container_key, .slot = key.slot, .count = count};
  if (key.row < SOCKWARD_SOCKET_ROWS) {
    result.syscall = static_cast<Syscall>(key.row / SOCKWARD_FAMILIES);
    result.family = static_cast<Family>(key.row % SOCKWARD_FAMILIES);
  } else {
    result.syscall = static_cast<Syscall>(key.row - SOCKWARD_SOCKET_ROWS + SOCKWARD_SOCKET_CALLS);
  }
  return result;
}

}  // namespace

CounterBlocks::CounterBlocks(int map_fd, std::uint32_t blocks) {
  auto mapped = MappedArray<sockward_cpu_counters>::map(map_fd, blocks, "map the counters");
  if (!mapped) throw failure(mapped.error().text(), "raise the memory limit of this process");
  blocks_ = std::move(*mapped);
}

KernelSnapshot CounterBlocks::snapshot() const {
  KernelSnapshot total;
  const auto all = blocks_.elements();
  for (const auto& block : all.first(all.size() - 1)) add_block(block, total);
  total.names_new += load(own().names_new);
  return total;
}

SourceTable::SourceTable(int map_fd, std::uint32_t entries, CounterBlocks& blocks)
    : map_fd_(map_fd), entries_(entries), blocks_(blocks) {}

Result<std::vector<std::pair<sockward_source_key, std::uint64_t>>> SourceTable::read_raw() const {
  std::vector<sockward_source_key> keys(entries_);
  std::vector<std::uint64_t> values(entries_);
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  __u32 count = entries_, position = 0;
  const int failed =
      bpf_map_lookup_batch(map_fd_, nullptr, &position, keys.data(), values.data(), &count, &options);
  if (failed != 0 && errno != ENOENT)
    return last_error("read the failures by container");  // ENOENT: that was all
  std::vector<std::pair<sockward_source_key, std::uint64_t>> result;
  result.reserve(count);
  for (__u32 i = 0; i < count; ++i)
    if (keys[i].row < SOCKWARD_ROWS && keys[i].slot < kErrnoSlots) result.emplace_back(keys[i], values[i]);
  return result;
}

Result<std::vector<SourceCount>> SourceTable::read() const {
  const std::lock_guard lock(mutex_);
  auto raw = read_raw();
  if (!raw) return raw.error();
  std::vector<SourceCount> result;
  result.reserve(raw->size());
  for (const auto& [key, value] : *raw) result.push_back(to_source_count(key, value));
  return result;
}

std::vector<SourceCount> SourceTable::retired() const {
  const std::lock_guard lock(mutex_);
  std::vector<SourceCount> result;
  for_each_row([&](std::size_t syscall, std::size_t family) {
    const auto& row = blocks_.own().calls[row_of(syscall, family)];
    for (std::uint16_t slot = 1; slot < kErrnoSlots; ++slot)
      if (load(row[slot]) != 0)
        result.push_back({.syscall = static_cast<Syscall>(syscall),
                          .family = static_cast<Family>(family),
                          .slot = slot,
                          .count = load(row[slot])});
  });
  return result;
}

KernelSource::Fate SourceTable::retire(std::uint64_t container_key, KernelSource::Fate fate) {
  const std::lock_guard lock(mutex_);
  const auto raw = read_raw();
  if (!raw) return fate;                                  // tried again at the next look
  std::map<std::pair<__u16, __u16>, std::uint64_t> host;  // by row and slot
  std::vector<std::pair<sockward_source_key, std::uint64_t>> own;
  for (const auto& [key, value] : *raw) {
    if (key.container_key == KernelSource::kHostKey) host[{key.row, key.slot}] = value;
    if (key.container_key == container_key) own.emplace_back(key, value);
  }
  if (fate == KernelSource::Fate::host) {
    // First everything there, then nothing here: a reader in between sees it all under the mutex.
    bool room = true;
    for (const auto& [key, value] : own) {
      const sockward_source_key to{
          .container_key = KernelSource::kHostKey, .row = key.row, .slot = key.slot, .reserved = 0};
      const std::uint64_t sum = host[{key.row, key.slot}] + value;
      room = room && bpf_map_update_elem(map_fd_, &to, &sum, BPF_ANY) == 0;
      if (room) bpf_map_delete_elem(map_fd_, &key);
    }
    if (room) return fate;
    fate = KernelSource::Fate::remember;
  }
  for (const auto& [key, value] : own)
    if (bpf_map_delete_elem(map_fd_, &key) == 0 && fate == KernelSource::Fate::remember)
      blocks_.own().calls[key.row][key.slot] += value;
  return fate;
}

}  // namespace sockward
