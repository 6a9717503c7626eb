#include "probe/acquire.hpp"

#include <bpf/bpf.h>
#include <sockward/counters.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <vector>

#include "base/log.hpp"
#include "base/startup_error.hpp"
#include "probe/active_generation.hpp"
#include "probe/embedded_object.hpp"

namespace sockward {
namespace {

constexpr const char* kRing = "events";

std::set<std::string> programs_of(const std::vector<OperationPlan>& plan) {
  std::set<std::string> names;
  for (const auto& operation : plan) names.insert(operation.programs.begin(), operation.programs.end());
  return names;
}

/// Is the pinned side what these options and this kernel would give?
bool fits(const Pinned& pinned, const PinIdentity& wanted, const std::vector<OperationPlan>& plan,
          const ProbeOptions& options) {
  std::set<std::string> attached;
  for (const auto& attachment : pinned.side.attachments) attached.insert(attachment.program);
  return may_adopt(pinned.identity, wanted) && attached == programs_of(plan) &&
         map_sizes_match(options, pinned.side.maps);
}

std::uint32_t id_of(int map_fd) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  return bpf_obj_get_info_by_fd(map_fd, &info, &size) == 0 ? info.id : 0;
}

/// Is there a previous map of this name, and is ours another one?
bool differs(const Maps& previous, const Maps& ours, const std::string& name) {
  const auto theirs = previous.find(name), own = ours.find(name);
  return theirs != previous.end() && own != ours.end() &&
         id_of(theirs->second.get()) != id_of(own->second.get());
}

/// A hash table's entries, as far as they find room. Another version's, of another layout, are left behind.
void copy_entries(int from, int to) {
  bpf_map_info info{}, ours{};
  __u32 size = sizeof(info);
  if (bpf_obj_get_info_by_fd(from, &info, &size) != 0 || bpf_obj_get_info_by_fd(to, &ours, &size) != 0 ||
      info.key_size != ours.key_size || info.value_size != ours.value_size)
    return;
  std::vector<std::byte> key(info.key_size), next(info.key_size), value(info.value_size);
  for (const void* last = nullptr; bpf_map_get_next_key(from, last, next.data()) == 0; last = key.data()) {
    if (bpf_map_lookup_elem(from, next.data(), value.data()) == 0)
      bpf_map_update_elem(to, next.data(), value.data(), BPF_ANY);
    key = next;
  }
}

/// Tables whose size is a setting go on in those of another size. Counts by container that find no room are
/// of "~other", and so is what the previous programs count from now until it is the new ones' turn.
void copy_tables(const Maps& previous, const Maps& ours) {
  for (const std::string name : {"failures_by_source", "bound_names"})
    if (differs(previous, ours, name)) copy_entries(previous.at(name).get(), ours.at(name).get());
}

void adopt(Acquired& result, Pinned pinned, const std::vector<OperationPlan>& plan) {
  result.side = std::move(pinned.side);
  for (const auto& operation : plan)
    result.side.probes.push_back({.operation = operation.operation,
                                  .backend = operation.backend,
                                  .attached = operation.backend != Backend::none,
                                  .reason = operation.reason,
                                  .optional = operation.optional});
  // A previous agent may have died between attaching these and giving them their turn.
  const auto active =
      activate_generation(result.side.map("counters"),
                          static_cast<std::uint32_t>(libbpf_num_possible_cpus()) + 1, result.side.generation);
  if (!active) throw failure(active.error().text(), "raise the memory limit of this process");
  result.pins->remove_all_but(result.side.generation);
  result.adopted = true;
}

}  // namespace

Acquired acquire_kernel_side(const ProbeOptions& options, const KernelFeatures& features) {
  Acquired result;
  if (options.pin_path.empty()) {
    result.not_pinned = "--restart.pin-path=off";
  } else if (auto folder = PinFolder::open(options.pin_path); folder) {
    result.pins.emplace(std::move(*folder));
  } else {
    result.not_pinned = folder.error().text();
  }
  Inheritance inherited;
  Maps unusable;  // of another layout
  if (result.pins) {
    const auto plan = plan_of(options, features);
    const auto wanted =
        identity_of(KernelSide(), make_settings(options, features.own_types, 0), objects_hash());
    if (auto pinned = result.pins->read()) {
      if (fits(*pinned, wanted, plan, options)) {
        adopt(result, std::move(*pinned), plan);
        report_missing(result.side.probes, options.strict);
        return result;
      }
      inherited.generation = pinned->side.generation;
      result.begun_anew = pinned->identity.head.counters_version != SOCKWARD_COUNTERS_VERSION;
      (result.begun_anew ? unusable : inherited.maps) = std::move(pinned->side.maps);
      if (result.begun_anew) log_warn("the previous agent's counters have another layout: counters reset");
    }
  }
  result.side = load_programs(options, features, inherited, [&](const KernelSide& side) {
    if (!result.pins) return;
    copy_tables(inherited.maps, side.maps);
    const auto settings = make_settings(options, features.own_types, side.generation);
    if (const auto done = result.pins->store(side, identity_of(side, settings, objects_hash())); !done)
      result.not_pinned = done.error().text();
  });
  if (auto& maps = result.begun_anew ? unusable : inherited.maps; differs(maps, result.side.maps, kRing))
    result.previous_ring = std::move(maps[kRing]);
  if (result.pins) result.pins->remove_all_but(result.not_pinned.empty() ? result.side.generation : 0);
  if (!result.not_pinned.empty()) result.pins.reset();
  return result;
}

}  // namespace sockward
