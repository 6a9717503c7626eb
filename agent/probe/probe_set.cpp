#include "probe/probe_set.hpp"

#include <bpf/bpf.h>
#include <sockward/counters.h>

#include <algorithm>
#include <mutex>

#include "base/errno_name.hpp"
#include "base/log.hpp"
#include "base/startup_error.hpp"
#include "probe/acquire.hpp"
#include "probe/carry_over.hpp"
#include "probe/counter_maps.hpp"
#include "probe/coverage.hpp"
#include "probe/descendants.hpp"
#include "probe/embedded_object.hpp"
#include "probe/loader.hpp"
#include "probe/socket_iterator.hpp"
#include "probe/trampoline_probe.hpp"
#include "probe/uts_iterator.hpp"

namespace sockward {

struct ProbeSet::State {
  Acquired kernel;  // declared first: mapped memory goes before it
  bool keep_on_stop = false;
  bpf_link* uts_iterator = nullptr;
  bpf_link* socket_iterator = nullptr;
  bpf_link* name_iterator = nullptr;
  std::mutex look_mutex;  // the names to look at are of one thread at a time
  std::mutex scan_mutex;  // as is what to scan for
  std::mutex evicted_mutex;
  std::uint64_t names_evicted = 0;  // never falls
  std::unique_ptr<CounterBlocks> counters;
  std::unique_ptr<SourceTable> sources;
  std::unique_ptr<RecordLedger> ledger;

  ~State() {
    if (!kernel.pins) return;
    if (keep_on_stop)  // libbpf would disable what it attached: the pins keep it.
      for (const auto& attachment : kernel.side.attachments) bpf_link__disconnect(attachment.link.get());
    else if (const auto removed = kernel.pins->remove_all_but(0); !removed)
      log_warn("{}", removed.error().text());
  }

  /// What is in the ring buffer of a previous agent cannot be read.
  void lose_previous_records() {
    const FileDescriptor ring = std::move(kernel.previous_ring);
    if (!ring.valid()) return;
    const auto records = discard_records(ring.get());
    if (records)
      ledger->lose(*records);
    else
      log_warn("cannot count the records lost with the previous agent: {}", records.error().text());
  }

