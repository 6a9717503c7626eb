#include "probe/carry_over.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <cstring>

#include "base/log.hpp"

namespace sockward {
namespace {

using Bytes = std::vector<std::byte>;
using Cells = std::map<std::string, std::uint32_t>;

constexpr std::size_t kNamesSaid = 8;
constexpr const char *kCounters = "counters", *kSources = "failures_by_source", *kSettled = "settled";

int fd_of(const Maps& maps, const std::string& name) {
  const auto found = maps.find(name);
  return found == maps.end() ? -1 : found->second.get();
}

Result<bpf_map_info> info_of(int fd, const std::string& name) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) return last_error("look at the map " + name);
  return info;
}

/// The blocks of a pinned array, each of as many bytes as its layout says.
Result<std::vector<Bytes>> read_blocks(const Maps& maps, const std::string& name, std::uint32_t bytes) {
  const int fd = fd_of(maps, name);
  const auto info = info_of(fd, name);
  if (!info) return info.error();
  if (info->value_size != bytes)
    return make_error(std::errc::invalid_argument, "the map " + name + " has not the size of its layout");
  std::vector<Bytes> blocks(info->max_entries, Bytes(bytes));
  for (__u32 index = 0; index < info->max_entries; ++index)
    if (bpf_map_lookup_elem(fd, &index, blocks[index].data()) != 0) return last_error("read the map " + name);
  return blocks;
}

Result<bool> write_block(const Maps& maps, const std::string& name, __u32 index, const Bytes& block) {
  if (bpf_map_update_elem(fd_of(maps, name), &index, block.data(), BPF_ANY) != 0)
    return last_error("write the map " + name);
  return true;
}

/// Adds the blocks of an array, the last of which is the agents' own.
Result<bool> add_blocks(const CounterMaps& previous, const std::string& name, const CountsMapping& mapping,
                        Bytes& cpus, Bytes& own, LeftBehind& left) {
  const auto blocks = read_blocks(previous.maps, name, previous.layout.blocks.at("counters"));
  if (!blocks) return blocks.error();
  for (const Bytes& block : *blocks) mapping.add(block, &block == &blocks->back() ? own : cpus, left);
  return true;
}

Result<bool> carry_counters(const CounterMaps& previous, const CounterMaps& next, LeftBehind& left) {
  const CountsMapping mapping(previous.layout, next.layout, "counters");
  Bytes cpus(next.layout.blocks.at("counters")), own(cpus.size());
  for (const char* name : {kCounters, kCarried})
    if (previous.maps.contains(name))
      if (auto added = add_blocks(previous, name, mapping, cpus, own, left); !added) return added;
  if (auto written = write_block(next.maps, kCarried, 0, cpus); !written) return written;
  return write_block(next.maps, kCarried, 1, own);
}

/// Adds the entries of a table by container. A call or an error that the new layout does not have is said by
/// carry_counters(), which counts it too.
Result<bool> add_failures(const CounterMaps& previous, const std::string& name, const KeyMapping& mapping,
                          std::map<Bytes, std::uint64_t>& sums) {
  const int fd = fd_of(previous.maps, name);
  const auto info = info_of(fd, name);
  if (!info) return info.error();
  std::uint64_t count = 0;
  if (info->key_size != previous.layout.blocks.at("key") || info->value_size != sizeof(count))
    return make_error(std::errc::invalid_argument, "the map " + name + " has not the size of its layout");
  Bytes key(info->key_size), next(info->key_size);
  for (const void* last = nullptr; bpf_map_get_next_key(fd, last, next.data()) == 0; last = key.data()) {
    key = next;
    const auto translated = mapping.translate(key);
    if (translated && bpf_map_lookup_elem(fd, key.data(), &count) == 0) sums[*translated] += count;
  }
  return true;
}

Result<bool> carry_failures(const CounterMaps& previous, const CounterMaps& next) {
  const KeyMapping mapping(previous.layout, next.layout);
  std::map<Bytes, std::uint64_t> sums;
  for (const char* name : {kSources, kCarriedSources})
    if (previous.maps.contains(name))
      if (auto added = add_failures(previous, name, mapping, sums); !added) return added;
  for (const auto& [key, count] : sums)
    if (bpf_map_update_elem(fd_of(next.maps, kCarriedSources), key.data(), &count, BPF_ANY) != 0)
      return last_error("write the counts by container");
  return true;
}

std::uint64_t value_of(const Bytes& block, const Cells& cells, const std::string& name) {
  const auto cell = cells.find(name);
  std::uint64_t value = 0;
  if (cell != cells.end()) std::memcpy(&value, block.data() + cell->second, sizeof(value));
  return value;
}

