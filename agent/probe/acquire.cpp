#include "probe/acquire.hpp"

#include <bpf/bpf.h>

#include <algorithm>
#include <cstddef>
#include <set>
#include <vector>

#include "base/log.hpp"
#include "base/startup_error.hpp"
#include "probe/active_generation.hpp"
#include "probe/carry_over.hpp"
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
  return pinned.layout && *pinned.layout == own_layout() && may_adopt(pinned.identity, wanted) &&
         attached == programs_of(plan) && map_sizes_match(options, pinned.side.maps);
}

void remove_all_but(const PinFolder& pins, std::uint32_t generation) {
  if (const auto removed = pins.remove_all_but(generation); !removed)
    throw failure(removed.error().text(), "run `sockward detach` to start over");
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

/// What a previous agent has left, and how far this one goes on with it.
struct Previous {
  std::uint32_t generation = 0, active_offset = 0;
  Maps maps;
  std::optional<CountersLayout> layout;  ///< nullopt: not known here, nothing is gone on with

  bool same_layout() const { return layout && *layout == own_layout(); }
  bool must_be_carried() const { return layout && !same_layout(); }
  /// Is what lies in maps beside the counters of the same kind?
  bool same_records() const { return layout && layout->records == own_layout().records; }
};

/// Maps whose content depends on the layout of the counters, or on numbers of records given out in them.
bool is_of_layout(const std::string& name) {
  static const std::set<std::string> kNames{"counters",      "settled",      "failures_by_source",
                                            "storm_sources", kRing,          "active",
                                            kCarried,        kCarriedSources};
  return kNames.contains(name);
}

Inheritance inheritance_of(const Previous& previous) {
  Inheritance inherited{.maps = {}, .generation = previous.generation};
  if (previous.same_records())
    for (const auto& [name, map] : previous.maps)
      if (previous.same_layout() || !is_of_layout(name)) inherited.maps[name] = map.get();
  if (!previous.layout) return inherited;
  // The word that the previous programs go by: of counters before theirs, or of their own.
  const bool of_others = previous.active_offset != 0;
  inherited.active_offset = previous.active_offset;
  if (!of_others && previous.must_be_carried())
    inherited.active_offset = previous.layout->find("counters.generation")->offset;
  if (const auto map = previous.maps.find(of_others ? "active" : "counters");
      inherited.active_offset != 0 && map != previous.maps.end())
    inherited.maps["active"] = map->second.get();
  return inherited;
}

/// Tables whose size is a setting go on in those of another size. Counts by container that find no room are
/// of "~other", and so is what the previous programs count from now until the new ones are active.
void copy_tables(const Previous& previous, const Maps& ours) {
  for (const std::string name : {"failures_by_source", "bound_names"})
    if (previous.same_records() && (previous.same_layout() || !is_of_layout(name)) &&
        differs(previous.maps, ours, name))
      copy_entries(previous.maps.at(name).get(), ours.at(name).get());
}

/// What the new side has beside the maps of its programs: what was carried over before, or room for that.
void add_carried(Previous& previous, Maps& ours) {
  if (previous.must_be_carried()) {
    const auto made = make_carried({*previous.layout, previous.maps}, own_layout(), ours);
    if (!made) throw failure(made.error().text(), "raise the memory limit of this process");
  } else if (previous.same_layout()) {
    for (const char* name : {kCarried, kCarriedSources})
      if (const auto map = previous.maps.find(name); map != previous.maps.end())
        ours[name] = std::move(map->second);
  }
}

/// The programs of `next` are active: what the previous ones have counted can be taken over.
void carry(const CounterMaps& previous, const CounterMaps& next) {
  auto done = wait_for_running_programs();
  if (done) done = carry_over(previous, next);
  if (!done)
    throw failure("cannot take over the previous agent's counts: " + done.error().text(),
                  "run `sockward detach` to start over");
}

/// An agent that died while it took over may not have come to its end: that comes first.
void finish_carrying(const PinFolder& pins, const Pinned& pinned) {
  if (pinned.identity.hand_over.carries_from == 0 || !pinned.layout) return;
  const auto before = pins.read(pinned.identity.hand_over.carries_from);
  if (!before || !before->layout) return;
  activate(pinned.side, *pinned.layout);
  carry({*before->layout, before->side.maps}, {*pinned.layout, pinned.side.maps});
  remove_all_but(pins, pinned.side.generation);
  log_info("finished taking over the counts of the agent before the previous one");
}

void adopt(Acquired& result, Pinned pinned, const std::vector<OperationPlan>& plan) {
  result.side = std::move(pinned.side);
  for (const auto& operation : plan)
    result.side.probes.push_back({.operation = operation.operation,
                                  .backend = operation.backend,
                                  .attached = operation.backend != Backend::none,
                                  .reason = operation.reason,
                                  .optional = operation.optional});
  // A previous agent may have died between attaching these and activating them.
  activate(result.side, own_layout());
  remove_all_but(*result.pins, result.side.generation);
  result.adopted = true;
}

/// Loads and attaches what is wanted beside what `previous` has left, and goes on with it.
void replace(Acquired& result, const ProbeOptions& options, const KernelFeatures& features,
             Previous& previous) {
  const Inheritance inherited = inheritance_of(previous);
  result.names_kept = previous.same_records() && previous.maps.contains("bound_names");
  result.side = load_programs(options, features, inherited, [&](KernelSide& side) {
    copy_tables(previous, side.maps);
    add_carried(previous, side.maps);
    if (!result.pins) return;
    const auto settings = make_settings(options, features, side.generation);
    auto identity = identity_of(side, settings, objects_hash());
    if (previous.must_be_carried()) identity.hand_over.carries_from = previous.generation;
    if (const auto done = result.pins->store(side, identity); !done) result.not_pinned = done.error().text();
  });
  if (previous.must_be_carried()) {
    carry({*previous.layout, previous.maps}, {own_layout(), result.side.maps});
    log_info("the previous agent's counters have another layout: counts taken over by name");
  } else if (differs(previous.maps, result.side.maps, kRing)) {
    result.previous_ring = std::move(previous.maps[kRing]);
  }
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
  Previous previous;
  if (result.pins) {
    const auto plan = plan_of(options, features);
    const auto wanted = identity_of(KernelSide(), make_settings(options, features, 0), objects_hash());
    if (auto pinned = result.pins->read()) {
      finish_carrying(*result.pins, *pinned);
      if (fits(*pinned, wanted, plan, options)) {
        adopt(result, std::move(*pinned), plan);
        report_missing(result.side.probes, options.strict);
        return result;
      }
      previous = {.generation = pinned->side.generation,
                  .active_offset = pinned->side.active_offset,
                  .maps = std::move(pinned->side.maps),
                  .layout = std::move(pinned->layout)};
      result.begun_anew = !previous.layout;
      if (result.begun_anew)
        log_warn("the previous agent's counters have a layout that is not known here: counters reset");
    }
  }
  replace(result, options, features, previous);
  if (result.pins) remove_all_but(*result.pins, result.not_pinned.empty() ? result.side.generation : 0);
  if (!result.not_pinned.empty()) result.pins.reset();
  return result;
}

}  // namespace sockward
