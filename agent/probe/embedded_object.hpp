#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "probe/probe_options.hpp"

struct sockward_bpf;

namespace sockward {

struct DestroySkeleton {
  void operator()(sockward_bpf* skeleton) const noexcept;
};
using Skeleton = std::unique_ptr<sockward_bpf, DestroySkeleton>;

/// Opens the embedded object without loading it. It is there in two forms (bpf/core/read.bpf.h), with the
/// same programs and maps. `cast_function`: number of bpf_rdonly_cast in the kernel's BTF, for the form that
/// reads the kernel's memory by plain loads (6.2); 0: the form for every kernel, with a helper call for each
/// field. Throws StartupError: a defect of the build.
Skeleton open_skeleton(const ProbeOptions& options, std::uint32_t cast_function);

/// Gives the memory of the embedded objects back: it is read again from the program's file when needed.
void release_objects();

/// Tells one build or setting from another. It need not withstand an attacker, who could write the pins as
/// well.
std::uint64_t hash_of(const void* bytes, std::size_t size);
/// Of the embedded objects.
std::uint64_t objects_hash();

}  // namespace sockward