  int map(const char* name) const { return kernel.side.map(name); }
  SocketIterator socket_scanner() const {
    return {.link = socket_iterator, .filter_fd = map("socket_filter"), .names_fd = map("filter_names")};
  }
  bpf_link* link_of(std::string_view program) const {
    const auto& all = kernel.side.attachments;
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
  const KernelFeatures features = find_kernel_features(options);
  return plan_of(options, features);
}

std::unique_ptr<ProbeSet> ProbeSet::load(const ProbeOptions& options) {
  const KernelFeatures features = find_kernel_features(options);
  auto state = std::make_unique<State>();
  state->kernel = acquire_kernel_side(options, features);
  release_objects();
  state->keep_on_stop = options.keep_on_stop;
  if (options.filter.only_descendants)
    begin_descendants(state->kernel.side.probes, state->map("descendants"));
  const auto blocks = static_cast<std::uint32_t>(libbpf_num_possible_cpus()) + 1;
  state->counters = std::make_unique<CounterBlocks>(state->map("counters"), blocks, state->map(kCarried));
  state->sources = std::make_unique<SourceTable>(
      std::vector{state->map("failures_by_source"), state->map(kCarriedSources)}, *state->counters);
  state->ledger = std::make_unique<RecordLedger>(state->map("settled"), blocks,
                                                 numbers_given(state->map("counters"), blocks));
  if (state->kernel.begun_anew) state->lose_previous_records();
  state->uts_iterator = state->link_of("uts_iter");
  state->socket_iterator = state->link_of("sockets_iter");
  state->name_iterator = state->link_of("names_iter");
  if (state->socket_iterator != nullptr && !state->kernel.adopted) {
    const SeededNames seeded = seed_tables(state->socket_scanner(), state->map("bound_entries"),
                                           state->map("bound_names"), options.bound_names / 2);
    // What found no place counts as evicted, and once: a table that goes on has counted it.
    state->counters->own().names_new += seeded.stored + (state->kernel.names_kept ? 0 : seeded.left_out);
  }
  return std::unique_ptr<ProbeSet>(new ProbeSet(std::move(state)));
}

std::optional<std::string> ProbeSet::restart_obstacle(const std::vector<OperationPlan>& plan,
                                                      const std::string& pin_path) {
  const bool tracepoints = std::any_of(
      plan.begin(), plan.end(), [](const OperationPlan& one) { return one.backend == Backend::tracepoint; });
  if (tracepoints && !tracepoint_links_work())
    return "this kernel cannot pin what is attached to a tracepoint (5.15 can)";
  return PinFolder::obstacle(pin_path);
}

std::size_t ProbeSet::detach(const std::string& pin_path) {
  if (access(pin_path.c_str(), F_OK) != 0) return 0;
  const auto folder = PinFolder::open(pin_path);
  if (!folder) throw failure(folder.error().text(), "see --restart.pin-path");
  const std::size_t programs = folder->count_links();
  if (const auto removed = folder->remove_all_but(0); !removed)
    throw failure(removed.error().text(), "remove " + pin_path + " by hand");
  return programs;
}

Rings ProbeSet::take_rings() {
  return {.current = state_->map("events"), .previous = std::move(state_->kernel.previous_ring)};
}

RecordLedger& ProbeSet::ledger() {
  return *state_->ledger;
}

bool ProbeSet::adopted() const {
  return state_->kernel.adopted;
}

void ProbeSet::keep_on_stop() {
  state_->keep_on_stop = true;
}

const std::string& ProbeSet::not_pinned() const {
  return state_->kernel.not_pinned;
}

KernelSnapshot ProbeSet::snapshot() const {
  KernelSnapshot snapshot = state_->counters->snapshot();
  // No name is ever deleted: what came and is not there was evicted. A name that came meanwhile may hide
  // one.
  const auto held = count_binders(state_->map("bound_names"));
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

KernelSource::Fate ProbeSet::retire(std::uint64_t container_key, Fate fate) {
  return state_->sources->retire(container_key, fate);
}

std::vector<ProgramStats> ProbeSet::programs() const {
  std::vector<ProgramStats> result;
  for (const auto& [name, fd] : state_->kernel.side.programs) {
    bpf_prog_info info{};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0) continue;
    result.push_back({.name = name,
                      .counts_calls = parse_program_name(name).counts_calls(),
                      .missed = info.recursion_misses,
                      .run_time_ns = info.run_time_ns,
                      .run_count = info.run_cnt});
  }
  return result;
}

std::vector<ProbeStatus> ProbeSet::probes() const {
  return state_->kernel.side.probes;
}

std::vector<Coverage> ProbeSet::coverage() const {
  return coverage_of(state_->kernel.side.probes, state_->kernel.pins.has_value());
}

bool ProbeSet::casts() const {
  return state_->kernel.side.casts;
}

std::vector<VerifierCost> ProbeSet::verifier_costs() const {
  return state_->kernel.side.verifier;
}

Result<Descendants> ProbeSet::descendants() const {
  return read_descendants(state_->map("descendants"));
}

Result<std::vector<UtsNamespace>> ProbeSet::read() const {
  return iterate_uts_namespaces(state_->uts_iterator);
}

std::optional<SocketOwner> ProbeSet::binder(const BoundName& name) const {
  return look_up_binder(state_->map("bound_names"), name);
}

Result<bool> ProbeSet::note_released() const {
  const std::lock_guard lock(state_->look_mutex);
  return note_released_names(state_->name_iterator, state_->map("bound_names"), state_->map("looked_names"));
}

Result<std::optional<std::uint64_t>> ProbeSet::mount_event(NamespaceInode mntns) const {
  return iterate_mount_events(state_->uts_iterator, mntns);
}

Result<bool> ProbeSet::scan(SocketList& into) const {
  return scan_for({}, into);
}

Result<bool> ProbeSet::scan_for(const SocketFilter& filter, SocketList& into) const {
  const std::lock_guard lock(state_->scan_mutex);
  return iterate_sockets(state_->socket_scanner(), filter, into);
}

std::optional<OpenSocket> ProbeSet::still_held(const OpenSocket& known) const {
  const std::lock_guard lock(state_->look_mutex);
  return look_at_socket(state_->name_iterator, state_->map("asked_socket"), known);
}

}  // namespace sockward