void set(Bytes& block, const Cells& cells, const std::string& name, std::uint64_t value) {
  if (const auto cell = cells.find(name); cell != cells.end())
    std::memcpy(block.data() + cell->second, &value, sizeof(value));
}

/// Record numbers that were given out and that no agent is done with.
Result<std::uint64_t> records_open(const CounterMaps& previous, const std::vector<Bytes>& settled) {
  const auto blocks = read_blocks(previous.maps, kCounters, previous.layout.blocks.at("counters"));
  if (!blocks) return blocks.error();
  const Cells numbers = cells_of(previous.layout, "counters"), done = cells_of(previous.layout, "settled");
  std::uint64_t open = 0;
  for (std::size_t cpu = 0; cpu < std::min(blocks->size(), settled.size()); ++cpu)
    for (const auto& [name, offset] : done)
      if (name.starts_with("sequence{")) {
        const auto given = value_of((*blocks)[cpu], numbers, name);
        open += given - std::min(given, value_of(settled[cpu], done, name));
      }
  return open;
}

/// What was lost goes on; so do the records that were not written yet, which the new numbers do not fit.
Result<bool> carry_losses(const CounterMaps& previous, const CounterMaps& next, LeftBehind& left) {
  const auto settled = read_blocks(previous.maps, kSettled, previous.layout.blocks.at("settled"));
  if (!settled) return settled.error();
  const auto open = records_open(previous, *settled);
  if (!open) return open.error();
  const Cells from = cells_of(previous.layout, "settled"), to = cells_of(next.layout, "settled");
  const Bytes& theirs = settled->back();
  Bytes own(next.layout.blocks.at("settled"));
  for (const auto& [name, offset] : from) {
    if (!name.starts_with("lost{")) continue;
    const std::uint64_t count = value_of(theirs, from, name);
    if (!to.contains(name) && count != 0) left.names.insert(name), left.counts += count;
    set(own, to, name, count);
  }
  const std::uint64_t queue_full = value_of(theirs, from, "lost{queue_full}");
  const std::uint64_t dropped = std::min(queue_full, value_of(theirs, from, "dropped"));
  set(own, to, "lost{restart}",
      value_of(theirs, from, "lost{restart}") + value_of(theirs, from, "folded") + *open -
          std::min(*open, queue_full - dropped));
  set(own, to, "dropped", queue_full);
  const auto info = info_of(fd_of(next.maps, kSettled), kSettled);
  if (!info) return info.error();
  return write_block(next.maps, kSettled, info->max_entries - 1, own);
}

}  // namespace

Result<bool> make_carried(const CounterMaps& previous, const CountersLayout& layout, Maps& into) {
  std::uint32_t entries = 0;
  for (const char* name : {kSources, kCarriedSources}) {
    if (!previous.maps.contains(name)) continue;
    const auto info = info_of(fd_of(previous.maps, name), name);
    if (!info) return info.error();
    entries += info->max_entries;
  }
  LIBBPF_OPTS(bpf_map_create_opts, mapped, .map_flags = BPF_F_MMAPABLE);
  LIBBPF_OPTS(bpf_map_create_opts, as_needed, .map_flags = BPF_F_NO_PREALLOC);
  FileDescriptor blocks(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, kCarried, sizeof(__u32), layout.blocks.at("counters"), 2, &mapped));
  FileDescriptor sources(bpf_map_create(BPF_MAP_TYPE_HASH, kCarriedSources, layout.blocks.at("key"),
                                        sizeof(std::uint64_t), std::max(1U, entries), &as_needed));
  if (!blocks.valid() || !sources.valid()) return last_error("make maps for the previous counts");
  into[kCarried] = std::move(blocks);
  into[kCarriedSources] = std::move(sources);
  return true;
}

Result<bool> carry_over(const CounterMaps& previous, const CounterMaps& next) {
  LeftBehind left;
  if (auto done = carry_counters(previous, next, left); !done) return done;
  if (auto done = carry_failures(previous, next); !done) return done;
  if (auto done = carry_losses(previous, next, left); !done) return done;
  if (left.names.empty()) return true;
  std::string names;
  std::size_t said = 0;
  for (const auto& name : left.names)
    if (said++ < kNamesSaid) names.append(names.empty() ? "" : ", ").append(name);
  log_warn("the previous agent's counters hold what this version does not count, {} in all: {}{}",
           left.counts, names, left.names.size() > kNamesSaid ? ", …" : "");
  return true;
}

}  // namespace sockward
