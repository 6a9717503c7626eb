#include "probe/survey.hpp"

#include <bpf/libbpf.h>
#include <unistd.h>

#include "probe/ability.hpp"
#include "probe/coverage.hpp"
#include "probe/libbpf_log.hpp"

namespace sockward {
namespace {

constexpr const char* kOwnTypes = "/sys/kernel/btf/vmlinux";

std::string after_slash(std::string_view section) {
  return std::string(section.substr(section.find('/') + 1));
}

/// Why this program could not be attached here; nullopt: nothing speaks against it.
std::optional<std::string> obstacle_of(const bpf_program* program, const Survey& survey,
                                       const ProbeOptions& options) {
  const std::string backend = parse_program_name(bpf_program__name(program)).backend;
  const std::string target = after_slash(bpf_program__section_name(program));
  if (!survey.own_types && backend != "tracepoint" && backend != "cgroup")
    return "needs the kernel's own BTF (CONFIG_DEBUG_INFO_BTF=y), which --btf.path does not replace";
  if (backend == "fexit" && btf__find_by_name_kind(survey.types.get(), target.c_str(), BTF_KIND_FUNC) < 0)
    return "the kernel has no function " + target;
  if (backend == "tracepoint") {
    if (!survey.tracepoints) return survey.no_tracepoints;
    if (const auto id = survey.tracepoints->id_of(target); !id)
      return "the kernel has no tracepoint " + target;
  }
  if (backend == "tp_btf" &&
      btf__find_by_name_kind(survey.types.get(), ("btf_trace_" + target).c_str(), BTF_KIND_TYPEDEF) < 0)
    return "the kernel has no tracepoint " + target;
  if (backend == "cgroup" && options.cgroup2_root.empty()) return "no cgroup2 file system is mounted";
  return std::nullopt;
}

/// probes/message.bpf.c is there for those who ask for it.
bool is_of_messages(std::string_view program) {
  return program.starts_with("message_");
}

}  // namespace

Survey survey_kernel(const ProbeOptions& options) {
  capture_libbpf_log();
  require_capabilities();
  Survey survey{.types = load_kernel_types(options.btf_path),
                .own_types = access(kOwnTypes, R_OK) == 0,
                .tracepoints = {},
                .no_tracepoints = {},
                .no_trampolines = {}};
  survey.no_trampolines =
      survey.own_types ? trampoline_obstacle(survey.types.get()) : "the kernel has no BTF of its own";
  auto tracepoints = Tracepoints::open();
  if (tracepoints)
    survey.tracepoints = std::move(*tracepoints);
  else
    survey.no_tracepoints = tracepoints.error().text();
  take_libbpf_warnings();
  return survey;
}

std::vector<OperationPlan> make_plan(const bpf_object* object, const Survey& survey,
                                     const ProbeOptions& options, const RefusedPrograms& refused) {
  std::vector<ProgramAbility> abilities;
  // The tracepoint backend sees refused calls anyway.
  const bool denied =
      options.seccomp_denied && !survey.no_trampolines && options.backend != BackendChoice::tracepoint;
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(object, program)) != nullptr) {
    const std::string name = bpf_program__name(program);
    if (!options.messages && is_of_messages(name)) continue;
    if (!denied && parse_program_name(name).operation.ends_with("_denied")) continue;
    auto obstacle = obstacle_of(program, survey, options);
    if (const auto found = refused.find(name); found != refused.end()) obstacle = found->second;
    abilities.push_back({name, !obstacle, obstacle.value_or("")});
  }
  auto plan =
      plan_probes(abilities, !survey.no_trampolines, survey.no_trampolines.value_or(""), options.backend);
  for (OperationPlan& operation : plan)
    if (const auto syscall = syscall_from(operation.operation); syscall && !has_system_call(*syscall))
      operation.optional = true;
  return plan;
}

}  // namespace sockward
