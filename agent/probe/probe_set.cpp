#include "probe/probe_set.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sockward/counters.h>
#include <sockward/settings.h>
#include <sys/syscall.h>

#include <sockward.skel.h>

#include "base/errno_name.hpp"
#include "base/log.hpp"
#include "base/startup_error.hpp"
#include "probe/ability.hpp"
#include "probe/counter_maps.hpp"
#include "probe/libbpf_log.hpp"
#include "probe/preconditions.hpp"
#include "probe/socket_walk.hpp"
#include "probe/tracepoints.hpp"
#include "probe/uts_walk.hpp"

namespace sockward {
namespace {

struct DestroySkeleton {
  void operator()(sockward_bpf* skeleton) const noexcept { sockward_bpf::destroy(skeleton); }
};
struct DestroyLink {
  void operator()(bpf_link* link) const noexcept { bpf_link__destroy(link); }
};
using Skeleton = std::unique_ptr<sockward_bpf, DestroySkeleton>;
using Link = std::unique_ptr<bpf_link, DestroyLink>;

/// Everything the loader asks the kernel before it decides.
struct Survey {
  KernelTypes types;
  std::optional<Tracepoints> tracepoints;
  std::string no_tracepoints;  // why not
  std::optional<std::string> no_trampolines;
};

Survey survey_kernel(const ProbeOptions& options) {
  capture_libbpf_log();
  require_capabilities();
  Survey survey{.types = load_kernel_types(options.btf_path),
                .tracepoints = {},
                .no_tracepoints = {},
                .no_trampolines = {}};
  survey.no_trampolines = trampoline_obstacle(survey.types.get());
  auto tracepoints = Tracepoints::open();
  if (tracepoints)
    survey.tracepoints = std::move(*tracepoints);
  else
    survey.no_tracepoints = tracepoints.error().text();
  take_libbpf_warnings();
  return survey;
}

std::string after_slash(std::string_view section) {
  return std::string(section.substr(section.find('/') + 1));
}

/// Why this program could not be attached here; nullopt: nothing speaks against it.
std::optional<std::string> obstacle_of(const bpf_program* program, const Survey& survey,
                                       const ProbeOptions& options) {
  const std::string backend = parse_program_name(bpf_program__name(program)).backend;
  const std::string target = after_slash(bpf_program__section_name(program));
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

std::vector<OperationPlan> make_plan(const sockward_bpf& skeleton, const Survey& survey,
                                     const ProbeOptions& options) {
  std::vector<ProgramAbility> abilities;
  const bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(skeleton.obj, const_cast<bpf_program*>(program))) != nullptr) {
    const std::string name = bpf_program__name(program);
    if (!options.messages && is_of_messages(name)) continue;
    // The tracepoint backend sees refused calls anyway.
    const bool denied =
        options.seccomp_denied && !survey.no_trampolines && options.backend != BackendChoice::tracepoint;
    if (!denied && parse_program_name(name).operation.ends_with("_denied")) continue;
    const auto obstacle = obstacle_of(program, survey, options);
    abilities.push_back({bpf_program__name(program), !obstacle, obstacle.value_or("")});
  }
  return plan_probes(abilities, !survey.no_trampolines, survey.no_trampolines.value_or(""), options.backend);
}

Skeleton open_skeleton(const ProbeOptions& options) {
  LIBBPF_OPTS(bpf_object_open_opts, open_options,
              .btf_custom_path = options.btf_path.empty() ? nullptr : options.btf_path.c_str());
  Skeleton skeleton(sockward_bpf::open(&open_options));
  if (!skeleton)
    throw failure("cannot open the embedded BPF object: " + take_libbpf_warnings(),
                  "this is a defect of the build");
  return skeleton;
}

void write_settings(sockward_settings& settings, const ProbeOptions& options) {
  const ReportFilter& filter = options.filter;
  std::copy(filter.errno_bits.begin(), filter.errno_bits.end(), settings.report_errno);
  settings.report_syscalls = filter.syscalls;
  settings.only_tgid = filter.only_tgid;
  settings.host_utsns = options.host_utsns;
  settings.near_limit_bytes = filter.too_long ? options.near_limit_bytes : 0;
  settings.report_too_long = filter.too_long;
  settings.report_unix_refused = filter.unix_refused;
  settings.report_all_errors = filter.all_errors;
  settings.hierarchy = static_cast<__u8>(options.hierarchy);
  settings.writes_strict = options.writes_strict;
  settings.report_replaced = filter.too_long;
  settings.watch_processes = true;
  settings.seccomp_denied = options.seccomp_denied;
}

int perf_event_of_tracepoint(int id) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof(attributes);
  attributes.config = static_cast<__u64>(id);
  // One event on one CPU is enough: the program is attached to the tracepoint itself.
  return static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC));
}

