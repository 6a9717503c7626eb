#include "probe/loader.hpp"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sockward/settings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

#include <sockward.skel.h>

#include "base/log.hpp"
#include "base/startup_error.hpp"
#include "probe/active_generation.hpp"
#include "probe/attach.hpp"
#include "probe/embedded_object.hpp"
#include "probe/libbpf_log.hpp"
#include "probe/verifier_costs.hpp"

namespace sockward {
namespace {

constexpr int kRounds = 3;
constexpr std::uint32_t kMostDescendants = 1 << 16;  ///< at a time; more are counted

/// Inode of the pid namespace that numbers this process.
std::uint32_t own_pid_namespace() {
  struct stat own {};
  if (stat("/proc/self/ns/pid", &own) != 0)
    throw failure(last_error("look at /proc/self/ns/pid").text(), "check that /proc is mounted");
  return static_cast<std::uint32_t>(own.st_ino);
}

void size_maps(sockward_bpf& skeleton, const ProbeOptions& options, std::uint32_t blocks) {
  bpf_map__set_max_entries(skeleton.maps.counters, blocks);
  bpf_map__set_max_entries(skeleton.maps.settled, blocks);
  bpf_map__set_max_entries(skeleton.maps.events, options.ring_bytes);
  bpf_map__set_max_entries(skeleton.maps.failures_by_source, options.source_entries);
  bpf_map__set_max_entries(skeleton.maps.bound_names, options.bound_names);
  bpf_map__set_max_entries(skeleton.maps.bound_entries, options.bound_names);
  // Nodes of such a map lie about on each CPU: one that still counts would be given away before it is full.
  bpf_map__set_max_entries(skeleton.maps.entered, std::max(1024U, 256 * (blocks - 1)));
  if (options.filter.only_descendants) bpf_map__set_max_entries(skeleton.maps.descendants, kMostDescendants);
  if (options.messages) bpf_map__set_max_entries(skeleton.maps.messages, 256);
}

void choose_programs(const sockward_bpf& skeleton, const std::vector<OperationPlan>& plan) {
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(skeleton.obj, program)) != nullptr) {
    const std::string name = bpf_program__name(program);
    const bool wanted = std::any_of(plan.begin(), plan.end(), [&](const OperationPlan& operation) {
      return std::find(operation.programs.begin(), operation.programs.end(), name) !=
             operation.programs.end();
    });
    bpf_program__set_autoload(program, wanted);
  }
}

/// The program that libbpf complains about ("prog 'bind_fexit': BPF program load failed: …"); empty: none.
std::string offender_in(const std::string& warnings) {
  static constexpr std::string_view kBefore = "prog '";
  const auto begin = warnings.find(kBefore);
  if (begin == std::string::npos) return {};
  const auto name = begin + kBefore.size();
  return warnings.substr(name, warnings.find('\'', name) - name);
}

/// Is the map of the same kind and size as what the programs declare?
bool same_layout(const bpf_map* declared, int fd) {
  bpf_map_info info{};
  __u32 size = sizeof(info);
  return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(declared) &&
         info.key_size == bpf_map__key_size(declared) && info.value_size == bpf_map__value_size(declared) &&
         info.max_entries == bpf_map__max_entries(declared) && info.map_flags == bpf_map__map_flags(declared);
}

void reuse_maps(const sockward_bpf& skeleton, const Inheritance& inherited) {
  bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(skeleton.obj, map)) != nullptr) {
    const auto found = inherited.maps.find(bpf_map__name(map));
    if (found == inherited.maps.end()) continue;
    // Counters of any layout, where the previous programs look for the active generation.
    const bool any_size = map == skeleton.maps.active && inherited.active_offset != 0;
    if (!any_size && !same_layout(map, found->second)) {
      // Those of each CPU are scratch areas: nothing in them outlives a call.
      if (bpf_map__type(map) != BPF_MAP_TYPE_PERCPU_ARRAY)
        log_warn("the map {} of the previous agent has another size: made a new one", bpf_map__name(map));
    } else if (bpf_map__reuse_fd(map, found->second) != 0) {
      throw failure(last_error(std::string("take over map ") + bpf_map__name(map)).text(),
                    "run `sockward detach` to start over");
    }
  }
}

