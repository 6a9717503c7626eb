#include "probe/kernel_features.hpp"

#include <bpf/libbpf.h>
#include <unistd.h>

#include "probe/coverage.hpp"
#include "probe/libbpf_log.hpp"
#include "probe/trampoline_probe.hpp"

namespace sockward {
namespace {

constexpr const char* kOwnTypes = "/sys/kernel/btf/vmlinux";

std::string after_slash(std::string_view section) {
  return std::string(section.substr(section.find('/') + 1));
}

/// Why this program could not be attached here; nullopt: nothing speaks against it.
std::optional<std::string> obstacle_of(const bpf_program* program, const KernelFeatures& features,
                                       const ProbeOptions& options) {
  const std::string backend = parse_program_name(bpf_program__name(program)).backend;
  const std::string target = after_slash(bpf_program__section_name(program));
  if (!features.own_types && backend != "tracepoint" && backend != "cgroup")
    return "needs the kernel's own BTF (CONFIG_DEBUG_INFO_BTF=y), which --btf.path does not replace";
  if (backend == "fexit" && btf__find_by_name_kind(features.types.get(), target.c_str(), BTF_KIND_FUNC) < 0)
    return "the kernel has no function " + target;
  if (backend == "tracepoint") {
    if (!features.tracepoints) return features.no_tracepoints;
    if (const auto id = features.tracepoints->id_of(target); !id)
      return "the kernel has no tracepoint " + target;
  }
  if (backend == "tp_btf" &&
      btf__find_by_name_kind(features.types.get(), ("btf_trace_" + target).c_str(), BTF_KIND_TYPEDEF) < 0)
    return "the kernel has no tracepoint " + target;
  if (backend == "cgroup" && options.cgroup2_root.empty()) return "no cgroup2 file system is mounted";
  return std::nullopt;
}

/// probes/message.bpf.c is there for those who ask for it.
bool is_of_messages(std::string_view program) {
  return program.starts_with("message_");
}

}  // namespace

KernelFeatures find_kernel_features(const ProbeOptions& options) {
  capture_libbpf_log();
  require_capabilities();
  KernelFeatures features{.types = load_kernel_types(options.btf_path),
                          .own_types = access(kOwnTypes, R_OK) == 0,
                          .tracepoints = {},
                          .no_tracepoints = {},
                          .no_trampolines = {}};
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
    if (!options.messages && is_of_messages(name)) continue;
    if (!denied && parse_program_name(name).operation.ends_with("_denied")) continue;
    auto obstacle = obstacle_of(program, features, options);
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