Result<Link> attach_tracepoint(const bpf_program* program, const Tracepoints& tracepoints) {
  const std::string target = after_slash(bpf_program__section_name(program));
  const auto id = tracepoints.id_of(target);
  if (!id) return id.error();
  FileDescriptor event(perf_event_of_tracepoint(*id));
  if (!event.valid()) return last_error("perf_event_open of " + target + " (see kernel.perf_event_paranoid)");
  Link link(bpf_program__attach_perf_event(program, event.get()));
  if (!link) return last_error("attach to tracepoint " + target);
  event.release();  // the link closes it
  return link;
}

Result<Link> attach_program(const bpf_program* program, const Survey& survey, const ProbeOptions& options) {
  const std::string backend = parse_program_name(bpf_program__name(program)).backend;
  if (backend == "tracepoint") return attach_tracepoint(program, *survey.tracepoints);
  if (backend == "cgroup") {
    const FileDescriptor root(open(options.cgroup2_root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.valid()) return last_error("open " + options.cgroup2_root);
    Link link(bpf_program__attach_cgroup(program, root.get()));
    if (!link) return last_error("attach to cgroup " + options.cgroup2_root);
    return link;
  }
  Link link(backend == "iterator" ? bpf_program__attach_iter(program, nullptr)
                                  : bpf_program__attach(program));
  if (!link) return last_error(std::string("attach ") + bpf_program__section_name(program));
  return link;
}

bool is_attached(const std::vector<ProbeStatus>& probes, std::string_view operation) {
  const auto found =
      std::find_if(probes.begin(), probes.end(), [&](const auto& p) { return p.operation == operation; });
  return found != probes.end() && found->attached;
}

std::string backend_of(const std::vector<ProbeStatus>& probes, std::string_view operation) {
  const auto found =
      std::find_if(probes.begin(), probes.end(), [&](const auto& p) { return p.operation == operation; });
  return found == probes.end() ? "none" : found->backend;
}

}  // namespace

struct ProbeSet::State {
  Skeleton skeleton;  // declared first: links and mapped memory go before it
  std::vector<Link> links;
  bpf_link* uts_iterator = nullptr;
  bpf_link* socket_iterator = nullptr;
  std::vector<ProbeStatus> probes;
  std::mutex evicted_mutex;
  std::uint64_t names_evicted = 0;  // never falls
  std::unique_ptr<CounterBlocks> counters;
  std::unique_ptr<SourceTable> sources;

  /// Each tracepoint takes the kernel a grace period to detach: all of them at once take one.
  ~State() {
    std::vector<std::jthread> detachers;
    for (auto& link : links) detachers.emplace_back([&link] { link.reset(); });
  }
};

ReportFilter ReportFilter::standard() {
  ReportFilter filter;
  for (const char* name : {"EADDRINUSE", "EACCES", "EPERM", "ELOOP", "EROFS", "EADDRNOTAVAIL"})
    filter.add_errno(*errno_number(name));
  return filter;
}

ProbeSet::ProbeSet(std::unique_ptr<State> state) : state_(std::move(state)) {}
ProbeSet::~ProbeSet() = default;

std::vector<OperationPlan> ProbeSet::preflight(const ProbeOptions& options) {
  const Survey survey = survey_kernel(options);
  return make_plan(*open_skeleton(options), survey, options);
}

