#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/bounded_queue.hpp"
#include "base/clock.hpp"
#include "diagnose/engine.hpp"
#include "host/containers/cgroups.hpp"
#include "host/host_view.hpp"
#include "host/upkeep.hpp"
#include "pipeline/ignored_paths.hpp"
#include "pipeline/repeats.hpp"
#include "probe/record_ledger.hpp"
#include "probe/record_ring.hpp"
#include "record/sink.hpp"
#include "telemetry/agent_stats.hpp"
#include "telemetry/diagnosis_counts.hpp"

namespace sockward {

struct PipelineOptions {
  std::size_t queue_records = 8192;
  std::size_t history_entries = History::kEntries;
  NamespaceInode host_utsns = 0;
  Resource resource;            ///< as it is at the start; the pipeline follows changes of the host's name
  bool want_arguments = false;  ///< a sink shows command lines
  /// A failure that repeats in the same process is reported once in this time; 0: always.
  std::chrono::seconds fold{0};
  IgnoredPaths ignored;  ///< what it covers is counted and neither diagnosed nor reported
  /// Records for which this is false do not reach the sinks (trace's filters). Empty: all do.
  std::function<bool(const Record&)> filter;
};

/// What the pipeline uses; all must outlive it.
struct PipelineParts {
  HostView host;
  const HostUpkeep& upkeep;
  ContainerDirectory& containers;
  const Clock& clock;
  AgentStats& stats;
  DiagnosisCounts& diagnoses;
  DiagnosisCounts* host_renames =
      nullptr;                     ///< changes of the host's own names, by who made them; may be null
  RecordLedger* ledger = nullptr;  ///< which records are done with, across restarts; may be null
};

/// decode -> diagnose -> context -> sinks, on two threads: one drains the ring buffer and decodes, and never
/// waits for anything else, one does the rest. Between them a bounded queue; what does not fit is counted and
/// dropped.
class Pipeline final : private RecordHandler {
 public:
  /// What a reload of the configuration changes.
  struct Replacement {
    std::vector<std::unique_ptr<Sink>> sinks;
    bool want_arguments;  ///< as in PipelineOptions, and so the others
    std::chrono::seconds fold;
    IgnoredPaths ignored;
  };

  /// Starts both threads. Throws StartupError.
  Pipeline(Rings rings, PipelineParts parts, PipelineOptions options,
           std::vector<std::unique_ptr<Sink>> sinks);
  /// Takes what is left in the ring buffer, diagnoses it, flushes the sinks.
  ~Pipeline() override;

  /// Do both threads get on with their work? False when the ring was not looked at for some seconds, or
  /// records wait and none is handled for half a minute (a sink or a look-up that hangs). From any thread.
  bool alive() const;

  /// From now on records go to these sinks; the previous ones are flushed and ended by the worker. From any
  /// thread.
  void replace_sinks(Replacement replacement);

 private:
  void on_record(std::span<const std::byte> record) noexcept override;
  void enqueue(Event event);
  void drain(const std::stop_token& stop);
  void work();
  void handle(Event event);
  void schedule_scan(const Event& event);
  Record diagnose(Event event);
  void follow_host_name(const Record& record);
  void add_context(Record& record);
  void count(const Record& record);
  void deliver(const Record& record);
  void write(const Record& record);
  void write_repeats(bool all);
  void flush_sinks();
  void refresh_socket_scan_when_due();
  void note_omissions();
  void take_new_sinks();

  PipelineParts parts_;
  PipelineOptions options_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::mutex replacement_mutex_;
  std::optional<Replacement> replacement_;
  Engine engine_;
  Repeats repeats_;
  std::atomic<std::uint64_t> drained_at_{0}, worked_at_{0};  // monotonic ns
  std::uint64_t flushed_at_ = 0;                             // monotonic ns
  std::size_t unflushed_ = 0;                                // events handled since the sinks were flushed
  std::optional<MonotonicTime> scan_due_;
  MonotonicTime scanned_;
  BoundedQueue<Event> queue_;
  RecordRing ring_;
  std::jthread drainer_;
  std::jthread worker_;
};

}  // namespace sockward
