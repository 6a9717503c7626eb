#pragma once
#include <bpf/btf.h>

#include <map>
#include <optional>
#include <string>

#include "probe/plan.hpp"
#include "probe/preconditions.hpp"
#include "probe/probe_options.hpp"
#include "probe/tracepoints.hpp"

struct bpf_object;
struct bpf_program;

namespace sockward {

/// Everything the loader asks the kernel before it decides. Nothing is asked for by version.
struct KernelFeatures {
  KernelTypes types;                ///< of the kernel, or the file of --btf.path
  bool own_types = true;            ///< the kernel has them itself: fexit, tp_btf and iterators need that
  std::uint32_t cast_function = 0;  ///< number of bpf_rdonly_cast (6.2) in the kernel's own BTF; 0: none
  std::optional<Tracepoints> tracepoints;
  std::string no_tracepoints;  ///< why not
  std::optional<std::string> no_trampolines;
};

/// Programs that the kernel refused in an earlier round, with the reason.
using RefusedPrograms = std::map<std::string, std::string>;

/// What the program is attached to, from its section's name: "__sys_bind", "syscalls/sys_exit_bind".
std::string target_of(const bpf_program* program);

/// Throws StartupError: no privilege, no BTF.
KernelFeatures find_kernel_features(const ProbeOptions& options);

/// What is to be loaded of this object, from what the kernel has and what it refused so far.
std::vector<OperationPlan> make_plan(const bpf_object* object, const KernelFeatures& features,
                                     const ProbeOptions& options, const RefusedPrograms& refused);

}  // namespace sockward