/// Descriptors of our own: the object, with all that libbpf remembers of it, can go.
void keep_descriptors(const sockward_bpf& skeleton, KernelSide& side) {
  bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(skeleton.obj, map)) != nullptr) {
    if (bpf_map__is_internal(map)) continue;
    // A map that is taken over has the name that it was made with.
    const char* const name = map == skeleton.maps.active ? "active" : bpf_map__name(map);
    side.maps[name] = FileDescriptor(fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 3));
  }
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(skeleton.obj, program)) != nullptr)
    if (const int fd = bpf_program__fd(program); fd >= 0)
      side.programs.push_back({bpf_program__name(program), FileDescriptor(fcntl(fd, F_DUPFD_CLOEXEC, 3))});
}

/// Has the operation of this program another way in this plan's successor?
bool has_fall_back(const bpf_object* object, const KernelFeatures& features, const ProbeOptions& options,
                   const RefusedPrograms& refused, const std::string& program) {
  const std::string operation = parse_program_name(program).operation;
  const auto plan = make_plan(object, features, options, refused);
  return std::any_of(plan.begin(), plan.end(), [&](const OperationPlan& candidate) {
    return candidate.operation == operation && candidate.backend != Backend::none;
  });
}

/// A loaded object, and what it was loaded by. The object writes into the logs while it lives.
struct LoadedObject {
  std::vector<OperationPlan> plan;
  VerifierLogs logs;
  Skeleton skeleton;  ///< null: the kernel refused a program
};

/// Opens and loads the object, and leaves out what was refused before. A new refusal is added to `refused`,
/// and no skeleton is returned; what cannot be laid to one program is thrown.
LoadedObject load_round(const ProbeOptions& options, const KernelFeatures& features,
                        const Inheritance& inherited, std::uint32_t cast_function, RefusedPrograms& refused) {
  LoadedObject loaded;
  loaded.skeleton = open_skeleton(options, cast_function);
  sockward_bpf* const skeleton = loaded.skeleton.get();
  loaded.plan = make_plan(skeleton->obj, features, options, refused);
  // The skeleton declares const what is constant only for the programs.
  auto& settings = const_cast<sockward_settings&>(skeleton->rodata->settings);
  settings = make_settings(options, features, inherited.generation + 1);
  settings.active_offset = inherited.active_offset;
  size_maps(*skeleton, options, static_cast<std::uint32_t>(libbpf_num_possible_cpus()) + 1);
  reuse_maps(*skeleton, inherited);
  choose_programs(*skeleton, loaded.plan);
  if (options.verifier_statistics) loaded.logs.attach(skeleton->obj);
  if (options.before_load) options.before_load(skeleton->obj);
  if (sockward_bpf::load(skeleton) == 0) return loaded;
  const Error error = last_error("load the BPF programs");
  const std::string warnings = take_libbpf_warnings(), offender = offender_in(warnings);
  if (offender.empty() || refused.contains(offender))
    throw failure(error.text() + " (" + warnings + ")",
                  "run `sockward check`; a verifier message here is a defect worth reporting with the kernel "
                  "version");
  log_warn("the kernel refused program {}: {} ({})", offender, error.text(), warnings);
  refused[offender] = "refused at load: " + error.code.message();
  return {};
}

}  // namespace

KernelSide::~KernelSide() {
  std::vector<std::jthread> detachers;
  for (auto& attachment : attachments) detachers.emplace_back([&attachment] { attachment.link.reset(); });
}

sockward_settings make_settings(const ProbeOptions& options, const KernelFeatures& features,
                                std::uint32_t generation) {
  sockward_settings settings{};
  const ReportFilter& filter = options.filter;
  std::copy(filter.errno_bits.begin(), filter.errno_bits.end(), settings.report_errno);
  settings.report_syscalls = filter.syscalls;
  settings.only_tgid = filter.only_tgid;
  settings.host_utsns = options.host_utsns;
  settings.near_limit_bytes = filter.too_long ? options.near_limit_bytes : 0;
  settings.report_too_long = filter.too_long;
  settings.report_unix_refused = filter.unix_refused;
  settings.report_all_errors = filter.all_errors;
  static_assert(static_cast<int>(CgroupHierarchy::v2) == SOCKWARD_CGROUP_V2);
  static_assert(static_cast<int>(CgroupHierarchy::v1_pids) == SOCKWARD_CGROUP_V1_PIDS);
  static_assert(static_cast<int>(CgroupHierarchy::v1_memory) == SOCKWARD_CGROUP_V1_MEMORY);
  settings.hierarchy = static_cast<__u8>(options.hierarchy);
  settings.writes_strict = options.writes_strict;
  settings.report_replaced = filter.too_long;
  settings.watch_processes = true;
  settings.seccomp_denied = options.seccomp_denied;
  settings.kernel_types = features.own_types;
  settings.given_up_ms = static_cast<__u32>(options.given_up_after.count());
  settings.compat_connects = !features.no_trampolines && options.backend != BackendChoice::tracepoint;
  settings.report_unix_missing = filter.unix_missing;
  settings.generation = generation;
  settings.source_rate = options.source_rate;
  settings.address_rate = options.address_rate;
  if (filter.only_descendants) {
    settings.tracer_pid = static_cast<__u32>(getpid());
    settings.tracer_pidns = own_pid_namespace();
  }
  return settings;
}

