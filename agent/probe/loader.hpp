#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "probe/kernel_features.hpp"
#include "probe/kernel_side.hpp"
#include "probe/probe_options.hpp"

struct sockward_bpf;
struct sockward_settings;

namespace sockward {

struct DestroySkeleton {
  void operator()(sockward_bpf* skeleton) const noexcept;
};
using Skeleton = std::unique_ptr<sockward_bpf, DestroySkeleton>;

/// What a previous agent has left, for the new programs to go on with.
struct Inheritance {
  Maps maps;                     ///< used where they are of the same kind and size
  std::uint32_t generation = 0;  ///< of the previous programs; they count until the new ones are attached
};

/// What would be loaded, without loading it.
std::vector<OperationPlan> plan_of(const ProbeOptions& options, const KernelFeatures& features);

/// Opens the embedded object without loading it. Throws StartupError: a defect of the build.
Skeleton open_skeleton(const ProbeOptions& options);

/// What the programs are told (read-only data), from the options. `own_types`: KernelFeatures::own_types.
sockward_settings make_settings(const ProbeOptions& options, bool own_types, std::uint32_t generation);

/// Loads and attaches what the kernel takes. A program that the verifier or the attachment refuses sends its
/// operation to its fall-back: the object is opened and loaded anew, three times at most. Then it is the new
/// programs' turn to count. `before_turn` is called in between, with everything attached.
/// Throws StartupError: refused three times, or (with options.strict) a probe that is missing.
KernelSide load_programs(const ProbeOptions& options, const KernelFeatures& features,
                         const Inheritance& inherited,
                         const std::function<void(const KernelSide&)>& before_turn = {});

/// Would the programs of this object, with these options, take over every one of these maps?
bool map_sizes_match(const ProbeOptions& options, const Maps& maps);

/// Gives the memory of the embedded object back: it is read anew from the program's file when it is needed.
void release_object();

/// Tells one build or setting from another. It need not withstand an attacker, who could write the pins as
/// well.
std::uint64_t hash_of(const void* bytes, std::size_t size);
/// Of the embedded object.
std::uint64_t object_hash();

/// Warns of probes that are not attached. Throws StartupError when nothing is observed, or with `strict`.
void report_missing(const std::vector<ProbeStatus>& probes, bool strict);

}  // namespace sockward
