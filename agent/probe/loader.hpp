#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "probe/counters_layout.hpp"
#include "probe/kernel_features.hpp"
#include "probe/kernel_side.hpp"
#include "probe/probe_options.hpp"

struct sockward_settings;

namespace sockward {

/// What a previous agent has left, for the new programs to go on with.
struct Inheritance {
  std::map<std::string, int> maps;  ///< not owned; used where they are of the same kind and size
  std::uint32_t generation = 0;     ///< of the previous programs; they count until the new ones are attached
  /// Where the active generation is in the map `active` of these: KernelSide::active_offset.
  std::uint32_t active_offset = 0;
};

/// What would be loaded, without loading it.
std::vector<OperationPlan> plan_of(const ProbeOptions& options, const KernelFeatures& features);

/// The settings of the programs (read-only data), from the options. `own_types`: KernelFeatures::own_types.
sockward_settings make_settings(const ProbeOptions& options, const KernelFeatures& features,
                                std::uint32_t generation);

/// Loads and attaches what the kernel takes. A program that the verifier or the attachment refuses sends its
/// operation to its fall-back: the object is opened and loaded again, three times at most; of the form that
/// casts (embedded_object.hpp) the first refusal leads to the other form. Then the new programs are
/// activated. `before_active` is called in between, with everything attached. Throws StartupError: refused
/// three times, or (with options.strict) a probe that is missing.
KernelSide load_programs(const ProbeOptions& options, const KernelFeatures& features,
                         const Inheritance& inherited,
                         const std::function<void(KernelSide&)>& before_active = {});

/// Activates the programs of this side, whose counters are laid out like this. Throws StartupError.
void activate(const KernelSide& side, const CountersLayout& layout);

/// Would the programs of this object, with these options, take over every one of these maps?
bool map_sizes_match(const ProbeOptions& options, const Maps& maps);

/// Warns of probes that are not attached. Throws StartupError when nothing is observed, or with `strict`.
void report_missing(const std::vector<ProbeStatus>& probes, bool strict);

}  // namespace sockward
