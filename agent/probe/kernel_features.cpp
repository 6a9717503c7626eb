#include "probe/kernel_features.hpp"

#include <bpf/libbpf.h>
#include <unistd.h>

#include "probe/coverage.hpp"
#include "probe/libbpf_log.hpp"
#include "probe/trampoline_probe.hpp"

namespace sockward {
namespace {

constexpr const char* kOwnTypes = "/sys/kernel/btf/vmlinux";

bool has_type(const KernelFeatures& features, const std::string& name, std::uint32_t kind) {
  return btf__find_by_name_kind(features.types.get(), name.c_str(), kind) >= 0;
}

/// Why this program could not be attached here; nullopt: nothing speaks against it.
std::optional<std::string> obstacle_of(const bpf_program* program, Backend backend,
                                       const KernelFeatures& features, const ProbeOptions& options) {
  const std::string target = target_of(program);
  if (!features.own_types && backend != Backend::tracepoint && backend != Backend::cgroup)
    return "needs the kernel's own BTF (CONFIG_DEBUG_INFO_BTF=y), which --btf.path does not replace";
  switch (backend) {
    case Backend::fexit:
      if (!has_type(features, target, BTF_KIND_FUNC)) return "the kernel has no function " + target;
      break;
    case Backend::tracepoint:
      if (!features.tracepoints) return features.no_tracepoints;
      if (!features.tracepoints->id_of(target)) return "the kernel has no tracepoint " + target;
      break;
    case Backend::tp_btf:
      if (!has_type(features, "btf_trace_" + target, BTF_KIND_TYPEDEF))
        return "the kernel has no tracepoint " + target;
      break;
    case Backend::cgroup:
      if (options.cgroup2_root.empty()) return "no cgroup2 file system is mounted";
      break;
    case Backend::iterator:
    case Backend::none:
      break;
  }
  return std::nullopt;
}

}  // namespace

std::string target_of(const bpf_program* program) {
  const std::string_view section = bpf_program__section_name(program);
  return std::string(section.substr(section.find('/') + 1));
}

KernelFeatures find_kernel_features(const ProbeOptions& options) {
  capture_libbpf_log();
  require_capabilities();
  KernelFeatures features{.types = load_kernel_types(options.btf_path),
                          .own_types = access(kOwnTypes, R_OK) == 0,
                          .cast_function = 0,
                          .tracepoints = {},
                          .no_tracepoints = {},
                          .no_trampolines = {}};
  // Another file's numbers would be those of other functions and types.
  if (features.own_types && options.btf_path.empty())
    features.cast_function = static_cast<std::uint32_t>(
        std::max(0, btf__find_by_name_kind(features.types.get(), "bpf_rdonly_cast", BTF_KIND_FUNC)));
  features.no_trampolines =
      features.own_types ? trampoline_obstacle(features.types.get()) : "the kernel has no BTF of its own";
  auto tracepoints = Tracepoints::open();
  if (tracepoints)
    features.tracepoints = std::move(*tracepoints);
  else
    features.no_tracepoints = tracepoints.error().text();
  take_libbpf_warnings();
  return features;
}

std::vector<OperationPlan> make_plan(const bpf_object* object, const KernelFeatures& features,
                                     const ProbeOptions& options, const RefusedPrograms& refused) {
  std::vector<ProgramAbility> abilities;
  // The tracepoint backend sees refused calls anyway.
  const bool denied =
      options.seccomp_denied && !features.no_trampolines && options.backend != BackendChoice::tracepoint;
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object, program)) != nullptr) {
    const std::string name = bpf_program__name(program);
    const ProgramName parsed = parse_program_name(name);
    if (!options.messages && parsed.keeps_messages) continue;
    if (!options.sends && parsed.sees_sends) continue;
    if (!options.filter.only_descendants && parsed.follows_descendants) continue;
    if (!denied && parsed.variant == Variant::denied) continue;
    auto obstacle = obstacle_of(program, parsed.backend, features, options);
    if (const auto found = refused.find(name); found != refused.end()) obstacle = found->second;
    abilities.push_back({name, !obstacle, obstacle.value_or("")});
  }
  auto plan =
      plan_probes(abilities, !features.no_trampolines, features.no_trampolines.value_or(""), options.backend);
  for (OperationPlan& operation : plan)
    if (const auto syscall = syscall_from(operation.operation); syscall && !has_system_call(*syscall))
      operation.optional = true;
  return plan;
}

}  // namespace sockward
