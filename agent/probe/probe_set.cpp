#include "probe/probe_set.hpp"

#include <bpf/bpf.h>
#include <sockward/counters.h>
#include <sockward/settings.h>

#include <algorithm>
#include <mutex>

#include <sockward.skel.h>

#include "base/errno_name.hpp"
#include "probe/counter_maps.hpp"
#include "probe/coverage.hpp"
#include "probe/loader.hpp"
#include "probe/socket_walk.hpp"
#include "probe/uts_walk.hpp"

namespace sockward {

struct ProbeSet::State {
  LoadedPrograms loaded;  // declared first: mapped memory goes before it
  bpf_link* uts_iterator = nullptr;
  bpf_link* socket_iterator = nullptr;
  std::mutex evicted_mutex;
  std::uint64_t names_evicted = 0;  // never falls
  std::unique_ptr<CounterBlocks> counters;
  std::unique_ptr<SourceTable> sources;

  bpf_link* link_of(std::string_view program) const {
    const auto& all = loaded.attachments;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Attachment& one) { return one.program == program; });
    return found == all.end() ? nullptr : found->link.get();
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
  return make_plan(open_skeleton(options)->obj, survey, options, {});
}

std::unique_ptr<ProbeSet> ProbeSet::load(const ProbeOptions& options) {
  const Survey survey = survey_kernel(options);
  auto state = std::make_unique<State>();
  state->loaded = load_programs(options, survey);
  const sockward_bpf& skeleton = *state->loaded.skeleton;
  const auto blocks = bpf_map__max_entries(skeleton.maps.counters);
  state->counters = std::make_unique<CounterBlocks>(bpf_map__fd(skeleton.maps.counters), blocks);
  state->sources = std::make_unique<SourceTable>(bpf_map__fd(skeleton.maps.failures_by_source),
                                                 options.source_entries, *state->counters);
  state->uts_iterator = state->link_of("uts_iter");
  state->socket_iterator = state->link_of("sockets_iter");
  if (state->socket_iterator != nullptr)
    seed_entries(state->socket_iterator, bpf_map__fd(skeleton.maps.bound_entries));
  return std::unique_ptr<ProbeSet>(new ProbeSet(std::move(state)));
}

int ProbeSet::ring_fd() const {
  return bpf_map__fd(state_->loaded.skeleton->maps.events);
}

KernelSnapshot ProbeSet::snapshot() const {
  KernelSnapshot snapshot = state_->counters->snapshot();
  // No name is ever deleted: what came and is not there was forgotten. A name that came meanwhile may hide
  // one.
  const auto held = count_binders(bpf_map__fd(state_->loaded.skeleton->maps.bound_names));
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
  while ((program = bpf_object__next_program(state_->loaded.skeleton->obj, program)) != nullptr) {
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
  return state_->loaded.probes;
}

std::vector<Coverage> ProbeSet::coverage() const {
  return coverage_of(state_->loaded.probes);
}

std::vector<VerifierCost> ProbeSet::verifier_costs() const {
  return state_->loaded.verifier;
}

Result<std::vector<UtsNamespace>> ProbeSet::read() const {
  return walk_uts_namespaces(state_->uts_iterator);
}

std::optional<SocketOwner> ProbeSet::binder(const BoundName& name) const {
  return look_up_binder(bpf_map__fd(state_->loaded.skeleton->maps.bound_names), name);
}

Result<std::vector<OpenSocket>> ProbeSet::walk() const {
  return walk_sockets(state_->socket_iterator);
}

}  // namespace sockward
