#include "pipeline/pipeline.hpp"

#include "base/log.hpp"
#include "event/decode.hpp"

namespace sockward {

Pipeline::Pipeline(Rings rings, PipelineParts parts, PipelineOptions options,
                   std::vector<std::unique_ptr<Sink>> sinks)
    : parts_(parts),
      options_(std::move(options)),
      sinks_(std::move(sinks)),
      engine_(parts_.host, options_.host_utsns, options_.history_entries),
      repeats_(options_.fold),
      queue_(options_.queue_records),
      ring_(std::move(rings), *this),
      drainer_([this](const std::stop_token& stop) { drain(stop); }),
      worker_([this] { work(); }) {}

Pipeline::~Pipeline() {
  drainer_.request_stop();
  ring_.wake();
  drainer_.join();
  queue_.close();
  worker_.join();
}

void Pipeline::on_record(std::span<const std::byte> record) noexcept {
  ++parts_.stats.events_received;
  drained_at_ = parts_.clock.monotonic().ns;  // in a storm poll() may not return for long
  try {
    auto event = decode(record);
    if (!event)
      ++parts_.stats.lost_decode;
    else if (parts_.ledger != nullptr && !parts_.ledger->admit(event->number()))
      ++parts_.stats.duplicates;
    else
      enqueue(std::move(*event));
  } catch (const std::bad_alloc&) {
    ++parts_.stats.lost_queue_full;
  }
}

void Pipeline::enqueue(Event event) {
  parts_.containers.note(event.actor.container_key);
  if (!queue_.try_push(std::move(event))) ++parts_.stats.lost_queue_full;
}

bool Pipeline::alive() const {
  constexpr std::uint64_t kDrain = 5'000'000'000, kWork = 30'000'000'000;
  const std::uint64_t now = parts_.clock.monotonic().ns;
  const std::uint64_t drained = drained_at_, worked = worked_at_;
  if (drained != 0 && now > drained + kDrain) return false;
  return queue_.size() == 0 || worked == 0 || now <= worked + kWork;
}

void Pipeline::drain(const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kLongestWait{1000}, kShort{10};
  // Twice: once may be a record that is being written and hides those behind it.
  constexpr int kEmptyEnough = 2;
  int empty = 0;
  while (!stop.stop_requested()) {
    const auto records = ring_.poll(empty < kEmptyEnough ? kShort : kLongestWait);
    drained_at_ = parts_.clock.monotonic().ns;
    if (!records) {
      log_error("{}", records.error().text());
      return;
    }
    if (parts_.ledger == nullptr) {
      empty = kEmptyEnough;
      continue;
    }
    if (*records == 0 && empty < kEmptyEnough && ++empty == kEmptyEnough) parts_.ledger->drained();
    parts_.stats.lost_restart = parts_.ledger->lost();
  }
  if (const auto rest = ring_.poll(std::chrono::milliseconds(0)); !rest) log_error("{}", rest.error().text());
}

void Pipeline::work() {
  constexpr std::chrono::milliseconds kTick{20};
  // In a storm, or while look-ups take long, the queue is never empty: sinks are flushed all the same.
  constexpr std::size_t kBatch = 512;
  constexpr std::uint64_t kLongest = 100'000'000;  // ns
  while (!queue_.finished()) {
    take_new_sinks();
    const bool timed = scan_due_ || !repeats_.empty();
    auto event = timed ? queue_.pop_within(kTick) : queue_.pop();
    worked_at_ = parts_.clock.monotonic().ns;
    if (event) {
      const RecordNumber number = event->number();
      handle(std::move(*event));
      if (parts_.ledger != nullptr) parts_.ledger->handled(number);
      ++unflushed_;
    }
    if (queue_.size() != 0 && unflushed_ < kBatch && worked_at_ < flushed_at_ + kLongest) continue;
    refresh_socket_scan_when_due();
    write_repeats(false);
    flush_sinks();
  }
  write_repeats(true);
  flush_sinks();
}

void Pipeline::write_repeats(bool all) {
  const std::uint64_t reported = repeats_.reported();
  for (const Record& record : repeats_.due(parts_.clock.monotonic(), all)) write(record);
  if (parts_.ledger != nullptr)
    parts_.ledger->folded(-static_cast<std::int64_t>(repeats_.reported() - reported));
}

void Pipeline::flush_sinks() {
  for (const auto& sink : sinks_) parts_.stats.lost_output += sink->flush();
  if (parts_.ledger != nullptr)
    parts_.ledger->publish({.queue_full = parts_.stats.lost_queue_full,
                            .decode = parts_.stats.lost_decode,
                            .output = parts_.stats.lost_output});
  unflushed_ = 0;
  flushed_at_ = parts_.clock.monotonic().ns;
}

void Pipeline::replace_sinks(Replacement replacement) {
  {
    const std::lock_guard lock(replacement_mutex_);
    replacement_ = std::move(replacement);
  }
  queue_.interrupt();
}

void Pipeline::take_new_sinks() {
  std::optional<Replacement> fresh;
  {
    const std::lock_guard lock(replacement_mutex_);
    fresh.swap(replacement_);
  }
  if (!fresh) return;
  for (const auto& sink : sinks_) parts_.stats.lost_output += sink->flush();
  sinks_ = std::move(fresh->sinks);
  options_.want_arguments = fresh->want_arguments;
  repeats_.set_window(fresh->fold);
  options_.ignored = std::move(fresh->ignored);
}

/// After a process that bound a socket file has ended, one scan shows whether its sockets are dead: a later
/// call that meets the file then finds that proven. Its files are closed a moment after the end; and a storm
/// of ends must not become a storm of scans.
void Pipeline::refresh_socket_scan_when_due() {
  constexpr std::uint64_t kBetween = 200'000'000;  // ns
  if (!scan_due_) return;
  const MonotonicTime now = parts_.clock.monotonic();
  if (now < *scan_due_ || now.ns < scanned_.ns + kBetween) return;
  scan_due_.reset();
  scanned_ = now;
  parts_.upkeep.refresh_socket_scan();
  note_omissions();
}

void Pipeline::note_omissions() {
  const HostUpkeep::Omissions omissions = parts_.upkeep.omissions();
  parts_.stats.sockets_left_out = omissions.sockets;
  const TimeLimitedWorker::GivenUp names = parts_.containers.given_up();
  parts_.stats.look_ups_timed_out = omissions.files_timed_out + names.timed_out;
  parts_.stats.look_ups_not_begun = omissions.files_not_begun + names.not_begun;
  for (std::size_t loss = 0; loss < kAuditLosses; ++loss)
    parts_.stats.audit_lost[loss] = omissions.audit[loss];
  parts_.stats.look_ups_skipped = engine_.events_with_skipped_lookups() + omissions.requests;
}

void Pipeline::handle(Event event) {
  if (options_.ignored.cover(event)) {  // before anything is looked up
    ++parts_.stats.suppressed;
    return;
  }
  schedule_scan(event);
  // Diagnosis first: what a rule asks of the host ages faster than the process's name.
  Record record = diagnose(std::move(event));
  if (!is_reportable(record)) return;
  add_context(record);
  count(record);
  deliver(record);
}

void Pipeline::schedule_scan(const Event& event) {
  constexpr std::uint64_t kUntilClosed = 20'000'000;  // ns
  const auto* end = std::get_if<ProcessExit>(&event.call);
  if (end != nullptr && end->binder && !scan_due_) scan_due_ = MonotonicTime{event.time.ns + kUntilClosed};
}

Record Pipeline::diagnose(Event event) {
  Record record{.event = std::move(event)};
  record.time = parts_.clock.wall(record.event.time);
  record.host_scope = record.event.actor.utsns == options_.host_utsns;
  record.resource = options_.resource;
  follow_host_name(record);
  record.diagnosis = engine_.diagnose(record.event);
  record.repeats = record.event.suppressed + (record.diagnosis.flap ? 1 : 0);
  for (std::size_t kind = 0; kind < kHistoryKinds; ++kind)
    parts_.stats.history_forgotten[kind] = engine_.forgotten()[kind];
  note_omissions();
  return record;
}

/// Records that come after a change of the host's name carry the new one.
void Pipeline::follow_host_name(const Record& record) {
  const auto* name = std::get_if<NameCall>(&record.event.call);
  if (name != nullptr && record.host_scope && !record.event.failed() && !name->domain)
    options_.resource.host_name = name->new_name;
}

void Pipeline::add_context(Record& record) {
  Context& context = record.context;
  const ProcessId process = process_of(record.event);
  if (auto known = parts_.containers.find(record.event.actor.container_key, process)) {
    context.container = std::move(known->identity);
    context.unit = std::move(known->unit);
    context.cgroup_path = std::move(known->cgroup_path);
  }
  if (auto executable = parts_.host.processes.executable(process))
    context.executable = std::move(*executable);
  if (options_.want_arguments)
    if (auto arguments = parts_.host.processes.arguments(process)) context.arguments = std::move(*arguments);
  if (auto& holder = record.diagnosis.holder; holder && holder->container_key != 0)
    if (const auto known = parts_.containers.find(holder->container_key)) {
      holder->container = known->identity.label();
      if (holder->unit.empty() && known->unit) holder->unit = known->unit->name;
    }
}

void Pipeline::count(const Record& record) {
  const DiagnosisCounts::Key key{.cause = std::string(to_string(record.diagnosis.cause)),
                                 .syscall = record.event.syscall,
                                 .container = record.container_label()};
  if (!parts_.diagnoses.add(key)) ++parts_.stats.series_overflow;
  if (parts_.host_renames != nullptr && record.diagnosis.cause == Cause::hostname_changed &&
      record.host_scope)
    parts_.host_renames->add(key);
  const auto* call = std::get_if<SocketCall>(&record.event.call);
  if (call != nullptr && record.event.failed() && record.event.syscall == Syscall::connect &&
      call->address.is_inet())
    ++parts_.stats.unreached.at(static_cast<std::size_t>(record.diagnosis.cause))
          .at(static_cast<std::size_t>(port_class(call->address.port)));
  parts_.stats.diagnosis_latency.observe(
      std::chrono::nanoseconds(parts_.clock.monotonic().ns - record.event.time.ns));
}

void Pipeline::deliver(const Record& record) {
  if (options_.filter && !options_.filter(record)) return;
  if (!repeats_.fold(record)) return write(record);
  ++parts_.stats.suppressed;
  if (parts_.ledger != nullptr) parts_.ledger->folded(1);
}

void Pipeline::write(const Record& record) {
  for (const auto& sink : sinks_)
    if (!sink->write(record)) ++parts_.stats.lost_output;
}

}  // namespace sockward
