#include "probe/counter_maps.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <iterator>
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

constexpr std::array kInetFamilies{Family::inet, Family::inet6};

/// The row of TCP connects by how they ended.
std::uint32_t row_of(Family family) {
  return sockward_outcome_row(static_cast<__u32>(family));
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
  for (const Family family : kInetFamilies)
    for (std::size_t outcome = 0; outcome < kConnectOutcomes; ++outcome)
      total.connections[family == Family::inet6][outcome] += load(block.calls[row_of(family)][outcome]);
  total.connects_untracked += load(block.connects_untracked);
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

/// The programs write no other; a table of a previous agent may hold any.
bool is_known(const sockward_source_key& key) {
  return key.row < SOCKWARD_ROWS &&
         key.slot < (key.row < SOCKWARD_CALL_ROWS ? kErrnoSlots : kConnectOutcomes);
}

/// What each row counts, by slot 0.
const std::array<CountedKind, SOCKWARD_ROWS>& kinds_of_rows() {
  static const auto kKinds = [] {
    std::array<CountedKind, SOCKWARD_ROWS> kinds{};
    for_each_row([&](std::size_t syscall, std::size_t family) {
      kinds[row_of(syscall, family)] = {.syscall = static_cast<Syscall>(syscall),
                                        .family = static_cast<Family>(family)};
    });
    for (const Family family : kInetFamilies)
      kinds[row_of(family)] = {.syscall = Syscall::connect, .family = family, .is_outcome = true};
    return kinds;
  }();
  return kKinds;
}

SourceCount to_source_count(const sockward_source_key& key, std::uint64_t count) {
  SourceCount result{.container_key = key.container_key, .kind = kinds_of_rows()[key.row], .count = count};
  result.kind.slot = key.slot;
  return result;
}

}  // namespace

CounterBlocks::CounterBlocks(int map_fd, std::uint32_t blocks, int carried_fd) {
  const auto map = [](int fd, std::uint32_t elements) {
    auto mapped = MappedArray<sockward_cpu_counters>::map(fd, elements, "map the counters");
    if (!mapped) throw failure(mapped.error().text(), "raise the memory limit of this process");
    return std::move(*mapped);
  };
  blocks_ = map(map_fd, blocks);
  if (carried_fd >= 0) carried_ = map(carried_fd, 2);
}

const sockward_cpu_counters* CounterBlocks::carried_own() const {
  return carried_.elements().empty() ? nullptr : &carried_.elements().back();
}

KernelSnapshot CounterBlocks::snapshot() const {
  KernelSnapshot total;
  for (const auto blocks : {blocks_.elements(), carried_.elements()}) {
    if (blocks.empty()) continue;
    for (const auto& block : blocks.first(blocks.size() - 1)) add_block(block, total);
    total.names_new += load(blocks.back().names_new);
  }
  return total;
}

SourceTable::SourceTable(const std::vector<int>& map_fds, CounterBlocks& blocks) : blocks_(blocks) {
  std::copy_if(map_fds.begin(), map_fds.end(), std::back_inserter(map_fds_), [](int fd) { return fd >= 0; });
}

Result<SourceTable::Entries> SourceTable::read_raw(int map_fd) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(map_fd, &info, &size) != 0) return last_error("read the failures by container");
  std::vector<sockward_source_key> keys(info.max_entries);
  std::vector<std::uint64_t> values(info.max_entries);
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  __u32 count = info.max_entries, position = 0;
  const int failed =
      bpf_map_lookup_batch(map_fd, nullptr, &position, keys.data(), values.data(), &count, &options);
  if (failed != 0 && errno != ENOENT)
    return last_error("read the failures by container");  // ENOENT: that was all
  Entries result;
  result.reserve(count);
  for (__u32 i = 0; i < count; ++i)
    if (is_known(keys[i])) result.emplace_back(keys[i], values[i]);
  return result;
}

Result<std::vector<SourceCount>> SourceTable::read() const {
  const std::lock_guard lock(mutex_);
  std::vector<SourceCount> result;
  for (const int map_fd : map_fds_) {
    const auto raw = read_raw(map_fd);
    if (!raw) return raw.error();
    for (const auto& [key, value] : *raw) result.push_back(to_source_count(key, value));
  }
  return result;
}

std::vector<SourceCount> SourceTable::retired() const {
  const std::lock_guard lock(mutex_);
  std::vector<SourceCount> result;
  const sockward_cpu_counters* const carried = blocks_.carried_own();
  for (__u16 row = 0; row < SOCKWARD_ROWS; ++row)
    for (__u16 slot = 1; slot < kErrnoSlots; ++slot) {
      std::uint64_t count = load(blocks_.own().calls[row][slot]);
      if (carried != nullptr) count += load(carried->calls[row][slot]);
      if (count == 0) continue;
      sockward_source_key key{};
      key.row = row;
      key.slot = slot;
      result.push_back(to_source_count(key, count));
    }
  return result;
}

KernelSource::Fate SourceTable::retire(std::uint64_t container_key, KernelSource::Fate fate) {
  const std::lock_guard lock(mutex_);
  std::vector<Entries> tables;
  for (const int map_fd : map_fds_) {
    auto raw = read_raw(map_fd);
    if (!raw) return fate;  // tried again at the next look
    tables.push_back(std::move(*raw));
  }
  for (std::size_t table = 0; table < tables.size(); ++table)
    fate = retire_from(map_fds_[table], tables[table], container_key, fate);
  return fate;
}

KernelSource::Fate SourceTable::retire_from(int map_fd, const Entries& all, std::uint64_t container_key,
                                            KernelSource::Fate fate) {
  std::map<std::pair<__u16, __u16>, std::uint64_t> host;  // by row and slot
  Entries own;
  for (const auto& [key, value] : all) {
    if (key.container_key == KernelSource::kHostKey) host[{key.row, key.slot}] = value;
    if (key.container_key == container_key) own.emplace_back(key, value);
  }
  if (fate == KernelSource::Fate::host) {
    // First everything there, then nothing here: a reader in between sees it all under the mutex.
    bool room = true;
    for (const auto& [key, value] : own) {
      sockward_source_key to = key;
      to.container_key = KernelSource::kHostKey;
      const std::uint64_t sum = host[{key.row, key.slot}] + value;
      room = room && bpf_map_update_elem(map_fd, &to, &sum, BPF_ANY) == 0;
      if (room) bpf_map_delete_elem(map_fd, &key);
    }
    if (room) return fate;
    fate = KernelSource::Fate::remember;
  }
  for (const auto& [key, value] : own)
    if (bpf_map_delete_elem(map_fd, &key) == 0 && fate == KernelSource::Fate::remember)
      blocks_.own().calls[key.row][key.slot] += value;
  return fate;
}

}  // namespace sockward