namespace {

void size_maps(sockward_bpf& skeleton, const ProbeOptions& options, std::uint32_t blocks) {
  bpf_map__set_max_entries(skeleton.maps.counters, blocks);
  bpf_map__set_max_entries(skeleton.maps.events, options.ring_bytes);
  bpf_map__set_max_entries(skeleton.maps.failures_by_source, options.source_entries);
  bpf_map__set_max_entries(skeleton.maps.bound_names, options.bound_names);
  bpf_map__set_max_entries(skeleton.maps.bound_entries, options.bound_names);
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

void load_skeleton(sockward_bpf& skeleton) {
  if (sockward_bpf::load(&skeleton) == 0) return;
  const Error error = last_error("load the BPF programs");
  throw failure(
      error.text() + " (" + take_libbpf_warnings() + ")",
      "run `sockward check`; a verifier message here is a defect worth reporting with the kernel version");
}

/// Attaches the programs of one operation; all of them or none.
ProbeStatus attach_operation(const sockward_bpf& skeleton, const OperationPlan& operation,
                             const Survey& survey, const ProbeOptions& options, std::vector<Link>& links) {
  ProbeStatus status{.operation = operation.operation,
                     .backend = operation.backend,
                     .attached = false,
                     .reason = operation.reason,
                     .optional = operation.optional};
  std::vector<Link> attached;
  for (const std::string& name : operation.programs) {
    auto link = attach_program(bpf_object__find_program_by_name(skeleton.obj, name.c_str()), survey, options);
    if (!link) {
      status.backend = "none";
      status.reason = link.error().text();
      return status;
    }
    attached.push_back(std::move(*link));
  }
  status.attached = !attached.empty();
  for (auto& link : attached) links.push_back(std::move(link));
  return status;
}

void report_missing(const std::vector<ProbeStatus>& probes, bool strict) {
  bool any_call = false;
  for (const auto& probe : probes) {
    any_call |= probe.attached && syscall_from(probe.operation).has_value();
    if (probe.attached || probe.optional) continue;
    if (strict)
      throw failure("probe " + probe.operation + " cannot be attached: " + probe.reason,
                    "mend that, or run without --config.strict");
    log_warn("probe {} is not attached: {}", probe.operation, probe.reason);
  }
  if (!any_call)
    throw failure("no system call can be observed: " + (probes.empty() ? "no probes" : probes.front().reason),
                  "run `sockward check` to see what each probe needs");
}

}  // namespace

std::unique_ptr<ProbeSet> ProbeSet::load(const ProbeOptions& options) {
  const Survey survey = survey_kernel(options);
  auto state = std::make_unique<State>();
  state->skeleton = open_skeleton(options);
  sockward_bpf& skeleton = *state->skeleton;
  const auto plan = make_plan(skeleton, survey, options);
  const auto blocks = static_cast<std::uint32_t>(libbpf_num_possible_cpus()) + 1;
  write_settings(const_cast<sockward_settings&>(
                     reinterpret_cast<const volatile sockward_settings&>(skeleton.rodata->settings)),
                 options);
  size_maps(skeleton, options, blocks);
  choose_programs(skeleton, plan);
  load_skeleton(skeleton);
  state->counters = std::make_unique<CounterBlocks>(bpf_map__fd(skeleton.maps.counters), blocks);
  state->sources = std::make_unique<SourceTable>(bpf_map__fd(skeleton.maps.failures_by_source),
                                                 options.source_entries, *state->counters);
  for (const auto& operation : plan) {
    state->probes.push_back(attach_operation(skeleton, operation, survey, options, state->links));
    if (!state->probes.back().attached) continue;
    if (operation.operation == "uts") state->uts_iterator = state->links.back().get();
    if (operation.operation == "sockets") state->socket_iterator = state->links.back().get();
  }
  report_missing(state->probes, options.strict);
  if (state->socket_iterator != nullptr)
    seed_entries(state->socket_iterator, bpf_map__fd(skeleton.maps.bound_entries));
  return std::unique_ptr<ProbeSet>(new ProbeSet(std::move(state)));
}

int ProbeSet::ring_fd() const {
  return bpf_map__fd(state_->skeleton->maps.events);
}

KernelSnapshot ProbeSet::snapshot() const {
  KernelSnapshot snapshot = state_->counters->snapshot();
  // No name is ever deleted: what came and is not there was forgotten. A name that came meanwhile may hide
  // one.
  const auto held = count_binders(bpf_map__fd(state_->skeleton->maps.bound_names));
  const std::lock_guard lock(state_->evicted_mutex);
  if (held && snapshot.names_new > *held)
    state_->names_evicted = std::max(state_->names_evicted, snapshot.names_new - *held);
  snapshot.names_evicted = state_->names_evicted;
  return snapshot;
}

Result<std::vector<SourceCount>> ProbeSet::failures_by_source() const {
  return state_->sources->read();
}

std::vector<SourceCount> ProbeSet::retired() const {
  return state_->sources->retired();
}

void ProbeSet::retire(std::uint64_t container_key, bool remember) {
  state_->sources->retire(container_key, remember);
}

namespace {

/// Is it a program that counts a watched call: native, of a 32-bit caller, or refused by a filter?
bool counts_calls(const std::string& program) {
  std::string operation = parse_program_name(program).operation;
  for (const std::string_view suffix : {"_compat", "_denied", "_uring"})
    if (operation.ends_with(suffix)) operation.resize(operation.size() - suffix.size());
  return syscall_from(operation).has_value() && program.find("_entry_") == std::string::npos;
}

}  // namespace

std::vector<ProgramStats> ProbeSet::programs() const {
  std::vector<ProgramStats> result;
  bpf_program* program = nullptr;
  while ((program = bpf_object__next_program(state_->skeleton->obj, program)) != nullptr) {
    const int fd = bpf_program__fd(program);
    if (fd < 0) continue;
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) continue;
    const std::string name = bpf_program__name(program);
    result.push_back({.name = name,
                      .counts_calls = counts_calls(name),
                      .missed = info.recursion_misses,
                      .run_time_ns = info.run_time_ns,
                      .run_count = info.run_cnt});
  }
  return result;
}