void report_missing(const std::vector<ProbeStatus>& probes, bool strict) {
  bool any_call = false;
  for (const auto& probe : probes) {
    any_call |= probe.attached && syscall_from(probe.operation).has_value();
    if (probe.attached || probe.optional) continue;
    if (strict)
      throw failure("probe " + probe.operation + " cannot be attached: " + probe.reason,
                    "fix that, or run without --config.strict");
    log_warn("probe {} is not attached: {}", probe.operation, probe.reason);
  }
  if (!any_call)
    throw failure("no system call can be observed: " + (probes.empty() ? "no probes" : probes.front().reason),
                  "run `sockward check` to see what each probe needs");
}

std::vector<OperationPlan> plan_of(const ProbeOptions& options, const KernelFeatures& features) {
  return make_plan(open_skeleton(options, 0)->obj, features, options, {});
}

bool map_sizes_match(const ProbeOptions& options, const Maps& maps) {
  const Skeleton skeleton = open_skeleton(options, 0);
  size_maps(*skeleton, options, static_cast<std::uint32_t>(libbpf_num_possible_cpus()) + 1);
  bpf_map* map = nullptr;
  while ((map = bpf_object__next_map(skeleton->obj, map)) != nullptr) {
    if (bpf_map__is_internal(map)) continue;
    const auto found = maps.find(bpf_map__name(map));
    const bool any_size = map == skeleton->maps.active;
    if (found == maps.end() || (!any_size && !same_layout(map, found->second.get()))) return false;
  }
  return true;
}

void activate(const KernelSide& side, const CountersLayout& layout) {
  const ActiveWords words =
      side.active_offset != 0 ? ActiveWords{side.map("active"), side.active_offset}
                              : ActiveWords{side.map("counters"), layout.find("counters.generation")->offset};
  if (const auto active = activate_generation(words, side.generation); !active)
    throw failure(active.error().text(), "raise the memory limit of this process");
}

KernelSide load_programs(const ProbeOptions& options, const KernelFeatures& features,
                         const Inheritance& inherited,
                         const std::function<void(KernelSide&)>& before_active) {
  RefusedPrograms refused;
  std::uint32_t cast_function = features.cast_function;
  for (int round = 1; round <= kRounds; ++round) {
    LoadedObject loaded = load_round(options, features, inherited, cast_function, refused);
    if (!loaded.skeleton && std::exchange(cast_function, 0) != 0) {
      refused.clear();  // what is refused in this form may pass in the other, which has all its rounds
      loaded = load_round(options, features, inherited, 0, refused);
    }
    if (!loaded.skeleton) continue;
    const sockward_bpf& skeleton = *loaded.skeleton;
    KernelSide side;
    side.verifier = loaded.logs.costs();
    side.casts = cast_function != 0;
    side.generation = inherited.generation + 1;
    side.active_offset = inherited.active_offset;
    keep_descriptors(skeleton, side);
    std::vector<AttachFailure> failures;
    for (const auto& operation : loaded.plan) {
      AttachedOperation attached = attach_operation(skeleton.obj, operation, features, options);
      side.probes.push_back(std::move(attached.status));
      for (auto& attachment : attached.attachments) side.attachments.push_back(std::move(attachment));
      if (attached.failure) failures.push_back(std::move(*attached.failure));
    }
    const std::size_t known = refused.size();
    for (const auto& [program, reason] : failures) {
      auto without = refused;
      without[program] = "refused at attach: " + reason;
      if (has_fall_back(skeleton.obj, features, options, without, program)) refused = std::move(without);
    }
    if (refused.size() > known && round < kRounds) continue;
    report_missing(side.probes, options.strict);
    if (before_active) before_active(side);
    activate(side, own_layout());
    return side;
  }
  std::string reasons;
  for (const auto& [program, reason] : refused) reasons += fmt::format("; {}: {}", program, reason);
  throw failure(fmt::format("the kernel refused the BPF programs {} times{}", kRounds, reasons),
                "run `sockward check`, and report it with the kernel version");
}

}  // namespace sockward
