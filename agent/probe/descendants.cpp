#include "probe/descendants.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>

#include "base/startup_error.hpp"

namespace sockward {
namespace {

/// As the programs have it (bpf/core/descendants.bpf.h).
struct Entry {
  __u64 leader_start_ns = 0, ended = 0;
};
constexpr __u32 kUntracked = 0;  ///< no process: its first number counts those that found no room

}  // namespace

void begin_descendants(const std::vector<ProbeStatus>& probes, int map_fd) {
  const auto fork = std::find_if(probes.begin(), probes.end(),
                                 [](const ProbeStatus& probe) { return probe.operation == "fork"; });
  if (fork == probes.end() || !fork->attached)
    throw failure("the processes that a command starts cannot be followed here: " +
                      (fork == probes.end() ? "no such probe" : fork->reason),
                  "start the command by itself and trace it with --comm, --pid or --container");
  const Entry none;
  if (bpf_map_update_elem(map_fd, &kUntracked, &none, BPF_ANY) != 0)
    throw failure(last_error("prepare the table of the command's processes").text(),
                  "raise the memory limit of this process");
}

Result<Descendants> read_descendants(int map_fd) {
  Descendants found;
  const __u32* after = nullptr;
  __u32 key = 0, next = 0;
  Entry entry;
  while (bpf_map_get_next_key(map_fd, after, &next) == 0) {
    if (next != kUntracked && bpf_map_lookup_elem(map_fd, &next, &entry) == 0)
      found.alive += entry.ended == 0;
    key = next;
    after = &key;
  }
  if (errno != ENOENT) return last_error("read the table of the command's processes");
  if (bpf_map_lookup_elem(map_fd, &kUntracked, &entry) != 0)
    return last_error("read how many processes were not followed");
  found.untracked = entry.leader_start_ns;
  return found;
}

}  // namespace sockward