std::vector<ProbeStatus> ProbeSet::probes() const {
  return state_->probes;
}

std::vector<Coverage> ProbeSet::coverage() const {
  const auto& probes = state_->probes;
  std::vector<Coverage> result;
  bool any_fexit = false;
  for (std::size_t i = 0; i < kSyscalls; ++i) {
    const auto syscall = static_cast<Syscall>(i);
    const std::string name(to_string(syscall));
    const bool attached = is_attached(probes, name), fexit = backend_of(probes, name) == "fexit";
    any_fexit |= fexit;
    result.push_back({name, "syscall", attached});
    // __sys_bind and its like serve native and 32-bit callers alike; others have an entry function for each.
    const bool compat = takes_socket(syscall) ? attached && fexit : is_attached(probes, name + "_compat");
    result.push_back({name, "compat", compat});
    if (syscall == Syscall::bind || syscall == Syscall::connect || syscall == Syscall::unlinkat)
      result.push_back({name, "io_uring", is_attached(probes, name + "_uring")});
  }
  for (const char* name : {"sethostname", "setdomainname"})
    result.push_back({name, "sysctl", is_attached(probes, "sysctl")});
  result.push_back({"*", "seccomp_denied", !any_fexit || is_attached(probes, "bind_denied")});
  result.push_back({"*", "restart", false});
  return result;
}

Result<std::vector<UtsNamespace>> ProbeSet::read() const {
  return walk_uts_namespaces(state_->uts_iterator);
}

std::optional<SocketOwner> ProbeSet::binder(const BoundName& name) const {
  return look_up_binder(bpf_map__fd(state_->skeleton->maps.bound_names), name);
}

Result<std::vector<OpenSocket>> ProbeSet::walk() const {
  return walk_sockets(state_->socket_iterator);
}

}  // namespace sockward
